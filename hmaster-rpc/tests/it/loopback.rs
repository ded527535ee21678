//! Client against server over loopback sockets.

use std::collections::BTreeMap;
use std::sync::Arc;

use hmaster_protocol::services::{client_service, master_service};
use hmaster_protocol::{CallUser, pb};
use hmaster_rpc::client::{CallOptions, ClientOptions, ConnectFailure, Failure, NotSent, RpcClient};
use hmaster_rpc::server::{BindError, RpcServer};
use hmaster_rpc::wire::cell_block::CellCodec;
use hmaster_rpc::{BoxStream, Connector};
use hmaster_types::{Address, Cell, JavaException, class};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::support::{event, exec, fixture, run};

fn client(change: impl FnOnce(&mut ClientOptions)) -> RpcClient {
    let mut options = ClientOptions::new(CallUser::proxied("joe", "oozie"));
    change(&mut options);
    RpcClient::new(options)
}

fn cells() -> Vec<Cell> {
    (0..100).map(|i| Cell::put(b"row", b"f", &[i], 7, &[i; 100]).unwrap()).collect()
}

#[tokio::test]
async fn calls_carry_what_the_client_says_of_itself() {
    let (running, _service, _events) = fixture().listen();
    let version = pb::VersionInfo { version: "2.6.4".into(), ..Default::default() };
    let client = client(|options| {
        options.version = Some(Arc::new(version));
        options.attributes = Arc::new(BTreeMap::from([("conn".to_owned(), "1".into())]));
    });
    let options = CallOptions {
        priority: Some(200),
        attributes: BTreeMap::from([("call".to_owned(), "2".into())]),
        ..CallOptions::default()
    };
    let (answer, _) = run(&client, &running.address(), exec("who", "", ""), options).await.unwrap();
    let expected = r#"joe via oozie 2.6.4 ClientService.ExecService 200 [("conn", b"1"), ("call", b"2")]"#;
    assert_eq!(String::from_utf8_lossy(&answer), expected);

    let other = client.by(CallUser::new("ann"));
    let (answer, _) =
        run(&other, &running.address(), exec("who", "", ""), CallOptions::default()).await.unwrap();
    assert!(answer.starts_with(b"ann 2.6.4"));
    assert_eq!((client.connections(), running.metrics.connections_open.get()), (2, 2));
}

#[tokio::test]
async fn cells_go_beside_messages_with_a_codec_only() {
    let (running, _service, _events) = fixture().listen();
    let address = running.address();
    let with_cells = || CallOptions { cells: cells(), ..CallOptions::default() };
    for codec in [CellCodec::KeyValue, CellCodec::KeyValueWithTags] {
        let client = client(|options| options.codec = Some(codec));
        let (_, answer) = run(&client, &address, exec("echo", "", ""), with_cells()).await.unwrap();
        assert_eq!(answer, cells());
        let (_, answer) = run(&client, &address, exec("echo", "", ""), CallOptions::default()).await.unwrap();
        assert_eq!(answer, []);
    }
    let client = client(|options| options.codec = None);
    let error = run(&client, &address, exec("echo", "", ""), with_cells()).await.unwrap_err();
    assert!(matches!(error.failure, Failure::NotSent(NotSent::Unsendable(_))), "{error}");
    let error = run(&client, &address, exec("cells", "", ""), CallOptions::default()).await.unwrap_err();
    assert_eq!(error.exception().unwrap().simple_class(), "CellScannerButNoCodecException");
}

#[tokio::test]
async fn exceptions_of_every_class_come_back() {
    let (running, _service, _events) = fixture().listen();
    let client = client(|_| {});
    for class in class::ALL {
        let request = exec("throw", class.name, "what\nis wrong");
        let error = run(&client, &running.address(), request, CallOptions::default()).await.unwrap_err();
        let Failure::Remote(remote) = &error.failure else { panic!("{error}") };
        let elsewhere = [class::REPLICATION, class::PROCEDURE_ABORTED, class::REMOTE_PROCEDURE];
        if class.name.starts_with("java.lang.") || elsewhere.contains(class) {
            let message = format!("what\nis wrong\nCaused by: {}: what\nis wrong", class.name);
            assert_eq!(remote.exception, JavaException::new(class::IO, message));
        } else {
            assert_eq!(remote.exception, JavaException::new(*class, "what\nis wrong"));
        }
    }
    let by_class = running.metrics.exceptions_by_class();
    assert_eq!((by_class.len(), by_class["TableExistsException"]), (class::ALL.len(), 1));
}

#[tokio::test]
async fn a_moved_region_says_where_to() {
    let (running, _service, _events) = fixture().listen();
    let text = "Region moved to: hostname=rs2 port=16020 startCode=17. As of locationSeqNum=5.";
    let request = exec("throw", class::REGION_MOVED.name, text);
    let error = run(&client(|_| {}), &running.address(), request, CallOptions::default()).await.unwrap_err();
    let Failure::Remote(remote) = error.failure else { panic!("{error}") };
    assert_eq!(remote.moved_to, Some(Address { host: "rs2".into(), port: 16020 }));
}

#[tokio::test]
async fn answers_come_in_the_order_in_which_calls_end() {
    let (running, service, mut events) = fixture().listen();
    let client = client(|_| {});
    let address = running.address();
    let (other, other_address) = (client.clone(), address.clone());
    let first = tokio::spawn(async move {
        run(&other, &other_address, exec("wait", "first", "1"), CallOptions::default()).await
    });
    assert_eq!(event(&mut events).await, "first");
    let second = run(&client, &address, exec("echo", "", "2"), CallOptions::default()).await.unwrap();
    assert_eq!((second.0, first.is_finished()), ("2".into(), false));
    service.open(1);
    assert_eq!(first.await.unwrap().unwrap().0, "1");
    assert_eq!(client.connections(), 1, "one connection for both");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_at_the_same_time_and_large_ones() {
    let (running, _service, _events) = fixture().listen();
    let client = client(|options| options.call_timeout = std::time::Duration::from_secs(120));
    let address = running.address();
    let mut calls = tokio::task::JoinSet::new();
    for i in 0..200_usize {
        let (client, address) = (client.clone(), address.clone());
        calls.spawn(async move {
            let bytes = vec![i as u8; (i % 7) * 100_000];
            let (answer, _) = run(&client, &address, exec("echo", "", bytes.clone()), CallOptions::default())
                .await
                .unwrap();
            assert!(answer == bytes, "call {i}");
        });
    }
    calls.join_all().await;
    let (answer, _) =
        run(&client, &address, exec("big", "50000000", ""), CallOptions::default()).await.unwrap();
    assert_eq!(answer.len(), 50_000_000);
    assert_eq!(running.metrics.call_bytes(), 0);
}

#[tokio::test]
async fn what_is_not_there_is_refused() {
    let (running, _service, _events) = fixture().listen();
    let client = client(|_| {});
    let address = running.address();
    // A method that the service doesn't implement.
    let request = pb::GetRequest::default();
    let error =
        client.call(&address, client_service::GET, &request, CallOptions::default()).await.unwrap_err();
    let unsupported = "java.lang.UnsupportedOperationException: Get";
    assert_eq!(error.exception(), Some(&JavaException::new(class::DO_NOT_RETRY_IO, unsupported)));
    // A service that isn't there: nothing was executed.
    let request = pb::IsBalancerEnabledRequest::default();
    let error = client
        .call(&address, master_service::IS_BALANCER_ENABLED, &request, CallOptions::default())
        .await
        .unwrap_err();
    let Failure::NotSent(NotSent::Rejected(exception)) = &error.failure else { panic!("{error}") };
    assert_eq!(*exception, JavaException::new(class::UNKNOWN_SERVICE, "MasterService"));
    assert!(error.is_not_sent());
}

#[tokio::test]
async fn a_panic_is_an_answer() {
    let (running, _service, _events) = fixture().listen();
    let client = client(|_| {});
    let error = run(&client, &running.address(), exec("panic", "oh no", ""), CallOptions::default())
        .await
        .unwrap_err();
    let expected = JavaException::new(class::IO, "ClientService.ExecService panicked: oh no");
    assert_eq!(error.exception(), Some(&expected));
    run(&client, &running.address(), exec("echo", "", ""), CallOptions::default()).await.unwrap();
    assert_eq!(running.metrics.panics.get(), 1);
}

#[tokio::test]
async fn the_registry_preamble_tells_the_cluster_id() {
    let (running, _service, _events) = fixture().listen();
    let client = client(|_| {});
    assert_eq!(client.cluster_id(&running.address()).await.unwrap(), "the-cluster");

    let without = RpcServer::builder().bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = Address { host: "127.0.0.1".into(), port: without.local_addr().unwrap().port() };
    tokio::spawn(without.serve(running.shutdown.clone()));
    let error = client.cluster_id(&address).await.unwrap_err();
    let exception = error.exception().unwrap();
    assert!(
        exception.is(class::FATAL_CONNECTION) && exception.message.starts_with("Expected HEADER="),
        "{error}"
    );
}

#[tokio::test]
async fn where_nothing_listens_nothing_was_sent() {
    let server = RpcServer::builder().bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = Address { host: "127.0.0.1".into(), port: server.local_addr().unwrap().port() };
    drop(server);
    let client = client(|options| options.failed_server_expiry = std::time::Duration::from_secs(100));
    let call = || run(&client, &address, exec("echo", "", ""), CallOptions::default());
    let error = call().await.unwrap_err();
    assert!(matches!(error.failure, Failure::NotSent(NotSent::Connect(ConnectFailure::Refused))), "{error}");
    let error = call().await.unwrap_err();
    assert!(matches!(error.failure, Failure::NotSent(NotSent::FailedServer)), "{error}");
    let unknown = Address { host: "no.such.host.invalid".into(), port: 1 };
    let error = run(&client, &unknown, exec("echo", "", ""), CallOptions::default()).await.unwrap_err();
    assert!(
        matches!(error.failure, Failure::NotSent(NotSent::Connect(ConnectFailure::UnknownHost))),
        "{error}"
    );
}

/// Refuses at once.
#[derive(Debug)]
struct NobodyListens;

#[async_trait::async_trait]
impl Connector for NobodyListens {
    async fn connect(&self, _: &Address) -> std::io::Result<BoxStream> {
        Err(std::io::ErrorKind::ConnectionRefused.into())
    }
}

/// On another thread connecting may have failed before the call that it is for has arrived there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_hears_why_connecting_failed_however_soon_it_did() {
    for attempt in 0..2000 {
        let client =
            RpcClient::with_connector(ClientOptions::new(CallUser::new("joe")), Arc::new(NobodyListens));
        let address = Address { host: "h".into(), port: 1 };
        let error = run(&client, &address, exec("echo", "", ""), CallOptions::default()).await.unwrap_err();
        assert!(
            matches!(error.failure, Failure::NotSent(NotSent::Connect(ConnectFailure::Refused))),
            "attempt {attempt}: {error}"
        );
    }
}

#[tokio::test]
async fn a_fatal_answer_arrives_although_the_client_keeps_sending() {
    let (running, _service, _events) = fixture().listen();
    let mut socket = TcpStream::connect(running.address).await.unwrap();
    socket.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    // Bytes that a server leaves unread make the system tell the client that the connection was reset.
    let more = [b'x'; 1000];
    for _ in 0..1000 {
        socket.write_all(&more).await.unwrap();
    }
    let mut said = Vec::new();
    socket.read_to_end(&mut said).await.unwrap();
    assert!(String::from_utf8_lossy(&said).contains("Expected HEADER=HBas but received HEADER=GET"));
}

#[tokio::test]
async fn a_busy_port_is_told_apart() {
    let first = RpcServer::builder().bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = first.local_addr().unwrap();
    let second = RpcServer::builder().bind(address);
    assert!(matches!(second, Err(BindError::PortInUse { address: busy }) if busy == address));
    let elsewhere = RpcServer::builder().bind(([203, 0, 113, 1], 0).into());
    assert!(matches!(elsewhere, Err(BindError::Listen { .. })), "an address of another host");
}

#[tokio::test]
async fn one_name_is_one_service() {
    let builder = fixture().builder.service(client_service::Server(fixture().service));
    assert!(matches!(builder.in_memory(), Err(BindError::ServiceTwice { service: "ClientService" })));
}

#[tokio::test]
async fn after_a_restart_of_the_server_calls_go_through_again() {
    let (running, _service, _events) = fixture().listen();
    let client = client(|options| options.failed_server_expiry = std::time::Duration::ZERO);
    let address = running.address();
    run(&client, &address, exec("echo", "", ""), CallOptions::default()).await.unwrap();
    running.shutdown.cancel();
    running.serving.await.unwrap();
    let error = run(&client, &address, exec("echo", "", ""), CallOptions::default()).await.unwrap_err();
    assert!(error.is_not_sent(), "{error}");
    let again = fixture();
    let server = again.builder.bind(running.address).unwrap();
    tokio::spawn(server.serve(tokio_util::sync::CancellationToken::new()));
    run(&client, &address, exec("echo", "", ""), CallOptions::default()).await.unwrap();
}

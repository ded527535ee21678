//! Deadlines and time-outs of both sides, in memory with paused time: every wait is over at once, and in order.

use std::time::Duration;

use hmaster_rpc::client::{CallOptions, ConnectFailure, ConnectionLost, Failure, NotSent, OutcomeUnknown};
use hmaster_rpc::server::{QueueBounds, QueueClass, ServerOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;

use super::support::{event, exec, fixture, nowhere, run, within};

fn one_handler() -> ServerOptions {
    let mut options = ServerOptions::default();
    options.queues.set(QueueClass::General, QueueBounds { handlers_max: 1, waiting_max: 10 });
    options
}

#[tokio::test(start_paused = true)]
async fn calls_whose_time_is_over_are_dropped_from_the_queue() {
    let mut fixture = fixture();
    fixture.builder = fixture.builder.options(one_handler());
    let (running, service, mut events) = fixture.in_memory();
    let client = running.client(|_| {});
    let first = tokio::spawn({
        let client = client.clone();
        async move { run(&client, nowhere(), exec("wait", "first", ""), within(100)).await }
    });
    assert_eq!(event(&mut events).await, "first");
    let start = Instant::now();
    let error = run(&client, nowhere(), exec("wait", "second", ""), within(5)).await.unwrap_err();
    assert!(matches!(error.failure, Failure::OutcomeUnknown(OutcomeUnknown::TimedOut)), "{error}");
    assert_eq!(start.elapsed().as_secs(), 5);
    tokio::time::sleep(Duration::from_millis(1)).await; // at its deadline itself it would still be run
    service.open(1);
    first.await.unwrap().unwrap();
    service.open(1);
    run(&client, nowhere(), exec("wait", "third", ""), within(5)).await.unwrap();
    assert_eq!(event(&mut events).await, "third", "the second never ran");
    assert_eq!(running.metrics.calls_timed_out.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_hasty_caller_is_given_the_least_time() {
    let (running, _service, _events) = fixture().in_memory();
    let client = running.client(|_| {});
    let hasty = CallOptions { timeout: Some(Duration::from_millis(1)), ..CallOptions::default() };
    // Paused time stands still as long as anything can run, so even this call is answered.
    let (answer, _) = run(&client, nowhere(), exec("time", "", ""), hasty).await.unwrap();
    assert_eq!(answer, "Some(20ms)");
    let (answer, _) = run(&client, nowhere(), exec("time", "", ""), within(7)).await.unwrap();
    assert_eq!(answer, "Some(7s)");
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_by_the_client_and_else_by_the_server() {
    let (running, _service, _events) = fixture().in_memory();
    let client = running.client(|_| {});
    run(&client, nowhere(), exec("echo", "", ""), CallOptions::default()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(119)).await;
    assert_eq!(client.connections(), 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!((client.connections(), running.metrics.connections_open.get()), (0, 0));

    let patient = running.client(|options| options.idle_timeout = Duration::from_secs(1_000_000));
    run(&patient, nowhere(), exec("echo", "", ""), CallOptions::default()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(599)).await;
    assert_eq!(running.metrics.connections_open.get(), 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!((patient.connections(), running.metrics.connections_open.get()), (0, 0));
    run(&patient, nowhere(), exec("echo", "", ""), CallOptions::default()).await.expect("a new connection");
}

#[tokio::test(start_paused = true)]
async fn a_connection_with_a_call_under_way_is_not_idle() {
    let (running, service, mut events) = fixture().in_memory();
    let client = running.client(|_| {});
    let long = tokio::spawn({
        let client = client.clone();
        async move { run(&client, nowhere(), exec("wait", "long", ""), within(10_000)).await }
    });
    assert_eq!(event(&mut events).await, "long");
    tokio::time::sleep(Duration::from_secs(5000)).await;
    service.open(1);
    long.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_or_stops_halfway_is_closed() {
    let (running, _service, _events) = fixture().in_memory();
    let header = {
        let info = hmaster_rpc::wire::connection_header::ConnectionInfo {
            service: "ClientService".into(),
            user: None,
            codec: None,
            version: None,
            attributes: Default::default(),
        };
        [b"HBas\x00\x50", &info.encode()[..]].concat()
    };
    let half_a_call = [&header[..], b"\x00\x00\x00\x09abc"].concat();
    let table: [(&[u8], u64); 4] =
        [(b"", 60), (b"HBas", 60), (&header[..header.len() - 1], 60), (&half_a_call, 60)];
    for (bytes, seconds) in table {
        let mut stream = running.door.connect().await.unwrap();
        let start = Instant::now();
        stream.write_all(bytes).await.unwrap();
        assert_eq!(stream.read(&mut [0; 10]).await.unwrap(), 0, "closed without a word");
        assert_eq!(start.elapsed().as_secs(), seconds, "{bytes:?}");
    }
    // Who trickles its header gets no more time than who says nothing.
    let mut stream = running.door.connect().await.unwrap();
    let start = Instant::now();
    for byte in &header {
        tokio::time::sleep(Duration::from_secs(5)).await;
        if stream.write_all(&[*byte]).await.is_err() {
            break;
        }
    }
    assert!(start.elapsed().as_secs() <= 66, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_no_answers_is_cut_off() {
    let (running, _service, _events) = fixture().in_memory();
    let mut stream = running.door.connect().await.unwrap();
    let info = hmaster_rpc::wire::connection_header::ConnectionInfo {
        service: "ClientService".into(),
        user: None,
        codec: None,
        version: None,
        attributes: Default::default(),
    };
    let mut out = hmaster_rpc::wire::byte_queue::ByteQueue::default();
    let param = prost::Message::encode_to_vec(&exec("big", "1000000", "")).into();
    let call = hmaster_rpc::wire::request::OutgoingCall {
        method: "ExecService",
        param,
        cell_block: Default::default(),
        priority: None,
        attributes: Default::default(),
    };
    stream.write_all(&[b"HBas\x00\x50", &info.encode()[..]].concat()).await.unwrap();
    let start = Instant::now();
    for id in 0..100 {
        call.encode(id, 0, &mut out);
        stream.write_all_buf(&mut out).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    while running.metrics.connections_open.get() > 0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!((59..=62).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert_eq!(running.metrics.slow_readers_cut_off.get(), 1);
    assert!(running.metrics.class(QueueClass::General).received.get() < 40, "no more calls got through");
}

#[tokio::test(start_paused = true)]
async fn connecting_takes_no_longer_than_it_may() {
    struct Never;
    #[async_trait::async_trait]
    impl hmaster_rpc::Connector for Never {
        async fn connect(&self, _: &hmaster_types::Address) -> std::io::Result<hmaster_rpc::BoxStream> {
            std::future::pending().await
        }
    }
    let options = hmaster_rpc::client::ClientOptions::new(hmaster_protocol::CallUser::new("joe"));
    let client = hmaster_rpc::client::RpcClient::with_connector(options, std::sync::Arc::new(Never));
    let start = Instant::now();
    let error = run(&client, nowhere(), exec("echo", "", ""), within(3)).await.unwrap_err();
    assert!(matches!(error.failure, Failure::NotSent(NotSent::TimedOut)), "{error}");
    assert_eq!(start.elapsed().as_secs(), 3, "the call's own time");
    let error = run(&client, nowhere(), exec("echo", "", ""), within(100)).await.unwrap_err();
    assert!(matches!(error.failure, Failure::NotSent(NotSent::Connect(ConnectFailure::TimedOut))), "{error}");
    assert_eq!(start.elapsed().as_secs(), 10, "the connection's time, which began with the first call");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_taking_or_answering_is_given_up() {
    // Takes nothing: the pipe fills.
    let (client, _server) = super::each_byte::client_to(64, |_| {});
    let start = Instant::now();
    let error = run(&client, nowhere(), exec("echo", "", vec![0; 1000]), within(1000)).await.unwrap_err();
    let lost =
        matches!(error.failure, Failure::NotSent(NotSent::ConnectionLost(ConnectionLost::WriteTimedOut)));
    assert!(lost, "{error}");
    assert_eq!(start.elapsed().as_secs(), 60);

    // Takes all and stops in the midst of an answer.
    let (client, mut server) = super::each_byte::client_to(100_000, |_| {});
    let call = tokio::spawn(async move { run(&client, nowhere(), exec("echo", "", ""), within(1000)).await });
    let mut server = server.recv().await.unwrap();
    let start = Instant::now();
    server.write_all(b"\x00\x00\x00\x09abc").await.unwrap();
    let error = call.await.unwrap().unwrap_err();
    let lost =
        Failure::OutcomeUnknown(OutcomeUnknown::ConnectionLost(ConnectionLost::ReadTimedOut)).to_string();
    assert_eq!((error.failure.to_string(), start.elapsed().as_secs()), (lost, 20));
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_future_is_dropped_is_not_sent_if_it_was_not_yet() {
    let (client, mut server) = super::each_byte::client_to(10, |_| {});
    let first = tokio::spawn({
        let client = client.clone();
        async move { run(&client, nowhere(), exec("echo", "first", vec![0; 100_000]), within(50)).await }
    });
    let mut server = server.recv().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    // The pipe is full with the first call; the second one waits behind it.
    let dropped = run(&client, nowhere(), exec("echo", "dropped", ""), within(50));
    tokio::time::timeout(Duration::from_secs(1), dropped).await.unwrap_err();
    let third =
        tokio::spawn(async move { run(&client, nowhere(), exec("echo", "third", ""), within(5)).await });
    let mut seen = Vec::new();
    let reading = tokio::time::timeout(Duration::from_secs(4), server.read_to_end(&mut seen)).await;
    reading.unwrap_err();
    let text = String::from_utf8_lossy(&seen);
    assert_eq!(
        (text.contains("first"), text.contains("dropped"), text.contains("third")),
        (true, false, true)
    );
    let unknown = |error: hmaster_rpc::client::RpcError| matches!(error.failure, Failure::OutcomeUnknown(_));
    assert!(unknown(third.await.unwrap().unwrap_err()) && unknown(first.await.unwrap().unwrap_err()));
}

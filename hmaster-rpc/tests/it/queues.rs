//! Classes of calls, bounds on them, and who is turned away.

use hmaster_protocol::pb;
use hmaster_protocol::services::region_server_status_service as status;
use hmaster_rpc::client::{CallOptions, Failure, NotSent, RpcClient};
use hmaster_rpc::server::{QueueBounds, QueueClass, ServerOptions};
use hmaster_types::class;

use super::support::{event, exec, fixture, nowhere, run};

fn options(bounds: QueueBounds) -> ServerOptions {
    let mut options = ServerOptions::default();
    for class in QueueClass::ALL {
        options.queues.set(class, bounds);
    }
    options
}

fn transition(table: &'static str) -> pb::ReportRegionStateTransitionRequest {
    let table_name = pb::TableName { namespace: "hbase".into(), qualifier: table.into() };
    let region = pb::RegionInfo { table_name, ..Default::default() };
    pb::ReportRegionStateTransitionRequest {
        server: pb::ServerName { host_name: "rs".into(), ..Default::default() },
        transition: vec![pb::RegionStateTransition { region_info: vec![region], ..Default::default() }],
    }
}

async fn report(client: &RpcClient, table: &'static str) -> Result<(), hmaster_rpc::client::RpcError> {
    let request = transition(table);
    client
        .call(nowhere(), status::REPORT_REGION_STATE_TRANSITION, &request, CallOptions::default())
        .await
        .map(drop)
}

#[tokio::test]
async fn reports_about_meta_pass_reports_that_wait_for_meta() {
    let mut fixture = fixture();
    fixture.builder = fixture.builder.options(options(QueueBounds { handlers_max: 2, waiting_max: 3 }));
    let (running, service, mut events) = fixture.in_memory();
    let client = running.client(|_| {});
    let mut blocked = tokio::task::JoinSet::new();
    for _ in 0..5 {
        let client = client.clone();
        blocked.spawn(async move { report(&client, "namespace").await });
    }
    for _ in 0..2 {
        assert_eq!(event(&mut events).await, "transition");
    }
    let class = running.metrics.class(QueueClass::RegionTransition);
    while class.waiting.get() < 3 {
        tokio::task::yield_now().await;
    }
    let error = report(&client, "namespace").await.unwrap_err();
    assert!(error.exception().unwrap().is(class::CALL_QUEUE_TOO_BIG), "{error}");
    let Failure::Remote(remote) = error.failure else { unreachable!() };
    assert!(remote.server_overloaded);

    report(&client, "meta").await.expect("a report about meta waits for nobody");
    let heartbeat = pb::RegionServerReportRequest::default();
    client.call(nowhere(), status::REGION_SERVER_REPORT, &heartbeat, CallOptions::default()).await.unwrap();
    run(&client, nowhere(), exec("echo", "", ""), CallOptions::default()).await.unwrap();

    service.open(5);
    while let Some(result) = blocked.join_next().await {
        result.unwrap().unwrap();
    }
    assert_eq!((class.answered.get(), class.refused.get(), class.waiting.get()), (5, 1, 0));
}

#[tokio::test]
async fn calls_of_a_client_that_is_gone_are_not_run() {
    let mut fixture = fixture();
    fixture.builder = fixture.builder.options(options(QueueBounds { handlers_max: 1, waiting_max: 3 }));
    let (running, service, mut events) = fixture.in_memory();
    let wait = |name: &'static str| {
        let client = running.client(|_| {});
        let call = client.clone();
        (
            client,
            tokio::spawn(async move {
                run(&call, nowhere(), exec("wait", name, ""), CallOptions::default()).await
            }),
        )
    };
    let (_first, first) = wait("first");
    assert_eq!(event(&mut events).await, "first");
    let (second, _) = wait("second");
    let class = running.metrics.class(QueueClass::General);
    while class.waiting.get() == 0 {
        tokio::task::yield_now().await;
    }
    second.close().await;
    while running.metrics.connections_open.get() > 1 {
        tokio::task::yield_now().await;
    }
    service.open(1);
    first.await.unwrap().unwrap();
    let (_third, _call) = wait("third");
    assert_eq!(event(&mut events).await, "third", "the second never ran");
    assert_eq!(running.metrics.calls_abandoned.get(), 1);
}

#[tokio::test]
async fn requests_beyond_the_shared_bytes_are_turned_away_and_the_connection_goes_on() {
    let mut fixture = fixture();
    fixture.builder =
        fixture.builder.options(ServerOptions { call_bytes_max: 100_000, ..ServerOptions::default() });
    let (running, service, mut events) = fixture.in_memory();
    let client = running.client(|_| {});
    let holding = tokio::spawn({
        let client = client.clone();
        async move {
            run(&client, nowhere(), exec("wait", "holds", vec![0; 60_000]), CallOptions::default()).await
        }
    });
    assert_eq!(event(&mut events).await, "holds");
    assert!(running.metrics.call_bytes() > 60_000);
    let error =
        run(&client, nowhere(), exec("echo", "", vec![0; 60_000]), CallOptions::default()).await.unwrap_err();
    assert!(error.exception().unwrap().is(class::CALL_QUEUE_TOO_BIG), "{error}");
    run(&client, nowhere(), exec("echo", "", "small"), CallOptions::default()).await.unwrap();
    service.open(1);
    holding.await.unwrap().unwrap();
    run(&client, nowhere(), exec("echo", "", vec![0; 60_000]), CallOptions::default()).await.unwrap();
    assert_eq!(running.metrics.call_bytes(), 0);
}

#[tokio::test]
async fn a_request_that_is_too_long_is_refused_even_while_it_is_still_being_sent() {
    let mut fixture = fixture();
    fixture.builder =
        fixture.builder.options(ServerOptions { request_bytes_max: 1000, ..ServerOptions::default() });
    let (running, _service, _events) = fixture.in_memory();
    let client = running.client(|options| {
        let version = pb::VersionInfo { version: "2.6.4".into(), ..Default::default() };
        options.version = Some(std::sync::Arc::new(version));
    });
    let request = exec("echo", "", vec![0; 10_000_000]);
    let error = run(&client, nowhere(), request, CallOptions::default()).await.unwrap_err();
    assert!(error.exception().unwrap().is(class::REQUEST_TOO_BIG), "{error}");
    run(&client, nowhere(), exec("echo", "", "small"), CallOptions::default()).await.unwrap();
}

#[tokio::test]
async fn a_client_bounds_its_calls_per_connection() {
    let (running, service, mut events) = fixture().in_memory();
    let client = running.client(|options| options.calls_max = 1);
    let first = tokio::spawn({
        let client = client.clone();
        async move { run(&client, nowhere(), exec("wait", "first", ""), CallOptions::default()).await }
    });
    assert_eq!(event(&mut events).await, "first");
    let error = run(&client, nowhere(), exec("echo", "", ""), CallOptions::default()).await.unwrap_err();
    assert!(matches!(error.failure, Failure::NotSent(NotSent::TooManyCalls)), "{error}");
    service.open(1);
    first.await.unwrap().unwrap();
    run(&client, nowhere(), exec("echo", "", ""), CallOptions::default()).await.unwrap();
}

#[tokio::test]
async fn connections_beyond_the_bound_are_closed() {
    let mut fixture = fixture();
    fixture.builder =
        fixture.builder.options(ServerOptions { connections_max: 1, ..ServerOptions::default() });
    let (running, _service, _events) = fixture.in_memory();
    let client = running.client(|_| {});
    run(&client, nowhere(), exec("echo", "", ""), CallOptions::default()).await.unwrap();
    let second = running.client(|_| {});
    run(&second, nowhere(), exec("echo", "", ""), CallOptions::default()).await.unwrap_err();
    assert_eq!(running.metrics.connections_refused.get(), 1);
    client.close().await;
    while running.metrics.connections_open.get() > 0 {
        tokio::task::yield_now().await;
    }
    run(&running.client(|_| {}), nowhere(), exec("echo", "", ""), CallOptions::default()).await.unwrap();
}

#[tokio::test]
async fn what_the_server_counts() {
    let (running, _service, _events) = fixture().in_memory();
    let client = running.client(|_| {});
    for _ in 0..10 {
        run(&client, nowhere(), exec("echo", "", vec![0; 1000]), CallOptions::default()).await.unwrap();
    }
    let metrics = &running.metrics;
    let class = metrics.class(QueueClass::General);
    while class.answered.get() < 10 {
        tokio::task::yield_now().await;
    }
    assert_eq!((class.received.get(), class.running.get(), metrics.running()), (10, 0, 0));
    assert_eq!((metrics.process_us.snapshot().count, metrics.queue_us.snapshot().count), (10, 10));
    assert!(metrics.request_bytes.snapshot().min > 1000 && metrics.response_bytes.snapshot().min > 1000);
    assert!(metrics.bytes_received.get() > 10_000 && metrics.bytes_sent.get() > 10_000);
    assert_eq!((metrics.connections_accepted.get(), metrics.exceptions.get()), (1, 0));
}

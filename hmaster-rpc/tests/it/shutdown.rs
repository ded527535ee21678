//! How server and client end.

use hmaster_rpc::client::{CallOptions, Failure, NotSent, OutcomeUnknown};
use tokio::io::AsyncReadExt as _;

use super::support::{event, exec, fixture, nowhere, run, within};

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_answers_what_runs() {
    let (running, service, mut events) = fixture().in_memory();
    let client = running.client(|_| {});
    let call = tokio::spawn({
        let client = client.clone();
        async move { run(&client, nowhere(), exec("wait", "runs", "done"), within(100)).await }
    });
    assert_eq!(event(&mut events).await, "runs");
    running.shutdown.cancel();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert!(!running.serving.is_finished());
    service.open(1);
    assert_eq!(call.await.unwrap().unwrap().0, "done");
    running.serving.await.unwrap();
    let error = run(&client, nowhere(), exec("echo", "", ""), CallOptions::default()).await.unwrap_err();
    assert!(error.is_not_sent(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_does_not_wait_for_ever_for_what_runs() {
    let (running, _service, mut events) = fixture().in_memory();
    let client = running.client(|_| {});
    let call =
        tokio::spawn(async move { run(&client, nowhere(), exec("wait", "stuck", ""), within(100)).await });
    assert_eq!(event(&mut events).await, "stuck");
    let start = tokio::time::Instant::now();
    running.shutdown.cancel();
    running.serving.await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 5);
    let error = call.await.unwrap().unwrap_err();
    assert!(matches!(error.failure, Failure::OutcomeUnknown(OutcomeUnknown::ConnectionLost(_))), "{error}");
}

#[tokio::test]
async fn a_server_that_is_dropped_stops_at_once() {
    let (running, _service, mut events) = fixture().in_memory();
    let client = running.client(|_| {});
    let call =
        tokio::spawn(async move { run(&client, nowhere(), exec("wait", "stuck", ""), within(100)).await });
    assert_eq!(event(&mut events).await, "stuck");
    let mut silent = running.door.connect().await.unwrap();
    running.serving.abort();
    let error = call.await.unwrap().unwrap_err();
    assert!(matches!(error.failure, Failure::OutcomeUnknown(_)), "{error}");
    assert_eq!(silent.read(&mut [0]).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn a_client_that_is_closed_or_told_to_give_up_ends_its_calls() {
    let (running, _service, mut events) = fixture().in_memory();
    let client = running.client(|_| {});
    let start = |client: &hmaster_rpc::client::RpcClient| {
        let client = client.clone();
        tokio::spawn(async move { run(&client, nowhere(), exec("wait", "runs", ""), within(100)).await })
    };
    let call = start(&client);
    assert_eq!(event(&mut events).await, "runs");
    client.give_up(nowhere());
    let error = call.await.unwrap().unwrap_err();
    assert!(matches!(error.failure, Failure::OutcomeUnknown(OutcomeUnknown::ConnectionLost(_))), "{error}");

    let call = start(&client);
    assert_eq!(event(&mut events).await, "runs");
    client.close().await;
    assert!(matches!(call.await.unwrap().unwrap_err().failure, Failure::OutcomeUnknown(_)));
    let error = run(&client, nowhere(), exec("echo", "", ""), CallOptions::default()).await.unwrap_err();
    assert!(matches!(error.failure, Failure::NotSent(NotSent::Closed)), "{error}");
}

#[tokio::test]
async fn connections_end_with_the_last_clone_of_their_client() {
    let (running, _service, _events) = fixture().in_memory();
    let client = running.client(|_| {});
    run(&client, nowhere(), exec("echo", "", ""), CallOptions::default()).await.unwrap();
    let clone = client.clone();
    drop(client);
    run(&clone, nowhere(), exec("echo", "", ""), CallOptions::default()).await.unwrap();
    drop(clone);
    while running.metrics.connections_open.get() > 0 {
        tokio::task::yield_now().await;
    }
}

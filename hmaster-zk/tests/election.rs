//! Elections between processes, against the embedded server.

#![expect(clippy::unwrap_used, reason = "what is unwrapped here is what the test has made")]

#[path = "tcp/masters.rs"]
mod masters;
#[path = "tcp/proxy.rs"]
mod proxy;

use std::time::Duration;

use hmaster_zk::End;
use hmaster_zk_server::ZkServer;
use tokio::time::timeout;

use masters::{PATIENCE, SESSION, be_a_child, elector};

async fn server() -> ZkServer {
    let tick = Duration::from_millis(250);
    ZkServer::builder().tick_time(tick).max_session_timeout(PATIENCE).start().await.unwrap()
}

#[tokio::test]
#[ignore = "the body of a child process"]
async fn child() {
    be_a_child().await;
}

#[tokio::test]
async fn a_killed_master_is_replaced() {
    let server = server().await;
    masters::a_killed_master_is_replaced(server.local_addr()).await;
}

#[tokio::test]
async fn a_suspended_master_acts_no_more_when_it_comes_back() {
    let server = server().await;
    masters::a_suspended_master_acts_no_more_when_it_comes_back(server.local_addr()).await;
}

#[tokio::test]
async fn a_cut_off_master_stops_before_it_is_replaced() {
    let server = server().await;
    masters::a_cut_off_master_stops_before_it_is_replaced(server.local_addr()).await;
}

#[tokio::test]
async fn a_master_survives_a_short_pause() {
    let server = server().await;
    masters::a_master_survives_a_short_pause(server.local_addr()).await;
}

/// The server restarts, with its data: the session lives on and so does the active master.
#[tokio::test]
async fn a_restarted_server_is_no_reason_to_stop() {
    let folder = tempfile::tempdir().unwrap();
    let tick = Duration::from_millis(250);
    let builder =
        || ZkServer::builder().data_dir(folder.path()).tick_time(tick).max_session_timeout(PATIENCE);
    let server = builder().start().await.unwrap();
    let addr = server.local_addr();
    let (_zk, one) = elector(&server.connect_string(), "one,16000,1").await;
    let role = timeout(PATIENCE, one.active()).await.unwrap().unwrap();
    server.shutdown().await.unwrap();
    let _server = builder().bind(addr).start().await.unwrap();
    tokio::time::sleep(SESSION).await;
    assert!(role.lease.valid(), "{:?}", role.lease.loss());
    assert_eq!(one.stop().await, End::Stopped);
}

//! The conformance suite against this crate's server. (Against the real ZooKeeper it runs in
//! `hmaster-tests`, which has a Java.)

use std::time::Duration;

use hmaster_zk_server::conformance::{compare, run_all};
use hmaster_zk_server::{ZkServer, ZkServerBuilder};

/// Short ticks, so that sessions meant to expire do so soon, and no session that isn't meant to.
fn builder() -> ZkServerBuilder {
    ZkServer::builder().tick_time(Duration::from_millis(250)).max_session_timeout(Duration::from_secs(60))
}

#[tokio::test(flavor = "multi_thread")]
async fn server_in_memory_conforms() {
    let server = builder().start().await.unwrap();
    let report = run_all(server.local_addr()).await;
    assert!(report.failures().next().is_none(), "{report}");
    assert!(report.results.len() > 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn durable_server_conforms_and_snapshots_do_not_matter() {
    let dir = tempfile::tempdir().unwrap();
    let server = builder().data_dir(dir.path()).snapshot_every(50).start().await.unwrap();
    let report = run_all(server.local_addr()).await;
    assert!(report.failures().next().is_none(), "{report}");
    server.shutdown().await.unwrap();
}

/// The same requests with and without a disk: nothing that clients see may depend on it.
#[tokio::test(flavor = "multi_thread")]
async fn durable_server_and_server_in_memory_agree() {
    let dir = tempfile::tempdir().unwrap();
    let memory = builder().start().await.unwrap();
    let durable = builder().data_dir(dir.path()).snapshot_every(50).start().await.unwrap();
    compare::compare(memory.local_addr(), durable.local_addr(), 7, 1000).await.unwrap();
    let (in_memory, on_disk) = (memory.counts().await.unwrap(), durable.counts().await.unwrap());
    assert_eq!(in_memory, on_disk);
    durable.shutdown().await.unwrap();
    let durable = builder().data_dir(dir.path()).start().await.unwrap();
    let recovered = durable.counts().await.unwrap();
    assert_eq!((recovered.nodes, recovered.zxid), (on_disk.nodes, on_disk.zxid));
}

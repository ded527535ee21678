//! The engine on a disk that fails.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use zookeeper_client as zk;

use crate::error::ServerError;
use crate::server::ZkServer;
use crate::store::disk::Disk;

const OPEN: zk::CreateOptions<'static> = zk::CreateMode::Persistent.with_acls(zk::Acls::anyone_all());

/// Operations on the disk until a new server serves, and of one group commit.
const START_OPERATIONS: i64 = 5;

/// Starts a server whose disk fails after some operations, and writes until it does. Returns how many
/// writes were acknowledged, and how many nodes a healthy server then finds.
async fn write_until_the_disk_fails(operations: i64) -> (usize, usize) {
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk { budget: Some(Arc::new(AtomicI64::new(operations))) };
    let mut server = ZkServer::builder().data_dir(dir.path()).start_on(disk).await.unwrap();
    let connector = zk::Client::connector().with_fail_eagerly();
    let mut acknowledged = 0;
    if let Ok(client) = connector.connect(&server.connect_string()).await {
        while client.create(&format!("/n{acknowledged}"), b"", &OPEN).await.is_ok() {
            acknowledged += 1;
            assert!(acknowledged < 100, "the disk must fail");
        }
    }
    let stopped = server.stopped().await;
    assert!(matches!(stopped, Err(ServerError::Log(_))), "{stopped:?}");
    drop(server);
    let server = ZkServer::builder().data_dir(dir.path()).start().await.unwrap();
    let builtin = 4;
    (acknowledged, server.counts().await.unwrap().nodes - builtin)
}

/// Whatever the operation that fails: the server stops and says why, and what it acknowledged is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_failing_disk_stops_the_server_before_it_acknowledges_anything() {
    let mut most = 0;
    for operations in START_OPERATIONS..START_OPERATIONS + 12 {
        let (acknowledged, found) = write_until_the_disk_fails(operations).await;
        assert!(
            [acknowledged, acknowledged + 1].contains(&found),
            "{acknowledged} acknowledged, {found} found"
        );
        most = most.max(acknowledged);
    }
    assert!(most >= 3, "some disks last longer");
}

//! From registration to the end.

use std::sync::atomic::Ordering;
use std::time::Duration;

use hmaster_sim::{End, StartError};
use hmaster_types::class;
use hmaster_zk::{RegionServerInfo, Znode, mirror, znode};

use crate::cluster::{Cluster, Told, address, get, put};

async fn znode(cluster: &Cluster, server: &str) -> Option<Znode> {
    cluster.zk.get(&znode::join(&cluster.zk.paths.rs, server)).await.unwrap()
}

#[tokio::test]
async fn a_server_waits_for_the_cluster_registers_and_reports() {
    let cluster = Cluster::new().await;
    let server = cluster.builder(&[]).launch().await.unwrap();
    let mut master = cluster.master().await;
    master.script.refusals.lock().extend([class::SERVER_NOT_RUNNING_YET, class::PLEASE_HOLD]);
    cluster.up().await;
    let name = server.online().await.unwrap();
    let startup = master.hears(|told| match told {
        Told::Startup(startup) => Some(startup),
        _ => None,
    });
    let startup = startup.await;
    assert_eq!(startup.port, u32::from(server.address().port()));
    assert_eq!((name.host(), name.start_code().0), ("127.0.0.1", startup.server_start_code));
    let info: RegionServerInfo = znode(&cluster, name.as_str()).await.unwrap().decode().unwrap();
    assert_eq!(info.version.unwrap().version, "2.6.4");
    for _ in 0..2 {
        let report = master.hears_report().await;
        let load = report.load.unwrap();
        assert_eq!(report.server.host_name, "127.0.0.1");
        assert!(load.region_loads.is_empty() && load.report_end_time >= load.report_start_time);
    }
    assert_eq!(cluster.rpc.cluster_id(&address(&server)).await.unwrap(), "the-id");
    let end = server.stop().await;
    assert!(matches!(end, End::Stopped(_)), "{end}");
    assert!(znode(&cluster, name.as_str()).await.is_none());
    assert!(!cluster.root.wal_file_system().exists(&cluster.root.layout().wals_of(&name)).await.unwrap());
}

#[tokio::test]
async fn a_server_that_is_refused_ends() {
    let cluster = Cluster::new().await;
    let master = cluster.master().await;
    cluster.up().await;
    master.script.refusals.lock().push_back(class::CLOCK_OUT_OF_SYNC);
    let refused = cluster.builder(&[]).start().await.unwrap_err();
    assert!(
        matches!(&refused, StartError::Ended(End::Aborted(why)) if why.contains("ClockOutOfSync")),
        "{refused}"
    );
}

#[tokio::test]
async fn a_dead_server_aborts_and_says_so() {
    let cluster = Cluster::new().await;
    let mut master = cluster.master().await;
    cluster.up().await;
    let server = cluster.region_server().await;
    master.script.says_dead.store(true, Ordering::SeqCst);
    let end = server.stopped().await;
    assert!(matches!(&end, End::Aborted(why) if why.contains("YouAreDead")), "{end}");
    let words = master.hears(|told| match told {
        Told::Fatal(words) => Some(words),
        _ => None,
    });
    assert!(words.await.contains("ABORTING region server"));
    assert!(znode(&cluster, server.server_name().unwrap().as_str()).await.is_none());
}

#[tokio::test]
async fn a_new_master_is_reported_to_at_once() {
    let cluster = Cluster::with(&[("hbase.regionserver.msginterval", "3600000")]).await;
    let mut master = cluster.master().await;
    cluster.up().await;
    let server = cluster.region_server().await;
    let region = cluster.table("t").await;
    cluster.open(&mut master, &server, &region).await;
    drop(master);
    let mut next = cluster.master().await;
    // The first one's connection may be tried in vain before the new master is known.
    let report = next.hears_report().await;
    assert_eq!(report.load.unwrap().region_loads.len(), 1);
    put(&cluster.rows(&server), &region, "r", "v").await.unwrap();
}

#[tokio::test]
async fn a_lost_session_ends_the_server() {
    let cluster = Cluster::new().await;
    let _master = cluster.master().await;
    cluster.up().await;
    let server = cluster.region_server().await;
    let name = server.server_name().unwrap().clone();
    let owner = znode(&cluster, name.as_str()).await.unwrap().stat.ephemeral_owner.unwrap();
    assert!(cluster.zk_server.expire_session(owner.0).await);
    let end = server.stopped().await;
    assert!(matches!(&end, End::Aborted(why) if why.contains("ZooKeeper")), "{end}");
}

#[tokio::test]
async fn the_end_of_the_cluster_ends_its_servers() {
    let cluster = Cluster::new().await;
    let mut master = cluster.master().await;
    cluster.up().await;
    let server = cluster.region_server().await;
    let (meta, region) = (cluster.meta().await, cluster.table("t").await);
    cluster.open(&mut master, &server, &meta).await;
    cluster.open(&mut master, &server, &region).await;
    cluster.down().await;
    let end = server.stopped().await;
    assert!(matches!(end, End::Stopped(_)), "{end}");
}

/// Whoever stops a whole cluster does both: what has begun to close goes on closing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_may_be_stopped_while_it_closes_regions() {
    let cluster = Cluster::new().await;
    let mut master = cluster.master().await;
    cluster.up().await;
    let server = cluster.region_server().await;
    let region = cluster.table("t").await;
    cluster.open(&mut master, &server, &region).await;
    let (rows, name) = (cluster.rows(&server), server.server_name().unwrap().clone());
    put(&rows, &region, "r", &"v".repeat(1 << 20)).await.unwrap();
    cluster.down().await;
    while get(&rows, &region, "none").await.is_ok() {}
    let end = tokio::time::timeout(Duration::from_secs(60), server.stop()).await.expect("it ends");
    assert!(matches!(end, End::Stopped(_)), "{end}");
    let logs = cluster.root.layout().wals_of(&name);
    assert!(!cluster.root.wal_file_system().exists(&logs).await.unwrap());
}

#[tokio::test]
async fn what_was_written_is_there_after_a_stop_and_another_start() {
    let cluster = Cluster::new().await;
    let mut master = cluster.master().await;
    cluster.up().await;
    let region = cluster.table("t").await;
    let server = cluster.region_server().await;
    let opened = cluster.open(&mut master, &server, &region).await;
    put(&cluster.rows(&server), &region, "r", "v").await.unwrap();
    server.stop().await;
    let server = cluster.region_server().await;
    assert!(cluster.open(&mut master, &server, &region).await > opened);
    assert_eq!(get(&cluster.rows(&server), &region, "r").await.unwrap()[0].value(), b"v");
}

#[tokio::test]
async fn a_killed_server_says_nothing_and_its_session_expires() {
    let cluster = Cluster::new().await;
    let _master = cluster.master().await;
    cluster.up().await;
    let server = cluster.builder(&[]).leaves_session(true).start().await.unwrap();
    let name = server.server_name().unwrap().clone();
    let address = address(&server);
    server.abort().await;
    assert!(cluster.rpc.cluster_id(&address).await.is_err(), "nobody listens any more");
    let owner =
        znode(&cluster, name.as_str()).await.expect("its znode is there").stat.ephemeral_owner.unwrap();
    assert!(cluster.zk_server.expire_session(owner.0).await);
    assert!(znode(&cluster, name.as_str()).await.is_none());
}

#[tokio::test]
async fn servers_do_not_disturb_one_another() {
    let cluster = Cluster::new().await;
    let _master = cluster.master().await;
    cluster.up().await;
    let (one, other) = tokio::join!(cluster.region_server(), cluster.region_server());
    assert_ne!(one.address(), other.address());
    one.stop().await;
    assert!(cluster.rpc.cluster_id(&address(&other)).await.is_ok());
    assert_eq!(mirror::cluster_id::read(&cluster.zk).await.unwrap().unwrap().0, "the-id");
    other.stop().await;
}

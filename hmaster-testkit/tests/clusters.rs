//! Clusters start, live side by side, lose their parts, and leave nothing behind.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use hmaster_testkit::{TestCluster, TestClusterError};
use hmaster_types::{ColumnFamilyDescriptor, RegionState, ServerName, TableDescriptor, TableName};
use tokio::runtime::Handle;

/// Where each region of a table is, none while it isn't open.
async fn places(cluster: &TestCluster, table: &str) -> Vec<Option<ServerName>> {
    let env = cluster.active_master().await.unwrap().initialized().await;
    let mut places = Vec::new();
    env.regions.for_each_of_table(&table.parse::<TableName>().unwrap(), |node| {
        let is_open = node.state() == RegionState::Open;
        places.push(node.location().filter(|_| is_open).cloned());
    });
    places
}

fn split_table(name: &str, keys: &[&'static str]) -> (TableDescriptor, Vec<Bytes>) {
    let family = ColumnFamilyDescriptor::builder("f").build();
    let schema = TableDescriptor::builder(name.parse().unwrap()).family(family).build();
    (schema, keys.iter().map(|key| Bytes::from_static(key.as_bytes())).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clusters_live_side_by_side() {
    let (one, other) = tokio::join!(TestCluster::start(), TestCluster::builder().region_servers(2).start());
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_ne!(one.zookeeper(), other.zookeeper());
    assert_eq!(other.region_servers().len(), 2);
    for cluster in [&one, &other] {
        let env = cluster.active_master().await.unwrap().initialized().await;
        assert_eq!(env.servers.online_count(), cluster.region_servers().len());
        let port = format!("<value>{}</value>", cluster.zookeeper().port());
        assert!(cluster.site_xml().contains(&port), "{}", cluster.site_xml());
        assert!(cluster.conf_dir().join("hbase-site.xml").is_file());
        cluster.create_table("same", &["f"]).await.unwrap();
    }
    one.stop().await.unwrap();
    other.stop().await.unwrap();
}

#[tokio::test]
async fn tables_are_there_when_they_are_said_to_be() {
    let cluster = TestCluster::builder().region_servers(2).start().await.unwrap();
    let (schema, keys) = split_table("t", &["g", "p"]);
    cluster.create_table_of(&schema, &keys).await.unwrap();
    let places = places(&cluster, "t").await;
    assert_eq!(places.len(), 3);
    assert!(places.iter().all(Option::is_some), "{places:?}");
    let again = cluster.create_table("t", &["f"]).await.unwrap_err().to_string();
    assert!(again.contains("TableExistsException"), "{again}");
    assert!(matches!(cluster.create_table("a:b:c", &["f"]).await, Err(TestClusterError::Name(_))));
    cluster.stop().await.unwrap();
}

/// Tasks of clusters that are dropped, files, and sockets: nothing stays.
#[tokio::test]
async fn a_cluster_that_is_dropped_leaves_nothing() {
    // What the runtime and libraries start once for the process is there after a first cluster.
    drop(TestCluster::start().await.unwrap());
    settle_tasks(usize::MAX).await;
    let before = Handle::current().metrics().num_alive_tasks();
    let cluster = TestCluster::builder().masters(2).region_servers(2).start().await.unwrap();
    cluster.create_table("t", &["f"]).await.unwrap();
    let master = cluster.active_master().await.unwrap();
    let folder: PathBuf = cluster.conf_dir().parent().unwrap().to_owned();
    let addresses = [cluster.zookeeper(), master.address()];
    assert!(folder.is_dir() && Handle::current().metrics().num_alive_tasks() > before);
    drop(cluster);
    assert!(!folder.exists(), "{} is still there", folder.display());
    settle_tasks(before).await;
    for address in addresses {
        assert!(tokio::net::TcpStream::connect(address).await.is_err(), "{address} still listens");
    }
    // A handle may stay; it just says that there is no active master.
    assert!(master.role().active().is_err());
}

/// Lets tasks go on that have been told to end, until at most `count` are left.
async fn settle_tasks(count: usize) {
    const ROUNDS_MAX: u32 = 2_000;
    for _ in 0..ROUNDS_MAX {
        tokio::time::sleep(Duration::from_millis(5)).await;
        if Handle::current().metrics().num_alive_tasks() <= count {
            return;
        }
    }
    panic!("{} tasks, there should be {count}", Handle::current().metrics().num_alive_tasks());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_waits_takes_over() {
    let cluster = TestCluster::builder().masters(2).start().await.unwrap();
    cluster.create_table("before", &["f"]).await.unwrap();
    let first = cluster.active_master().await.unwrap();
    cluster.kill_master(first.server()).await.unwrap();
    assert!(first.role().active().is_err(), "a killed master isn't active any more");
    let second = cluster.active_master().await.unwrap();
    assert_ne!(first.server(), second.server());
    assert_eq!(cluster.masters().len(), 1);
    assert!(places(&cluster, "before").await.iter().all(Option::is_some));
    cluster.create_table("after", &["f"]).await.unwrap();
    // One that stops in order hands over to one that was started in between.
    let third = cluster.start_master().await.unwrap();
    cluster.stop_master(second.server()).await.unwrap();
    assert_eq!(cluster.active_master().await.unwrap().server(), third.server());
    assert!(matches!(cluster.kill_master(first.server()).await, Err(TestClusterError::UnknownServer(_))));
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_starts_again_where_it_was() {
    let cluster = TestCluster::start().await.unwrap();
    cluster.create_table("t", &["f"]).await.unwrap();
    let first = cluster.active_master().await.unwrap();
    let again = cluster.restart_master(first.server()).await.unwrap();
    assert_eq!(first.server().address(), again.server().address());
    assert_ne!(first.server(), again.server());
    let active = cluster.active_master().await.unwrap();
    assert_eq!(active.server(), again.server());
    assert_eq!(places(&cluster, "t").await, [cluster.region_servers().first().cloned()]);
    cluster.kill_master(again.server()).await.unwrap();
    assert!(matches!(cluster.active_master().await, Err(TestClusterError::NoMaster)));
    cluster.start_master().await.unwrap();
    assert_eq!(places(&cluster, "t").await, [cluster.region_servers().first().cloned()]);
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regions_outlive_their_servers() {
    let cluster = TestCluster::builder().region_servers(2).start().await.unwrap();
    let (schema, keys) = split_table("t", &["c", "g", "p", "t", "w"]);
    cluster.create_table_of(&schema, &keys).await.unwrap();
    let [killed, stopped] = <[ServerName; 2]>::try_from(cluster.region_servers()).unwrap();
    assert!(cluster.region_count(&killed).unwrap() > 0);
    cluster.kill_region_server(&killed).await.unwrap();
    assert_eq!(cluster.region_count(&killed), None);
    moved_to(&cluster, &stopped).await;
    let third = cluster.start_region_server().await.unwrap();
    cluster.stop_region_server(&stopped).await.unwrap();
    moved_to(&cluster, &third).await;
    let again = cluster.restart_region_server(&third).await.unwrap();
    assert_eq!(again.address(), third.address());
    moved_to(&cluster, &again).await;
    cluster.stop().await.unwrap();
}

/// Waits until all regions of the table are open on a server.
async fn moved_to(cluster: &TestCluster, server: &ServerName) {
    loop {
        cluster.settled().await.unwrap();
        if places(cluster, "t").await.iter().all(|place| place.as_ref() == Some(server)) {
            return;
        }
        // The master hasn't noticed yet.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_may_outlive_kills() {
    let timeout = Duration::from_secs(3);
    let cluster = TestCluster::builder().masters(2).sessions_outlive_kills(timeout).start().await.unwrap();
    let first = cluster.active_master().await.unwrap();
    let sessions = 3; // of two masters, one of which may still be on its way, and a region server
    while cluster.zookeeper_server().sessions().await.len() < sessions {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    cluster.kill_master(first.server()).await.unwrap();
    assert_eq!(cluster.zookeeper_server().sessions().await.len(), sessions, "the session is left");
    assert_ne!(cluster.active_master().await.unwrap().server(), first.server());
    assert_eq!(cluster.zookeeper_server().sessions().await.len(), sessions - 1);
    cluster.stop().await.unwrap();
}

//! Until a test has a cluster of its own with a first table: ZooKeeper, a master, a region server.

use std::time::{Duration, Instant};

use anyhow::Result;
use hmaster_testkit::TestCluster;
use hmaster_tests::{Cluster, HBaseVersion, MasterKind};

/// In this process.
pub(crate) async fn of_testkit() -> Result<Duration> {
    let began = Instant::now();
    let cluster = TestCluster::start().await?;
    cluster.create_table("first", &["f"]).await?;
    let took = began.elapsed();
    cluster.stop().await?;
    Ok(took)
}

/// Each a process, started as soon as it can be; the client, too.
pub(crate) async fn of_java() -> Result<Duration> {
    let began = Instant::now();
    let cluster = Cluster::builder("figures-test").start().await?;
    let kind = MasterKind::java();
    let (_master, _server, client) = tokio::try_join!(
        cluster.start_master(&kind),
        cluster.start_region_server(HBaseVersion::V2_6),
        cluster.client(),
    )?;
    client.create_table::<&str>("first", &["f"], &[]).await?;
    let took = began.elapsed();
    cluster.finish().await?;
    Ok(took)
}

//! The conformance suite of the embedded ZooKeeper, against the real one: what it asks for is what ZooKeeper does.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use hmaster_tests::{Cluster, ZooKeeper, require_peers};
use hmaster_zk_server::ZkServer;
use hmaster_zk_server::conformance::{compare, run_all};

/// Short, because cases wait for the shortest session timeout that a server grants.
const TICK_MS: u32 = 500;
/// Seeds of random requests to both.
const SEEDS: u64 = 4;
/// Requests for each.
const REQUESTS: usize = 1000;

#[tokio::test(flavor = "multi_thread")]
async fn the_real_zookeeper_conforms() -> Result<()> {
    require_peers!();
    let cluster =
        Cluster::builder("zk-conformance").zookeeper(ZooKeeper::Java { tick_ms: TICK_MS }).start().await?;
    let address: SocketAddr = cluster.zookeeper().parse()?;
    let report = run_all(address).await;
    ensure!(report.failures().next().is_none(), "{report}");
    ensure!(report.results.len() > 100, "{} cases", report.results.len());
    cluster.finish().await
}

/// The same requests, the same answers, down to transaction numbers.
#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_server_answers_as_the_real_one() -> Result<()> {
    require_peers!();
    let cluster =
        Cluster::builder("zk-compare").zookeeper(ZooKeeper::Java { tick_ms: TICK_MS }).start().await?;
    let embedded = ZkServer::builder().tick_time(Duration::from_millis(TICK_MS.into())).start().await?;
    let real: SocketAddr = cluster.zookeeper().parse()?;
    for seed in 0..SEEDS {
        let compared = compare::compare(real, embedded.local_addr(), seed, REQUESTS).await;
        compared.map_err(|failure| anyhow!("seed {seed}: {failure}"))?;
    }
    cluster.finish().await
}

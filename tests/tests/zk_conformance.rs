//! The conformance suite of the embedded ZooKeeper, against the real one: what it asks for is what ZooKeeper does.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use hmaster_tests::{Cluster, ZooKeeper, require_peers, wait};
use hmaster_zk_server::ZkServer;
use hmaster_zk_server::conformance::{compare, run_all};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Short, because cases wait for the shortest session timeout that a server grants.
const TICK_MS: u32 = 500;
const DEADLINE: Duration = Duration::from_secs(60);
/// For an answer of a server that may not serve yet.
const ANSWER_WAIT: Duration = Duration::from_secs(2);
/// Seeds of random requests to both.
const SEEDS: u64 = 4;
/// Requests for each.
const REQUESTS: usize = 1000;

/// A real ZooKeeper, once it serves: it listens before that, and leaves who comes then without an answer.
async fn real(name: &str) -> Result<(Cluster, SocketAddr)> {
    let cluster = Cluster::builder(name).zookeeper(ZooKeeper::Java { tick_ms: TICK_MS }).start().await?;
    let address: SocketAddr = cluster.zookeeper().parse()?;
    wait::until("ZooKeeper to serve", DEADLINE, async || {
        let mut socket = TcpStream::connect(address).await?;
        socket.write_all(b"srvr").await?;
        let mut answer = String::new();
        tokio::time::timeout(ANSWER_WAIT, socket.read_to_string(&mut answer)).await??;
        ensure!(answer.contains("Mode: standalone"), "{answer}");
        Ok(())
    })
    .await?;
    Ok((cluster, address))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_zookeeper_conforms() -> Result<()> {
    require_peers!();
    let (cluster, address) = real("zk-conformance").await?;
    let report = run_all(address).await;
    ensure!(report.failures().next().is_none(), "{report}");
    ensure!(report.results.len() > 100, "{} cases", report.results.len());
    cluster.finish().await
}

/// The same requests, the same answers, down to transaction numbers.
#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_server_answers_as_the_real_one() -> Result<()> {
    require_peers!();
    let (cluster, real) = real("zk-compare").await?;
    let embedded = ZkServer::builder().tick_time(Duration::from_millis(TICK_MS.into())).start().await?;
    for seed in 0..SEEDS {
        let compared = compare::compare(real, embedded.local_addr(), seed, REQUESTS).await;
        compared.map_err(|failure| anyhow!("seed {seed}: {failure}"))?;
    }
    cluster.finish().await
}

//! A master starts on an empty rootdir with two region servers waiting for it, rests, and starts again.

use std::time::Duration;

use anyhow::{Context as _, Result};
use hmaster_swarm::process::Usage;
use hmaster_tests::{Cluster, HBaseVersion, MasterKind, Server};
use hmaster_types::{Clock as _, SystemClock};
use tokio::time::sleep;

use crate::initialized::{self, DEADLINE};

/// Region servers that wait for their master.
const REGION_SERVERS: usize = 2;
/// After the start of a region server, so that it only waits by the time the master comes.
const SERVERS_SETTLE: Duration = Duration::from_secs(8);
/// Before memory is looked at.
const REST: Duration = Duration::from_secs(5);

/// What was measured in one cluster.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Starts {
    /// On an empty rootdir.
    pub(crate) first: Start,
    /// Resident kilobytes after a rest.
    pub(crate) resident_kb: u64,
    /// After it was told to stop.
    pub(crate) restart: Start,
    /// After SIGKILL, at the same address.
    pub(crate) after_kill: Start,
}

/// How long a start took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    /// From the start of the process until initialized.
    pub(crate) of_process: Duration,
    /// From becoming active until initialized.
    pub(crate) of_active: Duration,
}

impl Starts {
    pub(crate) async fn measure(kind: &MasterKind) -> Result<Self> {
        let cluster = Cluster::builder("figures").start().await?;
        let servers = (0..REGION_SERVERS).map(|_| cluster.start_region_server(HBaseVersion::V2_6));
        for server in servers {
            server.await?;
        }
        sleep(SERVERS_SETTLE).await;
        let began = SystemClock.now_ms();
        let master = cluster.start_master(kind).await?;
        let first = Start::measure(&master, began).await?;
        sleep(REST).await;
        let resident_kb = resident_kb(&master)?;
        master.stop(DEADLINE).await?;
        let restart = start_again(&master).await?;
        sleep(REST).await;
        master.kill9().await?;
        let after_kill = start_again(&master).await?;
        cluster.finish().await?;
        Ok(Self { first, resident_kb, restart, after_kill })
    }
}

impl Start {
    async fn measure(master: &Server, began_ms: u64) -> Result<Self> {
        let (active_ms, done_ms) = initialized::since(master, began_ms).await?;
        Ok(Self {
            of_process: Duration::from_millis(done_ms - began_ms),
            of_active: Duration::from_millis(done_ms.saturating_sub(active_ms)),
        })
    }
}

async fn start_again(master: &Server) -> Result<Start> {
    let began = SystemClock.now_ms();
    master.restart().await?;
    Start::measure(master, began).await
}

/// Memory that the process has now.
fn resident_kb(master: &Server) -> Result<u64> {
    let pid = master.pid().context("the master runs")?;
    let usage = Usage::of(pid).context("the master's process")?;
    Ok(usage.resident_bytes >> 10)
}

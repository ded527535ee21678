//! A table of many regions comes and goes; then the cluster loses a master, by a kill and by a stop, and a region server.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use hmaster_swarm::process::Usage;
use hmaster_tests::cluster::Settings;
use hmaster_tests::{
    Client, Cluster, HBaseVersion, MasterKind, RowSet, Server, ZooKeeper, hex_splits, scenario, wait,
};
use hmaster_types::{Clock as _, SystemClock};

use crate::initialized::{self, DEADLINE};

/// HBase's sessions are meant to be that long; ZooKeeper grants 20 ticks.
const SESSION: Duration = Duration::from_secs(40);
const TICK_MS: u32 = 2000;
/// Regions of the table that is lost with its region server, and that are read again.
const LOST_REGIONS: u32 = 100;
const ROWS: u64 = 2000;
/// Regions of the table that comes and goes.
const MANY_REGIONS: u32 = 1000;

/// What was measured in one cluster.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recovery {
    /// From SIGKILL of the active master until a client has created a table.
    pub(crate) failover: Duration,
    /// From SIGTERM of the active master until the backup says that it was initialized.
    pub(crate) graceful: Duration,
    /// From SIGKILL of a region server with all regions of a table until all rows are read.
    pub(crate) region_server: Duration,
    /// Create, disable, enable, delete.
    pub(crate) table: [Step; 4],
}

/// A change of a table of many regions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) took: Duration,
    /// Processor time that the master used meanwhile.
    pub(crate) of_master: Duration,
}

impl Recovery {
    pub(crate) async fn measure(kind: &MasterKind) -> Result<Self> {
        let cluster = Cluster::builder("recovery")
            .zookeeper(ZooKeeper::Java { tick_ms: TICK_MS })
            .conf("zookeeper.session.timeout", SESSION.as_millis())
            .start()
            .await?;
        let running = scenario::start(&cluster, kind, &[HBaseVersion::V2_6; 2]).await?;
        let client = &running.client;
        let [first, second] = [running.master.clone(), cluster.start_master(kind).await?];
        await_backup(client).await?;

        let table = many_regions(client, &first).await?;
        let failover = failover(client, &first).await?;
        first.restart().await?;
        await_backup(client).await?;
        let graceful = graceful(&second, &first).await?;
        second.restart().await?;
        client.await_master().await?;
        let region_server = region_server(&cluster, &running).await?;
        cluster.finish().await?;
        Ok(Self { failover, graceful, region_server, table })
    }
}

async fn await_backup(client: &Client) -> Result<()> {
    wait::until("a backup master", DEADLINE, async || {
        let status = client.status().await?;
        ensure!(!status.backups.is_empty(), "no backup");
        Ok(())
    })
    .await
}

async fn failover(client: &Client, active: &Server) -> Result<Duration> {
    let began = Instant::now();
    active.kill9().await?;
    client.create_table::<&str>("after", &["f"], &[]).await?;
    Ok(began.elapsed())
}

async fn graceful(active: &Server, backup: &Server) -> Result<Duration> {
    let began = SystemClock.now_ms();
    active.stop(DEADLINE).await?;
    let (_, done) = initialized::since(backup, began).await?;
    Ok(Duration::from_millis(done - began))
}

/// All regions of a table go to one region server, which is killed.
async fn region_server(cluster: &Cluster, running: &scenario::Running) -> Result<Duration> {
    let client = &running.client;
    let rows = RowSet::new(1, ROWS);
    client.create_table("lost", &["f"], &hex_splits(LOST_REGIONS)).await?;
    let victim = cluster.start_region_server(HBaseVersion::V2_6).await?;
    let status = client.await_region_servers(3).await?;
    let name = status.servers.keys().find(|name| victim.is_named(name)).context("the third region server")?;
    for region in client.regions("lost").await? {
        client.move_region(&region.encoded, Some(name)).await?;
    }
    client.put_rows("lost", rows).await?;
    client.verify_rows("lost", &[rows], &[]).await?.check()?;
    let held = client.regions("lost").await?;
    ensure!(
        held.iter().all(|at| at.server.as_deref() == Some(name.as_str())),
        "all are to be on {name}: {held:?}"
    );
    // Java's client pauses up to 200 times this, 20 s by default; that isn't what is to be measured.
    let mut eager = Settings::default();
    eager.set("hbase.client.pause", 1);
    eager.set("hbase.client.retries.number", 1000);
    let reader = cluster.client_of(HBaseVersion::V2_6, &eager).await?;
    reader.verify_rows("lost", &[rows], &[]).await?.check()?;
    let began = Instant::now();
    victim.kill9().await?;
    reader.verify_rows("lost", &[rows], &[]).await?.check()?;
    Ok(began.elapsed())
}

async fn many_regions(client: &Client, master: &Server) -> Result<[Step; 4]> {
    let splits = hex_splits(MANY_REGIONS);
    Ok([
        step(master, client.create_table("many", &["f"], &splits)).await?,
        step(master, client.disable_table("many")).await?,
        step(master, client.enable_table("many")).await?,
        step(master, async {
            client.disable_table("many").await?;
            client.delete_table("many").await
        })
        .await?,
    ])
}

async fn step(master: &Server, work: impl Future<Output = Result<()>>) -> Result<Step> {
    let (used, began) = (cpu(master)?, Instant::now());
    work.await?;
    Ok(Step { took: began.elapsed(), of_master: cpu(master)?.saturating_sub(used) })
}

/// Processor time of a process, user's and system's.
fn cpu(server: &Server) -> Result<Duration> {
    let pid = server.pid().context("the master runs")?;
    let usage = Usage::of(pid).context("the master's process")?;
    Ok(Duration::from_secs_f64(usage.cpu_seconds))
}

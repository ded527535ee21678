//! What tests do to a cluster, whoever its master is. Each scenario takes the kind of master, so
//! that the Java master shows what is right and hmaster is judged by the same steps.

use anyhow::{Context as _, Result, ensure};

use crate::client::{Client, RowSet, hex_splits};
use crate::cluster::{Cluster, MasterKind, Server};
use crate::maven::HBaseVersion;

/// The table of the scenarios.
pub const TABLE: &str = "known";

/// A running cluster with its master and region servers.
#[derive(Debug)]
pub struct Running {
    /// The Java client.
    pub client: Client,
    /// The master.
    pub master: Server,
    /// The region servers in the order of `versions`.
    pub region_servers: Vec<Server>,
}

/// Starts a master and one region server of each version, and waits until all have reported.
pub async fn start(cluster: &Cluster, master: &MasterKind, versions: &[HBaseVersion]) -> Result<Running> {
    let master = cluster.start_master(master).await?;
    let mut region_servers = Vec::new();
    for version in versions {
        region_servers.push(cluster.start_region_server(*version).await?);
    }
    let client = cluster.client().await?;
    // A master that dies while starting says more than a client that finds none.
    master.while_running("the region servers", client.await_region_servers(versions.len())).await?;
    Ok(Running { client, master, region_servers })
}

/// Writes known rows into a table of `regions` regions and reads them back.
pub async fn write_and_read_back(client: &Client, regions: u32, rows: RowSet) -> Result<()> {
    client.create_table(TABLE, &["f"], &hex_splits(regions)).await?;
    let found = client.regions(TABLE).await?;
    ensure!(found.len() == regions as usize, "{regions} regions were created, there are {found:?}");
    client.put_rows(TABLE, rows).await?;
    client.verify_rows(TABLE, &[rows], &[]).await?.check().context("read back")
}

/// Kills the region server that holds the most regions of the table, with SIGKILL, and reads every row
/// again from the others. Returns the victim.
pub async fn kill_a_region_server_and_read_again<'a>(
    running: &'a Running,
    sets: &[RowSet],
) -> Result<&'a Server> {
    let Running { client, region_servers, .. } = running;
    let regions = client.regions(TABLE).await?;
    let held = |server: &Server| {
        regions.iter().filter(|at| at.server.as_deref().is_some_and(|name| server.is_named(name))).count()
    };
    let alive = region_servers.iter().filter(|server| server.is_running());
    let victim = alive.max_by_key(|server| held(server)).context("no region server runs")?;
    ensure!(held(victim) > 0, "no region server holds a region of {TABLE}: {regions:?}");
    victim.kill9().await?;
    client.verify_rows(TABLE, sets, &[]).await?.check().context("read after SIGKILL")?;
    let moved = client.regions(TABLE).await?;
    let left = moved.iter().find(|at| at.server.as_deref().is_some_and(|name| victim.is_named(name)));
    ensure!(left.is_none(), "hbase:meta still has a region on the dead server: {left:?}");
    Ok(victim)
}

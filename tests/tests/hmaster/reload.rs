//! `update_config`: what a file says by now holds from the next run of the balancer on, without a restart.

use anyhow::{Context as _, Result, ensure};
use hmaster_tests::cluster::{ServerOptions, Settings};
use hmaster_tests::{Client, Cluster, HBaseVersion, MasterKind, Server, require_peers, wait};
use serde_json::json;

use crate::{SOON, alone, cluster, hmaster, report};

const TABLE: &str = "t";
const REGIONS: usize = 10;
/// So many are piled up on one server.
const PILED: usize = REGIONS - 1;

/// With these no cluster is so much out of balance, and no server has so many regions, that the balancer acts.
fn patient() -> Settings {
    [("hbase.master.balancer.stochastic.minCostNeedBalance", 1000), ("hbase.regions.slop", 1000)]
        .into_iter()
        .collect()
}

/// Writes the master's file anew.
fn rewrite(cluster: &Cluster, master: &Server, mut own: Settings) -> Result<()> {
    own.set("hbase.master.port", master.rpc_port);
    own.set("hbase.master.info.port", master.info_port);
    cluster.write_conf_dir("master1", &own).map(drop)
}

/// How many regions of the table the first server has.
async fn on_first(client: &Client) -> Result<usize> {
    let first = client.status().await?.servers.into_keys().next().context("a server")?;
    let regions = client.regions(TABLE).await?;
    Ok(regions.iter().filter(|region| region.server.as_ref() == Some(&first)).count())
}

/// All regions but one go to the first server; then the balancer runs once. Says how many are left there.
async fn pile_up_and_balance(client: &Client) -> Result<usize> {
    client.admin("balancerSwitch", json!([false, true])).await?;
    let servers: Vec<String> = client.status().await?.servers.into_keys().collect();
    let (first, second) = (servers.first().context("a server")?, servers.get(1).context("another server")?);
    for (index, region) in client.regions(TABLE).await?.into_iter().enumerate() {
        // A server without any region is reason enough to balance, whatever that costs.
        let to = if index == 0 { second } else { first };
        if region.server.as_ref() != Some(to) {
            client.move_region(&region.encoded, Some(to)).await?;
        }
    }
    client.await_settled().await?;
    let piled = on_first(client).await?;
    ensure!(piled == PILED, "{piled} regions were moved to {first}");
    client.admin("balancerSwitch", json!([true, true])).await?;
    client.admin("balancer", json!([])).await?;
    client.await_settled().await?;
    on_first(client).await
}

async fn reload(master: &MasterKind) -> Result<()> {
    let versions = [HBaseVersion::V2_6; 2];
    report("update_config", "local disk", &versions, &[master]);
    let cluster = cluster("reload").conf("hbase.balancer.period", 3_600_000).start().await?;
    let options = ServerOptions { conf: patient(), ..ServerOptions::default() };
    let master = cluster.start_master_with(master, &options).await?;
    for version in versions {
        cluster.start_region_server(version).await?;
    }
    let client = cluster.client().await?;
    client.await_region_servers(versions.len()).await?;
    let splits: Vec<String> = (1..REGIONS).map(|n| n.to_string()).collect();
    client.create_table(TABLE, &["f"], &splits).await?;
    let left = pile_up_and_balance(&client).await?;
    ensure!(left == PILED, "the balancer has left {left} of {PILED} regions, though it needn't act");

    rewrite(&cluster, &master, Settings::default())?;
    let left = pile_up_and_balance(&client).await?;
    ensure!(left == PILED, "nobody has asked yet, and {left} of {PILED} regions are left");
    let name = client.status().await?.master.context("a master")?;
    client.admin("updateConfiguration", json!([name])).await?;
    let left = pile_up_and_balance(&client).await?;
    ensure!(left < PILED, "the balancer doesn't act with what the file says");

    // The shell asks every server, backup masters included.
    let backup = cluster.start_master_with(&hmaster().await?, &options).await?;
    wait::until("a backup", SOON, async || {
        let backups = client.status().await?.backups;
        ensure!(backups.iter().any(|name| backup.is_named(name)), "there are {backups:?}");
        Ok(())
    })
    .await?;
    rewrite(&cluster, &master, patient())?;
    cluster.shell("update_all_config\n").await?.success()?;
    let left = pile_up_and_balance(&client).await?;
    ensure!(left == PILED, "the balancer has left {left} of {PILED} regions, though it needn't act again");
    cluster.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_configured_anew_is_used_by_the_next_run_of_the_balancer() -> Result<()> {
    require_peers!();
    let _alone = alone("reload").await;
    reload(&hmaster().await?).await
}

/// The same with a Java master, which does so too.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "checks the test itself"]
async fn what_is_configured_anew_is_used_by_a_java_master() -> Result<()> {
    require_peers!();
    let _alone = alone("reload with a Java master").await;
    reload(&MasterKind::java()).await
}

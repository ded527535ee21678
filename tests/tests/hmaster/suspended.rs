//! A master that stands still for longer than its session lasts, in the middle of a procedure, and goes on when another
//! is active: it must do nothing any more.
//!
//! SIGSTOP is the worst case of a long pause: all its connections and open files are there when it goes on. What it could
//! still write lies under its own name in `MasterData`, or is fenced off by the successor there.

use anyhow::{Context as _, Result, ensure};
use hmaster_tests::cluster::Settings;
use hmaster_tests::{
    Client, Cluster, HBaseVersion, RowSet, Server, Storage, Znodes, hex_splits, require_peers, scenario, wait,
};
use serde_json::{Value, json};

use crate::{SOON, alone, cluster, hmaster, report};

const REGIONS: u32 = 40;

/// Two masters, the first active.
struct Pair {
    cluster: Cluster,
    client: Client,
    znodes: Znodes,
    first: Server,
    second: Server,
}

impl Pair {
    async fn begin(storage: Storage, name: &str) -> Result<Self> {
        let (kind, versions) = (hmaster().await?, [HBaseVersion::V2_6; 2]);
        report("suspended master", name, &versions, &[&kind]);
        let cluster = cluster("suspended").storage(storage).start().await?;
        let running = scenario::start(&cluster, &kind, &versions).await?;
        let second = cluster.start_master(&kind).await?;
        let mut impatient = Settings::default();
        impatient.set("hbase.rpc.timeout", 5_000);
        let client = cluster.client_of(HBaseVersion::V2_6, &impatient).await?;
        let znodes = cluster.znodes().await?;
        let pair = Self { cluster, client, znodes, first: running.master, second };
        pair.await_backup(&pair.second).await?;
        Ok(pair)
    }

    async fn await_active(&self, master: &Server) -> Result<()> {
        wait::until("the next active master", SOON, async || {
            let name = self.client.status().await?.master.context("no master")?;
            ensure!(master.is_named(&name), "{name}");
            Ok(())
        })
        .await
    }

    async fn await_backup(&self, master: &Server) -> Result<()> {
        wait::until("a backup", SOON, async || {
            let backups = self.znodes.children("/hbase/backup-masters").await?;
            ensure!(backups.iter().any(|name| master.is_named(name)), "{backups:?}");
            Ok(())
        })
        .await
    }

    /// What lies in the master's store under the name of `master`: path and length of each file.
    async fn files_of(&self, master: &Server) -> Result<Vec<Value>> {
        let files = self.client.call("files", json!({ "path": "MasterData" })).await?;
        let own = format!("%2C{}%2C", master.rpc_port);
        let plain = format!(",{},", master.rpc_port);
        let entries = files.as_array().context("a list")?.iter();
        let of_it = |entry: &&Value| {
            let path = entry["path"].as_str().unwrap_or_default();
            path.contains(&own) || path.contains(&plain)
        };
        Ok(entries.filter(of_it).cloned().collect())
    }

    /// The cluster is the second master's, and whole, with the first one among the living.
    async fn check(&self, rows: RowSet) -> Result<()> {
        self.await_active(&self.second).await?;
        self.client.await_consistent().await?;
        ensure!(self.client.regions("many").await?.len() == REGIONS as usize);
        self.client.verify_rows("known", &[rows], &[]).await?.check()?;
        self.client.disable_table("many").await?;
        self.client.delete_table("many").await?;
        self.client.await_consistent().await
    }
}

async fn goes_on_too_late(storage: Storage, name: &str) -> Result<()> {
    let pair = Pair::begin(storage, name).await?;
    let rows = RowSet::new(70, 1_000);
    pair.client.create_table("known", &["f"], &["4", "8", "c"]).await?;
    pair.client.put_rows("known", rows).await?;

    let creating = {
        let client = pair.client.clone();
        tokio::spawn(async move { client.create_table("many", &["f"], &hex_splits(REGIONS)).await })
    };
    wait::until("the first regions", SOON, async || {
        let states = pair.client.region_state_counts("many").await?;
        ensure!(creating.is_finished() || states.values().sum::<usize>() > 0, "{states:?}");
        Ok(())
    })
    .await?;
    pair.first.pause()?;
    creating.await?.context("the successor ends what was begun")?;
    pair.await_active(&pair.second).await?;
    pair.client.await_consistent().await?;
    let before = pair.files_of(&pair.first).await?;

    pair.first.resume()?;
    // Its session is over: what it is from now on is a new life, which begins by waiting for its turn.
    pair.await_backup(&pair.first).await?;
    ensure!(pair.files_of(&pair.first).await? == before, "written after the pause, {before:?} was there");
    pair.check(rows).await?;

    // The way back works too: it is a whole master again.
    pair.second.kill9().await?;
    pair.await_active(&pair.first).await?;
    pair.client.await_master().await?;
    pair.client.create_table("after", &["f"], &["8"]).await?;
    pair.client.verify_rows("known", &[rows], &[]).await?.check()?;
    pair.client.await_consistent().await?;
    pair.cluster.finish().await
}

/// Somebody takes the active master's znode away while it works: it may notice only when its store refuses.
#[tokio::test(flavor = "multi_thread")]
async fn a_master_without_its_znode_ends_its_reign() -> Result<()> {
    require_peers!();
    let _alone = alone("a_master_without_its_znode_ends_its_reign").await;
    let pair = Pair::begin(Storage::Local, "local disk").await?;
    let rows = RowSet::new(71, 500);
    pair.client.create_table("known", &["f"], &["8"]).await?;
    pair.client.put_rows("known", rows).await?;
    let creating = {
        let client = pair.client.clone();
        tokio::spawn(async move { client.create_table("many", &["f"], &hex_splits(REGIONS)).await })
    };
    pair.znodes.delete("/hbase/master").await?;
    creating.await?.context("ended by one of them")?;
    // Whoever was quicker: one is active, the other waits or is gone.
    let active = wait::until("one active master", SOON, async || {
        let status = pair.client.await_master().await?;
        let name = status.master.clone().context("no master")?;
        let both = [&pair.first, &pair.second];
        let active = both.into_iter().find(|master| master.is_named(&name)).context("one of ours")?;
        ensure!(!status.backups.iter().any(|backup| active.is_named(backup)), "{status:?}");
        Ok(active.clone())
    })
    .await?;
    ensure!(active.is_running());
    pair.client.await_consistent().await?;
    ensure!(pair.client.regions("many").await?.len() == REGIONS as usize);
    pair.client.verify_rows("known", &[rows], &[]).await?.check()?;
    pair.cluster.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn suspended_on_local_disk() -> Result<()> {
    require_peers!();
    let _alone = alone("suspended_on_local_disk").await;
    goes_on_too_late(Storage::Local, "local disk").await
}

#[tokio::test(flavor = "multi_thread")]
async fn suspended_on_hdfs() -> Result<()> {
    require_peers!();
    let _alone = alone("suspended_on_hdfs").await;
    goes_on_too_late(Storage::Hdfs { datanodes: 1 }, "HDFS").await
}

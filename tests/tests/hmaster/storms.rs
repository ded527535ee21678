//! Many procedures at once, and SIGKILL in the middle of all of them: of the active master, in some rounds of a region
//! server too. Whoever follows, the same master started again, a backup or one of the other kind, ends them all.
//!
//! A round begins create, delete, truncate, enable, disable, modify, split, merge and moves, each on a table of its own,
//! and kills at a random moment. Then every client's call has to succeed, each table has to be what its operation makes
//! of it with every row, and the cluster has to fit together. Rows are written all the while.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hmaster_tests::cluster::Settings;
use hmaster_tests::{
    Client, Cluster, HBaseVersion, MasterKind, RowSet, Server, Writer, hex_splits, require_peers, scenario,
};
use serde_json::json;
use tokio::task::JoinSet;

use crate::{alone, cluster, hmaster, report};

/// Regions of each table: enough that most operations are under way for a while.
const REGIONS: u32 = 12;
const ROWS: RowSet = RowSet { seed: 21, from: 0, count: 300 };

/// How long the client's calls of a round may take, a recovery of a region server and the start of a JVM among them.
const ROUND_DEADLINE: Duration = Duration::from_secs(200);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Create,
    Delete,
    Truncate,
    Enable,
    Disable,
    Modify,
    Split,
    Merge,
    Move,
}

impl Operation {
    const ALL: [Self; 9] = [
        Self::Create,
        Self::Delete,
        Self::Truncate,
        Self::Enable,
        Self::Disable,
        Self::Modify,
        Self::Split,
        Self::Merge,
        Self::Move,
    ];

    fn table(self, round: u32) -> String {
        format!("{self:?}{round}").to_lowercase()
    }

    /// Makes the table on which the operation will work.
    async fn prepare(self, client: &Client, table: &str) -> Result<()> {
        if self == Self::Create {
            return Ok(());
        }
        client.create_table(table, &["f"], &hex_splits(REGIONS)).await?;
        client.put_rows(table, ROWS).await?;
        if matches!(self, Self::Split | Self::Merge) {
            client.admin("flush", json!([table])).await?;
        }
        if matches!(self, Self::Delete | Self::Truncate | Self::Enable) {
            client.disable_table(table).await?;
        }
        Ok(())
    }

    async fn work(self, client: &Client, table: &str) -> Result<()> {
        match self {
            Self::Create => client.create_table(table, &["f"], &hex_splits(REGIONS)).await,
            Self::Delete => client.delete_table(table).await,
            Self::Truncate => client.admin("truncateTable", json!([table, true])).await.map(drop),
            Self::Enable => client.enable_table(table).await,
            Self::Disable => client.disable_table(table).await,
            Self::Modify => client.admin("addColumnFamily", json!([table, "g"])).await.map(drop),
            Self::Split => {
                let region = client.regions(table).await?[0].name.clone();
                client.admin("splitRegionAsync", json!([region, "0800"])).await.map(drop)
            }
            Self::Merge => {
                let regions = client.regions(table).await?;
                let pair = [&regions[4].encoded, &regions[5].encoded];
                client.admin("mergeRegionsAsync", json!([pair, false])).await.map(drop)
            }
            Self::Move => {
                for region in client.regions(table).await? {
                    // The call has no nonce: asked again, a master may find the region in transition still.
                    let _ = client.move_region(&region.encoded, None).await;
                }
                Ok(())
            }
        }
    }

    /// Whether it may be refused while a region server is dead and not recovered yet: these ask the regions' servers
    /// first whether they can, and as in Java fail when one doesn't answer. Then nothing must have changed.
    fn asks_region_servers(self) -> bool {
        matches!(self, Self::Split | Self::Merge)
    }

    /// What the table has to be afterwards.
    async fn check(self, client: &Client, table: &str, was_refused: bool) -> Result<()> {
        let exists = client.admin("tableExists", json!([table])).await? == json!(true);
        ensure!(exists == (self != Self::Delete), "it is there: {exists}");
        if !exists {
            return Ok(());
        }
        if self == Self::Disable {
            client.enable_table(table).await?;
        }
        let regions = client.regions(table).await?.iter().filter(|region| !region.split).count();
        let wanted = match self {
            Self::Split if !was_refused => REGIONS + 1,
            Self::Merge if !was_refused => REGIONS - 1,
            _ => REGIONS,
        };
        ensure!(regions == wanted as usize, "{regions} regions, not {wanted}");
        let rows: &[RowSet] = if matches!(self, Self::Create | Self::Truncate) { &[] } else { &[ROWS] };
        client.verify_rows(table, rows, &[]).await?.check()?;
        if self == Self::Modify {
            client.put(table, "zz", &[("g:q", "v")]).await?;
        }
        Ok(())
    }
}

/// Who follows the killed master.
#[derive(Clone, Copy, Debug)]
enum Successor {
    Itself,
    /// The other of the two, which waits already.
    Backup,
    /// The other of the two, which is started now.
    Other,
}

struct Storm {
    cluster: Cluster,
    client: Client,
    looker: Client,
    /// The active one first.
    masters: [Server; 2],
    region_servers: Vec<Server>,
    random: fastrand::Rng,
    rounds: u32,
}

impl Storm {
    async fn begin(first: &MasterKind, second: &MasterKind, seed: u64) -> Result<(Self, Writer)> {
        let versions = [HBaseVersion::V2_6; 3];
        report("storms", "local disk", &versions, &[first, second]);
        let cluster = cluster("storm").conf("hbase.balancer.period", 3_600_000).start().await?;
        let running = scenario::start(&cluster, first, &versions).await?;
        let other = cluster.start_master(second).await?;
        // A call that a dead master took with it ends soon, and the client asks the next one.
        let mut impatient = Settings::default();
        impatient.set("hbase.rpc.timeout", 20_000);
        let client = cluster.client_of(HBaseVersion::V2_6, &impatient).await?;
        let looker = running.client;
        looker.create_table("written", &["f"], &hex_splits(6)).await?;
        let writer = looker.start_writer("written", 22, 5).await?;
        let storm = Self {
            cluster,
            client,
            looker,
            masters: [running.master, other],
            region_servers: running.region_servers,
            random: fastrand::Rng::with_seed(seed),
            rounds: 0,
        };
        Ok((storm, writer))
    }

    /// One round; with a `victim` a region server dies just before the master.
    async fn round(&mut self, successor: Successor, kills_region_server: bool) -> Result<()> {
        self.rounds += 1;
        let moment = Duration::from_millis(self.random.u64(0..1_200));
        let what = format!(
            "round {}, {successor:?} after {moment:?}, region server killed: {kills_region_server}",
            self.rounds
        );
        self.try_round(successor, kills_region_server, moment).await.with_context(|| what)
    }

    async fn try_round(
        &mut self,
        successor: Successor,
        kills_region_server: bool,
        moment: Duration,
    ) -> Result<()> {
        let round = self.rounds;
        self.prepare(round).await.context("prepare")?;
        let mut calls = JoinSet::new();
        for operation in Operation::ALL {
            let client = self.client.clone();
            calls.spawn(async move { (operation, operation.work(&client, &operation.table(round)).await) });
        }
        tokio::time::sleep(moment).await;
        let victim = self.region_servers[self.random.usize(0..self.region_servers.len())].clone();
        if kills_region_server {
            victim.kill9().await?;
        }
        self.replace_master(successor).await?;
        if kills_region_server {
            victim.restart().await?;
        }
        let (mut failures, mut refused) = (Vec::new(), Vec::new());
        while let Some(call) =
            tokio::time::timeout(ROUND_DEADLINE, calls.join_next()).await.context("calls hang")?
        {
            match call? {
                (_, Ok(())) => {}
                (operation, Err(_)) if kills_region_server && operation.asks_region_servers() => {
                    refused.push(operation);
                }
                (operation, Err(error)) => failures.push(format!("{operation:?}: {error:#}")),
            }
        }
        ensure!(failures.is_empty(), "calls failed:\n{}", failures.join("\n"));
        self.looker.await_region_servers(self.region_servers.len()).await?;
        self.looker.await_consistent().await?;
        for operation in Operation::ALL {
            let table = operation.table(round);
            let checked = operation.check(&self.looker, &table, refused.contains(&operation)).await;
            checked.with_context(|| table)?;
        }
        Ok(())
    }

    async fn prepare(&self, round: u32) -> Result<()> {
        let mut preparing = JoinSet::new();
        for operation in Operation::ALL {
            let client = self.client.clone();
            preparing.spawn(async move { operation.prepare(&client, &operation.table(round)).await });
        }
        while let Some(prepared) = preparing.join_next().await {
            prepared??;
        }
        Ok(())
    }

    async fn replace_master(&mut self, successor: Successor) -> Result<()> {
        let [active, other] = &self.masters;
        active.kill9().await?;
        match successor {
            Successor::Itself | Successor::Backup => active.restart().await?,
            Successor::Other => other.restart().await?,
        }
        if !matches!(successor, Successor::Itself) {
            self.masters.reverse();
        }
        Ok(())
    }

    async fn end(self, writer: Writer) -> Result<()> {
        let wrote = writer.stop().await?;
        ensure!(wrote.acknowledged > 0, "{wrote:?}");
        self.looker.verify_rows("written", &[], &[&writer]).await?.check().context("acknowledged rows")?;
        self.looker.await_consistent().await?;
        self.cluster.finish().await
    }
}

/// hmaster alone: started again, and with a backup.
#[tokio::test(flavor = "multi_thread")]
async fn hmaster_after_hmaster() -> Result<()> {
    require_peers!();
    let _alone = alone("hmaster_after_hmaster").await;
    let kind = hmaster().await?;
    let (mut storm, writer) = Storm::begin(&kind, &kind, 31).await?;
    storm.round(Successor::Backup, false).await?;
    storm.round(Successor::Backup, true).await?;
    storm.masters[1].kill9().await?;
    storm.round(Successor::Itself, false).await?;
    storm.round(Successor::Itself, true).await?;
    storm.end(writer).await
}

/// hmaster and a Java master in turns.
#[tokio::test(flavor = "multi_thread")]
async fn hmaster_and_java_in_turns() -> Result<()> {
    require_peers!();
    let _alone = alone("hmaster_and_java_in_turns").await;
    let (kind, java) = (hmaster().await?, MasterKind::java());
    let (mut storm, writer) = Storm::begin(&kind, &java, 32).await?;
    storm.masters[1].kill9().await?;
    storm.round(Successor::Other, false).await?;
    storm.round(Successor::Other, false).await?;
    storm.round(Successor::Other, true).await?;
    storm.round(Successor::Other, true).await?;
    storm.end(writer).await
}

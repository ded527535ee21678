//! The active master is killed in the middle of procedures over many regions, and another master
//! of either kind, or the same one restarted, ends them.
//!
//! The client that began an operation sees it succeed; afterwards no region is open twice and
//! hbase:meta, region servers and files fit together.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use hmaster_tests::scenario;
use hmaster_tests::{Client, HBaseVersion, MasterKind, RowSet, Server, hex_splits, require_peers, wait};
use tokio::task::JoinHandle;

use crate::{SOON, alone, cluster, hmaster, report};

const TABLE: &str = "many";
const REGIONS: u32 = 60;

/// An operation on a whole table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Create,
    Disable,
    Enable,
    Delete,
}

impl Operation {
    const LIFE: [Self; 4] = [Self::Create, Self::Disable, Self::Enable, Self::Delete];

    fn start(self, client: &Client) -> JoinHandle<Result<()>> {
        let client = client.clone();
        tokio::spawn(async move {
            match self {
                Self::Create => client.create_table(TABLE, &["f"], &hex_splits(REGIONS)).await,
                Self::Disable => client.disable_table(TABLE).await,
                Self::Enable => client.enable_table(TABLE).await,
                // One that is enabled has to be disabled first: its kill comes at any time of both.
                Self::Delete => {
                    client.disable_table(TABLE).await?;
                    client.delete_table(TABLE).await
                }
            }
        })
    }

    /// The state of regions that this operation is half done in.
    fn region_state(self) -> &'static str {
        match self {
            Self::Create | Self::Enable => "OPEN",
            Self::Disable | Self::Delete => "CLOSED",
        }
    }

    /// Waits until at least `count` regions have what the operation brings, or it has ended.
    async fn await_progress(
        self,
        client: &Client,
        running: &JoinHandle<Result<()>>,
        count: usize,
    ) -> Result<()> {
        wait::until("progress", SOON, async || {
            if running.is_finished() {
                return Ok(());
            }
            let states = client.region_state_counts(TABLE).await?;
            let done = states.get(self.region_state()).copied().unwrap_or(0);
            let gone = self == Self::Delete && states.is_empty();
            ensure!(done >= count || gone, "{states:?}");
            Ok(())
        })
        .await
    }
}

/// Who ends what the killed master began.
enum Successor<'a> {
    /// The same process, started again.
    Itself,
    /// A backup, which runs already.
    Backup,
    /// The other of two masters that are never up at the same time.
    Other(&'a Server),
}

/// Begins an operation, kills the active master when `after` regions are done, lets the successor
/// end it, and checks the result.
async fn kill_in(
    operation: Operation,
    after: usize,
    looker: &Client,
    client: &Client,
    active: &Server,
    successor: Successor<'_>,
) -> Result<()> {
    let what = format!("{operation:?}, SIGKILL of {} after {after} of {REGIONS} regions", active.name());
    let running = operation.start(client);
    operation.await_progress(looker, &running, after).await.with_context(|| what.clone())?;
    let early = running.is_finished();
    active.kill9().await?;
    match successor {
        Successor::Itself => active.restart().await?,
        Successor::Backup => {}
        Successor::Other(other) => other.restart().await?,
    }
    let outcome = tokio::time::timeout(Duration::from_secs(240), running).await;
    let outcome = outcome.with_context(|| format!("{what}: the client still waits"))?;
    outcome?.with_context(|| format!("{what} (ended before the kill: {early})"))?;
    looker.await_master().await?;
    looker.await_consistent().await.with_context(|| what.clone())?;
    check_outcome(operation, looker).await.with_context(|| what)
}

async fn check_outcome(operation: Operation, client: &Client) -> Result<()> {
    let there = client.tables().await?.iter().any(|table| table == TABLE);
    ensure!(there == (operation != Operation::Delete), "the table is there: {there}");
    let rows = RowSet::new(5, 600);
    match operation {
        Operation::Create => {
            ensure!(client.regions(TABLE).await?.len() == REGIONS as usize);
            client.put_rows(TABLE, rows).await
        }
        Operation::Enable => client.verify_rows(TABLE, &[rows], &[]).await?.check(),
        Operation::Disable | Operation::Delete => Ok(()),
    }
}

/// Seeds of one run of a test: where the kills come.
fn moments(seed: u64) -> impl FnMut() -> usize {
    let mut random = fastrand::Rng::with_seed(seed);
    move || random.usize(0..REGIONS as usize)
}

/// Restarts of the same master, and backups.
#[tokio::test(flavor = "multi_thread")]
async fn hmaster_ends_what_hmaster_began() -> Result<()> {
    require_peers!();
    let _alone = alone("hmaster_ends_what_hmaster_began").await;
    let kind = hmaster().await?;
    report("kills in procedures", "local disk", &[HBaseVersion::V2_6; 2], &[&kind]);
    let cluster = cluster("procedures").start().await?;
    let running = scenario::start(&cluster, &kind, &[HBaseVersion::V2_6; 2]).await?;
    let (client, looker) = (&running.client, cluster.client().await?);
    let mut moment = moments(1);
    for operation in Operation::LIFE {
        kill_in(operation, moment(), &looker, client, &running.master, Successor::Itself).await?;
    }
    let mut masters = [running.master.clone(), cluster.start_master(&kind).await?];
    for operation in Operation::LIFE {
        kill_in(operation, moment(), &looker, client, &masters[0], Successor::Backup).await?;
        masters[0].restart().await?;
        masters.reverse();
    }
    cluster.finish().await
}

/// Each operation begun by one kind of master and ended by the other.
#[tokio::test(flavor = "multi_thread")]
async fn each_kind_ends_what_the_other_began() -> Result<()> {
    require_peers!();
    let _alone = alone("each_kind_ends_what_the_other_began").await;
    let (kind, java) = (hmaster().await?, MasterKind::java());
    report("kills in procedures", "local disk", &[HBaseVersion::V2_6; 2], &[&kind, &java]);
    let cluster = cluster("both").start().await?;
    let running = scenario::start(&cluster, &kind, &[HBaseVersion::V2_6; 2]).await?;
    let (client, looker) = (&running.client, cluster.client().await?);
    // Java's place and ports: it is started when it is its turn.
    let other = cluster.start_master(&java).await?;
    other.kill9().await?;
    let mut masters = [running.master.clone(), other];
    let mut moment = moments(2);
    // hmaster begins create and enable; with one turn more, disable and delete.
    for operation in Operation::LIFE {
        let successor = Successor::Other(&masters[1]);
        kill_in(operation, moment(), &looker, client, &masters[0], successor).await?;
        masters.reverse();
    }
    // Java begins what hmaster began before.
    let [first, second] = &masters;
    first.kill9().await?;
    second.restart().await?;
    looker.await_master().await?;
    masters.reverse();
    for operation in Operation::LIFE {
        let successor = Successor::Other(&masters[1]);
        kill_in(operation, moment(), &looker, client, &masters[0], successor).await?;
        masters.reverse();
    }
    if masters.iter().filter(|master| master.is_running()).count() != 1 {
        bail!("one master runs at a time");
    }
    cluster.finish().await
}

//! Several masters: those that wait are seen, one takes over when the active one dies, stops or
//! hangs, and clients read and write all the while.

use anyhow::{Context as _, Result, ensure};
use hmaster_tests::client::Status;
use hmaster_tests::cluster::Settings;
use hmaster_tests::wait;
use hmaster_tests::{
    Client, Cluster, HBaseVersion, MasterKind, RowSet, Server, Writer, Znodes, require_peers,
};

use crate::{GRACE, SOON, alone, cluster, hmaster, report};

/// A cluster with three masters, a writer that never stops, and what was written before.
struct Masters {
    cluster: Cluster,
    client: Client,
    znodes: Znodes,
    all: Vec<Server>,
    tables: u32,
}

impl Masters {
    async fn status(&self) -> Result<Status> {
        self.client.status().await
    }

    /// The active master, once it serves and the others that run wait behind it.
    async fn active(&self) -> Result<Server> {
        let running = self.all.iter().filter(|server| server.is_running()).count();
        wait::until("the active master and its backups", SOON, async || {
            let status = self.client.await_master().await?;
            let waiting = self.znodes.children("/hbase/backup-masters").await?;
            ensure!(waiting.len() == running - 1, "{running} run, znodes of backups: {waiting:?}");
            let mut backups = status.backups.clone();
            backups.sort();
            ensure!(backups == waiting, "status says {backups:?}, ZooKeeper {waiting:?}");
            let name = status.master.context("no master")?;
            let active = self.all.iter().find(|server| server.is_running() && server.is_named(&name));
            active.cloned().with_context(|| format!("{name} is none of ours"))
        })
        .await
    }

    /// Tables are made and gone, rows read: the active master is a whole one.
    async fn prove(&mut self) -> Result<()> {
        self.tables += 1;
        let table = format!("made{}", self.tables);
        self.client.create_table(&table, &["f"], &["8"]).await?;
        let rows = RowSet::new(self.tables, 200);
        self.client.put_rows(&table, rows).await?;
        self.client.verify_rows(&table, &[rows], &[]).await?.check()?;
        self.client.await_consistent().await
    }

    async fn start(&mut self, kind: &MasterKind) -> Result<Server> {
        let master = self.cluster.start_master(kind).await?;
        self.all.push(master.clone());
        Ok(master)
    }
}

async fn check_writer(writer: &Writer) -> Result<()> {
    let report = writer.report().await?;
    ensure!(report.last_error.is_none() && report.acknowledged > 0, "{report:?}");
    Ok(())
}

/// A client that knows nothing yet reads without a master.
async fn read_without_master(cluster: &Cluster, rows: RowSet) -> Result<()> {
    let client = cluster.client().await?;
    client.verify_rows("known", &[rows], &[]).await?.check().context("read while there is no master")
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_take_over() -> Result<()> {
    require_peers!();
    let _alone = alone("backups_take_over").await;
    let (kind, java) = (hmaster().await?, MasterKind::java());
    report("backups", "local disk", &[HBaseVersion::V2_6], &[&kind, &java]);
    let cluster = cluster("backups").start().await?;
    // Calls to a master that hangs end soon, and the client asks ZooKeeper again.
    let mut impatient = Settings::default();
    impatient.set("hbase.rpc.timeout", 5_000);
    let client = cluster.client_of(HBaseVersion::V2_6, &impatient).await?;
    let znodes = cluster.znodes().await?;
    let mut masters = Masters { cluster, client, znodes, all: Vec::new(), tables: 0 };

    let first = masters.start(&kind).await?;
    masters.cluster.start_region_server(HBaseVersion::V2_6).await?;
    masters.client.await_region_servers(1).await?;
    let rows = RowSet::new(50, 2_000);
    masters.client.create_table("known", &["f"], &["4", "8", "c"]).await?;
    masters.client.put_rows("known", rows).await?;
    masters.client.create_table("written", &["f"], &["8"]).await?;
    let writer = masters.client.start_writer("written", 60, 5).await?;
    let reader = masters.client.start_reader("known", rows).await?;

    // No backup: rows are read and written without any master; the same master comes back.
    first.kill9().await?;
    read_without_master(&masters.cluster, rows).await?;
    first.restart().await?;
    ensure!(masters.active().await?.name() == first.name());
    masters.prove().await.context("the restarted master")?;
    check_writer(&writer).await?;

    // A backup takes over from one that is killed; the killed one comes back as a backup.
    masters.start(&kind).await?;
    ensure!(masters.active().await?.name() == first.name(), "the first stays active");
    first.kill9().await?;
    let second = masters.active().await?;
    masters.prove().await.context("the backup after SIGKILL")?;
    first.restart().await?;
    ensure!(masters.active().await?.name() == second.name(), "a restarted master waits");

    // One that hangs for longer than its session, and goes on when another is active already.
    second.pause()?;
    // The paused one counts as running: its znode comes again only when it goes on.
    wait::until("another active master", SOON, async || {
        let status = masters.status().await?;
        let name = status.master.context("no master")?;
        ensure!(first.is_named(&name), "{name}");
        Ok(())
    })
    .await?;
    masters.prove().await.context("the backup after SIGSTOP")?;
    second.resume()?;
    ensure!(masters.active().await?.name() == first.name(), "a deposed master waits");
    ensure!(second.is_running(), "it has no reason to end");
    masters.prove().await.context("while the deposed master goes on")?;
    check_writer(&writer).await?;

    // A stop hands over at once; then a Java master is among them, and takes over, and hands back.
    let stopped = first.stop(GRACE).await?;
    ensure!(stopped.success(), "{stopped}");
    ensure!(masters.active().await?.name() == second.name());
    masters.prove().await.context("the backup after SIGTERM")?;
    let third = masters.start(&java).await?;
    ensure!(masters.active().await?.name() == second.name());
    second.kill9().await?;
    ensure!(masters.active().await?.name() == third.name());
    masters.prove().await.context("the Java master after hmaster's SIGKILL")?;
    second.restart().await?;
    ensure!(masters.active().await?.name() == third.name());
    third.kill9().await?;
    ensure!(masters.active().await?.name() == second.name());
    masters.prove().await.context("hmaster after the Java master's SIGKILL")?;

    let saw = reader.stop().await?;
    // Region servers were there all the time, so no read had to wait for a master.
    ensure!(
        saw.read > 0 && saw.wrong == 0 && saw.last_error.is_none(),
        "reads went on all the time: {saw:?}"
    );
    let wrote = writer.stop().await?;
    ensure!(wrote.last_error.is_none(), "writes went on all the time: {wrote:?}");
    masters.client.verify_rows("written", &[], &[&writer]).await?.check()?;
    masters.client.verify_rows("known", &[rows], &[]).await?.check()?;
    masters.cluster.finish().await
}

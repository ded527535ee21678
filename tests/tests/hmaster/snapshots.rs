//! Snapshots as the unmodified shell and Java's region servers know them: taken, brought back in their own table and in
//! new ones, deleted, by hmaster and by a Java master over the same data. The archive is cleaned of all that nobody needs,
//! so that a file that a snapshot or a clone has lost sight of is missed.

use anyhow::{Context as _, Result, ensure};
use hmaster_tests::{
    Client, Cluster, HBaseVersion, MasterKind, RowSet, Server, ShellSession, require_peers, wait,
};
use serde_json::json;

use crate::{GRACE, SOON, alone, cluster, hmaster, report};

const ROWS: u64 = 400;

fn rows(seed: u32) -> RowSet {
    RowSet::new(seed, ROWS)
}

struct Bench {
    cluster: Cluster,
    client: Client,
    shell: ShellSession,
    servers: Vec<Server>,
}

impl Bench {
    /// Files are old at once, and snapshots go when their time is over.
    async fn begin(name: &str, master: &MasterKind) -> Result<(Self, Server)> {
        let builder = cluster(name).conf("hbase.master.hfilecleaner.ttl", 1000);
        let builder = builder.conf("hbase.master.cleaner.snapshot.interval", 2000);
        let cluster = builder.conf("hbase.master.hfilecleaner.plugins.snapshot.period", 1000).start().await?;
        let master = cluster.start_master(master).await?;
        let mut servers = Vec::new();
        for _ in 0..2 {
            servers.push(cluster.start_region_server(HBaseVersion::V2_6).await?);
        }
        let client = cluster.client().await?;
        master.while_running("region servers", client.await_region_servers(2)).await?;
        let shell = cluster.shell_session().await?;
        Ok((Self { cluster, client, shell, servers }, master))
    }

    async fn verify(&self, table: &str, seeds: &[u32]) -> Result<()> {
        let sets: Vec<RowSet> = seeds.iter().copied().map(rows).collect();
        let verified = self.client.verify_rows(table, &sets, &[]).await;
        verified.and_then(|verified| verified.check()).with_context(|| format!("rows of {table}"))
    }

    async fn put(&self, table: &str, seed: u32) -> Result<()> {
        self.client.put_rows(table, rows(seed)).await
    }

    async fn run(&mut self, command: &str) -> Result<String> {
        self.shell.run(command).await.with_context(|| command.to_owned())
    }

    /// As in a shell: off, restored, on.
    async fn restore(&mut self, table: &str, snapshot: &str) -> Result<()> {
        self.run(&format!("disable '{table}'")).await?;
        self.run(&format!("restore_snapshot '{snapshot}'")).await?;
        self.run(&format!("enable '{table}'")).await.map(drop)
    }

    /// Regions are split and compacted, so that what snapshots list is archived.
    async fn change_files(&self, table: &str) -> Result<()> {
        let first = self.client.regions(table).await?[0].encoded.clone();
        self.client.admin("flush", json!([table])).await?;
        self.client.admin("splitRegionAsync", json!([first, "2"])).await?;
        self.client.await_consistent().await?;
        self.client.admin("majorCompact", json!([table])).await?;
        for _ in 0..2 {
            tokio::time::sleep(std::time::Duration::from_secs(2)).await; // files grow old
            self.client.admin("runCatalogJanitor", json!([])).await?;
            self.client.admin("runCleanerChore", json!([])).await?;
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shell_takes_restores_clones_and_deletes_snapshots() -> Result<()> {
    require_peers!();
    let _alone = alone("the_shell_takes_restores_clones_and_deletes_snapshots").await;
    let kind = hmaster().await?;
    report("snapshots", "local disk", &[HBaseVersion::V2_6; 2], &[&kind]);
    let (mut bench, _master) = Bench::begin("snapshots", &kind).await?;
    bench.client.create_table("t", &["f", "g"], &["4", "8", "c"]).await?;
    bench.put("t", 1).await?;
    bench.run("snapshot 't', 's1'").await?;
    let again = bench.shell.try_run("snapshot 't', 's1'").await?;
    ensure!(
        again.text.contains("SnapshotExistsException") || again.text.contains("already"),
        "{}",
        again.text
    );
    bench.put("t", 2).await?;
    bench.run("snapshot 't', 's2', {TTL => 86400}").await?;
    let listed = bench.run("list_snapshots").await?;
    ensure!(listed.contains("s1") && listed.contains("s2"), "{listed}");
    bench.change_files("t").await.context("change files")?;
    bench.verify("t", &[1, 2]).await?;

    bench.run("clone_snapshot 's1', 'c1'").await?;
    bench.verify("c1", &[1]).await?;
    // The shell has no word for it.
    bench.client.admin("cloneSnapshot", json!(["s2", "c2", false, "FILE"])).await?;
    bench.verify("c2", &[1, 2]).await?;
    bench.restore("t", "s1").await?;
    bench.verify("t", &[1]).await?;
    bench.put("t", 3).await?;
    bench.verify("t", &[1, 3]).await?;
    bench.restore("t", "s2").await?;
    bench.verify("t", &[1, 2]).await?;

    // A clone's files are links: snapshots of it list those, and so does what is made of them.
    bench.put("c2", 4).await?;
    bench.run("snapshot 'c2', 's3', {SKIP_FLUSH => true}").await?;
    bench.run("snapshot 'c2', 's4'").await?;
    bench.run("clone_snapshot 's4', 'n_c4'").await?;
    bench.verify("n_c4", &[1, 2, 4]).await?;
    bench.restore("c2", "s4").await?;
    bench.verify("c2", &[1, 2, 4]).await?;
    bench.run("disable 't'").await?;
    bench.run("snapshot 't', 's5'").await?;

    // Whoever is left needs no snapshot, and no other table.
    for snapshot in ["s1", "s2", "s3", "s4", "s5"] {
        bench.run(&format!("delete_snapshot '{snapshot}'")).await?;
    }
    let listed = bench.run("list_snapshots").await?;
    ensure!(!listed.contains("s1") && listed.contains("0 row"), "{listed}");
    bench.run("drop 't'").await?;
    bench.change_files("c1").await?;
    for (table, seeds) in [("c1", &[1][..]), ("c2", &[1, 2, 4]), ("n_c4", &[1, 2, 4])] {
        bench.verify(table, seeds).await?;
    }
    bench.servers[0].kill9().await?;
    for (table, seeds) in [("c1", &[1][..]), ("c2", &[1, 2, 4]), ("n_c4", &[1, 2, 4])] {
        bench.verify(table, seeds).await.context("after the death of a region server")?;
    }
    bench.run("snapshot 'c1', 'short', {TTL => 1}").await?;
    wait::until("the snapshot's end", SOON, async || {
        let listed = bench.client.admin("listSnapshots", json!([])).await?.to_string();
        ensure!(!listed.contains("short"), "{listed}");
        Ok(())
    })
    .await?;
    bench.cluster.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_masters_snapshots_are_the_others() -> Result<()> {
    require_peers!();
    let _alone = alone("one_masters_snapshots_are_the_others").await;
    let (java, own) = (MasterKind::java(), hmaster().await?);
    report("snapshots, one master after the other", "local disk", &[HBaseVersion::V2_6; 2], &[&own, &java]);
    let (mut bench, first) = Bench::begin("snapshots-turns", &own).await?;
    bench.client.create_table("t", &["f"], &["8"]).await?;
    bench.put("t", 1).await?;
    bench.run("snapshot 't', 'own1'").await?;
    bench.run("clone_snapshot 'own1', 'own_c'").await?;
    bench.change_files("t").await?;
    bench.put("t", 2).await?;

    first.stop(GRACE).await?;
    let second = bench.cluster.start_master(&java).await?;
    bench.client.reconnect().await?;
    second.while_running("region servers", bench.client.await_region_servers(2)).await?;
    bench.verify("own_c", &[1]).await.context("under Java")?;
    bench.run("clone_snapshot 'own1', 'java_c'").await?;
    bench.verify("java_c", &[1]).await.context("under Java")?;
    bench.restore("t", "own1").await?;
    bench.verify("t", &[1]).await.context("under Java")?;
    bench.put("t", 3).await?;
    bench.run("snapshot 't', 'java1'").await?;
    bench.change_files("t").await?;
    bench.put("t", 4).await?;

    second.stop(GRACE).await?;
    first.restart().await?;
    bench.client.reconnect().await?;
    first.while_running("region servers", bench.client.await_region_servers(2)).await?;
    for (table, seeds) in [("own_c", &[1][..]), ("java_c", &[1]), ("t", &[1, 3, 4])] {
        bench.verify(table, seeds).await.context("under hmaster again")?;
    }
    bench.run("clone_snapshot 'java1', 'own_c2'").await?;
    bench.verify("own_c2", &[1, 3]).await?;
    bench.restore("t", "java1").await?;
    bench.verify("t", &[1, 3]).await?;
    bench.restore("t", "own1").await?;
    bench.verify("t", &[1]).await?;
    for snapshot in ["own1", "java1"] {
        bench.run(&format!("delete_snapshot '{snapshot}'")).await?;
    }
    bench.change_files("own_c").await?;
    for (table, seeds) in [("own_c", &[1][..]), ("java_c", &[1]), ("own_c2", &[1, 3]), ("t", &[1])] {
        bench.verify(table, seeds).await.context("without snapshots")?;
    }
    bench.cluster.finish().await
}

//! With Java's ZooKeeper, region servers and client: sessions of 40 s, so that what doesn't wait for them shows.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use hmaster_tests::{
    Cluster, HBaseVersion, MasterKind, RowSet, Storage, ZooKeeper, hex_splits, require_peers, scenario,
};

const SESSION: Duration = Duration::from_secs(40);

#[expect(clippy::print_stderr, reason = "a measurement")]
fn say(what: &str) {
    eprintln!("{what}");
}

async fn dead_processes_are_noticed(name: &str, storage: Storage) -> Result<()> {
    let cluster = Cluster::builder(name)
        .zookeeper(ZooKeeper::Java { tick_ms: 2000 })
        .storage(storage)
        .conf("zookeeper.session.timeout", SESSION.as_millis())
        .heap_mb(256)
        .start()
        .await?;
    let kind = MasterKind::hmaster().await?;
    let versions = [HBaseVersion::V2_6, HBaseVersion::V2_6];
    let running = scenario::start(&cluster, &kind, &versions).await?;
    let backup = cluster.start_master(&kind).await?;
    let znodes = cluster.znodes().await?;
    hmaster_tests::wait::until("the backup", SESSION * 3, async || {
        let waiting = znodes.children("/hbase/backup-masters").await?;
        ensure!(waiting.len() == 1, "{waiting:?}");
        Ok(())
    })
    .await?;
    let rows = RowSet::new(5, 2_000);
    scenario::write_and_read_back(&running.client, 8, rows).await?;

    let killed = Instant::now();
    running.master.kill9().await?;
    running.client.create_table("after", &["f"], &hex_splits(2)).await?;
    say(&format!("{name}: active killed with -9 to a client's create table done: {:?}", killed.elapsed()));
    ensure!(killed.elapsed() < SESSION, "the session was waited for: {:?}", killed.elapsed());
    ensure!(backup.is_running());

    let killed = Instant::now();
    let victim = scenario::kill_a_region_server_and_read_again(&running, &[rows]).await?;
    say(&format!("{name}: region server killed with -9 to all rows read: {:?}", killed.elapsed()));
    ensure!(killed.elapsed() < SESSION, "the session was waited for: {:?}", killed.elapsed());
    victim.restart().await.context("the same region server again")?;
    running.client.await_region_servers(2).await?;
    running.client.verify_rows(scenario::TABLE, &[rows], &[]).await?.check()?;
    cluster.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_processes_are_noticed_on_local_disk() -> Result<()> {
    require_peers!();
    dead_processes_are_noticed("noticed", Storage::Local).await
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_processes_are_noticed_on_hdfs() -> Result<()> {
    require_peers!();
    dead_processes_are_noticed("noticed-hdfs", Storage::Hdfs { datanodes: 1 }).await
}

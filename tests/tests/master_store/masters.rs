//! What whole Java masters leave: tables made and dropped, files flushed, logs rolled, stopped or killed in the
//! middle of procedures.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hmaster_fs::FsPath;
use hmaster_procedure::ProcedureStore as _;
use hmaster_store::RegionProcedureStore;
use hmaster_store::region::MasterRegionOptions;
use hmaster_tests::{Cluster, HBaseVersion, MasterKind, Storage, hex_splits, require_peers, scenario};

use crate::disk::Disk;
use crate::edits::{FAMILIES, dump};
use crate::java;

/// Flushes and rolls all the time.
fn restless(name: &str) -> hmaster_tests::ClusterBuilder {
    Cluster::builder(name)
        .conf("hbase.master.store.region.flush.interval.ms", 1000)
        .conf("hbase.master.store.region.flush.per.changes", 30)
        .conf("hbase.master.store.region.walroll.period.ms", 1500)
        .conf("hbase.procedure.store.wal.periodic.roll.msec", 1500)
}

/// Java finds in a copy of the region what hmaster finds in the original.
async fn compare(disk: &Disk, version: HBaseVersion, n: u64, procedures_min: usize) -> Result<()> {
    let (root, copy) = (disk.uri.path.clone(), disk.root(&format!("copy{n}")));
    disk.copy(&root.join("MasterData"), &copy).await?;
    let region = std::sync::Arc::new(disk.open(&root, n, MasterRegionOptions::default()).await?);
    let commands = [java::open(disk, &copy, n), "dump".to_owned()];
    let java = java::run(disk, version, &commands).await?.remove(1);
    let known: BTreeSet<&str> = java.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    ensure!(known.contains("info") && known.contains("proc"), "{java}");
    let ours = dump(&region, &FAMILIES);
    ensure!(ours == java, "hmaster finds\n{ours}\nJava finds\n{java}");
    let loaded = RegionProcedureStore::new(std::sync::Arc::clone(&region)).load().await?;
    ensure!(loaded.max_proc_id > 3, "{}", loaded.max_proc_id);
    ensure!(loaded.records.len() >= procedures_min, "{} procedures", loaded.records.len());
    ensure!(!region.servers()?.is_empty() || version == HBaseVersion::V2_5, "no region server is known");
    // The same again, now that hmaster has rewritten it and gone without a word.
    drop(region);
    let commands = [java::open(disk, &root, n + 1), "dump".to_owned()];
    let again = java::run(disk, version, &commands).await?.remove(1);
    ensure!(again == java, "Java finds\n{again}\nbefore it found\n{java}");
    Ok(())
}

async fn store_files(disk: &Disk, root: &FsPath) -> Result<usize> {
    let region = root.join("MasterData").join("data").join("master").join("store");
    let region = region.join("1595e783b53d99cd5eef43b6debb2682");
    let mut files = 0;
    for family in FAMILIES {
        let listed = disk.client()?.list(&region.join(family)).await;
        files += listed.unwrap_or_default().iter().filter(|file| file.is_file()).count();
    }
    Ok(files)
}

async fn killed(name: &str, storage: Storage, version: HBaseVersion) -> Result<()> {
    let disk = Disk::with_zookeeper(restless(name), storage).await?;
    let kind = MasterKind::Java(version);
    let running = scenario::start(&disk.cluster, &kind, &[version]).await?;
    for n in 0..4 {
        running.client.create_table(&format!("t{n}"), &["f"], &hex_splits(3)).await?;
    }
    let waited = hmaster_tests::wait::until("flushed files", Duration::from_secs(60), async || {
        let files = store_files(&disk, &disk.uri.path).await?;
        ensure!(files > 3, "{files}");
        Ok(())
    });
    waited.await?;
    // Killed while a table is being made.
    let (client, regions) = (&running.client, hex_splits(40));
    tokio::select! {
        made = client.create_table("half", &["f"], &regions) => made.context("quicker than the kill")?,
        killed = async {
            tokio::time::sleep(Duration::from_millis(400)).await;
            running.master.kill9().await
        } => killed?,
    }
    running.region_servers[0].kill9().await?;
    compare(&disk, version, 1, 0).await?;
    disk.cluster.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_on_local_disk() -> Result<()> {
    require_peers!();
    killed("store-master-local", Storage::Local, HBaseVersion::V2_6).await
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_on_hdfs() -> Result<()> {
    require_peers!();
    killed("store-master-hdfs", Storage::Hdfs { datanodes: 1 }, HBaseVersion::V2_6).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_one_killed() -> Result<()> {
    require_peers!();
    killed("store-master-25", Storage::Local, HBaseVersion::V2_5).await
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_on_local_disk() -> Result<()> {
    require_peers!();
    let disk = Disk::with_zookeeper(restless("store-master-stopped"), Storage::Local).await?;
    let running = scenario::start(&disk.cluster, &MasterKind::java(), &[HBaseVersion::V2_6]).await?;
    running.client.create_table("t", &["f"], &hex_splits(3)).await?;
    running.master.stop(Duration::from_secs(60)).await?;
    running.region_servers[0].kill9().await?;
    compare(&disk, HBaseVersion::V2_6, 1, 0).await?;
    disk.cluster.finish().await
}

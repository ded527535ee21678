//! A master opens the region while another writes: the other ends, and all that it ever confirmed is there.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hmaster_fs::FsPath;
use hmaster_store::region::{MasterRegion, MasterRegionOptions, PROC_FAMILY};
use hmaster_store::wal::LogFailure;
use hmaster_tests::{HBaseVersion, Storage, require_peers};
use hmaster_types::Cell;

use crate::disk::Disk;
use crate::java;

const SOON: Duration = Duration::from_secs(60);

/// Writes rows 1, 2, ... until it can't; how many were confirmed, and why it ended.
async fn write_on(region: MasterRegion, confirmed: tokio::sync::watch::Sender<u64>) -> (u64, LogFailure) {
    for n in 1u64.. {
        let cell = Cell::put(&n.to_be_bytes(), PROC_FAMILY, b"d", Cell::LATEST_TIMESTAMP, b"ours").unwrap();
        if region.mutate(vec![cell]).await.is_err() {
            return (n - 1, region.failure().await);
        }
        confirmed.send_replace(n);
    }
    unreachable!("it is ended")
}

fn rows(dump: &str) -> usize {
    dump.lines().filter(|line| line.starts_with("cell proc")).count()
}

/// All rows up to the last confirmed one, and at most the one that was under way.
fn check(found: usize, confirmed: u64) -> Result<()> {
    let found = found as u64;
    ensure!((confirmed..=confirmed + 1).contains(&found), "{confirmed} were confirmed, {found} are there");
    Ok(())
}

async fn java_ends_hmaster(disk: &Disk) -> Result<()> {
    let root = disk.root("java-ends-hmaster");
    let options = MasterRegionOptions { wal_bytes_max: 20_000, ..MasterRegionOptions::default() };
    let region = disk.open(&root, 1, options).await?;
    let (sender, mut confirmed) = tokio::sync::watch::channel(0);
    let writer = tokio::spawn(write_on(region, sender));
    confirmed.wait_for(|n| *n > 300).await.context("rows")?;
    let commands = [java::open(disk, &root, 2), "dump".to_owned()];
    let dump = java::run(disk, HBaseVersion::V2_6, &commands).await?.remove(1);
    let (confirmed, failure) = tokio::time::timeout(SOON, writer).await.context("the writer ends")??;
    ensure!(matches!(failure, LogFailure::Fs(_)), "{failure}");
    check(rows(&dump), confirmed)
}

async fn hmaster_ends_hmaster(disk: &Disk) -> Result<()> {
    let root = disk.root("hmaster-ends-hmaster");
    let region = disk.open(&root, 1, MasterRegionOptions::default()).await?;
    let (sender, mut confirmed) = tokio::sync::watch::channel(0);
    let writer = tokio::spawn(write_on(region, sender));
    confirmed.wait_for(|n| *n > 100).await.context("rows")?;
    let next = disk.open(&root, 2, MasterRegionOptions::default()).await?;
    let (confirmed, failure) = tokio::time::timeout(SOON, writer).await.context("the writer ends")??;
    ensure!(matches!(failure, LogFailure::Fs(_)), "{failure}");
    check(next.rows(PROC_FAMILY).len(), confirmed)
}

/// On local disk a Java master that still runs isn't ended by anything but its ZooKeeper session: Java has no fence
/// there. On HDFS it is.
async fn hmaster_ends_java(disk: &Disk) -> Result<()> {
    let root: FsPath = disk.root("hmaster-ends-java");
    let writer = java::writer(disk, &root, 1).await?;
    writer.wait_for_log("wrote 300", SOON).await?;
    let region = disk.open(&root, 2, MasterRegionOptions::default()).await?;
    writer.wait_exit(SOON).await?;
    let log = writer.log();
    let wrote = log.lines().filter_map(|line| line.strip_prefix("wrote ")?.parse().ok()).max();
    ensure!(log.contains("aborted"), "{}", writer.tail());
    check(region.rows(PROC_FAMILY).len(), wrote.context("rows")?)
}

#[tokio::test(flavor = "multi_thread")]
async fn on_local_disk() -> Result<()> {
    require_peers!();
    let disk = Disk::start("store-fence", Storage::Local).await?;
    java_ends_hmaster(&disk).await?;
    disk.cluster.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn on_hdfs() -> Result<()> {
    require_peers!();
    let disk = Disk::start("store-fence-hdfs", Storage::Hdfs { datanodes: 1 }).await?;
    hmaster_ends_hmaster(&disk).await?;
    java_ends_hmaster(&disk).await?;
    hmaster_ends_java(&disk).await?;
    disk.cluster.finish().await
}

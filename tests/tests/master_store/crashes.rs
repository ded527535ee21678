//! hmaster dies at a change to the disk; a Java master finds what was confirmed, and so does hmaster after it.

use std::sync::Arc;

use anyhow::Result;
use hmaster_store::region::MasterRegionOptions;
use hmaster_tests::{HBaseVersion, Storage, require_peers};

use crate::crashing::Crashing;
use crate::disk::Disk;
use crate::edits::{FAMILIES, dump};
use crate::java;
use crate::lives::{Expected, live};

const BATCHES: u64 = 6;

/// The first master dies at a change, its successor at an earlier one; what they confirmed.
async fn two_lives(disk: &Disk, nth: u64, done: bool) -> Result<(bool, Expected)> {
    let (root, mut expected) = (disk.root(&format!("crash{nth}{done}")), Expected::default());
    let died = !live(&Crashing::at(disk.client()?, nth, done), &root, 1, BATCHES, &mut expected).await;
    live(&Crashing::at(disk.client()?, nth / 2, done), &root, 2, BATCHES, &mut expected).await;
    Ok((died, expected))
}

/// Every `step`-th change.
async fn enumerate(disk: &Arc<Disk>, step: u64, at_once: u64) -> Result<()> {
    let mut all = Vec::new();
    let mut from = 0;
    loop {
        let lives = (0..at_once).map(|n| {
            let (disk, nth) = (Arc::clone(disk), from + n * step);
            let done = (nth / step).is_multiple_of(2);
            tokio::spawn(
                async move { Ok::<_, anyhow::Error>((nth, done, two_lives(&disk, nth, done).await?)) },
            )
        });
        let mut over = false;
        for life in futures_util::future::join_all(lives).await {
            let (nth, done, (died, expected)) = life??;
            over |= !died;
            all.push((nth, done, expected));
        }
        from += at_once * step;
        if over {
            break;
        }
    }
    assert!(from > 50, "{from} changes");
    let mut commands = Vec::new();
    for (nth, done, _) in &all {
        commands.push(java::open(disk, &disk.root(&format!("crash{nth}{done}")), 3));
        commands.push("dump".to_owned());
        commands.push("leave".to_owned());
    }
    let printed = java::run(disk, HBaseVersion::V2_6, &commands).await?;
    for ((nth, done, expected), dumped) in all.iter_mut().zip(printed.iter().skip(1).step_by(3)) {
        expected.check(dumped, &format!("Java, after change {nth} {done}"));
        let root = disk.root(&format!("crash{nth}{done}"));
        let last = disk.open(&root, 4, MasterRegionOptions::default()).await?;
        expected.check(&dump(&last, &FAMILIES), &format!("hmaster after Java, after change {nth} {done}"));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn on_local_disk() -> Result<()> {
    require_peers!();
    let disk = Arc::new(Disk::start("store-crashes", Storage::Local).await?);
    enumerate(&disk, 1, 8).await?;
    Arc::into_inner(disk).expect("all tasks have ended").cluster.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn on_hdfs() -> Result<()> {
    require_peers!();
    let disk = Arc::new(Disk::start("store-crashes-hdfs", Storage::Hdfs { datanodes: 1 }).await?);
    enumerate(&disk, 5, 6).await?;
    Arc::into_inner(disk).expect("all tasks have ended").cluster.finish().await
}

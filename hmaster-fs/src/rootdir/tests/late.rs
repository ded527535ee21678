//! A process stands still before each change of its work, while another does the same work and what follows. When the
//! first one goes on, it does no harm.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::*;
use crate::memory::{Call, Fault};

const HELD_UP: Duration = Duration::from_secs(3600);

/// New regions of the table, as after a truncation.
fn new_regions() -> Vec<RegionInfo> {
    let new = |region: RegionInfo| {
        let builder = RegionInfo::builder(table()).region_id(region.region_id() + 1);
        builder.start_key(region.start_key()).end_key(region.end_key()).build()
    };
    regions(3).into_iter().map(new).collect()
}

fn files_of(regions: &[RegionInfo]) -> Vec<String> {
    let big = format!("mobdir/data/ns/t/{}/f/new big", layout::mob_region(&table()));
    let file = |region: &RegionInfo| format!("data/ns/t/{}/f/new", region.encoded_name());
    regions.iter().map(file).chain([big]).collect()
}

async fn delete(root: RootDir, whole: bool) -> Result<(), RootDirError> {
    match whole {
        true => root.delete_table(&table()).await,
        false => root.clear_table(&table(), &[]).await,
    }
}

/// Deletes the table, or only its regions, by a process that is held up before its n-th change.
async fn late(whole: bool, held_up_at: u64) -> bool {
    let f = Fixture::prepared().await;
    f.root.create_table(&schema(1), &regions(3)).await.unwrap();
    for region in regions(3) {
        f.put(&format!("data/ns/t/{}/f/old", region.encoded_name()), "old").await;
    }
    f.put(&format!("mobdir/data/ns/t/{}/f/old big", layout::mob_region(&table())), "old").await;

    let seen = AtomicU64::new(0);
    f.disk.set_fault_plan(move |call: &Call<'_>| match call.operation.changes() {
        true if seen.fetch_add(1, Ordering::Relaxed) == held_up_at => Fault::Delay(HELD_UP),
        _ => Fault::None,
    });
    let held_up = tokio::spawn(delete(f.root.clone(), whole));
    tokio::time::sleep(HELD_UP / 2).await;
    if held_up.is_finished() {
        held_up.await.unwrap().unwrap();
        return false;
    }
    let second = f.next();
    delete(second.clone(), whole).await.unwrap();
    second.create_table(&schema(1), &new_regions()).await.unwrap();
    for file in files_of(&new_regions()) {
        put(&second, &file, "new").await;
    }
    let _ = held_up.await.unwrap(); // it may well fail
    let files = f.files("");
    for file in files_of(&new_regions()) {
        assert!(files.contains_key(&file), "held up at {held_up_at}: {file} is gone, there are {files:?}");
    }
    true
}

#[tokio::test(start_paused = true)]
async fn a_late_deletion_leaves_new_regions_alone() {
    for whole in [false, true] {
        let mut held_up_at = 0;
        while late(whole, held_up_at).await {
            held_up_at += 1;
        }
        assert!(held_up_at > 10, "there were {held_up_at} changes to be held up at");
    }
}

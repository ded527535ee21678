//! Store files go to the archive.

use super::*;
use crate::FsErrorKind;
use crate::Operation;
use crate::memory::{Call, Fault};

fn store(region: &RegionInfo, file: &str) -> String {
    format!("data/ns/t/{}/f/{file}", region.encoded_name())
}

fn archived(region: &RegionInfo, file: &str) -> String {
    format!("archive/{}", store(region, file))
}

#[tokio::test]
async fn a_regions_files_go_to_the_archive() {
    let f = Fixture::prepared().await;
    let region = &regions(1)[0];
    f.root.create_table(&schema(1), &regions(1)).await.unwrap();
    let folder = format!("data/ns/t/{}", region.encoded_name());
    for file in ["f/a", "f/b", "f/.filelist/f1.5", "g/c", "recovered.edits/5.seqid", ".tmp/f/half", "file"] {
        f.put(&format!("{folder}/{file}"), "data").await;
    }
    f.root.file_system().mkdirs(&below_root(&format!("{folder}/empty")), None).await.unwrap();
    f.clock.advance(1000);
    assert!(f.root.archive_region(&region.with_replica(1)).await.unwrap());
    let below = format!("archive/{folder}");
    let wanted = ["f/.filelist/f1.5", "f/a", "f/b", "g/c", "recovered.edits/5.seqid"];
    assert_eq!(f.file_names("archive"), wanted.map(|file| format!("{below}/{file}")));
    let status = f.root.file_system().status(&below_root(&format!("{below}/f/a"))).await.unwrap();
    assert_eq!(status.modified_ms, NOW_MS + 1000, "cleaners tell by it how long it has been there");
    assert!(!f.root.region_exists(region).await.unwrap());
    assert!(!f.root.archive_region(region).await.unwrap(), "nothing left to do");
}

#[tokio::test]
async fn a_name_that_is_archived_already() {
    let f = Fixture::prepared().await;
    let region = &regions(1)[0];
    f.put(&store(region, "a"), "new!").await;
    f.put(&archived(region, "a"), "old!").await;
    f.put(&archived(region, &format!("a.{NOW_MS}")), "even older").await;
    f.root.archive_region(region).await.unwrap();
    let archive = f.files("archive");
    assert_eq!(archive[&archived(region, "a")], "new!");
    assert_eq!(archive[&archived(region, &format!("a.{}", NOW_MS + 1))], "old!");
    assert_eq!(archive[&archived(region, &format!("a.{NOW_MS}"))], "even older");

    f.put(&store(region, "a"), "of another length").await;
    let error = f.root.archive_region(region).await.unwrap_err();
    assert!(matches!(error, RootDirError::ArchiveClash { bytes: 17, archived_bytes: 4, .. }), "{error}");
    assert_eq!(f.files("data")[&store(region, "a")], "of another length", "nothing is lost");
}

/// The cleaner removes an empty folder of the archive just when a file is to be moved into it.
#[tokio::test]
async fn the_cleaner_is_in_the_way() {
    let f = Fixture::prepared().await;
    let region = &regions(1)[0];
    f.put(&store(region, "a"), "data").await;
    let cleaner = f.next();
    let folder = below_root(&format!("archive/data/ns/t/{}", region.encoded_name()));
    let times = std::sync::atomic::AtomicUsize::new(0);
    f.disk.set_fault_plan({
        let (disk, folder) = (f.disk.clone(), folder.clone());
        let cleaner = cleaner.clone();
        move |call: &Call<'_>| {
            let again = times.load(std::sync::atomic::Ordering::Relaxed) < 2;
            if call.operation == Operation::Rename && again {
                times.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let _ = &disk;
                futures_util::FutureExt::now_or_never(cleaner.file_system().delete(&folder.join("f")));
                futures_util::FutureExt::now_or_never(cleaner.file_system().delete(&folder));
            }
            Fault::None
        }
    });
    f.root.archive_region(region).await.unwrap();
    assert_eq!(f.files("archive")[&archived(region, "a")], "data");
}

/// A reply is lost, so the file was moved although the move failed.
#[tokio::test]
async fn a_move_of_unknown_outcome() {
    let f = Fixture::prepared().await;
    let region = &regions(1)[0];
    f.put(&store(region, "a"), "data").await;
    let lost = std::sync::atomic::AtomicBool::new(false);
    f.disk.set_fault_plan(move |call: &Call<'_>| {
        let first =
            call.operation == Operation::Rename && !lost.swap(true, std::sync::atomic::Ordering::Relaxed);
        if first { Fault::FailAfter(FsErrorKind::Unknown) } else { Fault::None }
    });
    f.root.archive_region(region).await.unwrap();
    assert_eq!(f.files("archive")[&archived(region, "a")], "data");
}

#[tokio::test]
async fn a_disk_that_fails_loses_nothing() {
    let f = Fixture::prepared().await;
    let region = &regions(1)[0];
    f.put(&store(region, "a"), "data").await;
    f.disk.set_fault_plan(|call: &Call<'_>| match call.operation {
        Operation::Rename => Fault::Fail(FsErrorKind::Unavailable),
        _ => Fault::None,
    });
    let error = f.root.archive_region(region).await.unwrap_err();
    assert_eq!(fs_error(&error).kind, FsErrorKind::Unavailable);
    assert_eq!(f.files("data")[&store(region, "a")], "data");
}

#[tokio::test]
async fn families_and_single_files() {
    let f = Fixture::prepared().await;
    let region = &regions(1)[0];
    for file in ["a", "b", "c"] {
        f.put(&store(region, file), "data").await;
    }
    let files = ["a", "gone"].map(|file| below_root(&store(region, file)));
    f.root.archive_store_files(region, b"f", &files).await.unwrap();
    assert_eq!(f.file_names("archive"), [archived(region, "a")]);
    assert!(f.root.archive_family(region, b"f").await.unwrap());
    assert_eq!(f.file_names("archive").len(), 3);
    assert!(!f.root.archive_family(region, b"f").await.unwrap());
    assert!(!f.disk.snapshot().contains_key(&below_root(&store(region, "b")).parent().unwrap()));
}

#[tokio::test]
async fn a_table_goes_with_all_that_belongs_to_it() {
    let f = Fixture::prepared().await;
    f.root.create_table(&schema(1), &regions(20)).await.unwrap();
    let mob = format!("data/ns/t/{}/f/big", layout::mob_region(&table()));
    for region in regions(20) {
        f.put(&store(&region, "hfile"), "data").await;
    }
    f.put("data/ns/t/00000000000000000000000000000abc/f/unknown", "data").await;
    f.put(&format!("mobdir/{mob}"), "big").await;
    f.root.delete_table(&table()).await.unwrap();
    assert!(f.file_names("data/ns").is_empty() && f.file_names("mobdir").is_empty());
    let archive = f.file_names("archive");
    assert_eq!(archive.len(), 22, "a region that hbase:meta doesn't know counts, too");
    assert!(archive.contains(&format!("archive/{mob}")));
    assert_eq!(f.root.tables().await.unwrap(), []);
    f.root.delete_table(&table()).await.unwrap();
}

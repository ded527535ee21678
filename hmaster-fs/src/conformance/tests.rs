//! Every promise, kept by local disk and by memory in each of its characters.

use std::sync::Arc;
use std::time::Duration;

use hmaster_types::{Chance, ManualClock};

use super::run_all;
use crate::memory::{MemoryDisk, MemoryOptions};
use crate::{FsPath, LocalFileSystem};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn local_disk() {
    let folder = tempfile::tempdir().unwrap();
    let root: FsPath = folder.path().to_str().unwrap().parse().unwrap();
    run_all(Arc::new(LocalFileSystem), Arc::new(LocalFileSystem), &root).await;
}

async fn memory(options: MemoryOptions) {
    for seed in 0..3 {
        let disk = MemoryDisk::new(options.clone(), Arc::new(ManualClock::at(1)), Chance::seeded(seed));
        let (fs, other) = (Arc::new(disk.client("one")), Arc::new(disk.client("two")));
        run_all(fs, other, &FsPath::root().join("test")).await;
    }
}

#[tokio::test]
async fn memory_by_default() {
    memory(MemoryOptions::default()).await;
}

#[tokio::test(start_paused = true)]
async fn memory_like_hdfs() {
    let options = MemoryOptions {
        unsynced_names_are_lost: false,
        lease_recovery: Duration::from_secs(3),
        ..MemoryOptions::default()
    };
    memory(options).await;
}

#[tokio::test]
async fn memory_like_local_disk() {
    let options =
        MemoryOptions { rename_fences: true, open_files_read_empty: false, ..MemoryOptions::default() };
    memory(options).await;
}

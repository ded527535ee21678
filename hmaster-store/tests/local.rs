//! The region on local disk: masters that die at every change, and masters that open it while another has it.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "region/crashing.rs"]
mod crashing;
#[path = "region/edits.rs"]
mod edits;
#[path = "region/lives.rs"]
mod lives;

use std::sync::Arc;

use hmaster_fs::{FileSystem, FsErrorKind, FsPath, LocalFileSystem};
use hmaster_store::region::{MasterRegionOptions, MutateError, PROC_FAMILY, STATE_FAMILY};
use hmaster_store::wal::LogFailure;
use hmaster_types::Cell;

use crashing::Crashing;
use edits::{FAMILIES, dump};
use lives::{Expected, live, open};

const BATCHES: u64 = 10;

struct Disk {
    folder: tempfile::TempDir,
    fs: Arc<dyn FileSystem>,
}

impl Disk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), fs: Arc::new(LocalFileSystem) }
    }

    fn root(&self) -> FsPath {
        FsPath::parse(self.folder.path().to_str().unwrap()).unwrap().join("hbase")
    }
}

/// The first master dies at a change, its successor earlier, the third lives; false when the first got through.
async fn three_lives(nth: u64, done: bool) -> bool {
    let (disk, mut expected) = (Disk::new(), Expected::default());
    let root = disk.root();
    let mortal = |nth| Crashing::at(Arc::clone(&disk.fs), nth, done);
    let died = !live(&mortal(nth), &root, 1, BATCHES, &mut expected).await;
    live(&mortal(nth / 2), &root, 2, BATCHES, &mut expected).await;
    assert!(live(&mortal(u64::MAX), &root, 3, 2, &mut expected).await);
    let last = open(Arc::clone(&disk.fs), &root, 4, MasterRegionOptions::default()).await.unwrap();
    expected.check(&dump(&last, &FAMILIES), "the last master");
    died
}

/// As many as there are, a few at a time: the disk has to sync for each.
#[tokio::test(flavor = "multi_thread")]
async fn crashes_at_every_change() {
    const AT_ONCE: u64 = 8;
    for done in [false, true] {
        let mut nth = 0;
        loop {
            let lives = (nth..nth + AT_ONCE).map(|nth| tokio::spawn(three_lives(nth, done)));
            let died = futures_util::future::join_all(lives).await;
            nth += AT_ONCE;
            if died.into_iter().any(|died| !died.unwrap()) {
                break;
            }
        }
        assert!(nth > 60, "{nth} changes");
    }
}

fn put(row: u64) -> Cell {
    Cell::put(&row.to_be_bytes(), PROC_FAMILY, b"d", Cell::LATEST_TIMESTAMP, b"x").unwrap()
}

/// The next thing that a deposed master does fails, whatever that is.
#[tokio::test]
async fn a_second_master_ends_the_first() {
    let disk = Disk::new();
    let options = MasterRegionOptions::default;
    let one = open(Arc::clone(&disk.fs), &disk.root(), 1, options()).await.unwrap();
    one.mutate(vec![put(1)]).await.unwrap();
    let two = open(Arc::clone(&disk.fs), &disk.root(), 2, options()).await.unwrap();
    let refused = one.mutate(vec![put(2)]).await.unwrap_err();
    let MutateError::Log(LogFailure::Fs(error)) = &refused else { panic!("{refused:?}") };
    assert_eq!(error.kind, FsErrorKind::Fenced);
    assert!(one.mutate(vec![put(3)]).await.is_err());
    assert!(one.put_state("late", b"1").await.is_err());
    assert!(one.close().await.is_err());
    two.mutate(vec![put(4)]).await.unwrap();

    let three = open(Arc::clone(&disk.fs), &disk.root(), 3, options()).await.unwrap();
    two.roll();
    assert!(matches!(two.failure().await, LogFailure::Fs(_)));
    let rows: Vec<u64> = three
        .rows(PROC_FAMILY)
        .iter()
        .map(|(row, _)| u64::from_be_bytes(row[..].try_into().unwrap()))
        .collect();
    assert_eq!(rows, [1, 4]);
    assert!(three.get(STATE_FAMILY, b"late").is_empty());
}

/// A master writes all the while, others take over at any moment: whatever was ever confirmed is there at the end.
#[tokio::test(flavor = "multi_thread")]
async fn taken_over_in_full_flight() {
    let disk = Disk::new();
    let mut writers = Vec::new();
    for n in 1..=6u64 {
        let region = open(Arc::clone(&disk.fs), &disk.root(), n, lives::SMALL).await.unwrap();
        let (started, has_started) = tokio::sync::oneshot::channel();
        writers.push(tokio::spawn(async move {
            let (mut confirmed, mut started) = (Vec::new(), Some(started));
            for row in n * 1_000_000.. {
                if region.mutate(vec![put(row)]).await.is_err() {
                    break;
                }
                confirmed.push(row);
                if let Some(started) = started.take_if(|_| confirmed.len() == 40) {
                    started.send(()).unwrap();
                }
            }
            confirmed
        }));
        has_started.await.unwrap();
    }
    let last = open(Arc::clone(&disk.fs), &disk.root(), 7, lives::SMALL).await.unwrap();
    for writer in writers {
        for row in writer.await.unwrap() {
            assert_eq!(last.get(PROC_FAMILY, &row.to_be_bytes()).len(), 1, "row {row} was confirmed");
        }
    }
}

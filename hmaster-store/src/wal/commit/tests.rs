//! What group commit promises, with a journal of strings.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hmaster_fs::memory::{Call, Fault, MemoryDisk, MemoryFileSystem, MemoryOptions};
use hmaster_fs::{FileSystem as _, FsErrorKind, FsPath, Operation};
use hmaster_types::{Chance, ManualClock};
use parking_lot::Mutex;

use super::*;

/// Batches are texts; their sequence ids are their places.
struct Texts {
    encoded: u64,
    committed: Arc<AtomicUsize>,
    put_away: Arc<Mutex<Vec<String>>>,
    file_bytes_max: u64,
    keep: bool,
}

impl Journal for Texts {
    type Batch = String;

    fn encode(&mut self, batch: String, out: &mut BytesMut) -> u64 {
        out.extend_from_slice(batch.as_bytes());
        self.encoded += 1;
        self.encoded
    }

    fn committed(&mut self) {
        self.committed.store(self.encoded as usize, Ordering::SeqCst);
    }

    fn wants_new_file(&mut self, length: u64) -> bool {
        length > self.file_bytes_max
    }

    fn checkpoint(&mut self, out: &mut BytesMut) -> bool {
        out.extend_from_slice(b"<checkpoint>");
        self.keep = !self.keep;
        self.keep
    }

    fn put_away(&mut self, old: WalFile) -> BoxFuture<'static, Result<(), FsError>> {
        let put_away = Arc::clone(&self.put_away);
        async move {
            put_away.lock().push(old.path().name().unwrap().to_owned());
            old.close().await
        }
        .boxed()
    }

    fn was_put_away(&mut self, done: Result<(), FsError>) -> Result<(), FsError> {
        done
    }
}

struct Fixture {
    disk: MemoryDisk,
    fs: MemoryFileSystem,
    committer: Committer<Texts>,
    committed: Arc<AtomicUsize>,
    put_away: Arc<Mutex<Vec<String>>>,
}

const FOLDER: &str = "/WALs";

async fn start(file_bytes_max: u64, pending_bytes_max: usize) -> Fixture {
    let clock = Arc::new(ManualClock::at(100));
    let disk = MemoryDisk::new(MemoryOptions::default(), clock.clone(), Chance::seeded(3));
    let fs = disk.client("log");
    let path: FsPath = FOLDER.parse().unwrap();
    fs.mkdirs(&path, None).await.unwrap();
    let mut folder = WalFolder::new(Arc::new(fs.clone()), path, "h,1,1".parse().unwrap(), clock);
    let file = folder.create().await.unwrap();
    let (committed, put_away) = (Arc::<AtomicUsize>::default(), Arc::<Mutex<Vec<String>>>::default());
    let texts = Texts {
        encoded: 0,
        committed: Arc::clone(&committed),
        put_away: Arc::clone(&put_away),
        file_bytes_max,
        keep: false,
    };
    let committer = Committer::start(texts, folder, file, pending_bytes_max, "test");
    Fixture { disk, fs, committer, committed, put_away }
}

impl Fixture {
    fn submit(&self, text: &str) -> Durable {
        self.committer.submit(text.to_owned(), text.len())
    }

    fn count(&self, operation: Operation) -> usize {
        self.disk.trace().iter().filter(|entry| entry.operation == operation).count()
    }
}

async fn files(fs: &MemoryFileSystem) -> Vec<String> {
    let folder: FsPath = FOLDER.parse().unwrap();
    let mut files = Vec::new();
    for entry in fs.list(&folder).await.unwrap() {
        let content = fs.read_whole(&folder.join(&entry.name), 1 << 20).await.unwrap();
        files.push(String::from_utf8_lossy(&content).into_owned());
    }
    files
}

#[tokio::test]
async fn what_is_queued_together_shares_a_sync() {
    let f = start(1 << 20, 1 << 20).await;
    let waiting: Vec<Durable> = ["a", "b", "c", "d"].map(|text| f.submit(text)).into();
    for (n, durable) in waiting.into_iter().enumerate() {
        assert_eq!(durable.await.unwrap(), n as u64 + 1);
    }
    assert_eq!((f.count(Operation::Sync), f.committed.load(Ordering::SeqCst)), (1, 4));
    f.submit("e").await.unwrap();
    assert_eq!(f.count(Operation::Sync), 2);
    f.committer.close().await.unwrap();
}

/// One worker thread runs a task that was just woken before those that wait for their turn, as each of many does.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn who_is_told_together_writes_together_again() {
    const WRITERS: usize = 8;
    const WRITES: usize = 5;
    let f = Arc::new(start(1 << 20, 1 << 20).await);
    let all = tokio::spawn({
        let f = Arc::clone(&f);
        async move {
            let writers = (0..WRITERS).map(|_| {
                let f = Arc::clone(&f);
                tokio::spawn(async move {
                    for _ in 0..WRITES {
                        f.submit("x").await.unwrap();
                    }
                })
            });
            futures_util::future::join_all(writers).await
        }
    });
    all.await.unwrap().into_iter().for_each(|writer| writer.unwrap());
    assert_eq!(f.count(Operation::Sync), WRITES);
}

#[tokio::test]
async fn a_file_that_is_full_is_followed_by_another() {
    let f = start(200, 1 << 20).await;
    for _ in 0..3 {
        f.submit(&"x".repeat(150)).await.unwrap();
    }
    let failure = f.committer.failure();
    f.committer.close().await.unwrap();
    assert!(matches!(failure.await, LogFailure::Closed));
    assert_eq!(f.committed.load(Ordering::SeqCst), 3);
    assert_eq!(*f.put_away.lock(), ["h%2C1%2C1.100", "h%2C1%2C1.101", "h%2C1%2C1.102"]);
}

#[tokio::test]
async fn checkpoints_stand_before_what_comes_after() {
    let f = start(1 << 20, 1 << 20).await;
    f.submit("one").await.unwrap();
    f.committer.request_new_file();
    while f.put_away.lock().is_empty() {
        tokio::task::yield_now().await;
    }
    f.submit("two").await.unwrap();
    f.committer.close().await.unwrap();
    let files = files(&f.fs).await;
    assert!(files[0].ends_with("one\0\0\0\0LAWP"), "{files:?}");
    assert!(files[1].ends_with("<checkpoint><checkpoint>two\0\0\0\0LAWP"), "{files:?}");
}

#[tokio::test]
async fn the_first_failure_is_final() {
    let f = start(1 << 20, 1 << 20).await;
    f.submit("good").await.unwrap();
    f.disk.set_fault_plan(|call: &Call<'_>| match call.operation {
        Operation::Sync => Fault::FailAfter(FsErrorKind::Unknown),
        _ => Fault::None,
    });
    let (a, b) = (f.submit("a"), f.submit("b"));
    for durable in [a, b] {
        let failure = durable.await.unwrap_err();
        assert!(matches!(&failure, LogFailure::Fs(error) if error.kind == FsErrorKind::Unknown), "{failure}");
    }
    f.disk.set_fault_plan(hmaster_fs::memory::NoFaults);
    assert!(matches!(f.submit("c").await, Err(LogFailure::Fs(_))));
    assert!(matches!(f.committer.failure().await, LogFailure::Fs(_)));
    assert_eq!(f.committed.load(Ordering::SeqCst), 1);
    assert!(f.committer.close().await.is_err());
}

#[tokio::test]
async fn a_fenced_log_confirms_nothing() {
    let f = start(1 << 20, 1 << 20).await;
    f.submit("mine").await.unwrap();
    let successor = f.disk.client("successor");
    let path: FsPath = FOLDER.parse().unwrap();
    let dead: FsPath = "/WALs-dead".parse().unwrap();
    successor.rename(&path, &dead).await.unwrap();
    let name = successor.list(&dead).await.unwrap()[0].name.clone();
    successor.recover_lease(&dead.join(&name), Duration::from_secs(1)).await.unwrap();
    let failure = f.submit("late").await.unwrap_err();
    assert!(matches!(&failure, LogFailure::Fs(error) if error.kind == FsErrorKind::Fenced), "{failure}");
}

#[tokio::test]
async fn more_than_the_bound_is_a_failure() {
    let f = start(1 << 20, 10).await;
    let first = f.submit("12345");
    let second = f.submit("678901");
    assert!(matches!(second.await, Err(LogFailure::Overloaded { bytes: 11, bytes_max: 10 })));
    assert!(first.await.is_err(), "after a failure nothing is confirmed");
}

#[tokio::test]
async fn nobody_waits_for_a_task_that_is_gone() {
    let f = start(1 << 20, 1 << 20).await;
    f.disk.set_fault_plan(|call: &Call<'_>| match call.operation {
        Operation::Sync => Fault::Delay(Duration::from_secs(1_000_000)),
        _ => Fault::None,
    });
    let hanging = f.submit("hangs");
    tokio::task::yield_now().await;
    let queued = f.submit("queued");
    drop(f.committer);
    assert!(matches!(hanging.await, Err(LogFailure::Ended)));
    assert!(matches!(queued.await, Err(LogFailure::Ended)));
}

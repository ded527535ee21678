//! What is special about memory: crashes, faults, delays, the trace.

use std::collections::BTreeSet;
use std::time::Duration;

use hmaster_types::ManualClock;

use super::*;
use crate::{CreateOptions, FileSystem as _, FsError, Writer};

fn disk(seed: u64) -> MemoryDisk {
    MemoryDisk::new(MemoryOptions::default(), Arc::new(ManualClock::at(5)), Chance::seeded(seed))
}

fn path(text: &str) -> FsPath {
    text.parse().unwrap()
}

async fn open_log(fs: &MemoryFileSystem) -> Box<dyn Writer> {
    let mut log = fs.create(&path("/log"), CreateOptions::new()).await.unwrap();
    log.write("synced".into()).await.unwrap();
    log.sync().await.unwrap();
    log.write(", not synced".into()).await.unwrap();
    log
}

#[tokio::test]
async fn a_crash_tears_what_was_not_synced_and_nothing_else() {
    let (mut found, mut left) = (BTreeSet::new(), BTreeSet::new());
    for seed in 0..200 {
        let disk = disk(seed);
        let (one, two) = (disk.client("one"), disk.client("two"));
        let mut log = open_log(&one).await;
        let never_synced = one.create(&path("/never synced"), CreateOptions::new()).await.unwrap();
        one.write_whole(&path("/closed"), "whole".into(), CreateOptions::new()).await.unwrap();
        disk.crash(&one);
        let Content::File(torn) = disk.snapshot().remove(&path("/log")).unwrap() else { panic!("a file") };
        left.insert(torn.len());
        assert_eq!(log.sync().await.unwrap_err().kind, FsErrorKind::Unavailable);
        assert!(never_synced.close().await.is_err() && one.status(&path("/log")).await.is_err());

        assert_eq!(two.read_whole(&path("/closed"), 10).await.unwrap(), "whole");
        assert_eq!(two.read_whole(&path("/log"), 100).await.unwrap(), "", "nobody recovered it yet");
        two.recover_lease(&path("/log"), Duration::ZERO).await.unwrap();
        let content = two.read_whole(&path("/log"), 100).await.unwrap();
        assert!(content.starts_with(b"synced"));
        found.insert((
            content.len(),
            content.ends_with(b"\0"),
            two.exists(&path("/never synced")).await.unwrap(),
        ));
    }
    let lengths: BTreeSet<usize> = found.iter().map(|found| found.0).collect();
    assert_eq!(lengths, (6..=18).collect(), "every length comes up");
    assert_eq!(lengths, left, "recovering changes no more");
    assert!(
        found.iter().any(|found| found.1)
            && found.iter().any(|found| found.2)
            && found.iter().any(|found| !found.2)
    );
}

#[tokio::test]
async fn one_seed_one_outcome() {
    let run = async |seed| {
        let disk = disk(seed);
        let one = disk.client("one");
        let _log = open_log(&one).await;
        disk.crash_all();
        disk.snapshot()
    };
    assert_eq!(run(3).await, run(3).await);
}

#[tokio::test]
async fn faults_by_operation_client_and_path() {
    let disk = disk(1);
    let (one, two) = (disk.client("one"), disk.client("two"));
    disk.set_fault_plan(|call: &Call<'_>| match (call.client, call.operation, call.path.as_str()) {
        ("one", Operation::Mkdirs, "/refused") => Fault::Fail(FsErrorKind::NoSpace),
        ("one", Operation::Mkdirs, "/reply lost") => Fault::FailAfter(FsErrorKind::Unknown),
        ("one", Operation::Mkdirs, "/crash before") => Fault::CrashBefore,
        _ => Fault::None,
    });
    let mkdirs = async |fs: &MemoryFileSystem, at| fs.mkdirs(&path(at), None).await;
    assert_eq!(mkdirs(&one, "/refused").await.unwrap_err().kind, FsErrorKind::NoSpace);
    assert_eq!(mkdirs(&one, "/reply lost").await.unwrap_err().kind, FsErrorKind::Unknown);
    mkdirs(&two, "/refused").await.unwrap();
    assert!(mkdirs(&one, "/crash before").await.is_err() && mkdirs(&one, "/later").await.is_err());
    let folders: Vec<String> = disk.snapshot().into_keys().map(|path| path.to_string()).collect();
    assert_eq!(folders, ["/", "/refused", "/reply lost"]);
    let trace: Vec<_> =
        disk.trace().into_iter().map(|t| (t.client.to_string(), t.path.to_string(), t.failure)).collect();
    assert_eq!(trace[0], ("one".into(), "/refused".into(), Some(FsErrorKind::NoSpace)));
    assert_eq!(trace[2], ("two".into(), "/refused".into(), None));
}

#[tokio::test(start_paused = true)]
async fn a_client_may_crash_while_it_waits() {
    let disk = disk(1);
    let (one, started) = (disk.client("one"), tokio::time::Instant::now());
    disk.set_fault_plan(|_: &Call<'_>| Fault::Delay(Duration::from_secs(7)));
    one.mkdirs(&path("/a"), None).await.unwrap();
    assert_eq!(started.elapsed(), Duration::from_secs(7));
    let waiting = one.clone();
    let waiting = tokio::spawn(async move { waiting.mkdirs(&path("/b"), None).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    disk.crash(&one);
    assert!(waiting.await.unwrap().is_err());
    assert_eq!(disk.snapshot().len(), 2, "/ and /a");
}

#[tokio::test]
async fn every_change_can_be_crashed_at() {
    let work = async |fs: &MemoryFileSystem| -> Result<(), FsError> {
        fs.mkdirs(&path("/a"), None).await?;
        fs.write_whole(&path("/a/file"), "x".into(), CreateOptions::new()).await?;
        fs.exists(&path("/a/file")).await?;
        fs.delete_tree(&path("/a")).await.map(drop)
    };
    let crashes = async |after: bool| {
        for nth in 0.. {
            let disk = disk(1);
            let plan = Arc::new(if after { CrashAtChange::after(nth) } else { CrashAtChange::before(nth) });
            disk.set_fault_plan(Arc::clone(&plan));
            let done = work(&disk.client("one")).await;
            assert_eq!(done.is_err(), plan.reached());
            if !plan.reached() {
                return nth;
            }
        }
        0
    };
    let changes = 6; // mkdirs, create, write, close, and a deletion each of file and folder
    assert_eq!((crashes(false).await, crashes(true).await), (changes, changes));
}

#[tokio::test(start_paused = true)]
async fn safe_mode_refuses_changes() {
    let disk = disk(1);
    let fs = disk.client("one");
    disk.set_safe_mode(true);
    assert_eq!(fs.mkdirs(&path("/a"), None).await.unwrap_err().kind, FsErrorKind::SafeMode);
    let (poll, root) = (Duration::from_secs(10), FsPath::root());
    let error = fs.wait_until_writable(&root, poll, Some(Duration::from_secs(25))).await.unwrap_err();
    assert!(matches!(error.kind, FsErrorKind::TimedOut(_)));
    let (waiting, root) = (fs.clone(), root.clone());
    let waiting = tokio::spawn(async move { waiting.wait_until_writable(&root, poll, None).await });
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert!(!waiting.is_finished());
    disk.set_safe_mode(false);
    waiting.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn leases_take_time_to_recover() {
    let options = MemoryOptions { lease_recovery: Duration::from_secs(3), ..MemoryOptions::default() };
    let disk = MemoryDisk::new(options, Arc::new(ManualClock::at(5)), Chance::seeded(1));
    let (one, two) = (disk.client("one"), disk.client("two"));
    let mut log = open_log(&one).await;
    let error = two.recover_lease(&path("/log"), Duration::from_secs(2)).await.unwrap_err();
    assert!(matches!(error.kind, FsErrorKind::TimedOut(_)));
    log.sync().await.unwrap();
    two.recover_lease(&path("/log"), Duration::from_secs(3)).await.unwrap();
    assert_eq!(log.sync().await.unwrap_err().kind, FsErrorKind::Fenced);
}

#[tokio::test]
async fn a_rename_alone_fences_where_that_is_so() {
    for rename_fences in [false, true] {
        let options = MemoryOptions { rename_fences, ..MemoryOptions::default() };
        let disk = MemoryDisk::new(options, Arc::new(ManualClock::at(5)), Chance::seeded(1));
        let (one, two) = (disk.client("one"), disk.client("two"));
        let mut log = open_log(&one).await;
        two.rename(&path("/log"), &path("/moved")).await.unwrap();
        assert_eq!(log.sync().await.is_err(), rename_fences);
    }
}

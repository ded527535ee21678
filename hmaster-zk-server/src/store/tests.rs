//! Crashes by enumeration: after every operation on the disk, and a log cut after every byte.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use bytes::Bytes;
use tempfile::TempDir;

use super::*;
use crate::state::SessionRecord;
use crate::transaction::Change;
use crate::tree::change::TreeChange;
use crate::tree::node::Owner;
use crate::wire::types::{open_acl, read_acl};

/// A history with every kind of transaction, in batches as a group commit would write them.
fn history() -> Vec<Vec<Transaction>> {
    let create = |path: &str, owner| TreeChange::Create {
        path: path.to_owned(),
        data: Some(Bytes::from_static(b"some data")),
        acl: open_acl(),
        owner,
    };
    let session = SessionRecord { timeout_ms: 4000, password: [5; 16] };
    let batches = [
        vec![Change::CreateSession(session)],
        vec![Change::Tree(vec![create("/a", Owner::Nobody)]), Change::Failed { error: -110 }],
        vec![Change::Tree(vec![create("/a/e", Owner::Session(70)), create("/c", Owner::Container)])],
        vec![Change::Tree(vec![TreeChange::SetData { path: "/a".to_owned(), data: None, version: 1 }])],
        vec![Change::Tree(vec![TreeChange::SetAcl { path: "/a".to_owned(), acl: read_acl(), version: 1 }])],
        vec![Change::Tree(vec![TreeChange::Delete { path: "/c".to_owned() }]), Change::Tree(vec![])],
        vec![Change::CloseSession, Change::CreateSession(session)],
        vec![Change::Tree(vec![create("/b", Owner::Nobody)])],
    ];
    let mut zxid = 0;
    let mut transaction = |change| {
        zxid += 1;
        Transaction { zxid, wall_ms: 1000 + zxid, session: 70, change }
    };
    batches.into_iter().map(|batch| batch.into_iter().map(&mut transaction).collect()).collect()
}

/// The states after each transaction of the history, the empty one included.
fn states() -> Vec<DurableState> {
    let mut states = vec![DurableState::new()];
    for transaction in history().iter().flatten() {
        let mut state = states[states.len() - 1].clone();
        state.replay(transaction).unwrap();
        states.push(state);
    }
    states
}

fn open_store(dir: &Path) -> Result<(Store, DurableState, RecoveryReport), StoreError> {
    Store::open_on(Disk::default(), dir)
}

fn open(dir: &TempDir) -> (Store, DurableState) {
    let (store, state, _) = open_store(dir.path()).unwrap();
    (store, state)
}

fn open_error(dir: &TempDir) -> String {
    open_store(dir.path()).unwrap_err().to_string().replace(&format!("{}/", dir.path().display()), "")
}

/// Writes the history to a new folder, and returns how long the log is after each batch, with the
/// last transaction in it.
fn written() -> (TempDir, Vec<(u64, i64)>) {
    let dir = TempDir::new().unwrap();
    let (mut store, _) = open(&dir);
    let mut lengths = vec![(store.log_bytes(), 0)];
    for batch in history() {
        store.append(&batch).unwrap();
        lengths.push((store.log_bytes(), batch[batch.len() - 1].zxid));
    }
    (dir, lengths)
}

fn log_of(dir: &TempDir) -> PathBuf {
    folder::log_path(dir.path(), 1)
}

#[test]
fn a_log_cut_after_any_byte_gives_every_batch_that_is_whole() {
    let (dir, lengths) = written();
    let whole = fs::read(log_of(&dir)).unwrap();
    let states = states();
    for cut in 0..=whole.len() {
        fs::write(log_of(&dir), &whole[..cut]).unwrap();
        let acknowledged = lengths.iter().rev().find(|(length, _)| *length <= cut as u64);
        let expected = acknowledged.map_or(0, |(_, zxid)| *zxid);
        let (mut store, state) = open(&dir);
        assert_eq!(state, states[expected as usize], "cut after {cut} bytes");
        // And the log goes on from there.
        let rest: Vec<_> = history().into_iter().flatten().filter(|next| next.zxid > expected).collect();
        store.append(&rest).unwrap();
        drop(store);
        assert_eq!(&open(&dir).1, states.last().unwrap(), "continued after {cut} bytes");
    }
}

#[test]
fn garbage_and_zeros_behind_the_end_are_a_torn_tail() {
    let (dir, _) = written();
    let whole = fs::read(log_of(&dir)).unwrap();
    for tail in [&b"HZFR"[..], &[0; 4096], &[0xff; 100], b"HZFR\0\0\0\x01\0\0\0\0x"] {
        fs::write(log_of(&dir), [&whole, tail].concat()).unwrap();
        let (store, state, report) = open_store(dir.path()).unwrap();
        assert_eq!(&state, states().last().unwrap());
        let torn = report.torn_tail.unwrap();
        assert_eq!((torn.offset, torn.bytes), (whole.len() as u64, tail.len() as u64));
        assert_eq!(store.log_bytes(), whole.len() as u64);
    }
}

#[test]
fn damage_before_the_last_batch_is_reported_with_file_and_offset() {
    let (dir, lengths) = written();
    let whole = fs::read(log_of(&dir)).unwrap();
    let last_frame = lengths[lengths.len() - 2].0 as usize;
    for at in 0..last_frame {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        fs::write(log_of(&dir), damaged).unwrap();
        let offset = lengths.iter().rev().find(|(length, _)| *length <= at as u64).map_or(0, |(l, _)| *l);
        let error = open_error(&dir);
        let expected = format!("log.0000000000000001 is damaged at offset {offset}: ");
        assert!(error.starts_with(&expected), "byte {at}: {error}");
    }
    for at in last_frame..whole.len() {
        let mut torn = whole.clone();
        torn[at] ^= 0x10;
        fs::write(log_of(&dir), torn).unwrap();
        assert_eq!(open(&dir).1, states()[history()[..7].iter().flatten().count()], "byte {at}");
    }
}

/// Writes the history on a disk that stops working after `budget` operations, with a snapshot after
/// every second batch. Returns the last acknowledged transaction.
fn write_until_killed(dir: &TempDir, budget: i64) -> (i64, bool) {
    let left = Arc::new(AtomicI64::new(budget));
    let disk = Disk { budget: Some(Arc::clone(&left)) };
    let mut acknowledged = 0;
    let result = Store::open_on(disk, dir.path()).and_then(|(mut store, mut state, _)| {
        for (index, batch) in history().into_iter().enumerate() {
            store.append(&batch)?;
            for transaction in &batch {
                state.replay(transaction).unwrap();
            }
            acknowledged = state.zxid;
            if index % 2 == 1 {
                let job = store.snapshot_job(&state);
                store.roll()?;
                job.run()?;
            }
        }
        Ok(())
    });
    (acknowledged, result.is_err())
}

#[test]
fn killed_after_any_operation_nothing_acknowledged_is_lost() {
    let states = states();
    for budget in 0.. {
        let dir = TempDir::new().unwrap();
        let (acknowledged, killed) = write_until_killed(&dir, budget);
        let (mut store, state) = open(&dir);
        assert!(state.zxid >= acknowledged, "killed after {budget} operations");
        assert_eq!(state, states[state.zxid as usize], "killed after {budget} operations");
        let missing = history().into_iter().flatten().filter(|next| next.zxid > state.zxid);
        store.append(&missing.collect::<Vec<_>>()).unwrap();
        drop(store);
        assert_eq!(&open(&dir).1, states.last().unwrap(), "continued after {budget} operations");
        if !killed {
            assert!(budget > 40, "the history must have been written whole");
            return;
        }
    }
}

/// Killed while recovering from a kill: recovery may be repeated.
#[test]
fn killed_during_recovery_nothing_is_lost() {
    let (dir, _) = written();
    let mut log = fs::read(log_of(&dir)).unwrap();
    log.extend_from_slice(b"torn");
    fs::write(folder::unfinished_path(dir.path(), 5), b"half a snapshot").unwrap();
    for budget in 0..5 {
        fs::write(log_of(&dir), &log).unwrap();
        let disk = Disk { budget: Some(Arc::new(AtomicI64::new(budget))) };
        let _ = Store::open_on(disk, dir.path());
        assert_eq!(&open(&dir).1, states().last().unwrap(), "killed after {budget} operations");
    }
}

fn with_two_snapshots() -> TempDir {
    let dir = TempDir::new().unwrap();
    let (acknowledged, killed) = write_until_killed(&dir, i64::MAX);
    assert!(!killed && acknowledged == states().last().unwrap().zxid);
    let files = folder::list(dir.path()).unwrap();
    assert_eq!(files.snapshots.len(), SNAPSHOTS_KEPT, "older ones are removed");
    assert!(files.logs[0].zxid > 1, "and so are the logs before them");
    dir
}

#[test]
fn a_damaged_snapshot_is_replaced_by_the_one_before_and_the_logs() {
    let dir = with_two_snapshots();
    let newest = folder::list(dir.path()).unwrap().snapshots.pop().unwrap().path;
    let whole = fs::read(&newest).unwrap();
    let last = states().pop().unwrap();
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        // Half of them damaged, half cut off.
        fs::write(&newest, if at % 2 == 0 { &damaged } else { &whole[..at] }).unwrap();
        assert_eq!(open(&dir).1, last, "byte {at}");
    }
}

#[test]
fn missing_files_are_named() {
    let dir = with_two_snapshots();
    let files = folder::list(dir.path()).unwrap();
    for file in &files.snapshots {
        fs::write(&file.path, b"garbage").unwrap();
    }
    assert!(open_error(&dir).contains("is damaged at offset 0: the header is cut off"));
    for file in &files.snapshots {
        fs::remove_file(&file.path).unwrap();
    }
    let first = &files.logs[0];
    let expected =
        format!("transactions 0x1 to 0x{:x} before log.{:016x} are missing", first.zxid - 1, first.zxid);
    assert!(open_error(&dir).starts_with(&expected), "{}", open_error(&dir));
}

#[test]
fn a_missing_log_in_the_middle_is_noticed() {
    let dir = with_two_snapshots();
    let files = folder::list(dir.path()).unwrap();
    let newest = files.snapshots.last().unwrap();
    fs::remove_file(&newest.path).unwrap();
    fs::remove_file(&files.logs[files.logs.len() - 2].path).unwrap();
    assert!(open_error(&dir).contains("are missing"), "{}", open_error(&dir));
}

#[test]
fn a_folder_in_use_and_one_of_a_java_server_are_refused() {
    let dir = TempDir::new().unwrap();
    let (store, _) = open(&dir);
    assert!(matches!(open_store(dir.path()), Err(StoreError::Locked { .. })));
    drop(store);
    open(&dir);
    let java = TempDir::new().unwrap();
    fs::create_dir(java.path().join("version-2")).unwrap();
    assert!(matches!(open_store(java.path()), Err(StoreError::ForeignData { .. })));
    let file = dir.path().join("file");
    fs::write(&file, b"").unwrap();
    assert!(matches!(open_store(&file), Err(StoreError::Io { operation: "create", .. })));
}

/// Files of the wrong kind: each is refused with its name, none makes it panic or start empty.
#[test]
fn files_of_another_kind_are_refused() {
    let header = frame::header(*b"HMZKLOG2", [0; 8], 1);
    let of_another_number = frame::header(*b"HMZKLOG1", [0; 8], 9);
    let bad_record = {
        let mut file = frame::header(*b"HMZKLOG1", [0; 8], 1);
        let offset = file.len() as u64;
        frame::put_frame(&mut file, [0; 8], offset, b"not a transaction");
        file
    };
    let cases = [
        (vec![b'x'; 500], "is damaged at offset 0: not a file of this kind and version"),
        ([header, vec![0; 50]].concat(), "is damaged at offset 0: not a file of this kind and version"),
        (of_another_number, "is damaged at offset 0: the header is that of another log"),
        (bad_record, "is damaged at offset 40: session is cut off: it needs 8 bytes and 1 are left"),
    ];
    for (bytes, expected) in cases {
        let dir = TempDir::new().unwrap();
        fs::write(log_of(&dir), bytes).unwrap();
        assert_eq!(open_error(&dir), format!("log.0000000000000001 {expected}"));
    }
}

#[test]
fn a_large_state_fits_in_a_snapshot_of_many_frames() {
    let dir = TempDir::new().unwrap();
    let (mut store, mut state) = open(&dir);
    let data = Some(Bytes::from(vec![7; 1000]));
    let create = |zxid: i64| Transaction {
        zxid,
        wall_ms: 0,
        session: 0,
        change: Change::Tree(vec![TreeChange::Create {
            path: format!("/n{zxid:06}"),
            data: data.clone(),
            acl: open_acl(),
            owner: Owner::Nobody,
        }]),
    };
    let batch: Vec<Transaction> = (1..=2000).map(create).collect();
    store.append(&batch).unwrap();
    for transaction in &batch {
        state.replay(transaction).unwrap();
    }
    let job = store.snapshot_job(&state);
    assert!(job.payloads.len() > 5);
    store.roll().unwrap();
    job.run().unwrap();
    drop(store);
    let (_, recovered, report) = open_store(dir.path()).unwrap();
    assert_eq!((report.snapshot_zxid, report.replayed), (2000, 0));
    assert_eq!(recovered, state);
}

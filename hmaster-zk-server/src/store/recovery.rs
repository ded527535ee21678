//! Rebuilds the state from a data folder: the newest snapshot that is whole, then the logs since.

use std::path::{Path, PathBuf};

use super::disk::Disk;
use super::error::StoreError;
use super::folder::{self, Files, NumberedFile};
use super::frame::Salt;
use super::log::LogFile;
use super::snapshot;
use crate::state::DurableState;
use crate::transaction::Transaction;
use crate::wire::jute::JuteReader;

/// What recovery found.
#[derive(Debug, Default)]
pub(crate) struct RecoveryReport {
    /// The last transaction of the snapshot that was used; 0 if there was none.
    pub snapshot_zxid: i64,
    /// How many transactions were replayed from logs.
    pub replayed: u64,
    /// A torn tail that was cut off, if there was one: of a write that nobody was told of.
    pub torn_tail: Option<TornTail>,
}

/// Bytes of an unfinished write.
#[derive(Debug)]
pub(crate) struct TornTail {
    /// The log.
    pub path: PathBuf,
    /// Where they began.
    pub offset: u64,
    /// How many they were.
    pub bytes: u64,
    /// What was wrong with them.
    pub reason: &'static str,
}

/// The state, and where the log goes on.
#[derive(Debug)]
pub(crate) struct Recovered {
    /// The state after the last durable transaction.
    pub state: DurableState,
    /// The log to append to; `None` to begin one.
    pub last_log: Option<LastLog>,
    /// What was found.
    pub report: RecoveryReport,
}

/// A log that goes on.
#[derive(Debug)]
pub(crate) struct LastLog {
    /// The file.
    pub path: PathBuf,
    /// Its salt.
    pub salt: Salt,
    /// Its length in bytes.
    pub length: u64,
}

/// Rebuilds the state, cuts a torn tail off and removes what was left unfinished.
pub(crate) fn recover(disk: &Disk, dir: &Path) -> Result<Recovered, StoreError> {
    let files = folder::list(dir)?;
    for path in &files.unfinished {
        disk.remove(path).map_err(|source| StoreError::io("remove", path, source))?;
    }
    let state = load_snapshot(&files)?;
    let report = RecoveryReport { snapshot_zxid: state.zxid, ..RecoveryReport::default() };
    let mut recovered = Recovered { state, last_log: None, report };
    let first = first_log(&files.logs, recovered.state.zxid);
    for (index, file) in files.logs.iter().enumerate().skip(first) {
        let is_last = index + 1 == files.logs.len();
        replay_log(disk, file, is_last, &mut recovered)?;
    }
    Ok(recovered)
}

/// The newest snapshot that can be read. If only older ones can, the logs since must all be there,
/// which [`SNAPSHOTS_KEPT`](super::SNAPSHOTS_KEPT) sees to.
fn load_snapshot(files: &Files) -> Result<DurableState, StoreError> {
    let mut newest_error = None;
    for file in files.snapshots.iter().rev() {
        match snapshot::read(file) {
            Ok(state) => return Ok(state),
            Err(error) => {
                tracing::error!(%error, "can't read a snapshot; trying the one before");
                newest_error.get_or_insert(error);
            }
        }
    }
    match newest_error {
        // Without any snapshot, the logs must begin at the beginning.
        Some(error) if files.logs.first().is_none_or(|log| log.zxid > 1) => Err(error),
        _ => Ok(DurableState::new()),
    }
}

/// The first log that may have a transaction behind this one: the last that begins no later.
fn first_log(logs: &[NumberedFile], zxid: i64) -> usize {
    logs.iter().rposition(|log| log.zxid <= zxid + 1).unwrap_or(0)
}

fn replay_log(
    disk: &Disk,
    file: &NumberedFile,
    is_last: bool,
    recovered: &mut Recovered,
) -> Result<(), StoreError> {
    let path = &file.path;
    let Some(log) = LogFile::read(path)? else {
        if is_last {
            return disk.remove(path).map_err(|source| StoreError::io("remove", path, source));
        }
        return Err(StoreError::corrupt(path, 0, "the header is cut off"));
    };
    if log.first_zxid != file.zxid {
        return Err(StoreError::corrupt(path, 0, "the header is that of another log"));
    }
    if file.zxid > recovered.state.zxid + 1 {
        let (from, to) = (recovered.state.zxid + 1, file.zxid - 1);
        return Err(StoreError::Missing { from, to, path: path.clone() });
    }
    for (offset, payload) in log.payloads() {
        replay_frame(payload, recovered).map_err(|reason| StoreError::corrupt(path, offset, reason))?;
    }
    if let Some(reason) = log.torn {
        if !is_last {
            return Err(StoreError::corrupt(path, log.good_bytes, reason));
        }
        let offset = log.good_bytes as u64;
        disk.truncate(path, offset).map_err(|source| StoreError::io("truncate", path, source))?;
        let bytes = log.torn_bytes() as u64;
        recovered.report.torn_tail = Some(TornTail { path: path.clone(), offset, bytes, reason });
    }
    // A log that ends before the snapshot can't be continued: there would be a gap in it.
    let reaches_the_end = recovered.report.replayed > 0 || file.zxid == recovered.state.zxid + 1;
    if is_last && reaches_the_end {
        let length = log.good_bytes as u64;
        recovered.last_log = Some(LastLog { path: path.clone(), salt: log.salt, length });
    }
    Ok(())
}

fn replay_frame(payload: &[u8], recovered: &mut Recovered) -> Result<(), String> {
    let mut reader = JuteReader::new(payload);
    while !reader.rest().is_empty() {
        let transaction = Transaction::decode(&mut reader).map_err(|error| error.to_string())?;
        if transaction.zxid > recovered.state.zxid {
            recovered.state.replay(&transaction).map_err(|error| error.to_string())?;
            recovered.report.replayed += 1;
        }
    }
    Ok(())
}

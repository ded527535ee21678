//! The transaction log and the snapshots in the data folder. Counterparts: `FileTxnLog`, `FileSnap`
//! and `FileTxnSnapLog`; the format is our own.
//!
//! ```text
//! lock                        held with flock by the process that uses the folder
//! log.<first zxid, hex>       "HMZKLOG1", salt u64, first zxid u64, CRC; then frames of transactions
//! snapshot.<last zxid, hex>   "HMZKSNP1", salt u64, last zxid u64, CRC; then frames of state
//! frame                       "HZFR", length u32, CRC-32C u32, that many bytes
//! ```
//!
//! All integers are big-endian. A frame's CRC covers salt, offset in the file, length and bytes, so
//! that no bytes a client stores can pass for a frame, and no frame for one in another place.
//!
//! One [`Store::append`] is one frame and one fdatasync, however many transactions arrived meanwhile
//! (group commit), and the next is written only when that is done. Hence the rule by which recovery
//! tells a crash from damage: the last frame of the last log may be torn and is cut off, for nobody
//! was told of it; but a bad frame *before* a good one was durable once, and is reported with file and
//! offset instead. (The end of the last log can't be told from a torn one, should a disk damage it.)
//!
//! A snapshot is written under another name, synced and renamed; then the logs and snapshots before
//! the last but one snapshot go. Transactions are numbered without gaps, so a missing file is noticed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::state::DurableState;
use crate::transaction::Transaction;

pub(crate) mod disk;
pub(crate) mod error;
pub(crate) mod folder;
pub(crate) mod frame;
pub(crate) mod log;
pub(crate) mod recovery;
pub(crate) mod snapshot;

use disk::Disk;
pub use error::StoreError;
use log::LogWriter;
pub(crate) use recovery::RecoveryReport;

/// Snapshots that are kept: should the last one be damaged, the one before and the logs since give
/// the same state.
const SNAPSHOTS_KEPT: usize = 2;

/// An open data folder.
#[derive(Debug)]
pub(crate) struct Store {
    dir: PathBuf,
    disk: Disk,
    log: LogWriter,
    last_zxid: i64,
    lock: Arc<File>,
}

impl Store {
    /// Locks the folder (making it if need be), and rebuilds the state from what it holds.
    pub(crate) fn open_on(
        disk: Disk,
        dir: &Path,
    ) -> Result<(Self, DurableState, RecoveryReport), StoreError> {
        let lock = Arc::new(folder::lock(&disk, dir)?);
        let recovered = recovery::recover(&disk, dir)?;
        let last_zxid = recovered.state.zxid;
        let log = match recovered.last_log {
            Some(last) => LogWriter::reopen(&last.path, last.salt, last.length)?,
            None => LogWriter::create(&disk, dir, last_zxid + 1)?,
        };
        let store = Self { dir: dir.to_owned(), disk, log, last_zxid, lock };
        Ok((store, recovered.state, recovered.report))
    }

    /// Makes transactions durable. After an error nothing is known about them, and the store must not
    /// be used any more: only a new recovery can tell.
    pub(crate) fn append(&mut self, transactions: &[Transaction]) -> Result<(), StoreError> {
        let Some(last) = transactions.last() else { return Ok(()) };
        let mut payload = Vec::new();
        for transaction in transactions {
            transaction.encode(&mut payload);
        }
        self.log.append(&self.disk, &payload)?;
        self.last_zxid = last.zxid;
        Ok(())
    }

    /// Begins a new log file, so that the present ones can go once there is a snapshot.
    pub(crate) fn roll(&mut self) -> Result<(), StoreError> {
        self.log = LogWriter::create(&self.disk, &self.dir, self.last_zxid + 1)?;
        Ok(())
    }

    /// Length of the present log file in bytes.
    pub(crate) fn log_bytes(&self) -> u64 {
        self.log.length()
    }

    /// Where a snapshot is to be written, and with what; to be done by [`SnapshotJob::run`] while the
    /// store goes on.
    pub(crate) fn snapshot_job(&self, state: &DurableState) -> SnapshotJob {
        let payloads = snapshot::encode(state);
        let (disk, dir, lock) = (self.disk.clone(), self.dir.clone(), Arc::clone(&self.lock));
        SnapshotJob { disk, dir, zxid: state.zxid, payloads, _lock: lock }
    }
}

/// A snapshot to be written. Keeps the folder locked until that is done.
#[derive(Debug)]
pub(crate) struct SnapshotJob {
    disk: Disk,
    dir: PathBuf,
    zxid: i64,
    payloads: Vec<Vec<u8>>,
    _lock: Arc<File>,
}

impl SnapshotJob {
    /// Writes the snapshot, then removes what it makes superfluous.
    pub(crate) fn run(self) -> Result<(), StoreError> {
        snapshot::write(&self.disk, &self.dir, self.zxid, &self.payloads)?;
        prune(&self.disk, &self.dir)
    }
}

/// Removes snapshots beyond [`SNAPSHOTS_KEPT`], and the logs that precede all that are kept.
fn prune(disk: &Disk, dir: &Path) -> Result<(), StoreError> {
    let files = folder::list(dir)?;
    let excess = files.snapshots.len().saturating_sub(SNAPSHOTS_KEPT);
    let oldest_kept = if files.snapshots.len() < SNAPSHOTS_KEPT { 0 } else { files.snapshots[excess].zxid };
    let mut superfluous: Vec<&Path> = files.snapshots[..excess].iter().map(|file| &*file.path).collect();
    for pair in files.logs.windows(2) {
        if pair[1].zxid <= oldest_kept + 1 {
            superfluous.push(&pair[0].path);
        }
    }
    for path in &superfluous {
        disk.remove(path).map_err(|source| StoreError::io("remove", path, source))?;
    }
    if !superfluous.is_empty() {
        disk.sync_dir(dir).map_err(|source| StoreError::io("sync", dir, source))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;

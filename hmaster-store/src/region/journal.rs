//! What the region does in the log's task: gives edits their timestamps and sequence ids, writes them, applies them
//! when they are durable, and begins a new log when the old one is long.
//!
//! # Bounded logs
//!
//! A new log begins with all cells that aren't in store files, each with a new sequence id and its old timestamp.
//! When that is durable, older logs aren't needed and go to the archive, oldest first. Whenever that is interrupted,
//! what is left is the end of the history and all of the present, and replaying both in any order gives the present:
//! cells that come twice are the same, and a delete in the history comes after what it deleted.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use hmaster_fs::{FsError, FsErrorKind, FsPath};
use hmaster_protocol::pb;
use hmaster_types::{Cell, Clock, RegionInfo};
use parking_lot::{Mutex, RwLock};
use tracing::{debug, warn};

use super::archive::Archive;
use super::mem_store::{MemStore, Place};
use super::stamp::Stamper;
use crate::wal::commit::Journal;
use crate::wal::encode_entry;
use crate::wal::file::WalFile;

/// Entries of a new log's beginning have about this many bytes.
const CHECKPOINT_ENTRY_BYTES: usize = 256 << 10;
/// When this many old logs couldn't be archived, something is wrong that won't mend itself. Java's
/// `hbase.master.store.region.maxwals` is 10.
const OLD_LOGS_MAX: usize = 10;

pub(super) struct RegionJournal {
    store: Arc<RwLock<MemStore>>,
    clock: Arc<dyn Clock>,
    archive: Archive,
    key: pb::WalKey,
    stamper: Stamper,
    /// The sequence id that was given last.
    sequence: u64,
    /// Written, but not known to be durable yet.
    pending: Vec<Cell>,
    wal_bytes_max: u64,
    /// How long the log was after its beginning.
    checkpoint_bytes: u64,
    place: Place,
    /// The last sequence id of the current log's beginning.
    checkpoint_sequence: u64,
    /// Logs that the archive is to have, oldest first.
    old_logs: Arc<Mutex<VecDeque<FsPath>>>,
}

impl RegionJournal {
    pub(super) fn new(
        region: &RegionInfo,
        store: Arc<RwLock<MemStore>>,
        clock: Arc<dyn Clock>,
        archive: Archive,
        sequence: u64,
        wal_bytes_max: u64,
    ) -> Self {
        let key = pb::WalKey {
            encoded_region_name: region.encoded_name().to_string().into(),
            table_name: region.table().to_string().into(),
            ..Default::default()
        };
        let newest = store.read().newest_timestamp(Stamper::limit(clock.now_ms()));
        Self {
            store,
            clock,
            archive,
            key,
            stamper: Stamper::after(newest),
            sequence,
            pending: Vec::new(),
            wal_bytes_max,
            checkpoint_bytes: 0,
            place: Place::default(),
            checkpoint_sequence: sequence,
            old_logs: Arc::default(),
        }
    }

    /// The sequence id that was given last.
    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }

    fn entry(&mut self, cells: &[Cell], out: &mut BytesMut) {
        self.sequence += 1;
        self.key.log_sequence_number = self.sequence;
        self.key.write_time = self.clock.now_ms();
        encode_entry(&self.key, cells, out);
    }

    /// The cells as they are logged: with timestamps, without those that an earlier delete hides (nobody would ever
    /// see them, until the delete is forgotten), and of several with one key only the last.
    fn prepare(&mut self, mut cells: Vec<Cell>) -> Vec<Cell> {
        let has_given: Vec<bool> =
            cells.iter().map(|cell| cell.timestamp() != Cell::LATEST_TIMESTAMP).collect();
        self.stamper.stamp(&mut cells, self.clock.now_ms());
        if has_given.contains(&true) {
            let store = self.store.read();
            let mut given = has_given.into_iter();
            cells.retain(|cell| {
                let is_put = !cell.cell_type().is_delete();
                let hidden = given.next() == Some(true) && is_put && store.hides(cell);
                if hidden {
                    debug!(%cell, "a delete hides it already");
                }
                !hidden
            });
        }
        without_repetitions(cells)
    }
}

fn without_repetitions(mut cells: Vec<Cell>) -> Vec<Cell> {
    if cells.len() < 2 {
        return cells;
    }
    let mut seen: HashSet<Bytes> = HashSet::with_capacity(cells.len());
    cells.reverse();
    cells.retain(|cell| {
        let key_length = cell.key().len();
        seen.insert(cell.as_bytes().slice(8..8 + key_length))
    });
    cells.reverse();
    cells
}

impl Journal for RegionJournal {
    type Batch = Vec<Cell>;

    fn encode(&mut self, batch: Vec<Cell>, out: &mut BytesMut) -> u64 {
        let cells = self.prepare(batch);
        if !cells.is_empty() {
            self.entry(&cells, out);
            let sequence = self.sequence;
            self.pending.extend(cells.into_iter().map(|cell| cell.with_sequence_id(sequence)));
        }
        self.sequence
    }

    fn committed(&mut self) {
        let mut store = self.store.write();
        for cell in self.pending.drain(..) {
            store.apply(cell);
        }
    }

    /// A log whose beginning is long may become twice as long: else nothing but beginnings would be written.
    fn wants_new_file(&mut self, length: u64) -> bool {
        if self.checkpoint_bytes == 0 {
            self.checkpoint_bytes = length;
        }
        length > self.wal_bytes_max.max(2 * self.checkpoint_bytes)
    }

    fn checkpoint(&mut self, out: &mut BytesMut) -> bool {
        let cells = self.store.read().to_log(&mut self.place, CHECKPOINT_ENTRY_BYTES);
        if cells.is_empty() {
            self.place = Place::default();
            self.checkpoint_sequence = self.sequence;
            self.checkpoint_bytes = 0;
            return false;
        }
        self.entry(&cells, out);
        true
    }

    fn put_away(&mut self, old: WalFile) -> BoxFuture<'static, Result<(), FsError>> {
        let (archive, old_logs) = (self.archive.clone(), Arc::clone(&self.old_logs));
        let sequence = self.checkpoint_sequence;
        async move {
            old_logs.lock().push_back(old.path().clone());
            old.close().await?;
            archive.record_sequence_id(sequence).await?;
            loop {
                let Some(oldest) = old_logs.lock().front().cloned() else { return Ok(()) };
                archive.put(&oldest).await?;
                old_logs.lock().pop_front();
            }
        }
        .boxed()
    }

    fn was_put_away(&mut self, done: Result<(), FsError>) -> Result<(), FsError> {
        let left = self.old_logs.lock().len();
        match done {
            Ok(()) => self.store.write().forget_deletes(self.checkpoint_sequence),
            Err(error) if is_final(&error) || left > OLD_LOGS_MAX => return Err(error),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                warn!(
                    error,
                    left, "old logs of the master's region couldn't be archived; trying again later"
                );
            }
        }
        Ok(())
    }
}

/// A successor has taken the log away, or the folder that it was in.
fn is_final(error: &FsError) -> bool {
    matches!(error.kind, FsErrorKind::Fenced | FsErrorKind::NotFound)
}

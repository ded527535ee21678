//! A region: rows of a table between two keys, in memory, in the server's log, and in store files. Counterpart of
//! `HRegion`.
//!
//! A write locks its rows, goes to the server's log, and is applied to memory when it is durable there; only then it
//! is acknowledged, and only then readers see it. Memory is written to store files from time to time (`flush.rs`), and
//! store files to fewer ones (`compact.rs`); all of it lies in HBase's own layout, so a Java region server may open the
//! region next.

mod error;
mod mutation;

use std::sync::Arc;

use bytes::Bytes;
use hmaster_fs::rootdir::RootDir;
use hmaster_types::{Cell, RegionInfo, SeqNum, TableDescriptor};

use crate::log::ServerLog;
use crate::scan::{RegionScanner, ScanSpec};

pub(crate) use error::{OpenError, RegionError, StorageError};
pub(crate) use mutation::{Condition, Mutation, MutationKind, Test};

/// Bounds of a region.
#[derive(Debug, Clone)]
pub(crate) struct RegionOptions {
    /// More in memory is flushed (`hbase.hregion.memstore.flush.size`, or the table's own).
    pub(crate) memstore_flush_bytes: u64,
    /// This many times as much in memory, and writes are refused (`hbase.hregion.memstore.block.multiplier`).
    pub(crate) memstore_block_multiplier: u64,
    /// A store with this many files is compacted (`hbase.hstore.compaction.min`).
    pub(crate) compaction_files_min: usize,
    /// Of one row that is read at once (`hbase.table.max.rowsize`).
    pub(crate) row_bytes_max: u64,
    /// Of one cell that is written (`hbase.server.keyvalue.maxsize`).
    pub(crate) cell_bytes_max: u64,
    /// How long a write waits for the lock of a row (`hbase.rowlock.wait.duration`).
    pub(crate) row_lock_wait_ms: u64,
}

impl Default for RegionOptions {
    fn default() -> Self {
        Self {
            memstore_flush_bytes: 128 << 20,
            memstore_block_multiplier: 4,
            compaction_files_min: 3,
            row_bytes_max: 1 << 30,
            cell_bytes_max: 10 << 20,
            row_lock_wait_ms: 30_000,
        }
    }
}

/// An open region. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Region(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    info: RegionInfo,
    table: TableDescriptor,
}

/// What became of a conditional change. Counterpart of `CheckAndMutateResult`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checked {
    /// Whether the condition held, and the change was made.
    pub(crate) success: bool,
    /// What increments and appends came to.
    pub(crate) cells: Option<Vec<Cell>>,
}

/// What a flush came to. Counterpart of `FlushResult`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flushed {
    /// Everything up to this sequence id is in store files.
    pub(crate) sequence_id: u64,
    /// How many store files were written.
    pub(crate) files: usize,
    /// Whether so many files are there now that a compaction is due.
    pub(crate) wants_compaction: bool,
}

/// How large and how busy a region is. Counterpart of what `RegionLoad` is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RegionLoad {
    pub(crate) stores: u32,
    pub(crate) store_files: u32,
    pub(crate) store_file_bytes: u64,
    pub(crate) store_file_uncompressed_bytes: u64,
    pub(crate) store_file_index_bytes: u64,
    pub(crate) memstore_bytes: u64,
    pub(crate) read_requests: u64,
    pub(crate) filtered_read_requests: u64,
    pub(crate) write_requests: u64,
    /// Everything up to this sequence id is in store files; none when nothing was ever flushed.
    pub(crate) flushed_sequence_id: Option<u64>,
    /// The same by column family.
    pub(crate) flushed_by_family: Vec<(Bytes, Option<u64>)>,
    /// When all files of the store that waits longest were last compacted into one, in milliseconds since 1970; 0 for never.
    pub(crate) last_major_compaction_ms: u64,
}

impl Region {
    /// Opens a region: reads what describes its store files, replays edits that a split log left, and from then on
    /// logs to `log`.
    ///
    /// # Errors
    /// When its files can't be read or written. Another attempt, here or elsewhere, may succeed.
    pub(crate) async fn open(
        root: &RootDir,
        log: &ServerLog,
        info: RegionInfo,
        table: TableDescriptor,
        options: RegionOptions,
    ) -> Result<Self, OpenError> {
        let _ = (root, log, options, &table);
        Err(OpenError { region: info.name().to_string(), source: not_there() })
    }

    /// Which region it is.
    pub(crate) fn info(&self) -> &RegionInfo {
        &self.0.info
    }

    /// The table's schema when the region was opened.
    pub(crate) fn table(&self) -> &TableDescriptor {
        &self.0.table
    }

    /// The sequence id that the region was opened with, as the master is told.
    pub(crate) fn open_sequence_id(&self) -> SeqNum {
        SeqNum::NONE
    }

    /// Sequence ids up to this one were used.
    pub(crate) fn max_sequence_id(&self) -> u64 {
        0
    }

    /// Closes the region: waits for requests that are under way, refuses new ones, and, with `flush`, writes to store
    /// files what is in memory. Without, the server is about to abort, and its log will be split. Closing again does nothing.
    ///
    /// # Errors
    /// When the flush fails: the server must abort, so that its log is split.
    pub(crate) async fn close(&self, flush: bool) -> Result<(), RegionError> {
        let _ = flush;
        Err(not_there().into())
    }

    /// Whether [`Region::close`] was called.
    pub(crate) fn is_closing(&self) -> bool {
        false
    }

    /// Changes rows, each for itself. The answers, in order, are the new values of increments and appends; what is
    /// answered is durable, and visible.
    pub(crate) async fn mutate(
        &self,
        mutations: Vec<Mutation>,
        nonce_group: u64,
    ) -> Vec<Result<Option<Vec<Cell>>, RegionError>> {
        let _ = nonce_group;
        mutations.iter().map(|_| Err(not_there().into())).collect()
    }

    /// Changes rows of this region all at once, or none, if all conditions hold. Counterpart of `mutateRow`,
    /// `mutateRowsWithLocks`, and of what `MultiRowMutationEndpoint` does with conditions.
    ///
    /// # Errors
    /// When it can't be done; nothing was changed then, unless the log has failed.
    pub(crate) async fn mutate_rows(
        &self,
        conditions: Vec<Condition>,
        mutations: Vec<Mutation>,
        nonce_group: u64,
    ) -> Result<Checked, RegionError> {
        let _ = (conditions, mutations, nonce_group);
        Err(not_there().into())
    }

    /// Changes a row if a condition on it holds.
    ///
    /// # Errors
    /// When it can't be done; nothing was changed then, unless the log has failed.
    pub(crate) async fn check_and_mutate(
        &self,
        condition: Condition,
        mutations: Vec<Mutation>,
        nonce_group: u64,
    ) -> Result<Checked, RegionError> {
        let _ = (condition, mutations, nonce_group);
        Err(not_there().into())
    }

    /// The cells of a row.
    ///
    /// # Errors
    /// When the request makes no sense, or files can't be read.
    pub(crate) async fn get(&self, spec: ScanSpec) -> Result<Vec<Cell>, RegionError> {
        let _ = spec;
        Err(not_there().into())
    }

    /// Begins a scan, which sees what was acknowledged before, and nothing later. It reads nothing yet. It holds what it
    /// reads: drop it when the region is closed.
    ///
    /// # Errors
    /// When the request makes no sense, or the region is closing.
    pub(crate) fn scanner(&self, spec: ScanSpec) -> Result<RegionScanner, RegionError> {
        let _ = spec;
        Err(not_there().into())
    }

    /// What a scan that begins now would see.
    pub(crate) fn read_point(&self) -> u64 {
        0
    }

    /// Writes what is in memory to store files. Does nothing when nothing is.
    ///
    /// # Errors
    /// When that can't be done; what is in memory stays there, and in the log.
    pub(crate) async fn flush(&self) -> Result<Flushed, RegionError> {
        Err(not_there().into())
    }

    /// Writes all store files of each store to one, where there are several or parts of others' files; with `major`, also
    /// where there is one. Answers whether anything was done.
    ///
    /// # Errors
    /// When that can't be done; the store files stay as they are.
    pub(crate) async fn compact(&self, major: bool) -> Result<bool, RegionError> {
        let _ = major;
        Err(not_there().into())
    }

    /// How large and how busy the region is.
    pub(crate) fn load(&self) -> RegionLoad {
        RegionLoad::default()
    }

    /// Everything up to this sequence id is in store files; none when nothing was ever flushed.
    pub(crate) fn flushed_sequence_id(&self) -> Option<u64> {
        None
    }

    /// Whether a store file is a part of a parent's: the region can't be split or merged before it is compacted.
    pub(crate) fn has_references(&self) -> bool {
        false
    }

    /// A row that divides the region's largest store in halves; none when there is no such row.
    pub(crate) async fn best_split_row(&self) -> Result<Option<Bytes>, RegionError> {
        Ok(None)
    }
}

fn not_there() -> StorageError {
    StorageError::Tracker { tracker: "any".into(), region: "any".into() }
}

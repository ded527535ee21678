//! A region: rows of a table between two keys, in memory, in the server's log, and in store files. Counterpart of
//! `HRegion`.
//!
//! A write locks its rows, goes to the server's log, and is applied to memory when it is durable there; only then it
//! is acknowledged, and only then readers see it. Memory is written to store files from time to time (`flush.rs`), and
//! store files to fewer ones (`compact.rs`); all of it lies in HBase's own layout, so a Java region server may open the
//! region next.

mod compact;
mod error;
mod files;
mod flush;
mod locks;
mod mutation;
mod open;
mod read;
mod replay;
mod replica;
mod rewrite;
mod stores;
mod write;

#[cfg(test)]
pub(crate) mod tests;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use bytes::Bytes;
use hmaster_fs::rootdir::RootDir;
use hmaster_types::{Cell, RegionInfo, SeqNum, TableDescriptor};
use tokio::sync::{Mutex, RwLock};
use tokio::time::Instant;
use tracing::info;

use crate::log::{RegionLog, ServerLog};
use compact::{Compaction, Leftovers};
use files::RegionFiles;
use locks::RowLocks;

pub(crate) use error::{OpenError, RegionError, StorageError};
pub(crate) use locks::RowGuards;
pub(crate) use mutation::{Condition, Mutation, MutationKind};
pub(crate) use open::has_endpoint;
pub(crate) use stores::{CellsByStore, Stores};

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

/// A region that may be gone.
#[derive(Debug, Clone)]
pub(crate) struct WeakRegion(Weak<Inner>);

#[derive(Debug)]
struct Inner {
    info: RegionInfo,
    table: TableDescriptor,
    options: RegionOptions,
    files: RegionFiles,
    stores: Arc<Stores>,
    log: RegionLog,
    open_sequence: u64,
    locks: RowLocks,
    /// Held by every request; taken alone to close.
    requests: RwLock<()>,
    is_closing: AtomicBool,
    /// Held while the region is flushed, and while it is compacted; true when it is closed.
    flushing: Mutex<bool>,
    compacting: Mutex<()>,
    leftovers: Leftovers,
    compactions: Arc<Compactions>,
    /// When a replica last looked for new files.
    refreshed: Mutex<Option<Instant>>,
    chores: Chores,
    reads: AtomicU64,
    filtered: Arc<AtomicU64>,
    writes: AtomicU64,
}

/// What the region wants done.
#[derive(Debug, Default)]
struct Chores {
    wants_flush: AtomicBool,
    is_flush_taken: AtomicBool,
    is_compaction_taken: AtomicBool,
}

/// How many compactions are asked for or under way.
#[derive(Debug, Default)]
struct Compactions {
    minor: AtomicU64,
    major: AtomicU64,
}

impl Compactions {
    fn of(&self, major: bool) -> &AtomicU64 {
        if major { &self.major } else { &self.minor }
    }
}

/// One of them.
#[derive(Debug)]
pub(crate) struct CountedCompaction {
    all: Arc<Compactions>,
    major: bool,
}

impl Drop for CountedCompaction {
    fn drop(&mut self) {
        self.all.of(self.major).fetch_sub(1, Ordering::Relaxed);
    }
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
    /// Rows that filters left out.
    pub(crate) filtered_read_requests: u64,
    pub(crate) write_requests: u64,
    /// Everything up to this sequence id is in store files; none when nothing was ever flushed.
    pub(crate) flushed_sequence_id: Option<u64>,
    /// The same by column family.
    pub(crate) flushed_by_family: Vec<(Bytes, Option<u64>)>,
    /// When the oldest of all store files was made, if all were made by compactions of all files of their store, in
    /// milliseconds since 1970; 0 otherwise.
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
        let region = info.name().to_string();
        open::open(root, log, info, table, options).await.map_err(|source| OpenError { region, source })
    }

    fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// Which region it is.
    pub(crate) fn info(&self) -> &RegionInfo {
        &self.0.info
    }

    /// The table's schema when the region was opened.
    pub(crate) fn table(&self) -> &TableDescriptor {
        &self.0.table
    }

    /// A handle that doesn't keep the region.
    pub(crate) fn weak(&self) -> WeakRegion {
        WeakRegion(Arc::downgrade(&self.0))
    }

    /// The sequence id that the region was opened with, as the master is told.
    pub(crate) fn open_sequence_id(&self) -> SeqNum {
        SeqNum(i64::try_from(self.0.open_sequence).unwrap_or(i64::MAX))
    }

    /// Sequence ids up to this one were used.
    pub(crate) fn max_sequence_id(&self) -> u64 {
        self.0.stores.read_point()
    }

    /// Closes the region: refuses new requests, waits for those that are under way, and, with `flush`, writes to store
    /// files what is in memory. Without, the server is about to abort, and its log will be split. Closing again does nothing.
    ///
    /// # Errors
    /// When the flush fails: the server must abort, so that its log is split.
    pub(crate) async fn close(&self, flush: bool) -> Result<(), RegionError> {
        let region = self.clone();
        self.0.log.server().run_to_end(async move { region.close_now(flush).await }).await?
    }

    async fn close_now(&self, flush: bool) -> Result<(), RegionError> {
        let inner = &*self.0;
        inner.is_closing.store(true, Ordering::SeqCst);
        let _no_compaction = inner.compacting.lock().await;
        let _no_requests = inner.requests.write().await;
        let mut is_closed = inner.flushing.lock().await;
        if *is_closed {
            return Ok(());
        }
        if flush && !self.is_replica() {
            let sequence = inner.log.seal(&inner.stores).await?;
            flush::flush_sealed(&inner.files, &inner.stores, sequence, Some(&inner.log)).await?;
            self.compaction().archive_leftovers().await;
            open::write_sequence(&inner.files.root, &inner.info, self.max_sequence_id()).await?;
            inner.log.end();
        }
        *is_closed = true;
        info!(region = %inner.info.encoded_name(), flush, "closed a region");
        Ok(())
    }

    /// Whether [`Region::close`] was called.
    pub(crate) fn is_closing(&self) -> bool {
        self.0.is_closing.load(Ordering::SeqCst)
    }

    /// Writes what is in memory to store files. Does nothing when nothing is.
    ///
    /// # Errors
    /// When that can't be done; what is in memory stays there, and in the log.
    pub(crate) async fn flush(&self) -> Result<Flushed, RegionError> {
        let region = self.clone();
        self.0.log.server().run_to_end(async move { region.flush_now().await }).await?
    }

    async fn flush_now(&self) -> Result<Flushed, RegionError> {
        let inner = &*self.0;
        let is_closed = inner.flushing.lock().await;
        if *is_closed || self.is_closing() {
            return Err(self.closing());
        }
        if self.is_replica() {
            return Ok(Flushed { sequence_id: self.max_sequence_id(), files: 0, wants_compaction: false });
        }
        inner.chores.wants_flush.store(false, Ordering::Relaxed);
        let sequence_id = inner.log.seal(&inner.stores).await?;
        let files = match inner.stores.oldest_in_memory().is_some_and(|oldest| oldest <= sequence_id) {
            true => flush::flush_sealed(&inner.files, &inner.stores, sequence_id, Some(&inner.log)).await?,
            false => 0,
        };
        Ok(Flushed { sequence_id, files, wants_compaction: self.is_compaction_due(false) })
    }

    /// Writes all store files of each store to one, where there are several or parts of others' files; with `major`, also
    /// where there is one. Answers whether anything was done.
    ///
    /// # Errors
    /// When that can't be done; the store files stay as they are.
    pub(crate) async fn compact(&self, major: bool) -> Result<bool, RegionError> {
        let region = self.clone();
        self.0.log.server().run_to_end(async move { region.compact_now(major).await }).await?
    }

    async fn compact_now(&self, major: bool) -> Result<bool, RegionError> {
        let _counted = self.count_compaction(major);
        let _one_at_a_time = self.0.compacting.lock().await;
        let mut done = false;
        for store in 0..self.0.stores.families().len() {
            if self.is_closing() {
                return Err(self.closing());
            }
            if self.is_store_due(store, major) {
                done |= self.compaction().run(store, &|| self.is_closing()).await?;
            }
        }
        Ok(done)
    }

    fn compaction(&self) -> Compaction<'_> {
        let Inner { files, stores, log, leftovers, .. } = &*self.0;
        Compaction { files, stores, log, leftovers }
    }

    fn is_compaction_due(&self, major: bool) -> bool {
        (0..self.0.stores.families().len()).any(|store| self.is_store_due(store, major))
    }

    fn is_store_due(&self, store: usize, major: bool) -> bool {
        // A replica's files are another region's.
        !self.is_replica()
            && compact::is_due(&self.0.stores.files(store), self.0.options.compaction_files_min, major)
    }

    /// A compaction that is asked for, until the answer is dropped.
    pub(crate) fn count_compaction(&self, major: bool) -> CountedCompaction {
        let all = Arc::clone(&self.0.compactions);
        all.of(major).fetch_add(1, Ordering::Relaxed);
        CountedCompaction { all, major }
    }

    /// Whether compactions are asked for or under way: of some files, and of all. Counterpart of `getCompactionState`.
    pub(crate) fn compacts(&self) -> (bool, bool) {
        let is = |major: bool| self.0.compactions.of(major).load(Ordering::Relaxed) > 0;
        (is(false), is(true))
    }

    fn closing(&self) -> RegionError {
        RegionError::Closing { region: self.0.info.name().to_string() }
    }

    /// How large and how busy the region is.
    pub(crate) fn load(&self) -> RegionLoad {
        let stores = &self.0.stores;
        let count = stores.families().len();
        let files: Vec<_> = (0..count).flat_map(|store| stores.files(store)).collect();
        let created = files.iter().map(|file| {
            let info = file.hfile().info();
            info.created_ms().filter(|_| info.is_major_compaction())
        });
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        RegionLoad {
            stores: number(count),
            store_files: number(files.len()),
            store_file_bytes: files.iter().map(|file| file.length()).sum(),
            store_file_uncompressed_bytes: files.iter().map(|f| f.hfile().trailer().uncompressed_bytes).sum(),
            store_file_index_bytes: files.iter().map(|file| file.index_bytes()).sum(),
            memstore_bytes: stores.memstore_bytes(),
            read_requests: self.0.reads.load(Ordering::Relaxed),
            filtered_read_requests: self.0.filtered.load(Ordering::Relaxed),
            write_requests: self.0.writes.load(Ordering::Relaxed),
            flushed_sequence_id: self.flushed_sequence_id(),
            flushed_by_family: stores.flushed_by_family(),
            last_major_compaction_ms: created
                .collect::<Option<Vec<_>>>()
                .into_iter()
                .flatten()
                .min()
                .unwrap_or(0),
        }
    }

    /// Everything up to this sequence id is in store files; none when nothing was ever flushed.
    pub(crate) fn flushed_sequence_id(&self) -> Option<u64> {
        let flushed =
            self.0.stores.flushed_by_family().into_iter().filter_map(|(_, flushed)| flushed).max()?;
        // Between the stores of one flush, some are ahead of others.
        let oldest = self.0.stores.oldest_in_memory();
        Some(oldest.map_or(flushed, |oldest| flushed.min(oldest.saturating_sub(1))))
    }

    /// Whether a store file is a part of a parent's: the region can't be split or merged before it is compacted.
    pub(crate) fn has_references(&self) -> bool {
        let stores = &self.0.stores;
        (0..stores.families().len()).any(|store| stores.files(store).iter().any(|file| file.is_reference()))
    }

    /// A row that divides the region's largest store in halves; none when there is no such row. Counterpart of
    /// `RegionSplitPolicy.getSplitPoint`.
    ///
    /// # Errors
    /// When the region is closing.
    pub(crate) async fn best_split_row(&self) -> Result<Option<Bytes>, RegionError> {
        if self.is_closing() {
            return Err(self.closing());
        }
        if self.0.info.is_meta() || self.has_references() {
            return Ok(None);
        }
        let stores = &self.0.stores;
        let size = |store: &usize| stores.files(*store).iter().map(|file| file.length()).sum::<u64>();
        let largest = (0..stores.families().len()).max_by_key(size).map(|store| stores.files(store));
        let file = largest.into_iter().flatten().max_by_key(|file| file.length());
        let row = file.and_then(|file| file.middle_row());
        let divides = |row: &Bytes| self.0.info.contains_row(row) && **row != *self.0.info.start_key();
        Ok(row.filter(divides))
    }

    /// Has the region flushed by the next turn of the chores.
    pub(crate) fn want_flush(&self) {
        self.0.chores.wants_flush.store(true, Ordering::Relaxed);
    }

    /// Has the chores look at the region, if there is something to do.
    pub(crate) fn wake_chores(&self) {
        if self.needs_flush() || self.is_compaction_due(false) {
            self.0.log.server().wake_chores(self.weak());
        }
    }

    /// Whether a flush is due that nobody has taken on yet; who asks takes it on.
    pub(crate) fn take_flush_request(&self) -> bool {
        self.needs_flush() && !self.0.chores.is_flush_taken.swap(true, Ordering::SeqCst)
    }

    /// The flush that was taken on has ended.
    pub(crate) fn flush_request_ended(&self) {
        self.0.chores.is_flush_taken.store(false, Ordering::SeqCst);
    }

    /// Whether a compaction is due that nobody has taken on yet; who asks takes it on.
    pub(crate) fn take_compaction_request(&self) -> bool {
        let due = !self.is_closing() && self.is_compaction_due(false);
        due && !self.0.chores.is_compaction_taken.swap(true, Ordering::SeqCst)
    }

    /// The compaction that was taken on has ended.
    pub(crate) fn compaction_request_ended(&self) {
        self.0.chores.is_compaction_taken.store(false, Ordering::SeqCst);
    }

    fn needs_flush(&self) -> bool {
        let wanted = self.0.chores.wants_flush.load(Ordering::Relaxed);
        let bytes = self.0.stores.memstore_bytes();
        !self.is_closing() && (bytes > self.0.options.memstore_flush_bytes || (wanted && bytes > 0))
    }
}

impl Inner {
    fn new(
        info: RegionInfo,
        table: TableDescriptor,
        options: RegionOptions,
        files: RegionFiles,
        stores: Arc<Stores>,
        log: RegionLog,
        open_sequence: u64,
    ) -> Self {
        Self {
            info,
            table,
            options,
            files,
            stores,
            log,
            open_sequence,
            locks: RowLocks::default(),
            requests: RwLock::default(),
            is_closing: AtomicBool::new(false),
            flushing: Mutex::new(false),
            compacting: Mutex::default(),
            leftovers: Leftovers::default(),
            compactions: Arc::default(),
            refreshed: Mutex::default(),
            chores: Chores::default(),
            reads: AtomicU64::new(0),
            filtered: Arc::default(),
            writes: AtomicU64::new(0),
        }
    }
}

impl WeakRegion {
    /// A handle of no region.
    pub(crate) fn none() -> Self {
        Self(Weak::new())
    }

    /// The region, if it is still there.
    pub(crate) fn upgrade(&self) -> Option<Region> {
        self.0.upgrade().map(Region)
    }
}

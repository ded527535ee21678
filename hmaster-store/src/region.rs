//! The master's own region. Counterpart of `MasterRegion`.
//!
//! # What it promises
//!
//! - An edit whose [`Durable`] said so survives everything that the file system survives, and the next master, Java or
//!   this one, finds it.
//! - Edits are in the log in the order in which they were submitted, each batch as a whole or not at all.
//! - Readers see what is durable, and nothing else.
//! - After a successor has opened the region, nothing is promised any more: every edit fails, and the failure is final.
//!
//! # How it differs from Java's
//!
//! Java's region flushes to store files and compacts them. This one keeps everything live in memory, reads Java's
//! store files and writes none: it bounds its log by beginning a new one with all that is live (see [`journal`]).
//!
//! # Opening
//!
//! In this order, and so that a crash after any step leaves what the next master, Java or not, goes on from:
//! 1. [`folder`]: the table's folder is made or completed.
//! 2. [`takeover`]: earlier masters are fenced and their logs collected.
//! 3. [`store_files`], [`replay`]: store files and logs are read into [`mem_store`].
//! 4. A new log is begun with all that isn't in store files, and made durable.
//! 5. The sequence id is recorded, and the earlier logs go to the [`archive`].

mod archive;
pub(crate) mod error;
mod folder;
mod glimpse;
mod journal;
mod mem_store;
mod replay;
mod schema;
mod stamp;
mod store_files;
mod takeover;

use std::fmt;
use std::future::Future;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hmaster_fs::FsError;
use hmaster_fs::rootdir::RootDir;
use hmaster_types::{Cell, Clock, ServerName};
use parking_lot::RwLock;
use tracing::info;

use crate::wal::commit::{Committer, Journal as _};
use crate::wal::file::{WalFile, WalFolder};
use crate::wal::{Durable, LogFailure};
use archive::Archive;
use folder::Table;
use journal::RegionJournal;
use mem_store::MemStore;
use store_files::Store;
use takeover::LogFolders;

pub use error::{NoSuchFamily, OpenError};
pub use glimpse::{Glimpse, GlimpsedLog};
pub use mem_store::RowCells;
pub use schema::{INFO_FAMILY, PROC_FAMILY, REGION_SERVER_FAMILY, STATE_FAMILY};
pub use store_files::{StoreFileList, parse_store_file_list};
pub(crate) use store_files::{first_list, list_after, list_numbers, load_list};

/// Bounds of a [`MasterRegion`].
#[derive(Debug, Clone, Copy)]
pub struct MasterRegionOptions {
    /// A log that is longer is followed by a new one. Java rolls its log at the size at which it flushes,
    /// `hbase.master.store.region.flush.size`, 128 MB.
    pub wal_bytes_max: u64,
    /// When more than this waits to be written, the log fails: the disk doesn't keep up.
    pub pending_bytes_max: usize,
    /// How long to wait for the lease of an earlier master's log (`hbase.lease.recovery.timeout`).
    pub lease_wait_max: Duration,
}

/// The region, open. Dropping it ends its log's task.
pub struct MasterRegion {
    store: Arc<RwLock<MemStore>>,
    committer: Committer<RegionJournal>,
}

impl Default for MasterRegionOptions {
    fn default() -> Self {
        Self {
            wal_bytes_max: 128 << 20,
            pending_bytes_max: 256 << 20,
            lease_wait_max: Duration::from_secs(900),
        }
    }
}

impl MasterRegion {
    /// Fences all earlier masters and opens the region below `root`, which is made on a new cluster. `server` is this
    /// master's name, which no other master that lives has.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(
        root: &RootDir,
        clock: Arc<dyn Clock>,
        server: &ServerName,
        options: MasterRegionOptions,
    ) -> Result<Self, OpenError> {
        let data = master_data(root, &clock)?;
        let table = folder::prepare(&data).await?;
        let region = &table.region;
        let folders = LogFolders::new(&data, region, server, options.lease_wait_max);
        let taken = folders.take_over().await?;
        let (store, replayed) = load_from(&data, &table, &taken).await?;
        let recorded = data.max_sequence_id(region).await?.map_or(0, |id| u64::try_from(id.0).unwrap_or(0));
        let sequence = replayed.sequence_id_max.max(recorded);
        let archive =
            Archive::new(data.clone(), root.layout().old_wals(), region.clone(), Arc::clone(&clock));
        let store = Arc::new(RwLock::new(store));
        let mut journal = RegionJournal::new(
            region,
            Arc::clone(&store),
            Arc::clone(&clock),
            archive.clone(),
            sequence,
            options.wal_bytes_max,
        );
        let mut wals = WalFolder::new(Arc::clone(data.wal_file_system()), folders.own, server.clone(), clock);
        let begun = begin_log(&mut wals, &mut journal).await;
        let (file, sequence) = begun.map_err(OpenError::fs("begin a log"))?;
        put_away(&archive, sequence, &replayed).await.map_err(OpenError::fs("archive earlier logs"))?;
        store.write().forget_deletes(sequence);
        info!(%server, sequence, cells = store.read().len(), log = %file.path(), "opened the master's region");
        let committer = Committer::start(journal, wals, file, options.pending_bytes_max, "master:store");
        Ok(Self { store, committer })
    }

    /// Queues edits as one batch, which becomes durable as a whole; the order of calls is the order in the log. Never
    /// waits. Cells with [`Cell::LATEST_TIMESTAMP`] get theirs when they are logged.
    ///
    /// # Errors
    /// When a cell is of a family that isn't there; nothing is queued then.
    pub fn submit(&self, cells: Vec<Cell>) -> Result<Durable, NoSuchFamily> {
        let bytes = {
            let store = self.store.read();
            if let Some(cell) = cells.iter().find(|cell| store.family(cell.family()).is_none()) {
                return Err(NoSuchFamily { family: String::from_utf8_lossy(cell.family()).into_owned() });
            }
            cells.iter().map(|cell| cell.as_bytes().len()).sum()
        };
        Ok(self.committer.submit(cells, bytes))
    }

    /// Makes edits durable as one batch; its sequence id.
    ///
    /// # Errors
    /// See [`MutateError`].
    pub async fn mutate(&self, cells: Vec<Cell>) -> Result<u64, MutateError> {
        Ok(self.submit(cells)?.wait().await?)
    }

    /// The cells of a row, sorted: the newest of each column first.
    pub fn get(&self, family: &[u8], row: &[u8]) -> Vec<Cell> {
        self.store.read().get(family, row)
    }

    /// All rows of a family, sorted.
    pub fn rows(&self, family: &[u8]) -> Vec<RowCells> {
        self.scan(family, Bound::Unbounded, usize::MAX)
    }

    /// The rows of a family from a place on, sorted, at most `limit`.
    pub fn scan(&self, family: &[u8], from: Bound<&[u8]>, limit: usize) -> Vec<RowCells> {
        self.store.read().scan(family, from, limit)
    }

    /// The last row of a family.
    pub fn last_row(&self, family: &[u8]) -> Option<Bytes> {
        self.store.read().last_row(family)
    }

    /// How many cells are in memory, deletes included.
    pub fn cells(&self) -> usize {
        self.store.read().len()
    }

    /// Begins a new log as soon as what was submitted is durable.
    pub fn roll(&self) {
        self.committer.request_new_file();
    }

    /// Waits until the region's log has failed, for instance because a successor has taken it over, or was closed.
    pub fn failure(&self) -> impl Future<Output = LogFailure> + Send + 'static {
        self.committer.failure()
    }

    /// Makes everything durable that was submitted, and completes the log. The region can still be read.
    ///
    /// # Errors
    /// When that can't be done; what was durable before stays so.
    pub async fn close(&self) -> Result<(), LogFailure> {
        self.committer.close().await
    }
}

/// Edits couldn't be made durable.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MutateError {
    /// Nothing was tried.
    #[error("change the master's region")]
    Family(#[from] NoSuchFamily),
    /// They may be in the log or not.
    #[error("change the master's region")]
    Log(#[from] LogFailure),
}

/// MasterData is laid out like a root folder of its own.
fn master_data(root: &RootDir, clock: &Arc<dyn Clock>) -> Result<RootDir, OpenError> {
    let layout = root.layout();
    let wal_root = layout.master_data_wals().parent().unwrap_or_else(|| layout.wal_root().clone());
    let data = RootDir::new(Arc::clone(root.file_system()), layout.master_data(), Arc::clone(clock));
    Ok(data.with_wals_in(Arc::clone(root.wal_file_system()), wal_root)?)
}

/// Reads store files and logs.
async fn load_from(
    data: &RootDir,
    table: &Table,
    taken: &[hmaster_fs::FsPath],
) -> Result<(MemStore, replay::Replayed), OpenError> {
    let (fs, folder) = (data.file_system(), data.layout().region(&table.region));
    let mut stores = Vec::new();
    for family in table.descriptor.families() {
        stores.push((family, Store::open(&**fs, &folder, &table.descriptor, family).await?));
    }
    let infos = stores.iter().map(|(family, store)| (family.name().clone(), store.family_info(family)));
    let mut memory = MemStore::new(infos);
    let encoded_name = table.region.encoded_name().to_string();
    let mut replayed = replay::replay(&**data.wal_file_system(), taken, &encoded_name, &mut memory).await?;
    for (_, store) in &mut stores {
        replayed.sequence_id_max = replayed.sequence_id_max.max(store.sequence_id_max());
        if let Some(compacted) = replayed.compacted.get(&store.family) {
            store.leave_out(compacted);
        }
        store.load(&mut memory).await?;
    }
    Ok((memory, replayed))
}

/// Begins a log with all that must be in it, and makes it durable; its last sequence id.
async fn begin_log(wals: &mut WalFolder, journal: &mut RegionJournal) -> Result<(WalFile, u64), FsError> {
    let (mut file, mut out) = (wals.create().await?, BytesMut::new());
    while journal.checkpoint(&mut out) {
        file.write(out.split().freeze()).await?;
    }
    file.sync().await?;
    Ok((file, journal.sequence()))
}

/// Earlier logs aren't needed any more: the new one has all of them.
async fn put_away(archive: &Archive, sequence: u64, replayed: &replay::Replayed) -> Result<(), FsError> {
    archive.record_sequence_id(sequence).await?;
    for log in &replayed.logs {
        archive.put(log).await?;
    }
    archive.put_left_overs().await
}

impl fmt::Debug for MasterRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterRegion").field("cells", &self.cells()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

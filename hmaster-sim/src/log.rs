//! A region server's write-ahead log: one that all its regions share, and one for hbase:meta. Counterpart of `WALFactory`
//! with its providers, of `LogRoller`, `MemStoreFlusher` and `CompactSplit`, and of the accounting of `AbstractFSWAL`.
//!
//! `one.rs` is one log with the task that applies what is durable; `chores.rs` keeps memory and the number of log files
//! within bounds; `region_log.rs` is a log as one region sees it; `split.rs` splits a dead server's log.

mod chores;
mod one;
mod region_log;
mod split;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hmaster_fs::rootdir::RootDir;
use hmaster_fs::{FsError, FsErrorKind, Operation};
use hmaster_store::wal::LogFailure;
use hmaster_types::{Chance, Clock, RegionInfo, ServerName};
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tracing::{info, warn};

use crate::nonces::Nonces;
use crate::store_file::BlockCache;
use one::{Event, OneLog};

pub(crate) use one::{Edit, Held};
pub(crate) use region_log::RegionLog;
pub(crate) use split::{FlushedSequenceIds, split_log};

/// Bounds of a server's log, and of what its regions share.
#[derive(Debug, Clone)]
pub(crate) struct LogOptions {
    /// A file that is longer is followed by a new one (half of `hbase.regionserver.hlog.blocksize`).
    pub(crate) file_bytes_max: u64,
    /// With more files, the regions whose edits keep the oldest are flushed (`hbase.regionserver.maxlogs`).
    pub(crate) files_max: usize,
    /// Writes beyond this that aren't durable yet wait.
    pub(crate) pending_bytes_max: usize,
    /// With nearly as much in memory of all regions together, the largest are flushed, and with more, writes are refused
    /// (`hbase.regionserver.global.memstore.size` of Java's heap).
    pub(crate) memstore_bytes_max: u64,
    /// Blocks of store files that are kept in memory (`hfile.block.cache.size` of Java's heap).
    pub(crate) block_cache_bytes_max: usize,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            file_bytes_max: 128 << 20,
            files_max: 32,
            pending_bytes_max: 64 << 20,
            memstore_bytes_max: 512 << 20,
            block_cache_bytes_max: 64 << 20,
        }
    }
}

/// A server's log. Cheap to clone. Also does what its regions need done at times: flushes, compactions, and the removal
/// of log files that no region needs. Dropping all clones ends its tasks.
#[derive(Debug, Clone)]
pub(crate) struct ServerLog(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    root: RootDir,
    server: ServerName,
    clock: Arc<dyn Clock>,
    chance: Arc<Chance>,
    options: LogOptions,
    nonces: Arc<Nonces>,
    cache: Arc<BlockCache>,
    main: Arc<OneLog>,
    /// Made when hbase:meta is opened.
    meta: tokio::sync::Mutex<()>,
    meta_log: Mutex<Option<Arc<OneLog>>>,
    /// So much is in memory that writes are refused.
    is_full: AtomicBool,
    /// Whether somebody switched compactions off.
    compactions_off: AtomicBool,
    failure: watch::Sender<Option<LogFailure>>,
    watchers: Mutex<Vec<AbortOnDropHandle<()>>>,
    events: mpsc::UnboundedSender<Event>,
    /// Flushes and compactions, which must not stop half way.
    tasks: TaskTracker,
}

impl ServerLog {
    /// Begins the log of `server` in a folder of its own, which mustn't exist.
    ///
    /// # Errors
    /// When folder or file can't be made.
    pub(crate) async fn create(
        root: &RootDir,
        server: &ServerName,
        clock: Arc<dyn Clock>,
        chance: Arc<Chance>,
        options: LogOptions,
    ) -> Result<Self, FsError> {
        let (fs, folder) = (root.wal_file_system(), root.layout().wals_of(server));
        if fs.exists(&folder).await? {
            return Err(FsError::new(Operation::Mkdirs, &folder, FsErrorKind::AlreadyExists));
        }
        fs.mkdirs(&folder, None).await?;
        fs.mkdirs(&root.layout().old_wals(), None).await?;
        let (events, to_do) = mpsc::unbounded_channel();
        let main = one_log(root, server, &clock, &options, false, &events).await?;
        let log = Self(Arc::new(Inner {
            root: root.clone(),
            server: server.clone(),
            nonces: Arc::new(Nonces::new(Arc::clone(&clock))),
            cache: Arc::new(BlockCache::new(options.block_cache_bytes_max)),
            clock,
            chance,
            options,
            main: Arc::clone(&main),
            meta: tokio::sync::Mutex::default(),
            meta_log: Mutex::default(),
            is_full: AtomicBool::new(false),
            compactions_off: AtomicBool::new(false),
            failure: watch::channel(None).0,
            watchers: Mutex::default(),
            events,
            tasks: TaskTracker::new(),
        }));
        log.watch(&main);
        let chores = tokio::spawn(chores::run(Arc::downgrade(&log.0), to_do));
        log.0.watchers.lock().push(AbortOnDropHandle::new(chores));
        Ok(log)
    }

    /// Waits until the log has failed, or was closed: the server must abort, or has ended.
    pub(crate) fn failure(&self) -> impl Future<Output = LogFailure> + Send + 'static {
        let mut failure = self.0.failure.subscribe();
        async move {
            match failure.wait_for(Option::is_some).await {
                Ok(failure) => failure.clone().unwrap_or(LogFailure::Ended),
                Err(_) => LogFailure::Ended,
            }
        }
    }

    /// Begins new files as soon as what was appended so far is durable. Counterpart of the RPC `RollWALWriter`.
    ///
    /// # Errors
    /// When the log has failed.
    pub(crate) async fn roll(&self) -> Result<(), LogFailure> {
        if let Some(failure) = self.0.failure.borrow().clone() {
            return Err(failure);
        }
        self.logs().iter().for_each(|log| log.roll());
        Ok(())
    }

    /// Ends the log of a server whose regions are all closed. Files that no region needs are archived, and the folder goes
    /// with the last one. What is left must be split.
    ///
    /// # Errors
    /// When that can't be done; the log must be split then.
    pub(crate) async fn close(&self) -> Result<(), LogFailure> {
        self.0.tasks.close();
        self.0.tasks.wait().await;
        let mut is_needed = false;
        for log in self.logs() {
            is_needed |= log.regions().iter().any(|region| region.stores.oldest_in_memory().is_some());
            log.close().await?;
        }
        if is_needed {
            warn!(server = %self.0.server, "the log stays: regions were closed without being flushed");
            return Ok(());
        }
        self.archive_all().await.map_err(LogFailure::from)
    }

    /// The log for a region.
    ///
    /// # Errors
    /// When it can't be made.
    pub(crate) async fn of_region(&self, region: &RegionInfo) -> Result<RegionLog, FsError> {
        let one = if region.is_meta() && region.is_default_replica() {
            self.meta_log().await?
        } else {
            Arc::clone(&self.0.main)
        };
        Ok(RegionLog::new(self.clone(), one, region))
    }

    /// Wall-clock time, as the server has it.
    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// Randomness, as the server has it.
    pub(crate) fn chance(&self) -> &Arc<Chance> {
        &self.0.chance
    }

    /// The blocks of store files that are in memory.
    pub(crate) fn cache(&self) -> &Arc<BlockCache> {
        &self.0.cache
    }

    /// Increments and appends that were done.
    pub(crate) fn nonces(&self) -> &Arc<Nonces> {
        &self.0.nonces
    }

    /// Whether so much is in memory of all regions that writes must wait.
    pub(crate) fn is_full(&self) -> bool {
        self.0.is_full.load(Ordering::Relaxed)
    }

    /// Whether regions are compacted.
    pub(crate) fn compacts(&self) -> bool {
        !self.0.compactions_off.load(Ordering::Relaxed)
    }

    /// Lets regions be compacted or not; whether they were before. What is under way goes on.
    pub(crate) fn switch_compactions(&self, on: bool) -> bool {
        let were_off = self.0.compactions_off.swap(!on, Ordering::Relaxed);
        if on {
            let regions = self.logs().into_iter().flat_map(|log| log.regions());
            regions.filter_map(|region| region.region.upgrade()).for_each(|region| region.wake_chores());
        }
        !were_off
    }

    /// Runs what must not stop half way, also when nobody waits for it any more.
    pub(crate) async fn run_to_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, LogFailure> {
        self.0.tasks.spawn(work).await.map_err(|_| LogFailure::Ended)
    }

    /// Has a region looked at by the chores: it may want to be compacted.
    pub(crate) fn wake_chores(&self, region: crate::region::WeakRegion) {
        let _ = self.0.events.send(Event::Applied { region, bytes: 0 });
    }

    fn logs(&self) -> Vec<Arc<OneLog>> {
        let meta = self.0.meta_log.lock().clone();
        [Some(Arc::clone(&self.0.main)), meta].into_iter().flatten().collect()
    }

    async fn meta_log(&self) -> Result<Arc<OneLog>, FsError> {
        let _one_at_a_time = self.0.meta.lock().await;
        if let Some(log) = self.0.meta_log.lock().clone() {
            return Ok(log);
        }
        let Inner { root, server, clock, options, events, .. } = &*self.0;
        let log = one_log(root, server, clock, options, true, events).await?;
        self.watch(&log);
        *self.0.meta_log.lock() = Some(Arc::clone(&log));
        Ok(log)
    }

    fn watch(&self, log: &Arc<OneLog>) {
        let (failure, told) = (log.failure(), self.0.failure.clone());
        let watcher = tokio::spawn(async move {
            told.send_if_modified({
                let failure = failure.await;
                |first: &mut Option<LogFailure>| first.is_none().then(|| *first = Some(failure)).is_some()
            });
        });
        self.0.watchers.lock().push(AbortOnDropHandle::new(watcher));
    }

    async fn archive_all(&self) -> Result<(), FsError> {
        let (root, folder) = (&self.0.root, self.0.root.layout().wals_of(&self.0.server));
        for file in root.wal_file_system().list(&folder).await? {
            chores::archive(root, &folder.join(&file.name)).await?;
        }
        root.wal_file_system().delete(&folder).await?;
        info!(server = %self.0.server, "the log is closed, its files are archived");
        Ok(())
    }
}

async fn one_log(
    root: &RootDir,
    server: &ServerName,
    clock: &Arc<dyn Clock>,
    options: &LogOptions,
    is_meta: bool,
    events: &mpsc::UnboundedSender<Event>,
) -> Result<Arc<OneLog>, FsError> {
    let (fs, folder) = (Arc::clone(root.wal_file_system()), root.layout().wals_of(server));
    let clock = Arc::clone(clock);
    let log = OneLog::create(fs, folder, server.clone(), clock, options, is_meta, events.clone()).await?;
    Ok(Arc::new(log))
}

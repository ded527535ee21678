//! A region server's write-ahead log: one that all its regions share, and one for hbase:meta. Counterpart of `WALFactory`
//! with its providers, of `LogRoller`, and of the accounting of `AbstractFSWAL`.

use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use hmaster_fs::rootdir::RootDir;
use hmaster_fs::{FsError, FsErrorKind, FsPath, Operation};
use hmaster_protocol::pb;
use hmaster_store::FileError;
use hmaster_store::wal::LogFailure;
use hmaster_types::{Chance, Clock, ServerName};

/// Bounds of a server's log.
#[derive(Debug, Clone)]
pub(crate) struct LogOptions {
    /// A file that is longer is followed by a new one (half of `hbase.regionserver.hlog.blocksize`).
    pub(crate) file_bytes_max: u64,
    /// With more files, the regions whose edits keep the oldest are flushed (`hbase.regionserver.maxlogs`).
    pub(crate) files_max: usize,
    /// Writes beyond this that aren't durable yet wait.
    pub(crate) pending_bytes_max: usize,
    /// With more in memory of all regions together, the largest are flushed
    /// (`hbase.regionserver.global.memstore.size` of Java's heap).
    pub(crate) memstore_bytes_max: u64,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            file_bytes_max: 128 << 20,
            files_max: 32,
            pending_bytes_max: 64 << 20,
            memstore_bytes_max: 512 << 20,
        }
    }
}

/// A server's log. Cheap to clone. Also does what its regions need done at times: flushes, compactions, and the removal
/// of log files that no region needs.
#[derive(Debug, Clone)]
pub(crate) struct ServerLog(Arc<Inner>);

#[derive(Debug)]
struct Inner {}

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
        let _ = (server, clock, chance, options);
        Err(FsError::new(Operation::Create, root.layout().wal_root(), FsErrorKind::Unsupported("logs".into())))
    }

    /// Waits until the log has failed, or was closed: the server must abort, or has ended.
    pub(crate) fn failure(&self) -> impl Future<Output = LogFailure> + Send + 'static {
        std::future::pending()
    }

    /// Begins new files. Answers when they are in use. Counterpart of the RPC `RollWALWriter`.
    ///
    /// # Errors
    /// When the log has failed.
    pub(crate) async fn roll(&self) -> Result<(), LogFailure> {
        Err(LogFailure::Closed)
    }

    /// Ends the log of a server whose regions are all closed. Files that no region needs are archived, and the folder goes
    /// with the last one. What is left must be split.
    ///
    /// # Errors
    /// When that can't be done; the log must be split then.
    pub(crate) async fn close(&self) -> Result<(), LogFailure> {
        Err(LogFailure::Closed)
    }
}

/// What a region is known to have flushed. Counterpart of `LastSequenceId`: a region server asks the master.
#[async_trait]
pub(crate) trait FlushedSequenceIds: Send + Sync {
    /// What the region with this encoded name has in store files; none when unsure.
    async fn of_region(&self, encoded_name: &str) -> Option<pb::RegionStoreSequenceIds>;
}

/// Nobody knows: all edits are kept, and what was flushed is left out when they are replayed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct NothingKnown;

#[async_trait]
impl FlushedSequenceIds for NothingKnown {
    async fn of_region(&self, _encoded_name: &str) -> Option<pb::RegionStoreSequenceIds> {
        None
    }
}

/// What splitting a log came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SplitSummary {
    /// Entries that were read.
    pub(crate) entries: u64,
    /// Entries that wait to be replayed.
    pub(crate) kept: u64,
    /// Regions that have some.
    pub(crate) regions: usize,
}

/// A log can't be split.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SplitError {
    /// The file system failed.
    #[error("split {log}")]
    Fs {
        /// The log.
        log: FsPath,
        /// The operation and the path.
        #[source]
        source: FsError,
    },
    /// The log can't be read.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Splits a dead server's log file: what regions haven't flushed becomes recovered edits beside their folders, which they
/// replay when they are opened. Recovers the file's lease first. A file that is gone was split before. May be repeated,
/// also after a crash. The caller archives the file. Counterpart of `WALSplitter` below `SplitWALCallable`.
///
/// # Errors
/// When the file is damaged elsewhere than at its end, or files can't be read or written.
pub(crate) async fn split_log(
    root: &RootDir,
    log: &FsPath,
    flushed: &dyn FlushedSequenceIds,
) -> Result<SplitSummary, SplitError> {
    let _ = (root, flushed);
    let kind = FsErrorKind::Unsupported("splitting".into());
    Err(SplitError::Fs { log: log.clone(), source: FsError::new(Operation::Open, log, kind) })
}

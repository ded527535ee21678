//! A WAL of a server: one log that the regions of the server share. Counterpart of `FSHLog` and `AbstractFSWAL`.
//!
//! Differs from Java's in where sequence ids come from: the log has one counter for all its regions, so those of each
//! region rise, too. When a region is opened, [`Wal::advance_to`] raises the counter above what the region has seen.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::BytesMut;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use hmaster_fs::{FileSystem, FsError, FsPath};
use hmaster_types::{Clock, ServerName};
use parking_lot::Mutex;

use super::commit::{Committer, Durable, Journal, LogFailure};
use super::entry::{NewEntry, encode_entry};
use super::file::{WalFile, WalFolder};

/// Bounds of a [`Wal`].
#[derive(Debug, Clone, Copy)]
pub struct WalOptions {
    /// A file that is longer is followed by a new one. Java: half of `hbase.regionserver.hlog.blocksize`, 128 MB.
    pub file_bytes_max: u64,
    /// When more than this waits to be written, the log fails: the disk doesn't keep up.
    pub pending_bytes_max: usize,
    /// Whether it holds edits of hbase:meta alone, and its files' names say so.
    pub is_meta: bool,
}

/// A log that is being written. See [`super::commit`] for what it promises.
#[derive(Debug)]
pub struct Wal {
    committer: Committer<Appender>,
    sequence: Arc<AtomicU64>,
    complete: Arc<Mutex<VecDeque<FsPath>>>,
}

impl Default for WalOptions {
    fn default() -> Self {
        Self { file_bytes_max: 128 << 20, pending_bytes_max: 256 << 20, is_meta: false }
    }
}

impl Wal {
    /// Begins a log of `server` with a first file in `folder`, which exists.
    ///
    /// # Errors
    /// When the file can't be made.
    pub async fn create(
        fs: Arc<dyn FileSystem>,
        folder: FsPath,
        server: ServerName,
        clock: Arc<dyn Clock>,
        options: WalOptions,
    ) -> Result<Self, FsError> {
        let mut folder = WalFolder::new(fs, folder, server, Arc::clone(&clock)).of_meta(options.is_meta);
        let mut file = folder.create().await?;
        file.sync().await?;
        let (sequence, complete) = (Arc::<AtomicU64>::default(), Arc::<Mutex<_>>::default());
        let appender = Appender {
            sequence: Arc::clone(&sequence),
            complete: Arc::clone(&complete),
            clock,
            file_bytes_max: options.file_bytes_max,
        };
        let committer = Committer::start(appender, folder, file, options.pending_bytes_max, "WAL");
        Ok(Self { committer, sequence, complete })
    }

    /// Queues entries, which become durable together; the order of calls is the order in the log. Never waits. The
    /// sequence id that comes back is that of the last entry.
    pub fn append(&self, entries: Vec<NewEntry>) -> Durable {
        let bytes = |entry: &NewEntry| entry.cells.iter().map(|cell| cell.as_bytes().len()).sum::<usize>();
        let bytes = entries.iter().map(bytes).sum();
        self.committer.submit(entries, bytes)
    }

    /// Entries that are appended from now on have sequence ids above this one.
    pub fn advance_to(&self, sequence: u64) {
        self.sequence.fetch_max(sequence, Ordering::SeqCst);
    }

    /// Begins a new file as soon as what was appended so far is durable.
    pub fn roll(&self) {
        self.committer.request_new_file();
    }

    /// The files that are complete, oldest first, each once: they may go when no region needs them.
    pub fn take_complete(&self) -> Vec<FsPath> {
        self.complete.lock().drain(..).collect()
    }

    /// Waits until the log has failed, or was closed.
    pub fn failure(&self) -> impl Future<Output = LogFailure> + Send + 'static {
        self.committer.failure()
    }

    /// Makes everything durable and completes the file.
    ///
    /// # Errors
    /// When that can't be done; what was durable before stays so.
    pub async fn close(&self) -> Result<(), LogFailure> {
        self.committer.close().await
    }
}

struct Appender {
    sequence: Arc<AtomicU64>,
    complete: Arc<Mutex<VecDeque<FsPath>>>,
    clock: Arc<dyn Clock>,
    file_bytes_max: u64,
}

impl Journal for Appender {
    type Batch = Vec<NewEntry>;

    fn encode(&mut self, batch: Vec<NewEntry>, out: &mut BytesMut) -> u64 {
        for NewEntry { mut key, cells } in batch {
            key.log_sequence_number = self.sequence.fetch_add(1, Ordering::SeqCst) + 1;
            key.write_time = self.clock.now_ms();
            encode_entry(&key, &cells, out);
        }
        self.sequence.load(Ordering::SeqCst)
    }

    fn committed(&mut self) {}

    fn wants_new_file(&mut self, length: u64) -> bool {
        length > self.file_bytes_max
    }

    fn checkpoint(&mut self, _out: &mut BytesMut) -> bool {
        false
    }

    fn put_away(&mut self, old: WalFile) -> BoxFuture<'static, Result<(), FsError>> {
        let complete = Arc::clone(&self.complete);
        async move {
            let path = old.path().clone();
            old.close().await?;
            complete.lock().push_back(path);
            Ok(())
        }
        .boxed()
    }

    fn was_put_away(&mut self, done: Result<(), FsError>) -> Result<(), FsError> {
        done
    }
}

impl fmt::Debug for Appender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Appender")
    }
}

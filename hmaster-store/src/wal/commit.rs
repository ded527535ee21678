//! Group commit: whoever waits for the disk waits together. Counterpart of the ring buffer and the sync runners of
//! `FSHLog`.
//!
//! Batches are queued by [`Committer::submit`], which never waits, and written by one task: it takes all that is
//! queued, writes it, syncs once, tells everybody, and takes what was queued meanwhile. So the order of calls is the
//! order of the log, nothing is durable before what was queued before it, and the busier the log, the more batches
//! share a sync.
//!
//! The first failure is final: nobody knows what of the last write is on the disk, so nothing that comes after it can
//! be promised. Everything queued and everything that comes fails with the same failure.
//!
//! What batches are and mean is the business of a [`Journal`], whose methods run in the task.

mod queue;
mod task;

use std::future::{Future, IntoFuture};
use std::sync::Arc;

use bytes::BytesMut;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use hmaster_fs::FsError;
use tokio_util::task::AbortOnDropHandle;

use super::file::{WalFile, WalFolder};
use queue::{Group, Queue};

/// What a log's owner does with batches, in the order of the log.
pub(crate) trait Journal: Send + 'static {
    /// What is logged as one entry or not at all.
    type Batch: Send + 'static;

    /// Appends the entries of a batch to `out`; the sequence id of the last one.
    fn encode(&mut self, batch: Self::Batch, out: &mut BytesMut) -> u64;

    /// Everything that was encoded is durable.
    fn committed(&mut self);

    /// Whether it's time for a new file, now that the file has a certain length and all is committed.
    fn wants_new_file(&mut self, length: u64) -> bool;

    /// Appends a part of what a new file must begin with to `out`; false when that was the last part.
    fn checkpoint(&mut self, out: &mut BytesMut) -> bool;

    /// A new file is in use, and what it must begin with is durable in it. What is to be done with the old one, while
    /// the log goes on.
    fn put_away(&mut self, old: WalFile) -> BoxFuture<'static, Result<(), FsError>>;

    /// [`Journal::put_away`] has ended.
    ///
    /// # Errors
    /// When the log can't go on.
    fn was_put_away(&mut self, done: Result<(), FsError>) -> Result<(), FsError>;
}

/// Why a log takes and confirms nothing any more. Final.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogFailure {
    /// The file system failed, or a successor has taken the log over.
    #[error("write the log")]
    Fs(#[source] Arc<FsError>),
    /// More is queued than the log is ready to hold: the disk doesn't keep up, or hangs.
    #[error("{bytes} bytes wait to be logged, at most {bytes_max} may")]
    Overloaded {
        /// How much is queued.
        bytes: usize,
        /// How much may be.
        bytes_max: usize,
    },
    /// The log was closed before.
    #[error("the log is closed")]
    Closed,
    /// The log's task has ended without saying why: its runtime is shutting down.
    #[error("the log's task has ended")]
    Ended,
}

/// A log with group commit. Dropping it ends its task: what isn't durable by then may never be, and whoever waits for
/// it is told [`LogFailure::Ended`].
#[derive(Debug)]
pub(crate) struct Committer<J: Journal> {
    queue: Arc<Queue<J::Batch>>,
    _task: AbortOnDropHandle<()>,
}

/// A batch that is queued. Dropping it doesn't take the batch back.
#[derive(Debug)]
#[must_use = "a batch is durable only when this says so"]
pub struct Durable {
    group: Arc<Group>,
    index: usize,
}

impl<J: Journal> Committer<J> {
    /// Starts the log's task, which goes on in `file`; that is durable as far as it was written.
    pub(crate) fn start(
        journal: J,
        folder: WalFolder,
        file: WalFile,
        pending_bytes_max: usize,
        name: &'static str,
    ) -> Self {
        let queue = Arc::new(Queue::new(pending_bytes_max));
        let task = task::run(journal, folder, file, Arc::clone(&queue));
        Self { queue, _task: AbortOnDropHandle::new(spawn(name, task)) }
    }

    /// Queues a batch of about `bytes` bytes. Never waits.
    pub(crate) fn submit(&self, batch: J::Batch, bytes: usize) -> Durable {
        self.queue.push(batch, bytes)
    }

    /// Begins a new file as soon as what is queued is durable.
    pub(crate) fn request_new_file(&self) {
        self.queue.request_new_file();
    }

    /// Waits until the log has failed, or was closed.
    pub(crate) fn failure(&self) -> impl Future<Output = LogFailure> + Send + 'static {
        let queue = Arc::clone(&self.queue);
        async move { queue.failure().await }
    }

    /// Makes durable what is queued, completes the file and ends the task.
    pub(crate) async fn close(&self) -> Result<(), LogFailure> {
        self.queue.request_close();
        match self.queue.failure().await {
            LogFailure::Closed => Ok(()),
            failure => Err(failure),
        }
    }
}

fn spawn<F>(name: &'static str, task: F) -> tokio::task::JoinHandle<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    use tracing::Instrument as _;
    tokio::spawn(task.instrument(tracing::info_span!("log", name)))
}

impl Durable {
    /// Waits until the batch is durable; its sequence id.
    ///
    /// # Errors
    /// When it isn't known to be durable: it may be in the log or not.
    pub async fn wait(self) -> Result<u64, LogFailure> {
        self.group.wait().await.map(|sequences| sequences[self.index])
    }
}

impl IntoFuture for Durable {
    type Output = Result<u64, LogFailure>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.wait().boxed()
    }
}

impl From<FsError> for LogFailure {
    fn from(error: FsError) -> Self {
        Self::Fs(Arc::new(error))
    }
}

#[cfg(test)]
mod tests;

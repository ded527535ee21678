//! One log of a server with its task, which applies to memory what has become durable. Counterpart of `FSHLog`'s ring
//! buffer together with `MultiVersionConcurrencyControl`.
//!
//! Sequence ids are given when the log is written. So edits are handed to the log and, at the same moment and in the same
//! order, queued for the task; it waits for each to become durable, applies it with its sequence id, and tells who waits.
//! Thus a region's memory grows in the order of its log, nobody reads what isn't durable, and everything that lies before
//! a point of the queue has been applied when the task gets there: that is where memory is sealed for a flush
//! ([`OneLog::seal`]), and where a log file that is complete is known to be applied ([`Work::Complete`]).
//!
//! The task goes on when nobody waits any more: a request that is given up leaves nothing half done.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use hmaster_fs::{FsError, FsPath};
use hmaster_store::wal::{Durable, LogFailure, NewEntry, Wal, WalOptions};
use hmaster_types::{Clock, EncodedName, ServerName};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::task::AbortOnDropHandle;

use super::LogOptions;
use crate::nonces::NonceGuard;
use crate::region::{CellsByStore, RowGuards, Stores, WeakRegion};

/// The unit in which bytes that aren't durable yet are counted.
const PERMIT_BYTES: usize = 1 << 10;

/// One log. Dropping it ends its task.
#[derive(Debug)]
pub(super) struct OneLog {
    shared: Arc<Shared>,
    _task: AbortOnDropHandle<()>,
}

#[derive(Debug)]
struct Shared {
    wal: Wal,
    /// Held while something is appended, so that the log and the queue have one order.
    queue: Mutex<mpsc::UnboundedSender<Work>>,
    pending: Arc<Semaphore>,
    pending_permits_max: u32,
    regions: Mutex<BTreeMap<EncodedName, Registered>>,
    /// Complete files, oldest first, whose edits are all in memory or in store files.
    complete: Mutex<VecDeque<CompleteFile>>,
    events: mpsc::UnboundedSender<Event>,
}

/// A region that logs here.
#[derive(Debug, Clone)]
pub(super) struct Registered {
    pub(super) stores: Arc<Stores>,
    pub(super) region: WeakRegion,
}

#[derive(Debug, Clone)]
pub(super) struct CompleteFile {
    pub(super) path: FsPath,
    /// Everything in it has lower sequence ids, or this one.
    pub(super) last_sequence: u64,
}

/// What the server's chores should look at.
#[derive(Debug)]
pub(super) enum Event {
    /// So many bytes were applied to a region's memory.
    Applied { region: WeakRegion, bytes: u64 },
    /// Log files are complete.
    Complete,
}

/// What an entry of the log means to its region.
#[derive(Debug)]
pub(crate) struct Edit {
    /// None for an entry that changes nothing.
    pub(crate) stores: Option<Arc<Stores>>,
    pub(crate) region: WeakRegion,
    pub(crate) cells: CellsByStore,
    /// What is let go when the edit was applied.
    pub(crate) held: Held,
}

/// What an edit holds until it was applied, whether somebody waits for that or not.
#[derive(Debug, Default)]
pub(crate) struct Held {
    pub(crate) rows: Option<Arc<RowGuards>>,
    pub(crate) nonce: Option<NonceGuard>,
}

#[derive(Debug)]
enum Work {
    Apply {
        durable: Durable,
        edit: Edit,
        bytes: u64,
        permit: OwnedSemaphorePermit,
        done: oneshot::Sender<Result<u64, LogFailure>>,
    },
    Seal {
        stores: Arc<Stores>,
        done: oneshot::Sender<u64>,
    },
    Complete {
        files: Vec<FsPath>,
    },
}

impl OneLog {
    pub(super) async fn create(
        fs: Arc<dyn hmaster_fs::FileSystem>,
        folder: FsPath,
        server: ServerName,
        clock: Arc<dyn Clock>,
        options: &LogOptions,
        is_meta: bool,
        events: mpsc::UnboundedSender<Event>,
    ) -> Result<Self, FsError> {
        let permits = options.pending_bytes_max.div_ceil(PERMIT_BYTES).clamp(1, Semaphore::MAX_PERMITS);
        let wal_options = WalOptions {
            file_bytes_max: options.file_bytes_max,
            // Never reached: what isn't durable is bounded here, by waiting.
            pending_bytes_max: usize::MAX,
            is_meta,
        };
        let wal = Wal::create(fs, folder, server, clock, wal_options).await?;
        let (queue, work) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            wal,
            queue: Mutex::new(queue),
            pending: Arc::new(Semaphore::new(permits)),
            pending_permits_max: u32::try_from(permits).unwrap_or(u32::MAX),
            regions: Mutex::default(),
            complete: Mutex::default(),
            events,
        });
        let task = tokio::spawn(run(Arc::clone(&shared), work));
        Ok(Self { shared, _task: AbortOnDropHandle::new(task) })
    }

    /// Logs an edit and waits until it is durable and applied; its sequence id.
    pub(super) async fn append(&self, entry: NewEntry, edit: Edit) -> Result<u64, LogFailure> {
        let bytes: usize = entry.cells.iter().map(|cell| cell.as_bytes().len()).sum();
        let permits = u32::try_from(bytes / PERMIT_BYTES + 1).unwrap_or(u32::MAX);
        let permits = permits.min(self.shared.pending_permits_max);
        let permit = Arc::clone(&self.shared.pending).acquire_many_owned(permits).await;
        let permit = permit.map_err(|_| LogFailure::Ended)?;
        let (done, applied) = oneshot::channel();
        {
            let queue = self.shared.queue.lock();
            let durable = self.shared.wal.append(vec![entry]);
            let work = Work::Apply { durable, edit, bytes: bytes as u64, permit, done };
            queue.send(work).map_err(|_| LogFailure::Ended)?;
        }
        applied.await.map_err(|_| LogFailure::Ended)?
    }

    /// Seals what was appended so far of a region; the last sequence id of it.
    pub(super) async fn seal(&self, stores: &Arc<Stores>) -> Result<u64, LogFailure> {
        let (done, sealed) = oneshot::channel();
        let work = Work::Seal { stores: Arc::clone(stores), done };
        self.shared.queue.lock().send(work).map_err(|_| LogFailure::Ended)?;
        sealed.await.map_err(|_| LogFailure::Ended)
    }

    /// What is appended from now on has higher sequence ids than this one.
    pub(super) fn advance_to(&self, sequence: u64) {
        self.shared.wal.advance_to(sequence);
    }

    pub(super) fn register(&self, name: EncodedName, region: Registered) {
        self.shared.regions.lock().insert(name, region);
    }

    pub(super) fn unregister(&self, name: EncodedName) {
        self.shared.regions.lock().remove(&name);
    }

    pub(super) fn regions(&self) -> Vec<Registered> {
        self.shared.regions.lock().values().cloned().collect()
    }

    /// Begins a new file as soon as what was appended so far is durable.
    pub(super) fn roll(&self) {
        self.shared.wal.roll();
    }

    pub(super) fn failure(&self) -> impl Future<Output = LogFailure> + Send + 'static {
        self.shared.wal.failure()
    }

    /// The complete files that no region needs, oldest first, and how many are left beside them.
    pub(super) fn unneeded(&self) -> (Vec<CompleteFile>, usize) {
        // Files first: what is applied meanwhile is in later ones.
        let complete: Vec<CompleteFile> = self.shared.complete.lock().iter().cloned().collect();
        let oldest = self.regions().iter().filter_map(|region| region.stores.oldest_in_memory()).min();
        let is_unneeded = |file: &&CompleteFile| oldest.is_none_or(|oldest| file.last_sequence < oldest);
        let unneeded: Vec<_> = complete.iter().take_while(is_unneeded).cloned().collect();
        let left = complete.len() - unneeded.len();
        (unneeded, left)
    }

    /// The regions that keep the oldest complete file from going.
    pub(super) fn holders_of_oldest(&self) -> Vec<WeakRegion> {
        let Some(oldest) = self.shared.complete.lock().front().cloned() else { return Vec::new() };
        let holds = |region: &Registered| {
            region.stores.oldest_in_memory().is_some_and(|sequence| sequence <= oldest.last_sequence)
        };
        self.regions().into_iter().filter(holds).map(|region| region.region).collect()
    }

    /// A file is in the archive.
    pub(super) fn archived(&self, path: &FsPath) {
        self.shared.complete.lock().retain(|file| file.path != *path);
    }

    /// Makes everything durable and completes the last file.
    pub(super) async fn close(&self) -> Result<(), LogFailure> {
        self.shared.wal.close().await
    }
}

impl Shared {
    fn look_for_complete(&self) {
        let queue = self.queue.lock();
        let files = self.wal.take_complete();
        if !files.is_empty() {
            // All that is in them was queued before.
            let _ = queue.send(Work::Complete { files });
        }
    }
}

async fn run(shared: Arc<Shared>, mut queue: mpsc::UnboundedReceiver<Work>) {
    let mut last_sequence = 0;
    while let Some(work) = queue.recv().await {
        match work {
            Work::Apply { durable, edit, bytes, permit, done } => {
                let outcome = durable.wait().await;
                if let Ok(sequence) = outcome {
                    last_sequence = sequence;
                    apply(edit, sequence, bytes, &shared.events);
                }
                drop(permit);
                let _ = done.send(outcome); // nobody may wait any more
                shared.look_for_complete();
            }
            Work::Seal { stores, done } => {
                let _ = done.send(stores.seal());
            }
            Work::Complete { files } => {
                let files = files.into_iter().map(|path| CompleteFile { path, last_sequence });
                shared.complete.lock().extend(files);
                let _ = shared.events.send(Event::Complete);
            }
        }
    }
}

fn apply(edit: Edit, sequence: u64, bytes: u64, events: &mpsc::UnboundedSender<Event>) {
    let Edit { stores, region, cells, held: Held { rows, mut nonce } } = edit;
    if let Some(stores) = stores {
        stores.apply(cells, sequence);
        let _ = events.send(Event::Applied { region, bytes });
    }
    if let Some(nonce) = &mut nonce {
        nonce.succeeded();
    }
    // Not before readers see it.
    drop(rows);
}

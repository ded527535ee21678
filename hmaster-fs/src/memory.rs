//! A file system in memory, for tests and simulation. It is as unkind as local disk and HDFS are together,
//! and one seed replays one run.
//!
//! A [`MemoryDisk`] is shared by any number of clients ([`MemoryDisk::client`]), each a
//! [`FileSystem`](crate::FileSystem) of its own, as processes share HDFS. What is modelled:
//!
//! - **Durability.** What a writer didn't sync is lost in part or whole when its client crashes, or survives
//!   torn; a file that was never synced may lose its name. Chance decides. Everything else is durable when it
//!   is answered.
//! - **Leases.** A file that is being written reads as empty, and is taken from its writer by
//!   `recover_lease`, by deleting it or by replacing it. A crashed client's files stay so until somebody
//!   recovers them.
//! - **Failures and delays.** A [`FaultPlan`] is asked before each operation. Deleting a tree is one
//!   operation per entry, and writing a whole file is three, as on the real ones.
//! - **Time.** Delays are tokio's, so paused time works.
//!
//! For tests that enumerate crashes there is [`CrashAtChange`].

mod client;
mod fault;
#[cfg(test)]
mod tests;
mod tree;
mod writer;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hmaster_types::{Chance, Clock};
use parking_lot::Mutex;

use crate::{FsErrorKind, FsPath, Operation};
pub use client::MemoryFileSystem;
pub use fault::{Call, CrashAtChange, Fault, FaultPlan, NoFaults};
use tree::Tree;

/// What many clients share. Cheap to clone.
#[derive(Clone)]
pub struct MemoryDisk(Arc<Shared>);

/// Ways in which real file systems differ. The default is the least that any of them promises.
#[derive(Debug, Clone)]
pub struct MemoryOptions {
    /// As on local disk: a writer is fenced already when its file is renamed or the folder that it is in.
    pub rename_fences: bool,
    /// As on local disk: a file that was never synced may lose its name in a crash.
    pub unsynced_names_are_lost: bool,
    /// As on HDFS: a file that is being written reads as empty. If not, as what was synced.
    pub open_files_read_empty: bool,
    /// How long it takes to recover the lease of a file that is being written.
    pub lease_recovery: Duration,
    /// Entries per page of a listing.
    pub page_entries: usize,
    /// How many operations the trace keeps; older ones are dropped.
    pub trace_entries_max: usize,
}

/// One operation that was done or failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceEntry {
    /// Who did it.
    pub client: Arc<str>,
    /// What.
    pub operation: Operation,
    /// On which path.
    pub path: FsPath,
    /// How it failed, if it did.
    pub failure: Option<FsErrorKind>,
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A folder.
    Folder,
    /// A file, with all that was written to it, synced or not.
    File(Bytes),
}

struct Shared {
    options: MemoryOptions,
    clock: Arc<dyn Clock>,
    chance: Chance,
    plan: Mutex<Arc<dyn FaultPlan>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tree: Tree,
    /// Clients that haven't crashed, by number.
    clients: BTreeMap<u64, Arc<str>>,
    clients_made: u64,
    calls: u64,
    safe_mode: bool,
    trace: VecDeque<TraceEntry>,
}

impl Default for MemoryOptions {
    fn default() -> Self {
        Self {
            rename_fences: false,
            unsynced_names_are_lost: true,
            open_files_read_empty: true,
            lease_recovery: Duration::ZERO,
            page_entries: 100,
            trace_entries_max: 100_000,
        }
    }
}

impl MemoryDisk {
    /// An empty disk. `chance` decides what a crash leaves.
    pub fn new(options: MemoryOptions, clock: Arc<dyn Clock>, chance: Chance) -> Self {
        let plan: Mutex<Arc<dyn FaultPlan>> = Mutex::new(Arc::new(NoFaults));
        Self(Arc::new(Shared { options, clock, chance, plan, state: Mutex::default() }))
    }

    /// A new client, such as one life of a master. `name` shows in traces and is told to the fault plan.
    pub fn client(&self, name: &str) -> MemoryFileSystem {
        let mut state = self.0.state.lock();
        state.clients_made += 1;
        let id = state.clients_made;
        let name: Arc<str> = name.into();
        state.clients.insert(id, Arc::clone(&name));
        MemoryFileSystem { disk: self.clone(), id, name }
    }

    /// From now on every operation is decided by `plan`.
    pub fn set_fault_plan(&self, plan: impl FaultPlan + 'static) {
        *self.0.plan.lock() = Arc::new(plan);
    }

    /// Ends a client at once: what it is doing now and later fails, and what it didn't sync is at risk.
    pub fn crash(&self, client: &MemoryFileSystem) {
        self.crash_id(client.id);
    }

    /// Ends every client.
    pub fn crash_all(&self) {
        let ids: Vec<u64> = self.0.state.lock().clients.keys().copied().collect();
        ids.into_iter().for_each(|id| self.crash_id(id));
    }

    fn crash_id(&self, id: u64) {
        let Shared { options, chance, state, .. } = &*self.0;
        let mut state = state.lock();
        if state.clients.remove(&id).is_some() {
            state.tree.lose_unsynced(id, chance, options.unsynced_names_are_lost);
        }
    }

    /// While on, all changes fail with [`FsErrorKind::SafeMode`].
    pub fn set_safe_mode(&self, on: bool) {
        self.0.state.lock().safe_mode = on;
    }

    /// The last operations, oldest first.
    pub fn trace(&self) -> Vec<TraceEntry> {
        self.0.state.lock().trace.iter().cloned().collect()
    }

    /// Everything that is there, to compare the ends of two runs.
    pub fn snapshot(&self) -> BTreeMap<FsPath, Content> {
        self.0.state.lock().tree.snapshot()
    }
}

impl fmt::Debug for MemoryDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryDisk").field("options", &self.0.options).finish_non_exhaustive()
    }
}

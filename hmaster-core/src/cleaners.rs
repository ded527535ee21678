//! Deletes old WALs and archived store files that nobody needs. Counterpart of `LogCleaner`, `HFileCleaner` and
//! `CleanerChore`.
//!
//! A file goes only if nobody in a chain of keepers wants it: because it is young, because replication hasn't sent it yet,
//! because a snapshot or a link refers to it. What can't be found out counts as wanted (danger 13).
//!
//! Differs from Java in these:
//! - A plugin that isn't known is refused by name when the master starts; Java leaves it out with a warning, and deletes
//!   what it would have kept.
//! - Links, snapshots and replication queues are always asked, whatever is configured.
//! - A file whose name isn't one of HBase's stays. Java deletes it at once.
//! - Parts of the archive with plugins of their own (`hbase.master.hfile.cleaner.custom.paths`) aren't cleaned at all.

pub mod chain;
mod names;
mod sweep;

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Mutex as AsyncMutex;
use tokio_util::sync::CancellationToken;

use crate::environment::MasterEnv;
use crate::ports::old_files::{Attic, OldFiles};
use crate::switches::Switch;
use chain::{Chain, Needed};
use sweep::Sweep;

pub use chain::UnknownPlugin;

/// Lets one run of each cleaner happen at a time.
#[derive(Debug, Default)]
pub struct Cleaners {
    at_work: AsyncMutex<()>,
    /// Ends the run that is under way.
    stop: Mutex<CancellationToken>,
}

impl Cleaners {
    /// Ends a run that is under way: from now on files may be needed that nobody needed when it began.
    pub(crate) fn interrupt(&self) {
        self.stop.lock().cancel();
    }
}

impl MasterEnv {
    /// Cleans at the interval of `hbase.master.cleaner.interval`, until the reign ends.
    pub async fn run_cleaners(self: Arc<Self>) {
        let Some(interval) = self.options.cleaners.interval else {
            tracing::info!("hbase.master.cleaner.interval switches the cleaners off");
            return;
        };
        loop {
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return,
                () = tokio::time::sleep(interval) => {}
            }
            if self.switches.is_on(Switch::Cleaner) {
                self.clean().await;
            }
        }
    }

    /// Cleans now, whether that is switched on or not; waits for a run that is under way. True when no old file is left.
    pub async fn clean(&self) -> bool {
        let _at_work = self.cleaners.at_work.lock().await;
        // Before it is asked whether a snapshot is being taken.
        let stop = self.shutdown.child_token();
        *self.cleaners.stop.lock() = stop.clone();
        // What is needed is found out before what is there is listed: what becomes old from now on is young.
        let began_ms = self.clock.now_ms();
        let wals = self.clean_attic(Attic::Wals, began_ms, self.queued_wals().await, &self.shutdown).await;
        let files = self.clean_attic(Attic::StoreFiles, began_ms, self.files_in_use().await, &stop).await;
        wals && files
    }

    async fn clean_attic(
        &self,
        attic: Attic,
        began_ms: u64,
        needed: Result<Needed, String>,
        stop: &CancellationToken,
    ) -> bool {
        let options = self.online.get();
        let chain = match attic {
            Attic::Wals => Chain::of_wals(&options.cleaners),
            Attic::StoreFiles => Chain::of_store_files(&options.cleaners),
        };
        let needed = match (needed, &chain) {
            (Ok(needed), Ok(_)) => needed,
            (Err(error), _) => {
                tracing::warn!(?attic, error, "not known what is needed, so nothing is deleted");
                return false;
            }
            (_, Err(error)) => {
                tracing::error!(?attic, %error, "nothing is deleted");
                return false;
            }
        };
        let Ok(chain) = chain else { return false };
        let files: &dyn OldFiles = &*self.files;
        let sweep = Sweep { files, attic, chain: &chain, needed: &needed, began_ms, stop };
        let swept = sweep.run().await;
        tracing::info!(?attic, deleted = swept.deleted, kept = swept.kept, "cleaned");
        swept.kept == 0
    }

    /// The WALs that replication hasn't sent yet.
    async fn queued_wals(&self) -> Result<Needed, String> {
        let queued = self.zookeeper.queued_wals().await.map_err(|error| error.to_string())?;
        Ok(Needed { names: queued })
    }

    /// The store files that snapshots refer to, or that replication has yet to load elsewhere.
    async fn files_in_use(&self) -> Result<Needed, String> {
        let before = self.no_snapshot_runs().ok_or("a snapshot is being taken")?;
        let snapshots = self.files.snapshot_files().await.map_err(|error| error.to_string())?;
        if !self.no_snapshot_since(before) {
            return Err("a snapshot was taken meanwhile".into());
        }
        let mut needed: BTreeSet<String> =
            snapshots.iter().flat_map(|name| names::files_behind(name)).collect();
        needed.extend(self.zookeeper.queued_hfiles().await.map_err(|error| error.to_string())?);
        Ok(Needed { names: needed })
    }
}

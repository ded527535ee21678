//! Deletes snapshots whose time is over, and what was never finished. Counterpart of `SnapshotCleanerChore` and of
//! `SnapshotManager.resetTempDir`.

use std::sync::Arc;

use hmaster_protocol::pb;
use hmaster_types::{JavaException, class};

use super::{check_name, is_expired};
use crate::environment::MasterEnv;
use crate::switches::Switch;

impl MasterEnv {
    /// Looks for such snapshots at the interval of `hbase.master.cleaner.snapshot.interval`, until the reign ends.
    pub async fn run_snapshot_cleaner(self: Arc<Self>) {
        if !self.options.snapshots.enabled {
            return;
        }
        self.discard_unfinished_snapshots().await;
        let Some(interval) = self.options.cleaners.snapshot_interval else {
            tracing::info!("hbase.master.cleaner.snapshot.interval switches the snapshot cleaner off");
            return;
        };
        loop {
            if self.switches.is_on(Switch::SnapshotCleanup) {
                self.delete_expired_snapshots().await;
            }
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return,
                () = tokio::time::sleep(interval) => {}
            }
        }
    }

    /// What masters have left that took snapshots without a procedure. Cleaners would keep its files for ever.
    async fn discard_unfinished_snapshots(&self) {
        let left = match self.files.unfinished_snapshots().await {
            Ok(left) => left,
            Err(error) => return tracing::warn!(%error, "not known which snapshots were never finished"),
        };
        // Asked after the folders: a procedure is there before its folder.
        let work = self.snapshot_work();
        for name in left.iter().filter(|name| !work.iter().any(|work| work.snapshot.name == **name)) {
            if self.shutdown.is_cancelled() {
                return;
            }
            match self.files.discard_snapshot(name).await {
                Ok(()) => tracing::info!(name, "a snapshot that was never finished: deleted"),
                Err(error) => tracing::warn!(name, %error, "a snapshot that was never finished stays"),
            }
        }
    }

    async fn delete_expired_snapshots(&self) {
        let snapshots = match self.files.snapshots().await {
            Ok(snapshots) => snapshots,
            Err(error) => return tracing::error!(%error, "not known which snapshots there are"),
        };
        for snapshot in snapshots.iter().filter(|snapshot| is_expired(snapshot, self.clock.now_ms())) {
            if self.shutdown.is_cancelled() {
                return; // what belongs to the next master by now isn't touched
            }
            match self.delete_snapshot(snapshot).await {
                Ok(()) => tracing::info!(name = snapshot.name, "its time is over: snapshot deleted"),
                Err(error) => tracing::error!(name = snapshot.name, %error, "its time is over, but it stays"),
            }
        }
    }

    /// Deletes a complete snapshot.
    ///
    /// # Errors
    /// When there is none of that name, when a table is being made of it, and when it can't be deleted.
    pub(crate) async fn delete_snapshot(
        &self,
        snapshot: &pb::SnapshotDescription,
    ) -> Result<(), JavaException> {
        let name = &snapshot.name;
        let in_use =
            self.snapshot_work().into_iter().find(|work| !work.takes() && work.snapshot.name == *name);
        if let Some(work) = in_use {
            let message = format!("Snapshot '{name}' is being brought back in table {}", work.table);
            return Err(JavaException::new(class::HBASE_SNAPSHOT, message));
        }
        let was_there = match check_name(name) {
            Ok(()) => self.files.delete_snapshot(name).await,
            Err(_) => Ok(false),
        };
        match was_there.map_err(|error| JavaException::new(class::IO, error.to_string()))? {
            true => Ok(()),
            false => {
                let message = format!("Snapshot '{name}' doesn't exist on the filesystem");
                Err(JavaException::new(class::SNAPSHOT_DOES_NOT_EXIST, message))
            }
        }
    }
}

//! Replicas other than the first one: they read what the first one has in store files, and write nothing. Counterpart of
//! secondary replicas in `HRegion`, and of `StorefileRefresherChore`.
//!
//! A replica's files are those in the folder of the first one, which alone flushes, compacts and archives. What is there
//! is looked at again when a read begins, so a replica is behind by what the first one has in memory, and by a moment more.
//! Differs from Java in that edits aren't sent from the first replica's log: what isn't flushed isn't seen.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use hmaster_fs::rootdir::RootDir;
use hmaster_store::{FileKind, ParseFailure};
use hmaster_types::{RegionInfo, TableDescriptor};
use tokio::time::Instant;
use tracing::{info, warn};

use super::files::RegionFiles;
use super::stores::Stores;
use super::{Inner, Region, RegionOptions, StorageError};
use crate::log::ServerLog;
use crate::store_file::DiskFile;

/// Between two looks at the first replica's files (`hbase.regionserver.storefile.refresh.period`, which Java leaves off).
const REFRESH_INTERVAL: Duration = Duration::from_secs(1);
/// The first replica may archive a file between the look at the folder and the opening of the file.
const ATTEMPTS_MAX: usize = 3;

/// Opens a replica of a region that only reads.
pub(super) async fn open(
    root: &RootDir,
    log: &ServerLog,
    info: RegionInfo,
    table: TableDescriptor,
    options: RegionOptions,
) -> Result<Region, StorageError> {
    let files = RegionFiles::new(root, &info.with_replica(0), log.clock(), log.chance(), log.cache());
    let none = vec![Vec::new(); table.families().count()];
    let stores = Stores::new(&table, none);
    look(&files, &stores).await?;
    let region_log = log.of_region(&info).await.map_err(StorageError::fs("begin a log for a region"))?;
    let sequence = stores.read_point() + 1;
    info!(region = %info.encoded_name(), table = %info.table(), replica = info.replica_id(), "opened a replica");
    Ok(Region::new(Inner::new(info, table, options, files, Arc::new(stores), region_log, sequence)))
}

impl Region {
    /// Whether the region only reads what its first replica has in store files.
    pub(crate) fn is_replica(&self) -> bool {
        !self.0.info.is_default_replica()
    }

    /// Has a replica see what the first one has in store files by now. Does nothing for other regions, or when that
    /// happened a moment ago. When it can't be done, readers see what they saw before.
    pub(crate) async fn refresh(&self) {
        if !self.is_replica() || self.is_closing() {
            return;
        }
        let mut last = self.0.refreshed.lock().await;
        if last.is_some_and(|at| at.elapsed() < REFRESH_INTERVAL) {
            return;
        }
        match look(&self.0.files, &self.0.stores).await {
            Ok(()) => *last = Some(Instant::now()),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                warn!(error, region = %self.0.info.encoded_name(), "a replica stays behind for now");
            }
        }
    }
}

/// Looks which files there are.
async fn look(files: &RegionFiles, stores: &Stores) -> Result<(), StorageError> {
    let mut attempt = 1;
    loop {
        match current(files, stores).await {
            Ok(all) => {
                let sequence = all.iter().flatten().map(|file| file.sequence_id_max()).max().unwrap_or(0);
                stores.replace_files(all);
                stores.begin_at(sequence);
                return Ok(());
            }
            Err(error) if attempt < ATTEMPTS_MAX => {
                warn!(%error, attempt, "a replica's files can't be opened; looking again");
                attempt += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

/// The files of all stores, without those that were compacted into others.
async fn current(files: &RegionFiles, stores: &Stores) -> Result<Vec<Vec<Arc<DiskFile>>>, StorageError> {
    let mut all = Vec::new();
    for (store, family) in stores.families().iter().enumerate() {
        let mut found = files.open_all(&family.name, &stores.files(store)).await?;
        let compacted = compacted_away(&found)?;
        found.retain(|file| !compacted.contains(file.name()));
        all.push(found);
    }
    Ok(all)
}

/// The names of the files that were compacted into some of these.
pub(super) fn compacted_away(files: &[Arc<DiskFile>]) -> Result<BTreeSet<String>, StorageError> {
    let mut compacted = BTreeSet::new();
    // A half has of the parent's files what the parent has compacted; their names aren't this region's.
    for file in files.iter().filter(|file| !file.is_elsewhere()) {
        let names = file.hfile().info().compacted_files();
        let failed = |malformed| ParseFailure::from(malformed).of(FileKind::HFile, file.path());
        compacted.extend(names.map_err(failed)?);
    }
    Ok(compacted)
}

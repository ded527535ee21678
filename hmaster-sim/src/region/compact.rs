//! Many store files to one. Counterpart of `HStore.compact`, of `DefaultCompactor`, and of the discharge of compacted
//! files.
//!
//! All files of a store become one; which is Java's major compaction, each time. The new file names those that it came
//! from: should the server end before they are archived, whoever opens the region next leaves them out.

use std::sync::Arc;

use hmaster_store::hfile::StoreFileOrigin;
use parking_lot::Mutex;
use tracing::{info, warn};

use super::StorageError;
use super::files::RegionFiles;
use super::rewrite::Rewrite;
use super::stores::Stores;
use crate::log::RegionLog;
use crate::query::{CompactionKind, CompactionTerms};
use crate::scan::Source;
use crate::store_file::DiskFile;

/// Files that were compacted, and are still in their folder: by store.
pub(super) type Leftovers = Mutex<Vec<(usize, Arc<DiskFile>)>>;

/// One compaction of one store.
pub(super) struct Compaction<'a> {
    pub(super) files: &'a RegionFiles,
    pub(super) stores: &'a Stores,
    pub(super) log: &'a RegionLog,
    pub(super) leftovers: &'a Leftovers,
}

impl Compaction<'_> {
    /// Compacts a store. False when `is_stopped` said so meanwhile.
    pub(super) async fn run(
        &self,
        store: usize,
        is_stopped: &(dyn Fn() -> bool + Sync),
    ) -> Result<bool, StorageError> {
        self.files.settle().await?;
        self.archive_leftovers().await;
        let family = &self.stores.families()[store];
        let from = self.stores.files(store);
        let Some(path) = self.rewrite(store, &from).write(self.files, is_stopped).await? else {
            return Ok(false);
        };
        if is_stopped() {
            self.files.discard(&path).await;
            return Ok(false);
        }
        self.log.check_fence().await?;
        let into = self.files.commit(&path, &family.name).await?;
        info!(file = %into.path(), from = from.len(), bytes = into.length(), "compacted");
        self.stores.compacted(store, &from, into);
        self.leftovers.lock().extend(from.into_iter().map(|file| (store, file)));
        self.archive_leftovers().await;
        Ok(true)
    }

    /// Moves compacted files to the archive. What fails is tried again later, and meanwhile named by every new file.
    pub(super) async fn archive_leftovers(&self) {
        let leftovers = self.leftovers.lock().clone();
        for (store, file) in leftovers {
            let family = &self.stores.families()[store].name;
            match self.files.archive(family, std::slice::from_ref(&file)).await {
                Ok(()) => self.leftovers.lock().retain(|(_, other)| !Arc::ptr_eq(other, &file)),
                Err(error) => warn!(%error, file = %file.path(), "a compacted file stays for now"),
            }
        }
    }

    fn rewrite(&self, store: usize, from: &[Arc<DiskFile>]) -> Rewrite<'_> {
        let left = self.leftovers.lock();
        let left = left.iter().filter(|(of, _)| *of == store).map(|(_, file)| file);
        let names = from.iter().chain(left).map(|file| file.name().to_owned());
        let origin = StoreFileOrigin {
            sequence_id_max: from.iter().map(|file| file.sequence_id()).max().unwrap_or(0),
            is_major_compaction: true,
            compacted_files: names.collect(),
        };
        let terms = CompactionTerms {
            kind: CompactionKind::Major,
            smallest_read_point: u64::MAX, // as for a flush
            earliest_put: from.iter().map(|file| file.earliest_put()).min().unwrap_or(i64::MAX),
            purge_deletes_after_ms: 0,
            now_ms: self.files.clock.now_ms() as i64,
        };
        Rewrite {
            family: &self.stores.families()[store],
            sources: from.iter().map(|file| Source::File(Arc::clone(file) as _)).collect(),
            terms,
            with_tags: from.iter().any(|file| file.has_tags()),
            origin,
        }
    }
}

/// Whether a store is to be compacted: there are `files_min` files, or some that lead to other regions' files; with
/// `major`, whenever there is more than one file, or one that wasn't made by a compaction of all.
pub(super) fn is_due(files: &[Arc<DiskFile>], files_min: usize, major: bool) -> bool {
    let elsewhere = files.iter().any(|file| file.is_elsewhere());
    let is_major = |file: &Arc<DiskFile>| file.hfile().info().is_major_compaction();
    let loose = files.len() > 1 || files.iter().any(|file| !is_major(file));
    elsewhere || files.len() >= files_min.max(2) || (major && loose)
}

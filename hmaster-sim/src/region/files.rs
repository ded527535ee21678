//! A region's folder: where store files are made, how they join their store, and where they go. Counterpart of
//! `HRegionFileSystem` and of the store file tracker `DEFAULT`.
//!
//! A file is written in `.tmp` and joins its store by being renamed into the family's folder. When the answer to that is
//! lost, the file may be there without being known to the region, and would come back to life when the region is
//! opened the next time, with what was deleted meanwhile: so such a file is deleted before anything else is written.

use std::sync::Arc;

use hmaster_fs::rootdir::RootDir;
use hmaster_fs::{FileStatus, FileSystem, FsErrorKind, FsPath, NotFoundAsNone as _};
use hmaster_store::region_files::StoreFileName;
use hmaster_types::{
    Chance, Clock, ColumnFamilyDescriptor, PlainTracker, RegionInfo, StoreFileTracker, TableDescriptor,
};
use parking_lot::Mutex;
use tracing::warn;

use super::StorageError;
use crate::store_file::{BlockCache, DiskFile, Place};

const TEMP: &str = ".tmp";

/// The files of a region.
#[derive(Debug, Clone)]
pub(super) struct RegionFiles {
    pub(super) root: RootDir,
    pub(super) region: RegionInfo,
    pub(super) clock: Arc<dyn Clock>,
    chance: Arc<Chance>,
    cache: Arc<BlockCache>,
    /// Files that may have joined their stores though nobody said so.
    doubtful: Arc<Mutex<Vec<FsPath>>>,
}

impl RegionFiles {
    pub(super) fn new(
        root: &RootDir,
        region: &RegionInfo,
        clock: &Arc<dyn Clock>,
        chance: &Arc<Chance>,
        cache: &Arc<BlockCache>,
    ) -> Self {
        Self {
            root: root.clone(),
            region: region.clone(),
            clock: Arc::clone(clock),
            chance: Arc::clone(chance),
            cache: Arc::clone(cache),
            doubtful: Arc::default(),
        }
    }

    pub(super) fn fs(&self) -> &dyn FileSystem {
        &**self.root.file_system()
    }

    fn folder(&self) -> FsPath {
        self.root.layout().region(&self.region)
    }

    /// Makes the region's folder complete, and removes unfinished files of an earlier server.
    pub(super) async fn prepare(&self, table: &TableDescriptor) -> Result<(), StorageError> {
        for family in table.families() {
            let tracker = StoreFileTracker::of(table, family, PlainTracker::Default.name());
            match tracker {
                Ok(StoreFileTracker::Plain(PlainTracker::Default)) => {}
                Ok(other) => return Err(self.tracker(&other.to_string())),
                Err(unknown) => return Err(self.tracker(&unknown.value)),
            }
        }
        let (name, found) =
            (self.region.table(), self.root.region_info(self.region.table(), self.region.encoded_name()));
        let is_right = match found.await {
            Ok(found) => found.as_ref() == Some(&self.region),
            Err(error) if error.is_transient() => return Err(error.into()),
            Err(error) => {
                warn!(%error, table = %name, "a region's description can't be read; writing it anew");
                false
            }
        };
        if !is_right {
            self.root.create_regions(std::slice::from_ref(&self.region)).await?;
        }
        let failed = StorageError::fs("make the folders of a region");
        for family in table.families() {
            let folder = self.folder().join(&folder_name(family));
            self.fs().mkdirs(&folder, None).await.map_err(&failed)?;
        }
        self.fs().delete_tree(&self.folder().join(TEMP)).await.map_err(&failed)?;
        Ok(())
    }

    fn tracker(&self, tracker: &str) -> StorageError {
        let region = self.region.encoded_name().to_string();
        StorageError::Tracker { tracker: tracker.to_owned(), region }
    }

    /// The store files of a family, open. Those that are among `known` aren't opened again.
    pub(super) async fn open_all(
        &self,
        family: &[u8],
        known: &[Arc<DiskFile>],
    ) -> Result<Vec<Arc<DiskFile>>, StorageError> {
        let family = text(family);
        let folder = self.folder().join(&family);
        let listed = self.fs().list(&folder).await.found();
        let entries = listed.map_err(StorageError::fs("list store files"))?.unwrap_or_default();
        let mut files = Vec::new();
        for entry in entries.iter().filter(|entry| is_store_file(&folder, entry)) {
            match known.iter().find(|file| file.name() == &*entry.name) {
                Some(file) => files.push(Arc::clone(file)),
                None => files.push(self.open(&family, &entry.name).await?),
            }
        }
        Ok(files)
    }

    async fn open(&self, family: &str, name: &str) -> Result<Arc<DiskFile>, StorageError> {
        let place = Place { root: &self.root, region: &self.region, family };
        Ok(Arc::new(DiskFile::open(place, name, &self.cache).await?))
    }

    /// Where a new file of a family is written.
    pub(super) async fn new_path(&self, family: &[u8]) -> Result<FsPath, StorageError> {
        let folder = self.folder().join(TEMP).join(&text(family));
        self.fs()
            .mkdirs(&folder, None)
            .await
            .map_err(StorageError::fs("make a folder for new store files"))?;
        Ok(folder.join(&format!("{:016x}{:016x}", self.chance.bits(), self.chance.bits())))
    }

    /// Lets a finished file join its store.
    pub(super) async fn commit(&self, file: &FsPath, family: &[u8]) -> Result<Arc<DiskFile>, StorageError> {
        let family = text(family);
        let name = file.name().expect("a file has a name").to_owned();
        let target = self.folder().join(&family).join(&name);
        if let Err(error) = self.fs().rename(file, &target).await {
            self.doubtful.lock().push(target.clone());
            // The answer may have been lost. Nobody else makes this name.
            let arrived =
                error.kind == FsErrorKind::Unknown && self.fs().exists(&target).await.unwrap_or(false);
            if !arrived {
                return Err(StorageError::Fs { doing: "let a store file join its store", source: error });
            }
        } else {
            self.doubtful.lock().push(target.clone());
        }
        let opened = self.open(&family, &name).await?;
        self.doubtful.lock().retain(|path| *path != target);
        Ok(opened)
    }

    /// Deletes files that may have joined their stores without the region's knowledge.
    pub(super) async fn settle(&self) -> Result<(), StorageError> {
        let doubtful = self.doubtful.lock().clone();
        for path in doubtful {
            warn!(%path, "deleting a store file of which it isn't known whether it joined its store");
            self.fs()
                .delete(&path)
                .await
                .map_err(StorageError::fs("delete a store file that came to nothing"))?;
            self.doubtful.lock().retain(|other| *other != path);
        }
        Ok(())
    }

    /// Moves files to the archive that their store doesn't need any more.
    pub(super) async fn archive(&self, family: &[u8], files: &[Arc<DiskFile>]) -> Result<(), StorageError> {
        let paths: Vec<FsPath> = files.iter().map(|file| file.path().clone()).collect();
        Ok(self.root.archive_store_files(&self.region, family, &paths).await?)
    }

    /// Deletes a file that didn't get finished. Failing to is no harm: the next server that opens the region does.
    pub(super) async fn discard(&self, file: &FsPath) {
        if let Err(error) = self.fs().delete(file).await {
            warn!(%error, "an unfinished store file stays for now");
        }
    }
}

/// Counterpart of `StoreFileInfo.isValid`.
fn is_store_file(folder: &FsPath, entry: &FileStatus) -> bool {
    if !entry.is_file() {
        return false;
    }
    let is_one = match StoreFileName::parse(&entry.name) {
        None => false,
        // A link is empty. What else is empty never was finished.
        Some(StoreFileName::Link { .. }) => true,
        Some(_) => entry.length > 0,
    };
    if !is_one {
        warn!(%folder, file = &*entry.name, length = entry.length, "not a store file, as Java sees it");
    }
    is_one
}

fn folder_name(family: &ColumnFamilyDescriptor) -> String {
    text(family.name())
}

fn text(family: &[u8]) -> String {
    String::from_utf8_lossy(family).into_owned()
}

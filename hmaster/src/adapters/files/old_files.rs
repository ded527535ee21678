//! Old WALs, the archive of store files, and what snapshots need of it.

use std::sync::Arc;

use async_trait::async_trait;
use hmaster_core::ports::files::FilesError;
use hmaster_core::ports::old_files::{Attic, OldFile, OldFiles};
use hmaster_fs::rootdir::RootDir;
use hmaster_fs::{FileSystem, FsError, FsErrorKind, FsPath, NotFoundAsNone as _};
use hmaster_protocol::{decode, pb};

use super::{RootFolder, chain};

/// The largest manifest that is read. Java's region servers write at most 64 MB unless they are told otherwise.
pub(super) const MANIFEST_BYTES_MAX: usize = 1 << 30;
/// Below the folder of snapshots: those being taken.
pub(super) const WORKING: &str = ".tmp";
pub(super) const SNAPSHOT_INFO: &str = ".snapshotinfo";
pub(super) const DATA_MANIFEST: &str = "data.manifest";
pub(super) const REGION_MANIFEST: &str = "region-manifest.";

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` wants it")]
pub(super) fn failed(error: FsError) -> FilesError {
    let fenced = matches!(error.kind, FsErrorKind::Fenced);
    FilesError { not_found: error.is_not_found(), fenced, message: chain(&error) }
}

pub(super) fn told(message: String) -> FilesError {
    FilesError { message, not_found: false, fenced: false }
}

/// A path below a folder, from names with `/` between them.
pub(super) fn below(folder: FsPath, path: &str) -> Result<FsPath, FilesError> {
    let mut names = path.split('/').filter(|name| !name.is_empty());
    names.try_fold(folder, |folder, name| {
        folder.try_join(name).map_err(|error| told(format!("{path}: {error}")))
    })
}

impl RootFolder {
    fn attic(&self, attic: Attic) -> (&Arc<dyn FileSystem>, FsPath) {
        match attic {
            Attic::Wals => (self.root.wal_file_system(), self.root.layout().old_wals()),
            Attic::StoreFiles => (self.root.file_system(), self.root.layout().archive()),
        }
    }
}

#[async_trait]
impl OldFiles for RootFolder {
    async fn list(&self, attic: Attic, folder: &str) -> Result<Vec<OldFile>, FilesError> {
        let (fs, place) = self.attic(attic);
        let listed = fs.list(&below(place, folder)?).await.found().map_err(failed)?.unwrap_or_default();
        Ok(listed
            .into_iter()
            .map(|file| OldFile {
                is_folder: file.is_dir(),
                modified_ms: file.modified_ms,
                name: file.name.into(),
            })
            .collect())
    }

    async fn delete(&self, attic: Attic, path: &str) -> Result<(), FilesError> {
        let (fs, place) = self.attic(attic);
        fs.delete(&below(place, path)?).await.map(drop).map_err(failed)
    }

    async fn is_in_root(&self, path: &str) -> Result<bool, FilesError> {
        let path = below(self.root.layout().root().clone(), path)?;
        self.root.file_system().exists(&path).await.map_err(failed)
    }

    async fn snapshot_files(&self) -> Result<Vec<String>, FilesError> {
        let mut names = Vec::new();
        let folder = self.root.layout().snapshots();
        for snapshot in folders(&self.root, &folder).await? {
            if snapshot.name() != Some(WORKING) {
                read_snapshot(&self.root, &snapshot, &mut names).await?;
            }
        }
        for snapshot in folders(&self.root, &folder.join(WORKING)).await? {
            read_snapshot(&self.root, &snapshot, &mut names).await?;
        }
        Ok(names)
    }
}

pub(super) async fn folders(root: &RootDir, folder: &FsPath) -> Result<Vec<FsPath>, FilesError> {
    let listed = root.file_system().list(folder).await.found().map_err(failed)?.unwrap_or_default();
    Ok(listed.iter().filter(|entry| entry.is_dir()).map(|entry| folder.join(&entry.name)).collect())
}

/// A complete snapshot has one manifest, one that is being taken has one for each region that is done.
async fn read_snapshot(root: &RootDir, snapshot: &FsPath, names: &mut Vec<String>) -> Result<(), FilesError> {
    let fs = root.file_system();
    let listed = fs.list(snapshot).await.found().map_err(failed)?.unwrap_or_default();
    let mut has_manifest = false;
    for file in listed.iter().filter(|file| file.is_file()) {
        let is_data = &*file.name == DATA_MANIFEST;
        if !is_data && !file.name.starts_with(REGION_MANIFEST) {
            continue;
        }
        has_manifest = true;
        let path = snapshot.join(&file.name);
        // One that has gone meanwhile is part of another now, or of no snapshot any more.
        let Some(bytes) = fs.read_whole(&path, MANIFEST_BYTES_MAX).await.found().map_err(failed)? else {
            continue;
        };
        let unreadable = |error: hmaster_protocol::DecodeError| told(format!("read {path}: {error}"));
        let regions = match is_data {
            true => decode::<pb::SnapshotDataManifest>(bytes).map_err(unreadable)?.region_manifests,
            false => vec![decode::<pb::SnapshotRegionManifest>(bytes).map_err(unreadable)?],
        };
        let families = regions.into_iter().flat_map(|region| region.family_files);
        names.extend(families.flat_map(|family| family.store_files).map(|file| file.name));
    }
    let is_complete = listed.iter().any(|file| &*file.name == SNAPSHOT_INFO)
        && snapshot.parent().is_some_and(|folder| folder.name() != Some(WORKING));
    if is_complete && !has_manifest {
        return Err(told(format!("{snapshot}: a snapshot without a manifest, of HBase 0.98 or before")));
    }
    Ok(())
}

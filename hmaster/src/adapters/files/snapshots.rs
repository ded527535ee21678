//! Files of snapshots, as Java's masters and region servers write and read them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hmaster_core::ports::files::FilesError;
use hmaster_core::ports::snapshot_files::SnapshotFiles;
use hmaster_fs::{CreateOptions, FsError, FsPath, NotFoundAsNone as _};
use hmaster_protocol::{decode, pb};
use hmaster_store::region_files::Restore;
use hmaster_types::{EncodedName, RegionInfo, TableDescriptor};
use prost::Message as _;

use super::old_files::{
    DATA_MANIFEST, MANIFEST_BYTES_MAX, REGION_MANIFEST, SNAPSHOT_INFO, WORKING, below, failed, folders, told,
};
use super::{RootFolder, region_failed};

/// A description is some dozens of bytes; it may carry permissions.
const INFO_BYTES_MAX: usize = 16 << 20;
/// What is being deleted lies among the working folders. No snapshot's name begins like that.
const DELETED: &str = ".deleted-";
/// Regions looked at at once. Java's `hbase.snapshot.thread.pool.max`.
const REGIONS_AT_ONCE: usize = 8;

impl RootFolder {
    fn snapshot(&self, name: &str) -> Result<FsPath, FilesError> {
        below(self.root.layout().snapshots(), name)
    }

    fn working(&self, name: &str) -> Result<FsPath, FilesError> {
        below(self.root.layout().snapshots().join(WORKING), name)
    }

    async fn write(&self, path: &FsPath, content: Vec<u8>) -> Result<(), FilesError> {
        let written =
            self.root.file_system().write_whole(path, Bytes::from(content), CreateOptions::overwrite());
        written.await.map_err(failed)
    }

    async fn read_manifest<M: hmaster_protocol::HBaseMessage>(
        &self,
        path: &FsPath,
    ) -> Result<Option<M>, FilesError> {
        let read = self.root.file_system().read_whole(path, MANIFEST_BYTES_MAX).await.found();
        let Some(bytes) = read.map_err(failed)? else { return Ok(None) };
        decode(bytes).map(Some).map_err(|error| told(format!("read {path}: {error}")))
    }

    async fn write_region(
        &self,
        folder: &FsPath,
        schema: &TableDescriptor,
        region: &RegionInfo,
    ) -> Result<(), FilesError> {
        let manifest = self.region_files().list(schema, region).await.map_err(region_failed)?;
        let path = folder.join(&format!("{REGION_MANIFEST}{}", region.encoded_name()));
        self.write(&path, manifest.encode_to_vec()).await
    }

    /// Those of a region's files that are nowhere, or of another length than listed. A reference stands for a part of a file,
    /// whose length nobody lists.
    async fn missing_of_region(
        &self,
        region: &pb::SnapshotRegionManifest,
    ) -> Result<Vec<String>, FilesError> {
        let info = RegionInfo::try_from(&region.region_info).map_err(|error| told(error.to_string()))?;
        let folder = self.root.layout().region(&info);
        let mut missing = Vec::new();
        for family in &region.family_files {
            let folder = below(folder.clone(), &String::from_utf8_lossy(&family.family_name))?;
            for file in &family.store_files {
                let size = self.region_files().size_behind(info.table(), &folder, &file.name).await;
                let size = size.map_err(region_failed)?;
                let is_whole = file.reference.is_some() || file.file_size.is_none() || size == file.file_size;
                if size.is_none() || !is_whole {
                    missing.push(format!("{folder}/{}", file.name));
                }
            }
        }
        Ok(missing)
    }

    /// What the files in a snapshot's folder say of regions, by their names, and whether there is one for all regions. A
    /// region that was listed twice has been listed anew.
    async fn read_manifests(&self, folder: &FsPath) -> Result<Manifests, FilesError> {
        let fs = self.root.file_system();
        let data: Option<pb::SnapshotDataManifest> = self.read_manifest(&folder.join(DATA_MANIFEST)).await?;
        let listed = fs.list(folder).await.map_err(failed)?;
        let of_regions =
            listed.iter().filter(|file| file.is_file() && file.name.starts_with(REGION_MANIFEST));
        let paths: Vec<_> = of_regions.map(|file| folder.join(&file.name)).collect();
        let read =
            stream::iter(0..paths.len()).map(|n| self.read_manifest::<pb::SnapshotRegionManifest>(&paths[n]));
        let read: Vec<_> = read.buffered(REGIONS_AT_ONCE).try_collect().await?;
        let mut regions = BTreeMap::new();
        let schema = data.as_ref().map(|data| data.table_schema.clone());
        let before = data.into_iter().flat_map(|data| data.region_manifests);
        for region in before.chain(read.into_iter().flatten()) {
            regions.insert(key(&region)?, region);
        }
        Ok(Manifests { schema, regions, paths })
    }
}

/// What is known of a snapshot's regions.
struct Manifests {
    /// From the file for all of them, if there is one.
    schema: Option<pb::TableSchema>,
    regions: BTreeMap<String, pb::SnapshotRegionManifest>,
    /// The files for one region each.
    paths: Vec<FsPath>,
}

/// A region's name among the manifests.
fn key(region: &pb::SnapshotRegionManifest) -> Result<String, FilesError> {
    let info = RegionInfo::try_from(&region.region_info).map_err(|error| told(error.to_string()))?;
    Ok(info.encoded_name().to_string())
}

#[async_trait]
impl SnapshotFiles for RootFolder {
    async fn snapshots(&self) -> Result<Vec<pb::SnapshotDescription>, FilesError> {
        let mut found = Vec::new();
        for folder in folders(&self.root, &self.root.layout().snapshots()).await? {
            if folder.name() == Some(WORKING) {
                continue;
            }
            let path = folder.join(SNAPSHOT_INFO);
            let read: Result<Bytes, FsError> =
                self.root.file_system().read_whole(&path, INFO_BYTES_MAX).await;
            match read
                .map_err(failed)
                .and_then(|bytes| decode(bytes).map_err(|error| told(error.to_string())))
            {
                Ok(snapshot) => found.push(snapshot),
                Err(error) => tracing::warn!(%path, %error, "a snapshot that can't be read"),
            }
        }
        Ok(found)
    }

    async fn has_snapshot(&self, name: &str) -> Result<bool, FilesError> {
        self.root.file_system().exists(&self.snapshot(name)?).await.map_err(failed)
    }

    async fn snapshot_info(&self, name: &str) -> Result<Option<pb::SnapshotDescription>, FilesError> {
        let path = self.snapshot(name)?.join(SNAPSHOT_INFO);
        let Some(bytes) =
            self.root.file_system().read_whole(&path, INFO_BYTES_MAX).await.found().map_err(failed)?
        else {
            return Ok(None);
        };
        decode(bytes).map(Some).map_err(|error| told(format!("read {path}: {error}")))
    }

    async fn snapshot_manifest(&self, name: &str) -> Result<pb::SnapshotDataManifest, FilesError> {
        let folder = self.snapshot(name)?;
        let Manifests { schema, regions, .. } = self.read_manifests(&folder).await?;
        let old = || told(format!("{folder}: a snapshot without {DATA_MANIFEST}, of HBase 0.98 or before"));
        let (table_schema, region_manifests) = (schema.ok_or_else(old)?, regions.into_values().collect());
        Ok(pb::SnapshotDataManifest { table_schema, region_manifests })
    }

    async fn restore_region(
        &self,
        schema: &TableDescriptor,
        region: &RegionInfo,
        listed: &pb::SnapshotRegionManifest,
        names: &BTreeMap<EncodedName, EncodedName>,
    ) -> Result<(), FilesError> {
        let restore = Restore { region, manifest: listed, names };
        self.region_files().restore(schema, restore).await.map_err(region_failed)
    }

    async fn discard_recovered_edits(&self, region: &RegionInfo) -> Result<(), FilesError> {
        for path in self.root.recovered_edits(region).await.map_err(super::failed)? {
            tracing::warn!(%path, "edits of before a restore: deleted");
            self.root.wal_file_system().delete(&path).await.map_err(failed)?;
            self.root.file_system().delete(&path).await.map_err(failed)?;
        }
        Ok(())
    }

    /// Renamed first, so that there never is a half.
    async fn delete_snapshot(&self, name: &str) -> Result<bool, FilesError> {
        let (fs, aside) = (self.root.file_system(), self.working(&format!("{DELETED}{name}"))?);
        fs.delete_tree(&aside).await.map_err(failed)?;
        fs.mkdirs(&self.root.layout().snapshots().join(WORKING), None).await.map_err(failed)?;
        match fs.rename(&self.snapshot(name)?, &aside).await.found().map_err(failed)? {
            Some(()) => fs.delete_tree(&aside).await.map_err(failed),
            None => Ok(false),
        }
    }

    async fn unfinished_snapshots(&self) -> Result<Vec<String>, FilesError> {
        let folders = folders(&self.root, &self.root.layout().snapshots().join(WORKING)).await?;
        Ok(folders.iter().filter_map(|folder| folder.name().map(str::to_owned)).collect())
    }

    async fn begin_snapshot(&self, name: &str) -> Result<(), FilesError> {
        let (fs, folder) = (self.root.file_system(), self.working(name)?);
        fs.delete_tree(&folder).await.map_err(failed)?;
        fs.mkdirs(&folder, None).await.map_err(failed)
    }

    async fn write_snapshot_info(&self, snapshot: &pb::SnapshotDescription) -> Result<(), FilesError> {
        self.write(&self.working(&snapshot.name)?.join(SNAPSHOT_INFO), snapshot.encode_to_vec()).await
    }

    async fn snapshot_closed_regions(
        &self,
        name: &str,
        schema: &TableDescriptor,
        regions: &[RegionInfo],
    ) -> Result<(), FilesError> {
        let folder = self.working(name)?;
        let written = stream::iter(0..regions.len()).map(|n| self.write_region(&folder, schema, &regions[n]));
        written.buffer_unordered(REGIONS_AT_ONCE).try_collect().await
    }

    /// The regions' files go last: until then an attempt after this one finds everything.
    async fn consolidate_snapshot(
        &self,
        name: &str,
        schema: &TableDescriptor,
    ) -> Result<pb::SnapshotDataManifest, FilesError> {
        let folder = self.working(name)?;
        let Manifests { schema: before, regions, paths } = self.read_manifests(&folder).await?;
        let region_manifests = regions.into_values().collect();
        let manifest = pb::SnapshotDataManifest { table_schema: schema.into(), region_manifests };
        if !paths.is_empty() || before.is_none() {
            self.write(&folder.join(DATA_MANIFEST), manifest.encode_to_vec()).await?;
        }
        for path in &paths {
            self.root.file_system().delete(path).await.map_err(failed)?;
        }
        Ok(manifest)
    }

    async fn missing_of_snapshot(
        &self,
        manifest: &pb::SnapshotDataManifest,
    ) -> Result<Vec<String>, FilesError> {
        let regions = &manifest.region_manifests;
        let regions = stream::iter(0..regions.len()).map(|n| self.missing_of_region(&regions[n]));
        let missing: Vec<Vec<String>> = regions.buffered(REGIONS_AT_ONCE).try_collect().await?;
        Ok(missing.concat())
    }

    async fn complete_snapshot(&self, name: &str) -> Result<(), FilesError> {
        let fs = self.root.file_system();
        let (working, complete) = (self.working(name)?, self.snapshot(name)?);
        if !fs.exists(&working).await.map_err(failed)? && fs.exists(&complete).await.map_err(failed)? {
            return Ok(()); // renamed before
        }
        fs.rename(&working, &complete).await.map_err(failed)
    }

    async fn discard_snapshot(&self, name: &str) -> Result<(), FilesError> {
        self.root.file_system().delete_tree(&self.working(name)?).await.map(drop).map_err(failed)
    }
}

//! The root folder.

mod old_files;
mod snapshots;

use std::sync::Arc;

use async_trait::async_trait;
use hmaster_config::Options;
use hmaster_core::ports::files::{FilesError, MasterFiles, RootInfo, WalFolder, WalKind};
use hmaster_fs::rootdir::{self, MetaOptions, PrepareOptions, RootDir, RootDirError};
use hmaster_fs::{FsErrorKind, Permission};
use hmaster_store::region_files::{RegionFiles, RegionFilesError};
use hmaster_types::{Chance, Clock, EncodedName, RegionInfo, SeqNum, ServerName, TableDescriptor, TableName};

/// The root folder of a cluster.
pub(crate) struct RootFolder {
    root: RootDir,
    prepare: PrepareOptions,
    meta: MetaOptions,
    chance: Arc<Chance>,
    clock: Arc<dyn Clock>,
    /// Named in the file that keeps HBase 1's repair tool away; none to leave it out.
    hbck1_lock: Option<String>,
}

impl RootFolder {
    /// The folder behind `root`, for the master `server`.
    pub(crate) fn new(
        root: RootDir,
        options: &Options,
        chance: Arc<Chance>,
        clock: Arc<dyn Clock>,
        server: &ServerName,
    ) -> Self {
        let files = &options.filesystem;
        let prepare = PrepareOptions {
            secure: false,
            root_permission: Permission::new(files.root_dir_perms.into()),
            wal_permission: Permission::new(files.wal_dir_perms.into()),
            pause: files.wake_frequency,
            further_attempts: files.version_file_attempts,
            keep_temp: false,
        };
        let meta = MetaOptions {
            versions: options.meta.versions,
            block_bytes: options.meta.block_bytes,
            store_file_tracker: files.store_file_tracker.as_str().to_owned(),
        };
        let hbck1_lock = files.hbck1_lock.then(|| server.host().to_owned());
        Self { root, prepare, meta, chance, clock, hbck1_lock }
    }

    fn region_files(&self) -> RegionFiles<'_> {
        RegionFiles {
            root: &self.root,
            default_tracker: &self.meta.store_file_tracker,
            now_ms: self.clock.now_ms(),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` wants it")]
fn failed(error: RootDirError) -> FilesError {
    let fenced = matches!(&error, RootDirError::Fs(fs) if matches!(fs.kind, FsErrorKind::Fenced));
    FilesError { not_found: error.is_not_found(), fenced, message: chain(&error) }
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` wants it")]
fn region_failed(error: RegionFilesError) -> FilesError {
    let fs = match &error {
        RegionFilesError::Fs(fs) | RegionFilesError::RootDir(RootDirError::Fs(fs)) => Some(fs),
        _ => None,
    };
    let fenced = fs.is_some_and(|fs| matches!(fs.kind, FsErrorKind::Fenced));
    let not_found = fs.is_some_and(hmaster_fs::FsError::is_not_found);
    FilesError { not_found, fenced, message: chain(&error) }
}

/// An error and what caused it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

fn kind(kind: WalKind) -> rootdir::WalKind {
    match kind {
        WalKind::Meta => rootdir::WalKind::Meta,
        WalKind::Other => rootdir::WalKind::Other,
    }
}

#[async_trait]
impl MasterFiles for RootFolder {
    async fn prepare(&self) -> Result<RootInfo, FilesError> {
        let info = self.root.prepare(&self.prepare, &self.chance).await.map_err(failed)?;
        if let Some(host) = &self.hbck1_lock {
            self.root.write_hbck1_lock(host).await.map_err(failed)?;
        }
        Ok(RootInfo { cluster_id: info.cluster_id, is_new: info.is_new })
    }

    async fn bootstrap_meta(&self) -> Result<TableDescriptor, FilesError> {
        let schema = rootdir::meta_descriptor(&self.meta);
        self.root.bootstrap_meta(&schema).await.map_err(failed)?;
        Ok(schema)
    }

    async fn table_descriptors(
        &self,
    ) -> Result<Vec<(TableName, Result<TableDescriptor, FilesError>)>, FilesError> {
        let schemas = self.root.table_descriptors().await.map_err(failed)?;
        Ok(schemas.into_iter().map(|(table, schema)| (table, schema.map_err(failed))).collect())
    }

    async fn table_descriptor(&self, table: &TableName) -> Result<Option<TableDescriptor>, FilesError> {
        self.root.table_descriptor(table).await.map_err(failed)
    }

    async fn write_table_descriptor(&self, schema: &TableDescriptor) -> Result<(), FilesError> {
        self.root.write_table_descriptor(schema).await.map_err(failed)
    }

    async fn create_table(&self, schema: &TableDescriptor, regions: &[RegionInfo]) -> Result<(), FilesError> {
        self.root.create_table(schema, regions).await.map_err(failed)
    }

    async fn create_regions(&self, regions: &[RegionInfo]) -> Result<(), FilesError> {
        self.root.create_regions(regions).await.map_err(failed)
    }

    async fn clear_table(&self, table: &TableName, kept: &[RegionInfo]) -> Result<(), FilesError> {
        self.root.clear_table(table, kept).await.map_err(failed)
    }

    async fn delete_table(&self, table: &TableName) -> Result<(), FilesError> {
        self.root.delete_table(table).await.map_err(failed)
    }

    async fn archive_family(&self, regions: &[RegionInfo], family: &[u8]) -> Result<(), FilesError> {
        for region in regions.iter().filter(|region| region.is_default_replica()) {
            self.root.archive_family(region, family).await.map_err(failed)?;
        }
        if let Some(region) = regions.first() {
            self.root.archive_mob_family(region.table(), family).await.map_err(failed)?;
        }
        Ok(())
    }

    async fn clear_region(&self, region: &RegionInfo) -> Result<(), FilesError> {
        self.root.clear_region(region).await.map_err(failed)
    }

    async fn archive_region(&self, region: &RegionInfo) -> Result<(), FilesError> {
        self.root.archive_region(region).await.map_err(failed)?;
        self.root.delete_wal_side_of_region(region).await.map_err(failed)
    }

    async fn delete_new_region(&self, region: &RegionInfo) -> Result<(), FilesError> {
        self.region_files().delete_new_region(region).await.map_err(region_failed)
    }

    async fn split_region(
        &self,
        schema: &TableDescriptor,
        parent: &RegionInfo,
        daughters: [&RegionInfo; 2],
    ) -> Result<(), FilesError> {
        self.region_files().split(schema, parent, daughters).await.map_err(region_failed)
    }

    async fn merge_regions(
        &self,
        schema: &TableDescriptor,
        parents: &[RegionInfo],
        merged: &RegionInfo,
    ) -> Result<(), FilesError> {
        self.region_files().merge(schema, parents, merged).await.map_err(region_failed)
    }

    async fn write_sequence_id(&self, region: &RegionInfo, sequence_id: SeqNum) -> Result<(), FilesError> {
        self.root.write_sequence_id(region, sequence_id).await.map_err(failed)
    }

    async fn has_references(
        &self,
        _: &TableDescriptor,
        region: &RegionInfo,
    ) -> Result<Option<bool>, FilesError> {
        self.region_files().has_references(region).await.map_err(region_failed)
    }

    async fn region_folders(&self, table: &TableName) -> Result<Vec<EncodedName>, FilesError> {
        self.root.regions(table).await.map_err(failed)
    }

    async fn region_info(
        &self,
        table: &TableName,
        region: EncodedName,
    ) -> Result<Option<RegionInfo>, FilesError> {
        self.root.region_info(table, region).await.map_err(failed)
    }

    async fn tables(&self) -> Result<Vec<TableName>, FilesError> {
        self.root.tables().await.map_err(failed)
    }

    async fn create_namespace(&self, namespace: &str) -> Result<(), FilesError> {
        self.root.create_namespace(namespace).await.map_err(failed)
    }

    async fn delete_namespace(&self, namespace: &str) -> Result<(), FilesError> {
        self.root.delete_namespace(namespace).await.map_err(failed)
    }

    async fn has_recovered_edits(&self, region: &RegionInfo) -> Result<bool, FilesError> {
        self.root.has_recovered_edits(region).await.map_err(failed)
    }

    async fn max_sequence_id(&self, region: &RegionInfo) -> Result<Option<SeqNum>, FilesError> {
        self.root.max_sequence_id(region).await.map_err(failed)
    }

    async fn wal_folders(&self) -> Result<Vec<WalFolder>, FilesError> {
        let folders = self.root.wal_folders().await.map_err(failed)?;
        Ok(folders
            .into_iter()
            .map(|folder| WalFolder { server: folder.server, is_splitting: folder.is_splitting })
            .collect())
    }

    async fn fence_wals(&self, server: &ServerName) -> Result<(), FilesError> {
        self.root.fence_wals(server).await.map_err(failed).map(drop)
    }

    async fn wals_to_split(&self, server: &ServerName, wals: WalKind) -> Result<Vec<String>, FilesError> {
        let wals = self.root.wals_to_split(server, kind(wals)).await.map_err(failed)?;
        Ok(wals.iter().map(|wal| self.root.wal_uri(wal).to_string()).collect())
    }

    async fn wal_exists(&self, path: &str) -> Result<bool, FilesError> {
        let wal = self.root.parse_wal(path).map_err(failed)?;
        self.root.wal_exists(&wal).await.map_err(failed)
    }

    async fn archive_wal(&self, path: &str) -> Result<(), FilesError> {
        let wal = self.root.parse_wal(path).map_err(failed)?;
        self.root.archive_wal(&wal).await.map_err(failed)
    }

    async fn archive_meta_wals(&self, server: &ServerName) -> Result<(), FilesError> {
        self.root.archive_meta_wals(server).await.map_err(failed)
    }

    async fn delete_wal_folder(&self, server: &ServerName) -> Result<(), FilesError> {
        self.root.delete_wal_folder(server).await.map_err(failed)
    }
}

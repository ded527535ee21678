//! hbase:meta's schema and folder on a new cluster. Counterpart of `InitMetaProcedure.writeFsLayout` and
//! `FSTableDescriptors.createMetaTableDescriptorBuilder`.

use hmaster_types::{ColumnFamilyDescriptor, RegionInfo, TableDescriptor, TableName, attribute};
use tracing::info;

use super::{RootDir, RootDirError};
use crate::{FsPath, NotFoundAsNone as _};

/// What configuration says about hbase:meta's schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetaOptions {
    /// Versions kept of a cell (`hbase.meta.versions`).
    pub versions: u32,
    /// Block size of family `info` in bytes (`hbase.meta.blocksize`).
    pub block_bytes: u32,
    /// How store files are tracked (`hbase.store.file-tracker.impl`).
    pub store_file_tracker: String,
}

impl Default for MetaOptions {
    fn default() -> Self {
        Self { versions: 3, block_bytes: 8192, store_file_tracker: "DEFAULT".into() }
    }
}

/// Changes of several rows of hbase:meta at once go through this endpoint; the number is the priority of
/// system coprocessors.
const COPROCESSOR: &str = "|org.apache.hadoop.hbase.coprocessor.MultiRowMutationEndpoint|536870911|";

/// The schema of hbase:meta on a new cluster.
pub fn meta_descriptor(options: &MetaOptions) -> TableDescriptor {
    let family = |name: &'static str| {
        ColumnFamilyDescriptor::builder(name)
            .attribute(attribute::VERSIONS, options.versions.to_string())
            .attribute(attribute::IN_MEMORY, "true")
            .attribute(attribute::DATA_BLOCK_ENCODING, "ROW_INDEX_V1")
            .attribute(attribute::BLOOMFILTER, "ROWCOL")
    };
    let info = family("info").attribute(attribute::BLOCKSIZE, options.block_bytes.to_string());
    let table = family("table").attribute(attribute::BLOCKSIZE, "8192");
    let barriers = family("rep_barrier").attribute(attribute::VERSIONS, i32::MAX.to_string());
    TableDescriptor::builder(TableName::meta())
        .attribute("coprocessor$1", COPROCESSOR)
        .attribute(attribute::STORE_FILE_TRACKER, options.store_file_tracker.clone())
        .family(info.build())
        .family(table.build())
        .family(barriers.build())
        .build()
}

impl RootDir {
    /// Makes hbase:meta's folder with its schema and region, for a cluster that never had one. What is left
    /// of an interrupted attempt is made anew.
    ///
    /// # Errors
    /// `MetaHasData` when there is a store file: then there was an hbase:meta, and its location is lost.
    pub async fn bootstrap_meta(&self, schema: &TableDescriptor) -> Result<(), RootDirError> {
        let table = TableName::meta();
        let folder = self.layout().table(&table);
        if let Some(file) = self.find_store_file(&self.layout().region(&RegionInfo::meta())).await? {
            return Err(RootDirError::MetaHasData { file });
        }
        if self.fs.delete_tree(&folder).await? {
            info!(%folder, "making the incomplete folder of hbase:meta anew");
        }
        self.create_table(schema, &[RegionInfo::meta()]).await
    }

    /// Some file with content in a family's folder of a region. Java looks whether it is an HFile; a file
    /// that isn't would be a reason to stop as well.
    async fn find_store_file(&self, region: &FsPath) -> Result<Option<FsPath>, RootDirError> {
        for family in self.fs.list(region).await.found()?.unwrap_or_default() {
            let is_store =
                family.is_dir() && ColumnFamilyDescriptor::check_name(family.name.as_bytes()).is_ok();
            if !is_store {
                continue;
            }
            let folder = region.join(&family.name);
            let files = self.fs.list(&folder).await.found()?.unwrap_or_default();
            if let Some(file) = files.iter().find(|file| file.is_file() && file.length > 0) {
                return Ok(Some(folder.join(&file.name)));
            }
        }
        Ok(None)
    }
}

//! The root folder: schemas, regions' folders, WALs. Counterpart of `MasterFileSystem`, `FSTableDescriptors` and
//! `MasterWalManager` as far as the master decides about files.
//!
//! Every operation can be repeated: done again after a crash in its middle it comes to the same end.

use async_trait::async_trait;
use hmaster_types::{EncodedName, RegionInfo, SeqNum, ServerName, TableDescriptor, TableName};

use super::old_files::OldFiles;
use super::snapshot_files::SnapshotFiles;

/// Something in the file system didn't work. The text names the operation and the path.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct FilesError {
    /// What went wrong, with operation and path.
    pub message: String,
    /// The file or folder isn't there.
    pub not_found: bool,
    /// This master has been fenced: another one is active.
    pub fenced: bool,
}

/// A server's folder of WALs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalFolder {
    /// Whose WALs they are.
    pub server: ServerName,
    /// Whether it is fenced, by `-splitting` behind its name.
    pub is_splitting: bool,
}

/// Which WALs of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalKind {
    /// Those with edits of hbase:meta.
    Meta,
    /// The others.
    Other,
}

/// What was found, or made, below the root folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootInfo {
    /// The cluster's id.
    pub cluster_id: String,
    /// No cluster was here before.
    pub is_new: bool,
}

/// The root folder.
#[async_trait]
pub trait MasterFiles: OldFiles + SnapshotFiles {
    /// Waits out the safe mode, checks version and id or makes them, makes the folders, clears `.tmp`.
    async fn prepare(&self) -> Result<RootInfo, FilesError>;

    /// Makes hbase:meta's folders and schema in a new cluster, and returns the schema.
    async fn bootstrap_meta(&self) -> Result<TableDescriptor, FilesError>;

    /// All tables' schemas; a table whose schema can't be read comes with the reason.
    async fn table_descriptors(
        &self,
    ) -> Result<Vec<(TableName, Result<TableDescriptor, FilesError>)>, FilesError>;

    /// A table's schema, if the table has a folder.
    async fn table_descriptor(&self, table: &TableName) -> Result<Option<TableDescriptor>, FilesError>;

    /// Writes a table's schema under the next sequence number, unless it is there already as the newest.
    async fn write_table_descriptor(&self, schema: &TableDescriptor) -> Result<(), FilesError>;

    /// Makes the folders of a new table with its schema and its regions.
    async fn create_table(&self, schema: &TableDescriptor, regions: &[RegionInfo]) -> Result<(), FilesError>;

    /// Makes folders for further regions of a table.
    async fn create_regions(&self, regions: &[RegionInfo]) -> Result<(), FilesError>;

    /// Moves the store files of a table's regions into the archive and deletes their folders, but `kept`. It goes by the
    /// folders that are there when it begins: a call that comes to its end only when its master isn't active any more
    /// does regions that were made since no harm.
    async fn clear_table(&self, table: &TableName, kept: &[RegionInfo]) -> Result<(), FilesError>;

    /// The same for all regions, and deletes the table's own folder and schema.
    async fn delete_table(&self, table: &TableName) -> Result<(), FilesError>;

    /// Moves a column family's store files of these regions into the archive, and the table's big values of that
    /// family. The regions must have been opened without the family, or be closed.
    async fn archive_family(&self, regions: &[RegionInfo], family: &[u8]) -> Result<(), FilesError>;

    /// Moves a closed region's store files into the archive. The region stays, and so does its sequence id.
    async fn clear_region(&self, region: &RegionInfo) -> Result<(), FilesError>;

    /// Moves a region's store files into the archive and deletes its folders, if they are there.
    async fn archive_region(&self, region: &RegionInfo) -> Result<(), FilesError>;

    /// Deletes the folders of a region that never was open: it holds nothing but references.
    async fn delete_new_region(&self, region: &RegionInfo) -> Result<(), FilesError>;

    /// Makes the folders of a closed region's daughters, each with references to the store files that have rows of its
    /// own. What an attempt before this one left is taken away first.
    async fn split_region(
        &self,
        schema: &TableDescriptor,
        parent: &RegionInfo,
        daughters: [&RegionInfo; 2],
    ) -> Result<(), FilesError>;

    /// Makes the folder of a region with references to all store files of closed regions. What an attempt before this
    /// one left is taken away first.
    async fn merge_regions(
        &self,
        schema: &TableDescriptor,
        parents: &[RegionInfo],
        merged: &RegionInfo,
    ) -> Result<(), FilesError>;

    /// Records that a region used sequence ids up to `sequence_id`. It is an error to go back.
    async fn write_sequence_id(&self, region: &RegionInfo, sequence_id: SeqNum) -> Result<(), FilesError>;

    /// Whether any store file of a region needs another region's files; none when the region has no folder.
    async fn has_references(
        &self,
        schema: &TableDescriptor,
        region: &RegionInfo,
    ) -> Result<Option<bool>, FilesError>;

    /// The regions of a table that have folders.
    async fn region_folders(&self, table: &TableName) -> Result<Vec<EncodedName>, FilesError>;

    /// What is recorded in a region's folder of which region it is; none when there is no such folder.
    async fn region_info(
        &self,
        table: &TableName,
        region: EncodedName,
    ) -> Result<Option<RegionInfo>, FilesError>;

    /// The tables that have folders.
    async fn tables(&self) -> Result<Vec<TableName>, FilesError>;

    /// Makes a namespace's folder.
    async fn create_namespace(&self, namespace: &str) -> Result<(), FilesError>;

    /// Deletes a namespace's folder, which must have no tables.
    async fn delete_namespace(&self, namespace: &str) -> Result<(), FilesError>;

    /// Whether edits wait in a region's folder to be replayed when it opens.
    async fn has_recovered_edits(&self, region: &RegionInfo) -> Result<bool, FilesError>;

    /// The highest sequence number recorded in a region's folder, if any.
    async fn max_sequence_id(&self, region: &RegionInfo) -> Result<Option<SeqNum>, FilesError>;

    /// The servers that have folders of WALs, dead or alive.
    async fn wal_folders(&self) -> Result<Vec<WalFolder>, FilesError>;

    /// Fences a dead server: renames its folder of WALs, so that it can make no further ones (protocol.md §6.4). Done
    /// before its WALs are listed.
    async fn fence_wals(&self, server: &ServerName) -> Result<(), FilesError>;

    /// The WALs of a fenced server that are yet to be split, as the paths that region servers understand.
    async fn wals_to_split(&self, server: &ServerName, kind: WalKind) -> Result<Vec<String>, FilesError>;

    /// Whether a WAL is still where it was.
    async fn wal_exists(&self, path: &str) -> Result<bool, FilesError>;

    /// Moves a WAL that was split into the archive. One that is gone was moved before.
    async fn archive_wal(&self, path: &str) -> Result<(), FilesError>;

    /// Moves left-over WALs of hbase:meta into the archive: the server doesn't carry hbase:meta any more, so its edits
    /// are in store files.
    async fn archive_meta_wals(&self, server: &ServerName) -> Result<(), FilesError>;

    /// Deletes a fenced server's folder, which must be empty.
    async fn delete_wal_folder(&self, server: &ServerName) -> Result<(), FilesError>;
}

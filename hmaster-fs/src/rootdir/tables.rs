//! Folders of namespaces and tables. Counterpart of `FSUtils.getTableDirs`, and of the file parts of
//! `CreateTableProcedure`, `DeleteTableProcedure` and the namespace procedures.

use hmaster_types::{RegionInfo, TableDescriptor, TableName};
use tracing::warn;

use super::layout::{DATA, mob_region};
use super::{RootDir, RootDirError};
use crate::{FileStatus, FsPath, NotFoundAsNone as _};

/// Names of folders that aren't tables although they may lie among them (`HConstants.HBASE_NON_TABLE_DIRS`).
const NOT_TABLES: [&str; 3] = [".hbck", ".tmp", ".migration"];

impl RootDir {
    /// Makes a namespace's folder.
    ///
    /// # Errors
    /// `Name`, and what the file system answers.
    pub async fn create_namespace(&self, namespace: &str) -> Result<(), RootDirError> {
        TableName::check_namespace(namespace)?;
        Ok(self.fs.mkdirs(&self.layout().namespace(namespace), None).await?)
    }

    /// Deletes a namespace's folder, if it is there.
    ///
    /// # Errors
    /// `Name`; `NamespaceNotEmpty` when it has tables.
    pub async fn delete_namespace(&self, namespace: &str) -> Result<(), RootDirError> {
        TableName::check_namespace(namespace)?;
        let folder = self.layout().namespace(namespace);
        let entries = self.fs.list(&folder).await.found()?.unwrap_or_default();
        if let Some(table) = entries.into_iter().find(|entry| !NOT_TABLES.contains(&&*entry.name)) {
            return Err(RootDirError::NamespaceNotEmpty { folder, entry: table.name.into() });
        }
        self.fs.delete_tree(&folder).await?;
        Ok(())
    }

    /// The namespaces that have folders, by name.
    ///
    /// # Errors
    /// What the file system answers.
    pub async fn namespaces(&self) -> Result<Vec<String>, RootDirError> {
        self.namespaces_below(self.layout().root()).await
    }

    /// The tables that have folders, by name. One listing for each namespace.
    ///
    /// # Errors
    /// What the file system answers.
    pub async fn tables(&self) -> Result<Vec<TableName>, RootDirError> {
        self.tables_below(self.layout().root()).await
    }

    /// Makes a table's folder with its schema and its regions. Regions that exist get their `.regioninfo`
    /// anew.
    ///
    /// # Errors
    /// What the file system answers.
    pub async fn create_table(
        &self,
        schema: &TableDescriptor,
        regions: &[RegionInfo],
    ) -> Result<(), RootDirError> {
        self.write_table_descriptor(schema).await?;
        self.create_regions(regions).await
    }

    /// Archives all regions of a table and deletes its folders, if they are there.
    ///
    /// As Java's since 2.6, it works on the table's folder where it is. Unlike Java's, it archives every
    /// region that has a folder, not only those that hbase:meta knows, and deletes the table's own folder
    /// last, because Java takes the lack of that for a deletion that is done.
    ///
    /// The table's regions must be closed, and WALs with edits of them split: a splitter drops the edits of a
    /// region without folder.
    ///
    /// # Errors
    /// `ArchiveClash`, and what the file system answers; some regions may have been archived.
    pub async fn delete_table(&self, table: &TableName) -> Result<(), RootDirError> {
        let (folder, mob_folder) = (self.layout().table(table), self.layout().mob_table(table));
        self.archive_regions_of(table, &folder).await?;
        self.archive_region_folder(table, &mob_folder.join(&mob_region(table).to_string())).await?;
        self.fs.delete_tree(&mob_folder).await?;
        if self.has_own_wal_root() {
            self.wal_fs.delete_tree(&self.layout().wal_table(table)).await?;
        }
        self.fs.delete_tree(&folder).await?;
        Ok(())
    }

    async fn namespaces_below(&self, root: &FsPath) -> Result<Vec<String>, RootDirError> {
        let entries = self.fs.list(&root.join(DATA)).await.found()?.unwrap_or_default();
        let folders = entries.into_iter().filter(FileStatus::is_dir);
        let legal = |name: &String| {
            let checked = TableName::check_namespace(name);
            checked.inspect_err(|error| warn!(%error, "a folder among the namespaces is none")).is_ok()
        };
        Ok(folders.map(|entry| entry.name.into()).filter(legal).collect())
    }

    /// The tables below a folder that is built as the root folder is.
    pub(super) async fn tables_below(&self, root: &FsPath) -> Result<Vec<TableName>, RootDirError> {
        let mut tables = Vec::new();
        for namespace in self.namespaces_below(root).await? {
            let folder = root.join(DATA).join(&namespace);
            for entry in self.fs.list(&folder).await.found()?.unwrap_or_default() {
                if !entry.is_dir() || NOT_TABLES.contains(&&*entry.name) {
                    continue;
                }
                match TableName::new(&namespace, &entry.name) {
                    Ok(table) => tables.push(table),
                    Err(error) => warn!(%error, %folder, "a folder among the tables is none"),
                }
            }
        }
        Ok(tables)
    }
}

//! Folders of namespaces and tables. Counterpart of `FSUtils.getTableDirs`, and of the file parts of
//! `CreateTableProcedure`, `DeleteTableProcedure` and the namespace procedures.

use std::collections::BTreeSet;

use hmaster_types::{RegionInfo, TableDescriptor, TableName};
use tracing::warn;

use super::layout::{DATA, default_replica};
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

    /// Archives all regions of a table but `kept`, by the names that their folders have now. The table stays, with its
    /// schema.
    ///
    /// Regions' names don't come again. So a master that was suspended in the middle of this, and goes on when another
    /// one has made new regions, does these no harm.
    ///
    /// The regions must be closed, and WALs with edits of them split: a splitter drops the edits of a region without
    /// folder.
    ///
    /// # Errors
    /// `ArchiveClash`, and what the file system answers; some regions may have been archived.
    pub async fn clear_table(&self, table: &TableName, kept: &[RegionInfo]) -> Result<(), RootDirError> {
        let kept: BTreeSet<String> = kept.iter().map(|region| default_replica(region).to_string()).collect();
        let big_values = self.mob_tree(table).await?;
        self.archive_regions_of(table, &self.layout().table(table), &kept).await?;
        self.archive_mob_tree(big_values).await?;
        if self.has_own_wal_root() {
            let folder = self.layout().wal_table(table);
            for region in self.wal_fs.list(&folder).await.found()?.unwrap_or_default() {
                if !kept.contains(&*region.name) {
                    self.wal_fs.delete_tree(&folder.join(&region.name)).await?;
                }
            }
        }
        Ok(())
    }

    /// Archives all regions of a table and deletes its folders, if they are there.
    ///
    /// As Java's since 2.6, it works on the table's folder where it is. Unlike Java's, it archives every
    /// region that has a folder, not only those that hbase:meta knows, and deletes the table's own folder
    /// last, because Java takes the lack of that for a deletion that is done. It deletes that folder only empty, for the
    /// reason that [`RootDir::clear_table`] tells; the same things are asked of the table.
    ///
    /// # Errors
    /// As [`RootDir::clear_table`]; `NotEmpty` when something is added meanwhile.
    pub async fn delete_table(&self, table: &TableName) -> Result<(), RootDirError> {
        self.clear_table(table, &[]).await?;
        if self.has_own_wal_root() {
            self.wal_fs.delete(&self.layout().wal_table(table)).await?;
        }
        let folder = self.layout().table(table);
        for entry in self.fs.list(&folder).await.found()?.unwrap_or_default() {
            self.fs.delete_tree(&folder.join(&entry.name)).await?;
        }
        self.fs.delete(&folder).await?;
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

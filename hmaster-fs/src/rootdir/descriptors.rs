//! Schemas of tables, in `.tabledesc` of each table's folder. Counterpart of `FSTableDescriptors`, without
//! its cache.
//!
//! Each change makes a new file, whose name sorts after all others, and then removes those. Java writes it in
//! place and tells a whole file by the length in its name. That isn't enough on a local disk that lost power,
//! where a file can have its length and zeros for content, so here it is written under another name, which
//! readers pass over, and renamed.

use futures_util::{StreamExt as _, stream};
use hmaster_types::{TableDescriptor, TableName};
use tracing::warn;

use super::content::{self, TABLE_SCHEMA_BYTES_MAX};
use super::table_info::TableInfoName;
use super::{RootDir, RootDirError};
use crate::{CreateOptions, FileStatus, FsError, FsErrorKind, FsPath, NotFoundAsNone as _, Operation};

/// How often another number is tried when somebody took one meanwhile, as in Java.
const ATTEMPTS_MAX: u32 = 10;
/// How often a folder is listed again when its files went while they were read: each time there was a newer
/// one.
const LISTINGS_MAX: u32 = 3;
/// What is being written; doesn't begin as schema files do.
const ASIDE: &str = ".new-tableinfo";

/// All tables with their schemas, or why there is none.
pub type TableSchemas = Vec<(TableName, Result<TableDescriptor, RootDirError>)>;

impl RootDir {
    /// A table's schema; none when there is no file with one.
    ///
    /// # Errors
    /// `Content` when it is another table's, and what the file system answers.
    pub async fn table_descriptor(&self, table: &TableName) -> Result<Option<TableDescriptor>, RootDirError> {
        let folder = self.layout().table_descriptors(table);
        let Some((file, schema)) = self.newest_schema(&folder).await? else { return Ok(None) };
        if schema.name() != table {
            let what = format!("it is the schema of table {}", schema.name());
            return Err(RootDirError::content(&folder.join(&file), what, b"", None));
        }
        Ok(Some(schema))
    }

    /// The schemas of all tables that have folders, several read at once. Listed are each namespace's folder
    /// and each table's `.tabledesc`.
    ///
    /// # Errors
    /// What the file system answers when the tables are listed; what is wrong with one table stands beside
    /// it.
    pub async fn table_descriptors(&self) -> Result<TableSchemas, RootDirError> {
        let read = |table: TableName| async move {
            let schema = match self.table_descriptor(&table).await {
                Ok(Some(schema)) => Ok(schema),
                Ok(None) => {
                    let folder = self.layout().table_descriptors(&table);
                    Err(RootDirError::NoDescriptor { table: table.clone(), folder })
                }
                Err(error) => Err(error),
            };
            (table, schema)
        };
        let tables = self.tables().await?;
        Ok(stream::iter(tables).map(read).buffered(self.fs.concurrency()).collect().await)
    }

    /// Makes `schema` the schema of its table, and removes older files. Writes nothing when it is already.
    ///
    /// # Errors
    /// `NoFreeSequence`, and what the file system answers.
    pub async fn write_table_descriptor(&self, schema: &TableDescriptor) -> Result<(), RootDirError> {
        let folder = self.layout().table_descriptors(schema.name());
        let names = self.schema_files(&folder).await?;
        let newest = self.newest_schema(&folder).await?;
        let current = match newest {
            Some((file, current)) if current == *schema => file,
            _ => self.write_schema(&folder, schema, &names).await?,
        };
        for old in names.iter().filter(|old| **old < current) {
            self.fs.delete(&folder.join(old)).await?;
        }
        Ok(())
    }

    /// Writes a file whose name sorts after all `names`, and answers its name.
    async fn write_schema(
        &self,
        folder: &FsPath,
        schema: &TableDescriptor,
        names: &[String],
    ) -> Result<String, RootDirError> {
        let content = content::encode_table_schema(schema);
        let length = u32::try_from(content.len()).ok().filter(|_| content.len() <= TABLE_SCHEMA_BYTES_MAX);
        let too_large = || {
            let (bytes, bytes_max) = (content.len() as u64, TABLE_SCHEMA_BYTES_MAX as u64);
            FsError::new(Operation::Create, folder, FsErrorKind::TooLarge { bytes, bytes_max })
        };
        let length = length.ok_or_else(too_large)?;
        let newest =
            names.iter().filter_map(|name| TableInfoName::parse(name)).map(|name| name.sequence).max();
        let first = newest.unwrap_or(0) + 1;
        let aside = folder.join(ASIDE);
        self.fs.mkdirs(folder, None).await?;
        self.fs.write_whole(&aside, content, CreateOptions::overwrite()).await?;
        for sequence in first..=first.saturating_add(ATTEMPTS_MAX - 1).min(TableInfoName::SEQUENCE_MAX) {
            let name = TableInfoName { sequence, length: Some(length) }.to_string();
            match self.fs.rename(&aside, &folder.join(&name)).await {
                Err(error) if error.is_already_exists() => {}
                done => return Ok(done.map(|()| name)?),
            }
        }
        Err(RootDirError::NoFreeSequence { table: schema.name().clone(), folder: folder.clone() })
    }

    /// The newest file with a schema, and the schema. Files that aren't whole are passed over, as in Java.
    async fn newest_schema(
        &self,
        folder: &FsPath,
    ) -> Result<Option<(String, TableDescriptor)>, RootDirError> {
        for _ in 0..LISTINGS_MAX {
            let names = self.schema_files(folder).await?;
            let mut all_there = true;
            for name in names.into_iter().rev() {
                match self.read_schema(&folder.join(&name)).await {
                    Ok(Some(schema)) => return Ok(Some((name, schema))),
                    Ok(None) => {}
                    Err(error) if error.is_not_found() => all_there = false,
                    Err(error) => return Err(error.into()),
                }
            }
            if all_there {
                break;
            }
        }
        Ok(None)
    }

    /// The names of a folder's schema files, the newest last.
    async fn schema_files(&self, folder: &FsPath) -> Result<Vec<String>, FsError> {
        let entries = self.fs.list(folder).await.found()?.unwrap_or_default();
        let files = entries.into_iter().filter(FileStatus::is_file);
        Ok(files
            .map(|entry| entry.name.into())
            .filter(|name: &String| TableInfoName::parse(name).is_some())
            .collect())
    }

    /// The schema in a file; none when it isn't whole.
    async fn read_schema(&self, path: &FsPath) -> Result<Option<TableDescriptor>, FsError> {
        let file = self.fs.open(path).await?;
        let named = path.name().and_then(TableInfoName::parse).and_then(|name| name.length);
        let length = named.map_or(file.length(), u64::from);
        if length > file.length() || length > TABLE_SCHEMA_BYTES_MAX as u64 {
            warn!(%path, length, there = file.length(), "passing over a schema file of another length than it should have");
            return Ok(None);
        }
        // Java reads as much as the name says, too.
        let content = file.read_at(0, length as usize).await?;
        match content::decode_table_schema(&content) {
            Ok(schema) => Ok(Some(schema)),
            Err(bad) => {
                let source = bad.source.as_deref().map(ToString::to_string);
                warn!(%path, what = bad.what, source, "passing over a schema file that can't be read");
                Ok(None)
            }
        }
    }
}

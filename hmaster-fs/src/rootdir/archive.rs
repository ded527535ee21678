//! The archive: where store files go instead of being deleted. Counterpart of `HFileArchiver`.
//!
//! Snapshots, clones and replication may still need a file that its region doesn't; cleaners delete it from
//! the archive when nobody does. How long it has been there is told by its modification time, so that is set
//! before the file is moved.
//!
//! A cleaner may remove a folder of the archive just when a file is to be moved into it, so moving is tried
//! again. A file that is gone was archived, or compacted away, before.

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hmaster_types::{ColumnFamilyDescriptor, EncodedName, RegionInfo, TableName};
use tracing::{info, warn};

use super::layout::{RECOVERED_EDITS, default_replica, mob_region};
use super::{RootDir, RootDirError};
use crate::{FileStatus, FsError, FsErrorKind, FsPath, NotFoundAsNone as _};

/// Java's `DEFAULT_RETRIES_NUMBER` is 3; one more, because here making room counts.
const ATTEMPTS_MAX: usize = 4;
/// Regions archived at once (`hbase.hfilearchiver.thread.pool.max`).
const REGIONS_AT_ONCE: usize = 8;
/// Files of one folder archived at once (`hbase.hfilearchiver.per.region.thread.pool.max`).
const FILES_AT_ONCE: usize = 16;

/// A folder, the files in it, and where they go.
pub(super) struct Level {
    from: FsPath,
    to: FsPath,
    files: Vec<FsPath>,
}

impl RootDir {
    /// Archives a region's store files and recovered edits and deletes its folder. Answers whether there was
    /// one.
    ///
    /// # Errors
    /// `ArchiveClash`, and what the file system answers; then the folder and part of its files are still
    /// there.
    pub async fn archive_region(&self, region: &RegionInfo) -> Result<bool, RootDirError> {
        self.archive_region_named(region.table(), default_replica(region)).await
    }

    /// [`RootDir::archive_region`] by name.
    ///
    /// # Errors
    /// As there.
    pub async fn archive_region_named(
        &self,
        table: &TableName,
        region: EncodedName,
    ) -> Result<bool, RootDirError> {
        self.archive_region_folder(table, &self.layout().region_named(table, region)).await
    }

    /// Archives a column family's store files and deletes its folder in a region. Answers whether there was
    /// one.
    ///
    /// # Errors
    /// As [`RootDir::archive_region`].
    pub async fn archive_family(&self, region: &RegionInfo, family: &[u8]) -> Result<bool, RootDirError> {
        let folder = family_folder(&self.layout().region(region), family)?;
        if !self.fs.exists(&folder).await? {
            return Ok(false);
        }
        let target = self.archived_family(region, family)?;
        self.archive_tree(&folder, &target).await?;
        Ok(self.fs.delete_tree(&folder).await?)
    }

    /// Archives the big values of a column family of a table and deletes their folder. Answers whether there was one.
    ///
    /// # Errors
    /// As [`RootDir::archive_region`].
    pub async fn archive_mob_family(&self, table: &TableName, family: &[u8]) -> Result<bool, RootDirError> {
        let region = mob_region(table).to_string();
        let folder = family_folder(&self.layout().mob_table(table).join(&region), family)?;
        if !self.fs.exists(&folder).await? {
            return Ok(false);
        }
        let target = family_folder(&self.layout().archived_table(table).join(&region), family)?;
        self.archive_tree(&folder, &target).await?;
        Ok(self.fs.delete_tree(&folder).await?)
    }

    /// Archives all store files of a region. What says which region it is, and its sequence id, stay.
    ///
    /// # Errors
    /// As [`RootDir::archive_region`].
    pub async fn clear_region(&self, region: &RegionInfo) -> Result<(), RootDirError> {
        let folder = self.layout().region(region);
        let target = self.layout().archived_table(region.table()).join(&default_replica(region).to_string());
        for entry in self.fs.list(&folder).await.found()?.unwrap_or_default() {
            if !entry.is_dir() || entry.name.starts_with('.') || *entry.name == *RECOVERED_EDITS {
                continue;
            }
            self.archive_tree(&folder.join(&entry.name), &target.join(&entry.name)).await?;
            self.fs.delete_tree(&folder.join(&entry.name)).await?;
        }
        info!(%folder, "archived the store files of a region");
        Ok(())
    }

    /// Deletes what a region has beside the WALs, where these have a folder of their own.
    ///
    /// # Errors
    /// What the file system answers.
    pub async fn delete_wal_side_of_region(&self, region: &RegionInfo) -> Result<(), RootDirError> {
        if self.has_own_wal_root() {
            let all = self.layout().all_recovered_edits(region.table(), default_replica(region));
            for folder in all.beside_wals.iter().filter_map(FsPath::parent) {
                self.wal_fs.delete_tree(&folder).await?;
            }
        }
        Ok(())
    }

    /// Archives some files of a column family in a region. Files that are gone count as archived.
    ///
    /// # Errors
    /// As [`RootDir::archive_region`].
    pub async fn archive_store_files(
        &self,
        region: &RegionInfo,
        family: &[u8],
        files: &[FsPath],
    ) -> Result<(), RootDirError> {
        let target = self.archived_family(region, family)?;
        self.fs.mkdirs(&target, None).await?;
        self.archive_files(files.to_vec(), &target).await
    }

    fn archived_family(&self, region: &RegionInfo, family: &[u8]) -> Result<FsPath, RootDirError> {
        let table = self.layout().archived_table(region.table());
        family_folder(&table.join(&default_replica(region).to_string()), family)
    }

    /// Archives every region with a folder in a table's folder, which may be in `.tmp`, but those named `kept`.
    pub(super) async fn archive_regions_of(
        &self,
        table: &TableName,
        table_folder: &FsPath,
        kept: &BTreeSet<String>,
    ) -> Result<(), RootDirError> {
        let Some(pages) = self.fs.list_pages(table_folder).await.found()? else { return Ok(()) };
        let goes = |entry: &FileStatus| is_region(entry) && !kept.contains(&*entry.name);
        let regions = pages
            .map_ok(|page| stream::iter(page.into_iter().filter(goes)).map(Ok::<_, FsError>))
            .try_flatten();
        regions
            .map_err(RootDirError::from)
            .try_for_each_concurrent(REGIONS_AT_ONCE, |region| async move {
                self.archive_region_folder(table, &table_folder.join(&region.name)).await.map(drop)
            })
            .await
    }

    /// Archives what is in the folder of a region of `table`, wherever it is, and deletes it.
    pub(super) async fn archive_region_folder(
        &self,
        table: &TableName,
        folder: &FsPath,
    ) -> Result<bool, RootDirError> {
        let Some(entries) = self.fs.list(folder).await.found()? else { return Ok(false) };
        let target = self.layout().archived_table(table).join(folder.name().unwrap_or_default());
        // Folders with a dot are work of the region server that never was part of the table.
        for store in entries.iter().filter(|entry| entry.is_dir() && !entry.name.starts_with('.')) {
            self.archive_tree(&folder.join(&store.name), &target.join(&store.name)).await?;
        }
        info!(%folder, archive = %target, "archived a region");
        Ok(self.fs.delete_tree(folder).await?)
    }

    /// Archives big values, as found by [`RootDir::mob_tree`], and deletes their folders, which must be empty by then: the
    /// region that they are kept under has the same name for ever.
    pub(super) async fn archive_mob_tree(&self, tree: Vec<Level>) -> Result<(), RootDirError> {
        self.archive_levels(&tree).await?;
        for level in tree.iter().rev() {
            self.fs.delete(&level.from).await?;
        }
        Ok(())
    }

    /// Where a table's big values are by now, and where they go.
    pub(super) async fn mob_tree(&self, table: &TableName) -> Result<Vec<Level>, RootDirError> {
        self.walk(&self.layout().mob_table(table), &self.layout().archived_table(table)).await
    }

    /// Moves all files below `from` to the same places below `to`.
    async fn archive_tree(&self, from: &FsPath, to: &FsPath) -> Result<(), RootDirError> {
        let tree = self.walk(from, to).await?;
        self.archive_levels(&tree).await
    }

    async fn archive_levels(&self, tree: &[Level]) -> Result<(), RootDirError> {
        for Level { files, to, .. } in tree.iter().filter(|level| !level.files.is_empty()) {
            self.fs.mkdirs(to, None).await?;
            self.archive_files(files.clone(), to).await?;
        }
        Ok(())
    }

    /// A folder and all below it, each after the one that it is in; nothing if it isn't there.
    async fn walk(&self, from: &FsPath, to: &FsPath) -> Result<Vec<Level>, RootDirError> {
        let mut folders = vec![(from.clone(), to.clone())];
        let mut tree = Vec::new();
        while let Some((from, to)) = folders.pop() {
            let Some(entries) = self.fs.list(&from).await.found()? else { continue };
            let (below, files): (Vec<FileStatus>, Vec<_>) = entries.into_iter().partition(FileStatus::is_dir);
            folders.extend(below.iter().map(|entry| (from.join(&entry.name), to.join(&entry.name))));
            let files = files.iter().map(|entry| from.join(&entry.name)).collect();
            tree.push(Level { from, to, files });
        }
        Ok(tree)
    }

    async fn archive_files(&self, files: Vec<FsPath>, target: &FsPath) -> Result<(), RootDirError> {
        let archive = |file: FsPath| async move {
            let to = target.join(file.name().unwrap_or_default());
            self.archive_file(&file, &to).await
        };
        stream::iter(files).map(archive).buffer_unordered(FILES_AT_ONCE).try_collect().await
    }

    async fn archive_file(&self, file: &FsPath, to: &FsPath) -> Result<(), RootDirError> {
        let mut last = None;
        for _ in 0..ATTEMPTS_MAX {
            let Err(error) = self.move_with_time(file, to).await else { return Ok(()) };
            match error.kind {
                FsErrorKind::NotFound if error.path == *file => return Ok(()),
                FsErrorKind::NotFound => {
                    let folder = to.parent().unwrap_or_else(FsPath::root);
                    self.fs.mkdirs(&folder, None).await?;
                }
                FsErrorKind::AlreadyExists => self.make_room(file, to).await?,
                _ if error.is_transient() => {}
                _ => return Err(error.into()),
            }
            last = Some(error);
        }
        Err(last.expect("at least one attempt was made and failed").into())
    }

    async fn move_with_time(&self, file: &FsPath, to: &FsPath) -> Result<(), FsError> {
        self.fs.set_modified(file, self.clock.now_ms()).await?;
        self.fs.rename(file, to).await
    }

    /// Something of that name was archived before. If it has the same length, it is renamed; Java has no
    /// better test, and keeps both.
    async fn make_room(&self, file: &FsPath, archived: &FsPath) -> Result<(), RootDirError> {
        let (new, old) = (self.fs.status(file).await.found()?, self.fs.status(archived).await.found()?);
        let (Some(new), Some(old)) = (new, old) else { return Ok(()) };
        if new.length != old.length {
            return Err(RootDirError::ArchiveClash {
                file: file.clone(),
                bytes: new.length,
                archived: archived.clone(),
                archived_bytes: old.length,
            });
        }
        let mut stamp = self.clock.now_ms();
        loop {
            let aside = archived.with_suffix(&format!(".{stamp}"))?;
            warn!(%file, %archived, %aside, "a file of that name and length is archived already; keeping both");
            match self.fs.rename(archived, &aside).await {
                Err(error) if error.is_already_exists() => stamp += 1,
                Err(error) if error.is_not_found() => return Ok(()),
                done => return Ok(done?),
            }
        }
    }
}

/// A family's folder, named as Java's `Bytes.toString` does.
fn family_folder(region: &FsPath, family: &[u8]) -> Result<FsPath, RootDirError> {
    ColumnFamilyDescriptor::check_name(family)?;
    Ok(region.try_join(&String::from_utf8_lossy(family))?)
}

/// Counterpart of `FSUtils.RegionDirFilter`, which lets names of all times through.
fn is_region(entry: &FileStatus) -> bool {
    entry.is_dir() && entry.name.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

//! Store files of tables' regions, as far as a master handles them: references for the daughters of a split and for a
//! merged region, the question whether any are left, and what snapshots list and bring back. Counterpart of the parts of `HRegionFileSystem` that
//! `SplitTableRegionProcedure`, `MergeTableRegionsProcedure` and `CatalogJanitor` use, with the store file trackers.
//!
//! Everything can be done again, and begins with taking away what an attempt before it left. Before it says that it is
//! done, it counts what is there (protocol danger 12).
//!
//! # Differences from Java
//! - A daughter that has all rows of a file gets a reference to it, not an `HFileLink`. Region servers compact either
//!   away; a reference needs no entry in the archive that could be lost.
//! - A file whose keys can't be read here, because it is a link, or compressed or encrypted in a way that isn't known,
//!   is referred to by both daughters: one of the halves may turn out empty.
//! - A region that still has references can't be split or merged. Java passes them over when it splits, taking them for
//!   left-overs of a compaction.

mod listing;
mod names;
mod restore;

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hmaster_fs::rootdir::{RootDir, RootDirError};
use hmaster_fs::{CreateOptions, FileStatus, FileSystem, FsError, FsPath, NotFoundAsNone as _};
use hmaster_protocol::pb;
use hmaster_types::{
    ColumnFamilyDescriptor, ParseError, PlainTracker, RegionInfo, StoreFileTracker, TableDescriptor,
    UnknownTracker,
};
use tracing::warn;

use crate::error::FileError;
use crate::hfile::{HFile, Half, Reference};
use crate::region::{first_list, load_list};

pub use names::StoreFileName;
pub use restore::Restore;

/// Files looked at, or made, at once (Java's `hbase.regionserver.region.split.threads.max` is about as many).
const FILES_AT_ONCE: usize = 16;
/// What lies beside a region's families.
const RECOVERED_EDITS: &str = "recovered.edits";

/// A region's files can't be split or merged.
#[derive(Debug, thiserror::Error)]
pub enum RegionFilesError {
    /// The file system failed.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The root folder isn't as it should be.
    #[error(transparent)]
    RootDir(#[from] RootDirError),
    /// A file can't be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The schema says something that isn't known here.
    #[error(transparent)]
    Tracker(#[from] UnknownTracker),
    /// A key can't be written into a reference.
    #[error("make a reference")]
    Key(#[from] ParseError),
    /// The region has no folder.
    #[error("the region has no folder: {0}")]
    NoFolder(FsPath),
    /// The region's own files are references yet.
    #[error("{0} is a reference: the region must be compacted first")]
    HasReferences(FsPath),
    /// What a reference or a link stands for is nowhere.
    #[error("{0} leads nowhere")]
    Dangling(FsPath),
    /// A snapshot's manifest says something that can't be.
    #[error("a snapshot's manifest: {0}")]
    Manifest(String),
    /// Not all that was made is there.
    #[error("{folder} has {found} files instead of {expected}")]
    Count {
        /// Where they should be.
        folder: FsPath,
        /// How many were made.
        expected: usize,
        /// How many are there.
        found: usize,
    },
}

/// A cluster's root folder, with what the cluster's configuration says of store files.
#[derive(Debug, Clone)]
pub struct RegionFiles<'a> {
    /// The root folder.
    pub root: &'a RootDir,
    /// `hbase.store.file-tracker.impl`.
    pub default_tracker: &'a str,
    /// The time, for lists of files.
    pub now_ms: u64,
}

/// A reference to be made.
struct NewReference {
    name: String,
    content: Reference,
}

impl RegionFiles<'_> {
    /// Makes the folders of a closed region's daughters. They are divided at the second one's start key.
    ///
    /// # Errors
    /// See [`RegionFilesError`]; the daughters' folders may be there in part.
    pub async fn split(
        &self,
        schema: &TableDescriptor,
        parent: &RegionInfo,
        daughters: [&RegionInfo; 2],
    ) -> Result<(), RegionFilesError> {
        let row = daughters[1].start_key();
        for daughter in daughters {
            self.delete_new_region(daughter).await?;
        }
        let folder = self.folder_of(parent).await?;
        for family in schema.families() {
            let tracker = StoreFileTracker::of(schema, family, self.default_tracker)?;
            let family_folder = folder.join(&family_name(family));
            let files = self.own_files(&family_folder, tracker.source()).await?;
            let halves: Vec<_> = stream::iter(files)
                .map(|file| self.halves(family_folder.join(&file), row))
                .buffered(FILES_AT_ONCE)
                .try_collect()
                .await?;
            for (daughter, half) in daughters.into_iter().zip([Half::Bottom, Half::Top]) {
                let files = halves.iter().filter(|(_, has)| has.contains(&half)).map(|(name, _)| name);
                let references = files.map(|name| reference(name, parent, row, half));
                self.put_references(daughter, family, tracker, references.collect::<Result<_, _>>()?).await?;
            }
        }
        self.root.create_regions(&daughters.map(RegionInfo::clone)).await?;
        Ok(())
    }

    /// Makes the folder of a region that is to have all rows of some closed regions.
    ///
    /// # Errors
    /// See [`RegionFilesError`]; the folder may be there in part.
    pub async fn merge(
        &self,
        schema: &TableDescriptor,
        parents: &[RegionInfo],
        merged: &RegionInfo,
    ) -> Result<(), RegionFilesError> {
        self.delete_new_region(merged).await?;
        for family in schema.families() {
            let tracker = StoreFileTracker::of(schema, family, self.default_tracker)?;
            let mut references = Vec::new();
            for parent in parents {
                let folder = self.folder_of(parent).await?.join(&family_name(family));
                for name in self.own_files(&folder, tracker.source()).await? {
                    references.push(reference(&name, parent, parent.start_key(), Half::Top)?);
                }
            }
            self.put_references(merged, family, tracker, references).await?;
        }
        self.root.create_regions(std::slice::from_ref(merged)).await?;
        Ok(())
    }

    /// Whether anything in a region's families refers to another region, by its name or by a list; none when the region
    /// has no folder. A file that was compacted away counts until it is gone.
    ///
    /// # Errors
    /// When that can't be found out.
    pub async fn has_references(&self, region: &RegionInfo) -> Result<Option<bool>, RegionFilesError> {
        let (fs, folder) = (self.root.file_system(), self.root.layout().region(region));
        let Some(entries) = fs.list(&folder).await.found()? else { return Ok(None) };
        let families = entries.iter().filter(|entry| entry.is_dir() && !entry.name.starts_with('.'));
        for family in families.filter(|entry| *entry.name != *RECOVERED_EDITS) {
            let folder = folder.join(&family.name);
            let mut names: BTreeSet<String> = load_list(&**fs, &folder).await?.into_iter().collect();
            let entries = fs.list(&folder).await.found()?.unwrap_or_default();
            names.extend(entries.iter().filter(|entry| entry.is_file()).map(|entry| entry.name.to_string()));
            if names.iter().any(|name| is_reference(name)) {
                return Ok(Some(true));
            }
        }
        Ok(Some(false))
    }

    /// Deletes what there is of a region that never was open.
    ///
    /// # Errors
    /// What the file system answers.
    pub async fn delete_new_region(&self, region: &RegionInfo) -> Result<(), RegionFilesError> {
        self.root.delete_region_without_archiving(region).await?;
        Ok(self.root.delete_wal_side_of_region(region).await?)
    }

    async fn folder_of(&self, region: &RegionInfo) -> Result<FsPath, RegionFilesError> {
        let folder = self.root.layout().region(region);
        match self.root.file_system().exists(&folder).await? {
            true => Ok(folder),
            false => Err(RegionFilesError::NoFolder(folder)),
        }
    }

    /// The store files that a family has, as its tracker knows them; none of them may be a reference.
    async fn own_files(
        &self,
        folder: &FsPath,
        tracker: PlainTracker,
    ) -> Result<Vec<String>, RegionFilesError> {
        let fs = &**self.root.file_system();
        let names = match tracker {
            PlainTracker::Default => files_in(fs, folder).await?,
            PlainTracker::File => load_list(fs, folder).await?,
        };
        match names.iter().find(|name| is_reference(name)) {
            Some(name) => Err(RegionFilesError::HasReferences(folder.join(name))),
            None => Ok(names),
        }
    }

    /// A file's name, and on which sides of `row` it has cells.
    async fn halves(&self, path: FsPath, row: &[u8]) -> Result<(String, Vec<Half>), RegionFilesError> {
        let name = path.name().unwrap_or_default().to_owned();
        if StoreFileName::parse(&name) != Some(StoreFileName::HFile) {
            return Ok((name, vec![Half::Bottom, Half::Top]));
        }
        let file = match HFile::open(&**self.root.file_system(), &path).await {
            Ok(file) => file,
            Err(FileError::Unsupported { feature, .. }) => {
                warn!(file = %path, %feature, "its keys can't be read: both daughters refer to it");
                return Ok((name, vec![Half::Bottom, Half::Top]));
            }
            Err(error) => return Err(error.into()),
        };
        let mut halves = Vec::new();
        if file.first_key().is_some_and(|first| *first.row() < *row) {
            halves.push(Half::Bottom);
        }
        if file.last_key().is_some_and(|last| *last.row() >= *row) {
            halves.push(Half::Top);
        }
        Ok((name, halves))
    }

    /// Makes the references of one family, and counts them.
    async fn put_references(
        &self,
        region: &RegionInfo,
        family: &ColumnFamilyDescriptor,
        tracker: StoreFileTracker,
        references: Vec<NewReference>,
    ) -> Result<(), RegionFilesError> {
        if references.is_empty() {
            return Ok(());
        }
        let fs = self.root.file_system();
        let folder = self.root.layout().region(region).join(&family_name(family));
        fs.mkdirs(&folder, None).await?;
        let expected = references.len();
        let put = |NewReference { name, content }: NewReference| {
            let (path, content) = (folder.join(&name), content.encode());
            let size = content.len() as u64;
            async move {
                fs.write_whole(&path, content, CreateOptions::new()).await?;
                Ok::<_, FsError>(pb::StoreFileEntry { name, size })
            }
        };
        let made: Vec<_> = stream::iter(references).map(put).buffered(FILES_AT_ONCE).try_collect().await?;
        let found = fs.list(&folder).await?.iter().filter(|entry| is_reference(&entry.name)).count();
        if found != expected {
            return Err(RegionFilesError::Count { folder, expected, found });
        }
        // A file that isn't in the list doesn't exist for the region server (danger 14).
        if tracker.has_list() {
            let ([list_folder, name], content) = first_list(self.now_ms, made);
            let list_folder = folder.join(&list_folder);
            fs.mkdirs(&list_folder, None).await?;
            fs.write_whole(&list_folder.join(&name), content, CreateOptions::new()).await?;
        }
        Ok(())
    }
}

fn reference(
    file: &str,
    parent: &RegionInfo,
    row: &[u8],
    half: Half,
) -> Result<NewReference, RegionFilesError> {
    let name = format!("{file}.{}", parent.encoded_name());
    Ok(NewReference { name, content: Reference::at_row(row, half)? })
}

/// What Java's `DefaultStoreFileTracker` finds: a file of no length is what a crash left, unless it is a link.
async fn files_in(fs: &dyn FileSystem, folder: &FsPath) -> Result<Vec<String>, FsError> {
    let entries = fs.list(folder).await.found()?.unwrap_or_default();
    let mut names = Vec::new();
    for entry in entries.into_iter().filter(FileStatus::is_file) {
        match StoreFileName::parse(&entry.name) {
            Some(StoreFileName::Link { .. }) => names.push(entry.name.into()),
            Some(_) if entry.length > 0 => names.push(entry.name.into()),
            _ => {
                warn!(%folder, file = %entry.name, length = entry.length, "not a store file, as Java sees it");
            }
        }
    }
    Ok(names)
}

fn is_reference(name: &str) -> bool {
    matches!(StoreFileName::parse(name), Some(StoreFileName::Reference { .. }))
}

/// A family's folder, named as Java's `Bytes.toString` does.
fn family_name(family: &ColumnFamilyDescriptor) -> String {
    String::from_utf8_lossy(family.name()).into_owned()
}

#[cfg(test)]
mod tests;

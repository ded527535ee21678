//! A region's files made into what a snapshot lists, of the same region or of another table's. Counterpart of
//! `RestoreSnapshotHelper` for one region, and of `HFileLink.create`.
//!
//! No data is copied: a file that isn't in the region's folder any more is linked to, wherever it lies by now, and a back
//! reference in the archive keeps cleaners from deleting it. The order is such that a crash loses nothing: first the back
//! reference, then the link, then the list of a tracker, and what is too much goes to the archive last. Done again, it
//! comes to the same end.
//!
//! # Differences from Java
//! - A link that is there already stays; Java archives it and makes it anew.
//! - A reference into a region that isn't in the snapshot, which is what a merged region has whose parents are gone,
//!   becomes a link to the whole file. Java makes a reference that no back reference guards: once snapshot and source are
//!   deleted, so is the file.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hmaster_fs::{CreateOptions, FsPath, NotFoundAsNone as _};
use hmaster_protocol::{pb, pbuf_encode};
use hmaster_types::{
    ColumnFamilyDescriptor, EncodedName, RegionInfo, StoreFileTracker, TableDescriptor, TableName,
};

use super::listing::StoreFile;
use super::{
    FILES_AT_ONCE, RECOVERED_EDITS, RegionFiles, RegionFilesError, StoreFileName, family_name, load_list,
};
use crate::hfile::{Half, Reference};
use crate::region::{list_after, list_numbers};

/// Before the name of a file in the archive: the folder of its back references.
const BACK_REFERENCES: &str = ".links-";

/// A region that is to have the files that a snapshot lists.
#[derive(Debug, Clone, Copy)]
pub struct Restore<'a> {
    /// The region.
    pub region: &'a RegionInfo,
    /// What it is to have.
    pub manifest: &'a pb::SnapshotRegionManifest,
    /// Which region of the snapshot has become which.
    pub names: &'a BTreeMap<EncodedName, EncodedName>,
}

/// What a listed file becomes.
#[derive(Debug, PartialEq, Eq)]
enum Made {
    /// It is there and stays.
    Own,
    /// A link, by the file that it leads to.
    Link(Target),
    /// A reference.
    Reference(Bytes),
}

/// A file in the folder of some region.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    table: TableName,
    region: String,
    file: String,
}

struct NewFile {
    name: String,
    size: u64,
    made: Made,
}

impl Target {
    /// Java's `HFileLink.createHFileLinkName`.
    fn link_name(&self) -> String {
        format!("{}={}-{}", in_names(&self.table), self.region, self.file)
    }
}

/// A table as names of files have it.
fn in_names(table: &TableName) -> String {
    table.as_str().replace(':', "=")
}

impl RegionFiles<'_> {
    /// Makes a region's folder, if it isn't there, and its families hold what a snapshot lists. The region must be closed.
    ///
    /// # Errors
    /// See [`RegionFilesError`]; part of it may be done.
    pub async fn restore(
        &self,
        schema: &TableDescriptor,
        restore: Restore<'_>,
    ) -> Result<(), RegionFilesError> {
        let Restore { region, manifest, .. } = restore;
        let source = RegionInfo::try_from(&manifest.region_info)
            .map_err(|error| RegionFilesError::Manifest(error.to_string()))?;
        self.root.create_regions(std::slice::from_ref(region)).await?;
        for family in schema.families() {
            let listed = manifest.family_files.iter().filter(|files| files.family_name == family.name());
            let files: Vec<_> = listed.flat_map(|files| &files.store_files).collect();
            self.restore_family(schema, family, &source, restore, &files).await?;
        }
        let folder = self.root.layout().region(region);
        for entry in self.root.file_system().list(&folder).await.found()?.unwrap_or_default() {
            let is_family = entry.is_dir() && !entry.name.starts_with('.') && *entry.name != *RECOVERED_EDITS;
            if is_family && !schema.families().any(|family| family_name(family) == *entry.name) {
                self.root.archive_family(region, entry.name.as_bytes()).await?;
            }
        }
        Ok(())
    }

    async fn restore_family(
        &self,
        schema: &TableDescriptor,
        family: &ColumnFamilyDescriptor,
        source: &RegionInfo,
        restore: Restore<'_>,
        listed: &[&StoreFile],
    ) -> Result<(), RegionFilesError> {
        let fs = self.root.file_system();
        let tracker = StoreFileTracker::of(schema, family, self.default_tracker)?;
        let folder = self.root.layout().region(restore.region).join(&family_name(family));
        fs.mkdirs(&folder, None).await?;
        let entries = fs.list(&folder).await.found()?.unwrap_or_default();
        let present: BTreeSet<String> =
            entries.iter().filter(|entry| entry.is_file()).map(|entry| entry.name.to_string()).collect();
        let is_same = source.encoded_name() == restore.region.encoded_name();
        let name = family_name(family);
        let plan = |n: usize| {
            self.plan(source, &name, restore, listed[n], is_same && present.contains(&listed[n].name))
        };
        let files = stream::iter(0..listed.len()).map(plan).buffered(FILES_AT_ONCE);
        let files: Vec<NewFile> = files.try_collect().await?;
        let make = |n: usize| self.make(restore.region, &folder, &files[n]);
        stream::iter(0..files.len()).map(make).buffered(FILES_AT_ONCE).try_collect::<Vec<()>>().await?;
        self.count(&folder, &files).await?;
        if tracker.has_list() {
            self.set_list(&folder, &files).await?;
        }
        let wanted: BTreeSet<&str> = files.iter().map(|file| &*file.name).collect();
        let extra: Vec<FsPath> =
            present.iter().filter(|name| !wanted.contains(&***name)).map(|name| folder.join(name)).collect();
        if !extra.is_empty() {
            self.root.archive_store_files(restore.region, family.name(), &extra).await?;
        }
        Ok(())
    }

    /// What a listed file becomes: nothing new if it is there.
    async fn plan(
        &self,
        source: &RegionInfo,
        family: &str,
        restore: Restore<'_>,
        listed: &StoreFile,
        is_there: bool,
    ) -> Result<NewFile, RegionFilesError> {
        if is_there {
            return Ok(NewFile { name: listed.name.clone(), size: listed.file_size(), made: Made::Own });
        }
        let own = |region: &str, file: &str| Target {
            table: source.table().clone(),
            region: region.to_owned(),
            file: file.to_owned(),
        };
        let unknown = || RegionFilesError::Manifest(format!("{} is no store file's name", listed.name));
        let link = |target: Target| NewFile {
            name: target.link_name(),
            size: listed.file_size(),
            made: Made::Link(target),
        };
        match StoreFileName::parse(&listed.name).ok_or_else(unknown)? {
            StoreFileName::HFile => Ok(link(own(&source.encoded_name().to_string(), &listed.name))),
            StoreFileName::Link { namespace, table, region, file } => {
                Ok(link(linked(namespace, table, region, file).ok_or_else(unknown)?))
            }
            StoreFileName::Reference { file, region } => {
                let content = match &listed.reference {
                    Some(reference) => pbuf_encode(reference),
                    None => self.read_reference(source, family, &listed.name).await?,
                };
                let reference = Reference::parse(&content)
                    .map_err(|error| RegionFilesError::Manifest(format!("{}: {error}", listed.name)))?;
                let target = match StoreFileName::parse(file) {
                    Some(StoreFileName::Link { namespace, table, region, file }) => {
                        linked(namespace, table, region, file).ok_or_else(unknown)?
                    }
                    _ => own(region, file),
                };
                let parent = region.parse().ok().and_then(|parent: EncodedName| restore.names.get(&parent));
                let is_merged = parent.is_none() && reference.half == Half::Top;
                if is_merged {
                    return Ok(link(target));
                }
                let parent = parent.map_or_else(|| region.to_owned(), ToString::to_string);
                let name = format!("{}.{parent}", target.link_name());
                Ok(NewFile { name, size: content.len() as u64, made: Made::Reference(content) })
            }
        }
    }

    /// Snapshots of old releases don't say what a reference says; then it must be read where it is.
    async fn read_reference(
        &self,
        source: &RegionInfo,
        family: &str,
        name: &str,
    ) -> Result<Bytes, RegionFilesError> {
        let (fs, layout) = (&**self.root.file_system(), self.root.layout());
        let region = source.encoded_name().to_string();
        for place in [layout.table(source.table()), layout.archived_table(source.table())] {
            let path = place.join(&region).join(family).join(name);
            if fs.status(&path).await.found()?.is_some() {
                return Ok(Reference::read(fs, &path).await?.encode());
            }
        }
        Err(RegionFilesError::Dangling(layout.region(source).join(family).join(name)))
    }

    async fn make(
        &self,
        region: &RegionInfo,
        folder: &FsPath,
        file: &NewFile,
    ) -> Result<(), RegionFilesError> {
        let fs = self.root.file_system();
        match &file.made {
            Made::Own => Ok(()),
            Made::Link(target) => {
                let family = folder.name().unwrap_or_default();
                let archived =
                    self.root.layout().archived_table(&target.table).join(&target.region).join(family);
                let references = archived.join(&format!("{BACK_REFERENCES}{}", target.file));
                let name = format!("{}.{}", region.encoded_name(), in_names(region.table()));
                fs.mkdirs(&references, None).await?;
                fs.write_whole(&references.join(&name), Bytes::new(), CreateOptions::overwrite()).await?;
                fs.write_whole(&folder.join(&file.name), Bytes::new(), CreateOptions::overwrite()).await?;
                Ok(())
            }
            Made::Reference(content) => {
                let path = folder.join(&file.name);
                fs.write_whole(&path, content.clone(), CreateOptions::overwrite()).await?;
                Ok(())
            }
        }
    }

    /// All that should be there is (protocol danger 12).
    async fn count(&self, folder: &FsPath, files: &[NewFile]) -> Result<(), RegionFilesError> {
        let wanted: BTreeSet<&str> = files.iter().map(|file| &*file.name).collect();
        let entries = self.root.file_system().list(folder).await?;
        let found = entries.iter().filter(|entry| entry.is_file() && wanted.contains(&*entry.name)).count();
        match found == wanted.len() {
            true => Ok(()),
            false => Err(RegionFilesError::Count { folder: folder.clone(), expected: wanted.len(), found }),
        }
    }

    /// The list counts from the moment that it is there, since its number is higher than any before it.
    async fn set_list(&self, folder: &FsPath, files: &[NewFile]) -> Result<(), RegionFilesError> {
        let fs = self.root.file_system();
        let last = list_numbers(&**fs, folder).await?.last().copied();
        let mut known = load_list(&**fs, folder).await?;
        let mut wanted: Vec<String> = files.iter().map(|file| file.name.clone()).collect();
        known.sort();
        wanted.sort();
        if last.is_some() && known == wanted {
            return Ok(());
        }
        let entries =
            files.iter().map(|file| pb::StoreFileEntry { name: file.name.clone(), size: file.size });
        let ([list_folder, name], content) = list_after(last, self.now_ms, entries.collect());
        let list_folder = folder.join(&list_folder);
        fs.mkdirs(&list_folder, None).await?;
        fs.write_whole(&list_folder.join(&name), content, CreateOptions::new()).await?;
        Ok(())
    }
}

fn linked(namespace: Option<&str>, table: &str, region: &str, file: &str) -> Option<Target> {
    let table = TableName::new(namespace.unwrap_or("default"), table).ok()?;
    Some(Target { table, region: region.to_owned(), file: file.to_owned() })
}

#[cfg(test)]
mod tests;

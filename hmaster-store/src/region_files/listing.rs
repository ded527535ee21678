//! What files a closed region has, as a snapshot lists them. Counterpart of `SnapshotManifest.addRegion` for regions that
//! nobody serves, and of `SnapshotReferenceUtil` for the question whether listed files are there.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hmaster_fs::{FsPath, NotFoundAsNone as _};
use hmaster_protocol::pb;
use hmaster_types::{PlainTracker, RegionInfo, StoreFileTracker, TableDescriptor, TableName};

use super::{FILES_AT_ONCE, RegionFiles, RegionFilesError, StoreFileName, family_name, files_in, load_list};
use crate::hfile::{Half, Reference};

pub(super) type StoreFile = pb::snapshot_region_manifest::StoreFile;
type FamilyFiles = pb::snapshot_region_manifest::FamilyFiles;

impl RegionFiles<'_> {
    /// The files of a region that nobody serves, family by family.
    ///
    /// # Errors
    /// See [`RegionFilesError`]; among them a reference or link that leads nowhere.
    pub async fn list(
        &self,
        schema: &TableDescriptor,
        region: &RegionInfo,
    ) -> Result<pb::SnapshotRegionManifest, RegionFilesError> {
        let (fs, folder) = (&**self.root.file_system(), self.folder_of(region).await?);
        let mut family_files = Vec::new();
        for family in schema.families() {
            let tracker = StoreFileTracker::of(schema, family, self.default_tracker)?;
            let folder = folder.join(&family_name(family));
            let names = match tracker.source() {
                PlainTracker::Default => files_in(fs, &folder).await?,
                PlainTracker::File => load_list(fs, &folder).await?,
            };
            let store_files = stream::iter(names)
                .map(|name| self.describe(region.table(), &folder, name))
                .buffered(FILES_AT_ONCE)
                .try_collect()
                .await?;
            family_files.push(FamilyFiles { family_name: family.name().clone(), store_files });
        }
        Ok(pb::SnapshotRegionManifest { version: None, region_info: region.into(), family_files })
    }

    async fn describe(
        &self,
        table: &TableName,
        folder: &FsPath,
        name: String,
    ) -> Result<StoreFile, RegionFilesError> {
        let fs = &**self.root.file_system();
        let path = folder.join(&name);
        let mut reference = None;
        let size = match StoreFileName::parse(&name) {
            Some(StoreFileName::Reference { .. }) => {
                let read = Reference::read(fs, &path).await?;
                let range = match read.half {
                    Half::Top => pb::reference::Range::Top,
                    Half::Bottom => pb::reference::Range::Bottom,
                };
                let splitkey = bytes::Bytes::copy_from_slice(read.split_key.key());
                reference = Some(pb::Reference { splitkey, range: range.into() });
                self.size_behind(table, folder, &name).await?
            }
            Some(StoreFileName::Link { .. }) => self.size_behind(table, folder, &name).await?,
            _ => Some(fs.status(&path).await?.length),
        };
        let size = size.ok_or(RegionFilesError::Dangling(path))?;
        Ok(StoreFile { name, reference, file_size: Some(size) })
    }

    /// The length of the file that a name in a family's folder stands for; none when that is nowhere.
    ///
    /// # Errors
    /// When that can't be found out.
    pub async fn size_behind(
        &self,
        table: &TableName,
        folder: &FsPath,
        name: &str,
    ) -> Result<Option<u64>, RegionFilesError> {
        let family = folder.name().unwrap_or_default();
        let region = folder.parent().and_then(|region| region.name().map(str::to_owned)).unwrap_or_default();
        let Some((table, region, file)) = target(table, &region, name) else { return Ok(None) };
        let fs = &**self.root.file_system();
        let layout = self.root.layout();
        for place in [layout.table(&table), layout.archived_table(&table)] {
            let path = place.join(&region).join(family).join(&file);
            if let Some(status) = fs.status(&path).await.found()? {
                return Ok(Some(status.length));
            }
        }
        Ok(None)
    }
}

/// Which file of which region of which table a name stands for in the end.
fn target(table: &TableName, region: &str, name: &str) -> Option<(TableName, String, String)> {
    match StoreFileName::parse(name)? {
        StoreFileName::HFile => Some((table.clone(), region.to_owned(), name.to_owned())),
        // A reference to a link stands for what the link stands for.
        StoreFileName::Reference { file, region } => target(table, region, file),
        StoreFileName::Link { namespace, table, region, file } => {
            let table = TableName::new(namespace.unwrap_or("default"), table).ok()?;
            Some((table, region.to_owned(), file.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_files() {
        let table: TableName = "t".parse().unwrap();
        let other: TableName = "n:u".parse().unwrap();
        let to = |table: &TableName, region: &str, file: &str| {
            Some((table.clone(), region.to_owned(), file.to_owned()))
        };
        for (name, expected) in [
            ("ab12", to(&table, "fe", "ab12")),
            ("ab12.cd34", to(&table, "cd34", "ab12")),
            ("n=u=ab-cd", to(&other, "ab", "cd")),
            ("n=u=ab-cd.ef", to(&other, "ab", "cd")),
            ("x", None),
        ] {
            assert_eq!(target(&table, "fe", name), expected, "{name}");
        }
    }
}

//! Folders of regions, each with a file `.regioninfo`. Counterpart of `HRegionFileSystem` and
//! `ModifyRegionUtils`.
//!
//! Replicas have no folders: they share the default replica's.

use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hmaster_types::{EncodedName, RegionInfo, TableName};

use super::content::{self, BadContent, REGION_INFO_BYTES_MAX};
use super::layout::{REGION_INFO, default_replica};
use super::{RootDir, RootDirError};
use crate::{FileStatus, NewFile, NotFoundAsNone as _};

/// Files per call of `write_many`: enough to keep a file system busy, few enough to stay small in memory.
const CREATED_AT_ONCE: usize = 4096;

impl RootDir {
    /// Makes the folders of regions, of any number, each with its `.regioninfo`. Replicas are passed over.
    ///
    /// # Errors
    /// What the file system answers; some may have been made.
    pub async fn create_regions(&self, regions: &[RegionInfo]) -> Result<(), RootDirError> {
        let regions: Vec<&RegionInfo> = regions.iter().filter(|region| region.is_default_replica()).collect();
        for some in regions.chunks(CREATED_AT_ONCE) {
            let files = some.iter().map(|region| NewFile {
                path: self.layout().region(region).join(REGION_INFO),
                content: content::encode_region_info(region),
            });
            self.fs.write_many(files.collect()).await?;
        }
        Ok(())
    }

    /// Whether a region, or the default replica of it, has a folder.
    ///
    /// # Errors
    /// What the file system answers.
    pub async fn region_exists(&self, region: &RegionInfo) -> Result<bool, RootDirError> {
        Ok(self.fs.exists(&self.layout().region(region)).await?)
    }

    /// The names of a table's regions that have folders, in pages; none when the table has no folder.
    ///
    /// # Errors
    /// What the file system answers, at once or in the stream.
    pub async fn region_pages(
        &self,
        table: &TableName,
    ) -> Result<BoxStream<'static, Result<Vec<EncodedName>, RootDirError>>, RootDirError> {
        let Some(pages) = self.fs.list_pages(&self.layout().table(table)).await.found()? else {
            return Ok(stream::empty().boxed());
        };
        let names = |page: Vec<FileStatus>| page.iter().filter_map(region_of).collect();
        Ok(pages.map(move |page| Ok(names(page?))).boxed())
    }

    /// The names of a table's regions that have folders, sorted.
    ///
    /// # Errors
    /// What the file system answers.
    pub async fn regions(&self, table: &TableName) -> Result<Vec<EncodedName>, RootDirError> {
        let mut regions: Vec<EncodedName> = self.region_pages(table).await?.try_concat().await?;
        regions.sort();
        Ok(regions)
    }

    /// Reads which region a folder is of; none when it has no `.regioninfo`.
    ///
    /// # Errors
    /// `Content` when the file can't be read, or is of another region than the folder's name says.
    pub async fn region_info(
        &self,
        table: &TableName,
        region: EncodedName,
    ) -> Result<Option<RegionInfo>, RootDirError> {
        let path = self.layout().region_info(table, region);
        let Some(content) = self.fs.read_whole(&path, REGION_INFO_BYTES_MAX).await.found()? else {
            return Ok(None);
        };
        let bad = |bad: BadContent| RootDirError::content(&path, bad.what, &content, bad.source);
        let info = content::decode_region_info(&content).map_err(bad)?;
        if default_replica(&info) != region {
            let what = format!("it is of region {}", info.name());
            return Err(RootDirError::content(&path, what, &content, None));
        }
        Ok(Some(info))
    }

    /// Reads which regions a table's folders are of, several at once and in no particular order. A folder
    /// without a readable `.regioninfo` comes with the reason, or none.
    ///
    /// # Errors
    /// What the file system answers, at once or in the stream.
    pub async fn region_infos<'a>(
        &'a self,
        table: &'a TableName,
    ) -> Result<BoxStream<'a, Result<FoundRegion, RootDirError>>, RootDirError> {
        let names =
            self.region_pages(table).await?.map_ok(|page| stream::iter(page).map(Ok::<_, RootDirError>));
        let read = move |region| async move { Ok((region, self.region_info(table, region).await)) };
        Ok(names.try_flatten().map_ok(read).try_buffer_unordered(self.fs.concurrency()).boxed())
    }

    /// Deletes a region's folder without archiving anything, for one that never held data.
    ///
    /// # Errors
    /// What the file system answers.
    pub async fn delete_region_without_archiving(&self, region: &RegionInfo) -> Result<(), RootDirError> {
        self.fs.delete_tree(&self.layout().region(region)).await?;
        Ok(())
    }
}

/// A region's folder, and what its `.regioninfo` says.
pub type FoundRegion = (EncodedName, Result<Option<RegionInfo>, RootDirError>);

/// The region that an entry of a table's folder is of. Counterpart of `FSUtils.RegionDirFilter`.
pub(super) fn region_of(entry: &FileStatus) -> Option<EncodedName> {
    let region: EncodedName = entry.name.parse().ok().filter(|_| entry.is_dir())?;
    // Names in upper case would be another folder.
    (region.to_string() == *entry.name).then_some(region)
}

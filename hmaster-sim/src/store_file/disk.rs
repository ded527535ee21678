//! Store files on disk: HFiles, halves of another region's HFiles, and links to them. Counterpart of `HStoreFile`,
//! `StoreFileInfo`, `HalfStoreFileReader` and `HFileLink`.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use hmaster_fs::rootdir::RootDir;
use hmaster_fs::{FsError, FsPath};
use hmaster_store::FileError;
use hmaster_store::hfile::{DataBlock, HFile, Half, Reference};
use hmaster_store::region_files::StoreFileName;
use hmaster_types::{Cell, CellOrder, RegionInfo, TableName};

use super::{BlockCache, StoreFile, StoreFileError};
use crate::scan::Target;

/// Blocks read at once by those who want all of them.
const READ_AHEAD_BLOCKS: usize = 8;
const EARLIEST_PUT: &str = "EARLIEST_PUT_TS";
/// How many cells only say in which other file their values are.
const MOB_CELLS: &str = "MOB_CELLS_COUNT";
const TAGS_LENGTH_MAX: &str = "hfile.MAX_TAGS_LEN";

/// A store file that was opened. Its index is in memory; its data isn't.
#[derive(Debug)]
pub(crate) struct DiskFile {
    name: String,
    path: FsPath,
    hfile: HFile,
    half: Option<Reference>,
    is_link: bool,
    blocks: Vec<DataBlock>,
    sequence_id: u64,
    length: u64,
    cache: Arc<BlockCache>,
    number: u64,
}

/// Where a store file is to be looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) root: &'a RootDir,
    pub(crate) region: &'a RegionInfo,
    pub(crate) family: &'a str,
}

/// A store file can't be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenFileError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("open a store file")]
    Fs(#[from] FsError),
    #[error("{path} isn't named as a store file")]
    Name { path: FsPath },
    #[error("{path} has cells whose values are in MOB files, which aren't supported")]
    Mob { path: FsPath },
    #[error("{path} leads to {file} of region {region}, which is in none of the places where it may be")]
    Dangling { path: FsPath, file: String, region: String },
}

impl DiskFile {
    /// Opens a file of a family by its name.
    ///
    /// # Errors
    /// When it, or what it leads to, can't be read.
    pub(crate) async fn open(
        place: Place<'_>,
        name: &str,
        cache: &Arc<BlockCache>,
    ) -> Result<Self, OpenFileError> {
        let fs = &**place.root.file_system();
        let path = place.root.layout().region(place.region).join(place.family).join(name);
        let (target, half, is_link) = match StoreFileName::parse(name) {
            None => return Err(OpenFileError::Name { path }),
            Some(StoreFileName::HFile) => (path.clone(), None, false),
            Some(link @ StoreFileName::Link { .. }) => (place.resolve(&path, link).await?, None, true),
            Some(reference @ StoreFileName::Reference { .. }) => {
                let half = Reference::read(fs, &path).await?;
                (place.resolve(&path, reference).await?, Some(half), false)
            }
        };
        let length = fs.status(&target).await?.length;
        let hfile = HFile::open(fs, &target).await?;
        if hfile.info().get(MOB_CELLS).is_some_and(|count| count.iter().any(|byte| *byte != 0)) {
            return Err(OpenFileError::Mob { path });
        }
        let mut blocks = hfile.data_blocks().await?;
        let kept = half.as_ref().map_or(0..blocks.len(), |half| half_of(&blocks, half, hfile.order()));
        blocks.truncate(kept.end);
        blocks.drain(..kept.start.min(blocks.len()));
        Ok(Self {
            sequence_id: sequence_id(&hfile, name),
            name: name.to_owned(),
            path,
            hfile,
            half,
            is_link,
            blocks,
            length,
            number: cache.file_number(),
            cache: Arc::clone(cache),
        })
    }

    /// Its name in the family's folder.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where it is; of a reference or a link, the small file itself.
    pub(crate) fn path(&self) -> &FsPath {
        &self.path
    }

    /// What was opened, perhaps a file of another region.
    pub(crate) fn hfile(&self) -> &HFile {
        &self.hfile
    }

    /// Everything that was written to the store up to this sequence id is in this file or in older ones.
    pub(crate) fn sequence_id(&self) -> u64 {
        self.sequence_id
    }

    /// The highest sequence id that anything in it has.
    pub(crate) fn sequence_id_max(&self) -> u64 {
        self.sequence_id.max(self.hfile.info().cell_sequence_id_max().unwrap_or(0))
    }

    /// Whether it is a part of another region's file.
    pub(crate) fn is_reference(&self) -> bool {
        self.half.is_some()
    }

    /// Whether it holds nothing itself: it is a part of another region's file, or leads to one.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.is_link || self.half.is_some()
    }

    /// How many bytes; of a half, half of the whole file's.
    pub(crate) fn length(&self) -> u64 {
        if self.half.is_some() { self.length / 2 } else { self.length }
    }

    /// How many bytes its index takes.
    pub(crate) fn index_bytes(&self) -> u64 {
        self.blocks.iter().map(|block| block.key.as_bytes().len() as u64 + 16).sum()
    }

    /// The timestamp of the oldest put; the lowest of all when the file doesn't say.
    pub(crate) fn earliest_put(&self) -> i64 {
        let value = self.hfile.info().get(EARLIEST_PUT).and_then(|value| value.first_chunk::<8>().copied());
        value.map_or(i64::MIN, i64::from_be_bytes)
    }

    /// Whether cells may have tags.
    pub(crate) fn has_tags(&self) -> bool {
        let length = self.hfile.info().get(TAGS_LENGTH_MAX);
        length.is_some_and(|length| length.iter().any(|byte| *byte != 0))
    }

    /// Whether a row may be in it.
    pub(crate) fn may_have_row(&self, row: &[u8]) -> bool {
        let order = self.hfile.order();
        let begins_after = |first: &Cell| order.compare_rows(row, first.row()).is_lt();
        let ends_before = |last: &Cell| order.compare_rows(row, last.row()).is_gt();
        !self.hfile.first_key().is_some_and(begins_after) && !self.hfile.last_key().is_some_and(ends_before)
    }

    /// The row with which the block in the middle begins, if it isn't the first one's. Counterpart of
    /// `HFile.Reader.midKey` and `StoreUtils.getSplitPoint`.
    pub(crate) fn middle_row(&self) -> Option<bytes::Bytes> {
        let middle = &self.blocks.get(self.blocks.len() / 2)?.key;
        let is_edge = |key: Option<&Cell>| key.is_some_and(|key| key.row() == middle.row());
        let at_edge = is_edge(self.hfile.first_key()) || is_edge(self.hfile.last_key());
        (!at_edge).then(|| bytes::Bytes::copy_from_slice(middle.row()))
    }

    /// The cells of a block that belong to the file, as readers may see them.
    fn cells(&self, mut cells: Vec<Cell>) -> Arc<[Cell]> {
        if let Some(half) = &self.half {
            let order = self.hfile.order();
            cells.retain(|cell| {
                let is_before = order.compare_keys(cell, &half.split_key).is_lt();
                is_before == (half.half == Half::Bottom)
            });
        }
        if self.hfile.info().is_bulk_loaded() {
            // Such cells have the sequence id of the moment when they were loaded.
            cells = cells.into_iter().map(|cell| cell.with_sequence_id(self.sequence_id)).collect();
        }
        cells.into()
    }
}

#[async_trait]
impl StoreFile for DiskFile {
    fn block_count(&self) -> usize {
        self.blocks.len()
    }

    fn find(&self, target: &Target) -> usize {
        let order = self.hfile.order();
        let begins_before = |block: &DataBlock| !target.is_reached_by(order, &block.key);
        self.blocks.partition_point(begins_before).saturating_sub(1)
    }

    async fn block(&self, at: usize, sequential: bool) -> Result<Arc<[Cell]>, StoreFileError> {
        if let Some(cells) = self.cache.get(self.number, at) {
            return Ok(cells);
        }
        let end = if sequential { (at + READ_AHEAD_BLOCKS).min(self.blocks.len()) } else { at + 1 };
        let read = self.hfile.read_blocks(&self.blocks[at..end]).await;
        let read = read.map_err(|error| StoreFileError(Arc::new(error)))?;
        let mut wanted: Arc<[Cell]> = Arc::default();
        for (number, cells) in (at..).zip(read) {
            let cells = self.cells(cells);
            self.cache.put(self.number, number, &cells);
            if number == at {
                wanted = cells;
            }
        }
        Ok(wanted)
    }
}

impl Drop for DiskFile {
    fn drop(&mut self) {
        self.cache.remove_file(self.number);
    }
}

impl Place<'_> {
    /// Where the file is that a reference or link at `path` leads to.
    async fn resolve(&self, path: &FsPath, name: StoreFileName<'_>) -> Result<FsPath, OpenFileError> {
        let table = self.region.table();
        let (table, region, file) = match name {
            StoreFileName::HFile => return Ok(path.clone()),
            StoreFileName::Link { namespace, table: name, region, file } => {
                let namespace = namespace.unwrap_or("default");
                let linked = TableName::new(namespace, name);
                (linked.map_err(|_| OpenFileError::Name { path: path.clone() })?, region, file)
            }
            StoreFileName::Reference { file, region } => match StoreFileName::parse(file) {
                Some(link @ StoreFileName::Link { .. }) => return Box::pin(self.resolve(path, link)).await,
                _ => (table.clone(), region, file),
            },
        };
        let layout = self.root.layout();
        for folder in [layout.table(&table), layout.archived_table(&table)] {
            let candidate = folder.join(region).join(self.family).join(file);
            if self.root.file_system().exists(&candidate).await? {
                return Ok(candidate);
            }
        }
        let (file, region) = (file.to_owned(), region.to_owned());
        Err(OpenFileError::Dangling { path: path.clone(), file, region })
    }
}

/// Which blocks may have cells of a half.
fn half_of(blocks: &[DataBlock], half: &Reference, order: CellOrder) -> Range<usize> {
    let before = blocks.partition_point(|block| order.compare_keys(&block.key, &half.split_key).is_lt());
    match half.half {
        Half::Bottom => 0..before,
        // The block before may go on behind the split key.
        Half::Top => before.saturating_sub(1)..blocks.len(),
    }
}

/// A bulk loaded file has its sequence id in its name.
fn sequence_id(hfile: &HFile, name: &str) -> u64 {
    let (_, rest) = name.rsplit_once("_SeqId_").unwrap_or_default();
    let named = rest.strip_suffix('_').and_then(|digits| digits.parse().ok());
    named.or(hfile.info().sequence_id_max()).unwrap_or(0)
}

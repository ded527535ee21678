//! An open HFile. Counterpart of `HFileReaderImpl`, and of what `HFileInfo` reads at open.

use std::sync::Arc;

use bytes::Bytes;
use hmaster_fs::{FileSystem, FsPath, Reader};
use hmaster_types::{Cell, CellOrder};

use super::block::{Block, BlockHeader, BlockType, HEADER_BYTES};
use super::encoding::Encoding;
use super::index::{self, IndexEntry};
use super::info::{CellLayout, FileInfo};
use super::scan::{HFileScan, ScanRange};
use super::trailer::{TRAILER_BYTES_MAX, Trailer};
use crate::error::{FileError, FileKind, Malformed, ParseFailure};

/// How much is read at once, unless a block is longer.
const READ_AHEAD_BYTES: usize = 256 << 10;
/// How much is read ahead at most, when it is known that several blocks are wanted.
const FILL_BYTES_MAX: usize = 8 << 20;

/// An HFile that was opened: its trailer, info and the root of its index are in memory, no data is. Cheap to clone.
#[derive(Debug, Clone)]
pub struct HFile(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: Source,
    trailer: Trailer,
    info: FileInfo,
    layout: CellLayout,
    root: Vec<IndexEntry>,
    last_key: Option<Cell>,
}

#[derive(Debug)]
pub(super) struct Source {
    file: Box<dyn Reader>,
    path: FsPath,
}

/// Reads blocks of one file, which usually follow each other.
#[derive(Debug, Default)]
pub(super) struct Window {
    bytes: Bytes,
    at: u64,
}

impl HFile {
    /// Opens an HFile.
    ///
    /// # Errors
    /// When it can't be read, isn't an HFile, or is encrypted or otherwise beyond what is supported.
    pub async fn open(fs: &dyn FileSystem, path: &FsPath) -> Result<Self, FileError> {
        let file = fs.open(path).await.map_err(FileKind::HFile.fs())?;
        let source = Source { file, path: path.clone() };
        let trailer = source.trailer().await?;
        let (mut window, end) = (Window::default(), source.length() - trailer.length as u64);
        let at = trailer.load_on_open_offset;
        let (root, at) = window.block_of(&source, at, end, &trailer, BlockType::RootIndex).await?;
        let (_meta_root, at) = window.block_of(&source, at, end, &trailer, BlockType::RootIndex).await?;
        let (info_block, _) = window.block_of(&source, at, end, &trailer, BlockType::FileInfo).await?;
        let in_info = |malformed: Malformed| source.failed(malformed.after(at).into());
        let info = FileInfo::parse(&info_block.content).map_err(in_info)?;
        let last_key = info.last_key().map_err(in_info)?;
        let layout = info.cell_layout().map_err(|failure| source.failed(failure))?;
        let root = index::parse_root(&root.content, trailer.data_index_count);
        let root = root.map_err(|malformed| {
            source.failed(malformed.after(trailer.load_on_open_offset + HEADER_BYTES as u64).into())
        })?;
        Ok(Self(Arc::new(Inner { source, trailer, info, layout, root, last_key })))
    }

    /// Where the file is.
    pub fn path(&self) -> &FsPath {
        &self.0.source.path
    }

    /// The trailer.
    pub fn trailer(&self) -> &Trailer {
        &self.0.trailer
    }

    /// The file info.
    pub fn info(&self) -> &FileInfo {
        &self.0.info
    }

    /// How data blocks are encoded.
    pub fn encoding(&self) -> Encoding {
        self.0.layout.encoding
    }

    /// How cells are sorted.
    pub fn order(&self) -> CellOrder {
        self.0.trailer.order
    }

    /// The key of the first cell, as a cell without value; none in a file without cells. No data is read.
    pub fn first_key(&self) -> Option<&Cell> {
        self.0.root.first().map(|entry| &entry.key)
    }

    /// The key of the last cell, as a cell without value; none in a file without cells. No data is read.
    pub fn last_key(&self) -> Option<&Cell> {
        self.0.last_key.as_ref()
    }

    /// Reads the cells in `range`, in their order.
    pub fn scan(&self, range: ScanRange) -> HFileScan {
        HFileScan::new(self.clone(), range)
    }

    pub(super) fn source(&self) -> &Source {
        &self.0.source
    }

    pub(super) fn layout(&self) -> CellLayout {
        self.0.layout
    }

    pub(super) fn root(&self) -> &[IndexEntry] {
        &self.0.root
    }

    /// Where the data block is from which on `key` may be found.
    pub(super) async fn block_offset(
        &self,
        window: &mut Window,
        key: &Cell,
    ) -> Result<Option<u64>, FileError> {
        let Some(mut entry) = index::locate(&self.0.root, key, self.order()).cloned() else {
            return Ok(self.0.trailer.first_data_block_offset);
        };
        for _ in 1..self.0.trailer.data_index_levels {
            let (source, trailer) = (self.source(), self.trailer());
            let limit = source.length() - trailer.length as u64;
            let (block, _) = window.block(source, entry.offset, limit, trailer).await?;
            let in_block = |malformed: Malformed| {
                source.failed(malformed.after(entry.offset + HEADER_BYTES as u64).into())
            };
            if !matches!(block.block_type, BlockType::LeafIndex | BlockType::IntermediateIndex) {
                return Err(in_block(Malformed::new(0, "the index leads to what isn't its block")));
            }
            let entries = index::parse_non_root(&block.content).map_err(in_block)?;
            let next = index::locate(&entries, key, self.order()).or(entries.first()).cloned();
            entry = next.ok_or_else(|| in_block(Malformed::new(0, "a block of the index is empty")))?;
        }
        Ok(Some(entry.offset))
    }
}

impl Source {
    pub(super) fn length(&self) -> u64 {
        self.file.length()
    }

    pub(super) fn failed(&self, failure: ParseFailure) -> FileError {
        failure.of(FileKind::HFile, &self.path)
    }

    async fn trailer(&self) -> Result<Trailer, FileError> {
        let at = self.length().saturating_sub(TRAILER_BYTES_MAX as u64);
        let end = self.read(at, TRAILER_BYTES_MAX).await?;
        Trailer::parse(&end, self.length()).map_err(|failure| self.failed(failure))
    }

    async fn read(&self, offset: u64, length: usize) -> Result<Bytes, FileError> {
        self.file.read_at(offset, length).await.map_err(FileKind::HFile.fs())
    }
}

impl Window {
    /// The block at `at`, and where the next one is; none of it may lie beyond `limit`.
    pub(super) async fn block(
        &mut self,
        source: &Source,
        at: u64,
        limit: u64,
        trailer: &Trailer,
    ) -> Result<(Block, u64), FileError> {
        let failed = |failure: ParseFailure| source.failed(failure.after(at));
        let header = self.get(source, at, HEADER_BYTES, limit).await?;
        let header = BlockHeader::parse(&header).map_err(|malformed| failed(malformed.into()))?;
        let bytes = self.get(source, at, header.length, limit).await?;
        if bytes.len() < header.length {
            let reason = format!("a block of {} bytes ends after {limit}", header.length);
            return Err(failed(Malformed::new(0, reason).into()));
        }
        let block = header.unpack(&bytes, trailer.compression).map_err(failed)?;
        Ok((block, at + header.length as u64))
    }

    async fn block_of(
        &mut self,
        source: &Source,
        at: u64,
        limit: u64,
        trailer: &Trailer,
        block_type: BlockType,
    ) -> Result<(Block, u64), FileError> {
        let (block, next) = self.block(source, at, limit, trailer).await?;
        if block.block_type == block_type {
            return Ok((block, next));
        }
        let reason = format!("a block of type {:?} in place of {block_type:?}", block.block_type);
        Err(source.failed(Malformed::new(at, reason).into()))
    }

    /// Reads ahead: `length` bytes at `at`, within bounds.
    pub(super) async fn fill(&mut self, source: &Source, at: u64, length: u64) -> Result<(), FileError> {
        let length = usize::try_from(length).unwrap_or(FILL_BYTES_MAX).min(FILL_BYTES_MAX);
        (self.bytes, self.at) = (source.read(at, length).await?, at);
        Ok(())
    }

    /// `length` bytes at `at`, fewer if `limit` comes before.
    async fn get(&mut self, source: &Source, at: u64, length: usize, limit: u64) -> Result<Bytes, FileError> {
        let left = usize::try_from(limit.saturating_sub(at)).unwrap_or(usize::MAX);
        let length = length.min(left);
        let start = at.checked_sub(self.at).and_then(|start| usize::try_from(start).ok());
        let start =
            start.filter(|start| start.checked_add(length).is_some_and(|end| end <= self.bytes.len()));
        if let Some(start) = start {
            return Ok(self.bytes.slice(start..start + length));
        }
        self.bytes = source.read(at, length.max(READ_AHEAD_BYTES.min(left))).await?;
        self.at = at;
        Ok(self.bytes.slice(..length.min(self.bytes.len())))
    }
}

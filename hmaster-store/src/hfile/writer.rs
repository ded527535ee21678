//! Writes HFiles that Java opens as store files. Counterpart of `HFileWriterImpl` and `StoreFileWriter`.
//!
//! Plain blocks, CRC32C checksums, no Bloom filter. The index has as many levels as its size asks for.

mod index_writer;
mod midpoint;
mod statistics;

use std::cmp::Ordering;

use bytes::BufMut as _;
use hmaster_fs::{CreateOptions, FileSystem, FsError, FsPath, Writer};
use hmaster_types::{Cell, CellOrder};

use super::block::{BLOCK_BYTES_MAX, BlockType, encode_block};
use super::trailer::{TRAILER_BYTES_MAX, Trailer};
use crate::compression::Compression;
use index_writer::IndexWriter;
use statistics::Statistics;

/// How to write an HFile.
#[derive(Debug, Clone, Copy)]
pub struct HFileOptions {
    /// How cells are sorted.
    pub order: CellOrder,
    /// A data block ends when it has this many bytes (family attribute `BLOCKSIZE`).
    pub block_bytes: usize,
    /// A block of the index ends when it has this many bytes (`hfile.index.block.max.size`).
    pub index_block_bytes: usize,
    /// Whether cells may have tags.
    pub with_tags: bool,
    /// When the file is made, in milliseconds since 1970.
    pub created_ms: u64,
}

/// What a store needs to know of a file that joins it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreFileOrigin {
    /// The highest sequence id that the file accounts for; edits up to it needn't be replayed.
    pub sequence_id_max: u64,
    /// Whether all files of the store were compacted into it.
    pub is_major_compaction: bool,
    /// Names of the files that were compacted into it.
    pub compacted_files: Vec<String>,
}

/// An HFile that is being written. Dropping it leaves an unfinished file.
#[derive(Debug)]
pub struct HFileWriter {
    out: Output,
    options: HFileOptions,
    block: Vec<u8>,
    first_in_block: Option<Cell>,
    last: Option<Cell>,
    last_of_previous_block: Option<Cell>,
    index: IndexWriter,
    statistics: Statistics,
    first_data_block: Option<u64>,
    last_data_block: Option<u64>,
}

/// A cell or a file can't be written.
#[derive(Debug, thiserror::Error)]
pub enum HFileWriteError {
    /// The file system failed.
    #[error("write an HFile")]
    Fs(#[from] FsError),
    /// Cells must come in their order.
    #[error("write an HFile: {cell} comes after {last}")]
    OutOfOrder {
        /// The cell.
        cell: Box<Cell>,
        /// The one before it.
        last: Box<Cell>,
    },
    /// The cell has tags, and the file was begun without.
    #[error("write an HFile without tags: {cell} has some")]
    Tags {
        /// The cell.
        cell: Box<Cell>,
    },
    /// The cell alone makes a block that couldn't be read.
    #[error("write an HFile: {cell} is too long")]
    TooLong {
        /// The cell.
        cell: Box<Cell>,
    },
}

impl HFileOptions {
    /// Java's usual sizes, for cells without tags.
    pub fn new(order: CellOrder, created_ms: u64) -> Self {
        Self { order, block_bytes: 64 << 10, index_block_bytes: 128 << 10, with_tags: false, created_ms }
    }
}

impl HFileWriter {
    /// Begins a file, which mustn't exist.
    ///
    /// # Errors
    /// As [`FileSystem::create`].
    pub async fn create(
        fs: &dyn FileSystem,
        path: &FsPath,
        options: HFileOptions,
    ) -> Result<Self, HFileWriteError> {
        let writer = fs.create(path, CreateOptions::new()).await?;
        Ok(Self {
            out: Output { writer, uncompressed_bytes: 0 },
            options,
            block: Vec::new(),
            first_in_block: None,
            last: None,
            last_of_previous_block: None,
            index: IndexWriter::new(options.index_block_bytes),
            statistics: Statistics::default(),
            first_data_block: None,
            last_data_block: None,
        })
    }

    /// Appends a cell, with its sequence id.
    ///
    /// # Errors
    /// When it can't be written or doesn't fit; see [`HFileWriteError`]. The file is useless then.
    pub async fn append(&mut self, cell: &Cell) -> Result<(), HFileWriteError> {
        let is_new_key = self.check(cell)?;
        if is_new_key && self.block.len() >= self.options.block_bytes {
            self.finish_block().await?;
        }
        self.first_in_block.get_or_insert_with(|| cell.clone());
        self.block.put_slice(cell.without_tags().as_bytes());
        if self.options.with_tags {
            self.block
                .put_u16(u16::try_from(cell.tags().len()).expect("a cell's tags have a length of 16 bits"));
            self.block.put_slice(cell.tags());
        }
        put_hadoop_vlong(&mut self.block, cell.sequence_id());
        self.statistics.add(cell);
        self.last = Some(cell.clone());
        Ok(())
    }

    /// Completes the file; its length.
    ///
    /// # Errors
    /// When it can't be written.
    pub async fn finish(mut self, origin: &StoreFileOrigin) -> Result<u64, HFileWriteError> {
        self.finish_block().await?;
        self.index.finish_leaves(&mut self.out).await?;
        let (load_on_open_offset, index) = self.index.finish(&mut self.out).await?;
        self.out.block(BlockType::RootIndex, &[], None).await?; // of meta blocks: there are none
        let info = self.statistics.file_info(origin, &self.options, self.last.as_ref());
        let (file_info_offset, _) = self.out.block(BlockType::FileInfo, &info.encode(), None).await?;
        let trailer = Trailer {
            major_version: 3,
            minor_version: 3,
            load_on_open_offset,
            file_info_offset,
            data_index_count: index.root_entries,
            data_index_levels: index.levels,
            meta_index_count: 0,
            data_index_bytes: index.bytes,
            uncompressed_bytes: self.out.uncompressed_bytes + TRAILER_BYTES_MAX as u64,
            entry_count: self.statistics.cells(),
            first_data_block_offset: self.first_data_block,
            last_data_block_offset: self.last_data_block,
            order: self.options.order,
            compression: Compression::None,
            length: TRAILER_BYTES_MAX,
        };
        self.out.writer.write(trailer.encode()).await?;
        let length = self.out.writer.length();
        self.out.writer.close().await?;
        Ok(length)
    }

    /// Whether the cell's key is another than the last one's.
    fn check(&self, cell: &Cell) -> Result<bool, HFileWriteError> {
        let boxed = || Box::new(cell.clone());
        if !cell.tags().is_empty() && !self.options.with_tags {
            return Err(HFileWriteError::Tags { cell: boxed() });
        }
        if cell.as_bytes().len() > BLOCK_BYTES_MAX / 2 {
            return Err(HFileWriteError::TooLong { cell: boxed() });
        }
        let Some(last) = &self.last else { return Ok(true) };
        match self.options.order.compare_keys(last, cell) {
            Ordering::Less => Ok(true),
            Ordering::Equal if last.sequence_id() >= cell.sequence_id() => Ok(false),
            _ => Err(HFileWriteError::OutOfOrder { cell: boxed(), last: Box::new(last.clone()) }),
        }
    }

    async fn finish_block(&mut self) -> Result<(), HFileWriteError> {
        let Some(first) = self.first_in_block.take() else { return Ok(()) };
        let content = std::mem::take(&mut self.block);
        let (at, length) = self.out.block(BlockType::Data, &content, self.last_data_block).await?;
        self.first_data_block.get_or_insert(at);
        self.last_data_block = Some(at);
        let last = std::mem::replace(&mut self.last_of_previous_block, self.last.clone());
        self.index.add(midpoint::index_key(self.options.order, last.as_ref(), &first), at, length);
        self.index.write_full_leaf(&mut self.out).await?;
        Ok(())
    }
}

/// The file, block by block.
#[derive(Debug)]
struct Output {
    writer: Box<dyn Writer>,
    uncompressed_bytes: u64,
}

impl Output {
    /// Writes a block; where it is and how long.
    async fn block(
        &mut self,
        block_type: BlockType,
        content: &[u8],
        previous: Option<u64>,
    ) -> Result<(u64, usize), FsError> {
        let at = self.writer.length();
        let block = encode_block(block_type, content, previous);
        let length = block.len();
        self.uncompressed_bytes += (super::block::HEADER_BYTES + content.len()) as u64;
        self.writer.write(block).await?;
        Ok((at, length))
    }
}

/// A number in the form of Hadoop's `WritableUtils.writeVLong`.
pub(super) fn put_hadoop_vlong(out: &mut Vec<u8>, number: u64) {
    if number <= 127 {
        out.put_u8(number as u8);
        return;
    }
    let bytes = number.to_be_bytes();
    let significant = &bytes[number.leading_zeros() as usize / 8..];
    out.put_i8(-112 - significant.len() as i8);
    out.put_slice(significant);
}

#[cfg(test)]
mod tests;

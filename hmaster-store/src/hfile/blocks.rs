//! Data blocks by themselves, for readers that seek and keep blocks in a cache. Counterpart of `HFileBlockIndex` as a
//! scanner uses it.

use hmaster_types::Cell;

use super::block::{BlockType, HEADER_BYTES};
use super::encoding;
use super::index::{self, IndexEntry};
use super::reader::{HFile, Window};
use crate::error::{FileError, Malformed};

/// Where a data block is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataBlock {
    /// A key that is at most the block's first one, and greater than the last one of the block before it; as a cell
    /// without value.
    pub key: Cell,
    /// Where the block begins, from the file's beginning.
    pub offset: u64,
    /// How many bytes it has in the file.
    pub length: usize,
}

impl HFile {
    /// All data blocks in their order: the whole index, some 100 bytes for each block. Other blocks may lie between
    /// them.
    ///
    /// # Errors
    /// When the index can't be read or is damaged.
    pub async fn data_blocks(&self) -> Result<Vec<DataBlock>, FileError> {
        let (mut entries, mut window) = (self.root().to_vec(), Window::default());
        for _ in 1..self.trailer().data_index_levels {
            let mut below = Vec::new();
            for entry in &entries {
                below.extend(self.index_block(&mut window, entry).await?);
            }
            entries = below;
        }
        let block = |IndexEntry { key, offset, length }| DataBlock { key, offset, length };
        Ok(entries.into_iter().map(block).collect())
    }

    /// The cells of data blocks, which are read together when they lie close to one another.
    ///
    /// # Errors
    /// When a block can't be read or is damaged.
    pub async fn read_blocks(&self, blocks: &[DataBlock]) -> Result<Vec<Vec<Cell>>, FileError> {
        let (source, trailer) = (self.source(), self.trailer());
        let (mut window, mut read) = (Window::default(), Vec::with_capacity(blocks.len()));
        if let (Some(first), Some(last)) = (blocks.first(), blocks.last()) {
            let length = (last.offset + last.length as u64).saturating_sub(first.offset);
            window.fill(source, first.offset, length).await?;
        }
        for DataBlock { offset, .. } in blocks {
            let limit = trailer.load_on_open_offset;
            let (block, _) = window.block(source, *offset, limit, trailer).await?;
            if !block.block_type.is_data() {
                let malformed = Malformed::new(*offset, "the index leads to a block without data");
                return Err(source.failed(malformed.into()));
            }
            let cells = encoding::decode(&block, self.layout());
            read.push(cells.map_err(|failure| source.failed(failure.after(*offset)))?);
        }
        Ok(read)
    }

    async fn index_block(
        &self,
        window: &mut Window,
        entry: &IndexEntry,
    ) -> Result<Vec<IndexEntry>, FileError> {
        let (source, trailer) = (self.source(), self.trailer());
        let limit = source.length() - trailer.length as u64;
        let (block, _) = window.block(source, entry.offset, limit, trailer).await?;
        let in_block =
            |malformed: Malformed| source.failed(malformed.after(entry.offset + HEADER_BYTES as u64).into());
        if !matches!(block.block_type, BlockType::LeafIndex | BlockType::IntermediateIndex) {
            return Err(in_block(Malformed::new(0, "the index leads to what isn't its block")));
        }
        index::parse_non_root(&block.content).map_err(in_block)
    }
}

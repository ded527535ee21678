//! The index as it is written: leaves between the data blocks, then the levels above them, the root last. Counterpart
//! of `HFileBlockIndex.BlockIndexWriter`.

use bytes::{BufMut as _, Bytes};
use hmaster_fs::FsError;

use super::Output;
use crate::hfile::block::BlockType;
use crate::hfile::index::IndexChunk;

/// A level with no more entries than this isn't divided, however long they are (`hfile.index.block.min.entries`).
const ENTRIES_MIN: usize = 16;

#[derive(Debug)]
pub(super) struct IndexWriter {
    block_bytes: usize,
    /// What isn't in a leaf yet.
    leaf: IndexChunk,
    /// The leaves, or all entries if there are no leaves.
    root: IndexChunk,
    /// For each leaf, how many entries are in it and those before it.
    entries_so_far: Vec<u64>,
    entries: u64,
    last_leaf: Option<u64>,
    bytes: u64,
}

/// What the trailer says of the index.
#[derive(Debug, Clone, Copy)]
pub(super) struct IndexSummary {
    pub(super) root_entries: u32,
    pub(super) levels: u32,
    pub(super) bytes: u64,
}

impl IndexWriter {
    pub(super) fn new(block_bytes: usize) -> Self {
        Self {
            block_bytes,
            leaf: IndexChunk::default(),
            root: IndexChunk::default(),
            entries_so_far: Vec::new(),
            entries: 0,
            last_leaf: None,
            bytes: 0,
        }
    }

    pub(super) fn add(&mut self, first_key: Bytes, offset: u64, length: usize) {
        self.leaf.push(first_key, offset, length);
        self.entries += 1;
    }

    pub(super) async fn write_full_leaf(&mut self, out: &mut Output) -> Result<(), FsError> {
        if self.leaf.bytes() < self.block_bytes { Ok(()) } else { self.write_leaf(out).await }
    }

    /// There are no more data blocks. Entries that would be the only leaf become the root.
    pub(super) async fn finish_leaves(&mut self, out: &mut Output) -> Result<(), FsError> {
        if self.root.len() == 0 {
            self.root = std::mem::take(&mut self.leaf);
            return Ok(());
        }
        if self.leaf.len() == 0 { Ok(()) } else { self.write_leaf(out).await }
    }

    /// Writes the levels above the leaves; where the root is.
    pub(super) async fn finish(&mut self, out: &mut Output) -> Result<(u64, IndexSummary), FsError> {
        let middle = self.middle();
        let mut levels = if self.entries_so_far.is_empty() { 1 } else { 2 };
        while levels > 1 && self.root.bytes() > self.block_bytes && self.root.len() > ENTRIES_MIN {
            self.write_level(out).await?;
            levels += 1;
        }
        let mut content = Vec::new();
        self.root.encode_root(&mut content);
        content.extend(middle);
        self.bytes += content.len() as u64;
        let (at, _) = out.block(BlockType::RootIndex, &content, None).await?;
        let root_entries = u32::try_from(self.root.len()).expect("the root is a block of bounded length");
        Ok((at, IndexSummary { root_entries, levels, bytes: self.bytes }))
    }

    async fn write_leaf(&mut self, out: &mut Output) -> Result<(), FsError> {
        let leaf = std::mem::take(&mut self.leaf);
        let (at, length) = self.write_non_root(out, BlockType::LeafIndex, &leaf, self.last_leaf).await?;
        self.last_leaf = Some(at);
        self.root.push(leaf.first_key().unwrap_or_default(), at, length);
        self.entries_so_far.push(self.entries);
        Ok(())
    }

    /// Divides the root into blocks of a level below it.
    async fn write_level(&mut self, out: &mut Output) -> Result<(), FsError> {
        let (mut upper, mut chunk) = (IndexChunk::default(), IndexChunk::default());
        let entries: Vec<_> = self.root.drain().collect();
        let last = entries.len().saturating_sub(1);
        for (n, (key, offset, length)) in entries.into_iter().enumerate() {
            chunk.push(key, offset, length);
            let is_full = chunk.bytes() >= self.block_bytes && chunk.len() >= ENTRIES_MIN;
            if is_full || n == last {
                let full = std::mem::take(&mut chunk);
                let written = self.write_non_root(out, BlockType::IntermediateIndex, &full, None).await?;
                upper.push(full.first_key().unwrap_or_default(), written.0, written.1);
            }
        }
        self.root = upper;
        Ok(())
    }

    async fn write_non_root(
        &mut self,
        out: &mut Output,
        block_type: BlockType,
        chunk: &IndexChunk,
        previous: Option<u64>,
    ) -> Result<(u64, usize), FsError> {
        let mut content = Vec::new();
        chunk.encode_non_root(&mut content);
        self.bytes += content.len() as u64;
        out.block(block_type, &content, previous).await
    }

    /// Which entry of which leaf is in the middle, by which Java finds a region's split point; nothing if there are
    /// no leaves.
    fn middle(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let Some(total) = self.entries_so_far.last() else { return out };
        let middle = (total - 1) / 2;
        let leaf = self.entries_so_far.partition_point(|so_far| *so_far <= middle);
        let before = leaf.checked_sub(1).map_or(0, |before| self.entries_so_far[before]);
        if let Some((_, offset, length)) = self.root.get(leaf) {
            out.put_u64(*offset);
            out.put_u32(u32::try_from(*length).expect("blocks are of bounded length"));
            out.put_u32(u32::try_from(middle - before).expect("leaves are of bounded length"));
        }
        out
    }
}

//! The index of data blocks: a tree whose leaves say where each data block is and which key it begins at or before.
//! Counterpart of `HFileBlockIndex`.

use std::cmp::Ordering;

use bytes::{BufMut as _, Bytes};
use hmaster_types::{Cell, CellOrder};

use super::writer::put_hadoop_vlong;
use crate::cursor::{Cursor, Stepped};
use crate::error::Malformed;

/// Offset and length before each key.
const ENTRY_FIXED_BYTES: usize = 8 + 4;

/// Where a block is, and a key that is at most its first and greater than the last of the block before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IndexEntry {
    pub(super) offset: u64,
    pub(super) length: usize,
    pub(super) key: Cell,
}

/// A key, as a cell without value.
pub(super) fn key_as_cell(key: &[u8]) -> Result<Cell, Malformed> {
    let mut bytes = Vec::with_capacity(8 + key.len());
    let length = i32::try_from(key.len()).map_err(|_| Malformed::new(0, "a key is too long"))?;
    bytes.put_i32(length);
    bytes.put_i32(0);
    bytes.put_slice(key);
    Cell::parse(bytes.into()).map_err(|error| Malformed::new(0, error.to_string()))
}

/// Reads `count` entries of the root.
pub(super) fn parse_root(content: &[u8], count: u32) -> Result<Vec<IndexEntry>, Malformed> {
    let mut cursor = Cursor::new(content);
    let mut entries = Vec::new();
    for _ in 0..count {
        let entry = root_entry(&mut cursor).map_err(|stop| stop.at_end(content.len()))?;
        entries.push(entry);
    }
    Ok(entries)
}

fn root_entry(cursor: &mut Cursor<'_>) -> Stepped<IndexEntry> {
    let (offset, length) = (cursor.i64()?, cursor.i32()?);
    let key_length = cursor.hadoop_vlong()?;
    let key_length = i32::try_from(key_length).map_err(|_| cursor.bad("a key is too long"))?;
    let key = cursor.take_i32(key_length, "a key")?;
    entry(cursor, offset, length, key)
}

fn entry(cursor: &Cursor<'_>, offset: i64, length: i32, key: &[u8]) -> Stepped<IndexEntry> {
    let bad = |what: &str| cursor.bad(format!("an index entry with a bad {what}"));
    Ok(IndexEntry {
        offset: u64::try_from(offset).map_err(|_| bad("offset"))?,
        length: usize::try_from(length).map_err(|_| bad("length"))?,
        key: key_as_cell(key).map_err(|_| bad("key"))?,
    })
}

/// Reads a leaf or an intermediate block: how many entries, where each begins and the last ends, the entries.
pub(super) fn parse_non_root(content: &[u8]) -> Result<Vec<IndexEntry>, Malformed> {
    let mut cursor = Cursor::new(content);
    let parsed = non_root_entries(&mut cursor, content);
    parsed.map_err(|stop| stop.at_end(content.len()))
}

fn non_root_entries(cursor: &mut Cursor<'_>, content: &[u8]) -> Stepped<Vec<IndexEntry>> {
    let count = cursor.i32()?;
    let count = usize::try_from(count).map_err(|_| cursor.bad("a negative number of entries"))?;
    let ends_length = count.checked_add(1).and_then(|ends| ends.checked_mul(4));
    let ends = cursor.take(ends_length.unwrap_or(usize::MAX))?;
    let entries_at = cursor.pos();
    let mut entries = Vec::new();
    for pair in ends.as_chunks::<4>().0.windows(2) {
        let [start, end] = [pair[0], pair[1]].map(u32::from_be_bytes).map(|at| at as usize);
        let key_length = end.checked_sub(start).and_then(|length| length.checked_sub(ENTRY_FIXED_BYTES));
        let key_length = key_length.ok_or_else(|| cursor.bad("an index whose entries overlap"))?;
        let start = entries_at.checked_add(start).filter(|start| *start <= content.len());
        let start = start.ok_or_else(|| cursor.bad("an index entry beyond its block"))?;
        let mut cursor = Cursor::at(content, start);
        let (offset, length) = (cursor.i64()?, cursor.i32()?);
        let key = cursor.take(key_length)?;
        entries.push(entry(&cursor, offset, length, key)?);
    }
    Ok(entries)
}

/// The last entry whose key is at most `key`: only its block, and those after it, can have the key.
pub(super) fn locate<'a>(entries: &'a [IndexEntry], key: &Cell, order: CellOrder) -> Option<&'a IndexEntry> {
    let after = entries.partition_point(|entry| order.compare_keys(&entry.key, key) != Ordering::Greater);
    after.checked_sub(1).map(|at| &entries[at])
}

/// Entries that are being collected for a block.
#[derive(Debug, Default)]
pub(super) struct IndexChunk {
    entries: Vec<(Bytes, u64, usize)>,
    key_bytes: usize,
}

impl IndexChunk {
    pub(super) fn push(&mut self, key: Bytes, offset: u64, length: usize) {
        self.key_bytes += key.len();
        self.entries.push((key, offset, length));
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn first_key(&self) -> Option<Bytes> {
        self.entries.first().map(|(key, ..)| key.clone())
    }

    /// About how long the block becomes.
    pub(super) fn bytes(&self) -> usize {
        self.key_bytes + self.entries.len() * (ENTRY_FIXED_BYTES + 4)
    }

    /// The entry with a certain number.
    pub(super) fn get(&self, at: usize) -> Option<&(Bytes, u64, usize)> {
        self.entries.get(at)
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = (Bytes, u64, usize)> {
        self.key_bytes = 0;
        std::mem::take(&mut self.entries).into_iter()
    }

    pub(super) fn encode_root(&self, out: &mut Vec<u8>) {
        for (key, offset, length) in &self.entries {
            put_place(out, *offset, *length);
            put_hadoop_vlong(out, key.len() as u64);
            out.put_slice(key);
        }
    }

    pub(super) fn encode_non_root(&self, out: &mut Vec<u8>) {
        out.put_u32(number(self.entries.len()));
        let mut end = 0;
        out.put_u32(0);
        for (key, ..) in &self.entries {
            end += ENTRY_FIXED_BYTES + key.len();
            out.put_u32(number(end));
        }
        for (key, offset, length) in &self.entries {
            put_place(out, *offset, *length);
            out.put_slice(key);
        }
    }
}

fn put_place(out: &mut Vec<u8>, offset: u64, length: usize) {
    out.put_u64(offset);
    out.put_u32(number(length));
}

fn number(number: usize) -> u32 {
    u32::try_from(number).expect("blocks are kept far below 4 GB")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(row: &[u8]) -> Cell {
        Cell::put(row, b"f", b"q", 1, b"").unwrap()
    }

    fn chunk(rows: &[&[u8]]) -> IndexChunk {
        let mut chunk = IndexChunk::default();
        for (n, row) in rows.iter().enumerate() {
            chunk.push(Bytes::copy_from_slice(key(row).key()), n as u64 * 100, 100);
        }
        chunk
    }

    #[test]
    fn both_forms_there_and_back() {
        let long = [b'x'; 300];
        let rows: [&[u8]; 4] = [b"b", b"d", b"f", &long];
        let (mut root, mut leaf) = (Vec::new(), Vec::new());
        chunk(&rows).encode_root(&mut root);
        chunk(&rows).encode_non_root(&mut leaf);
        let entries = parse_root(&root, 4).unwrap();
        assert_eq!(parse_non_root(&leaf).unwrap(), entries);
        let found = |row| locate(&entries, &key(row), CellOrder::User).map(|entry| entry.offset);
        let expected = [None, Some(0), Some(0), Some(100), Some(200), Some(300)];
        assert_eq!([b"a", b"b", b"c", b"e", b"g", b"y"].map(|row| found(row)), expected);
        for cut in 0..root.len() {
            assert!(parse_root(&root[..cut], 4).is_err(), "{cut}");
        }
        for cut in 0..leaf.len() {
            assert!(parse_non_root(&leaf[..cut]).is_err(), "{cut}");
        }
        assert!(parse_root(&root, u32::MAX).is_err());
    }

    #[test]
    fn lies_are_refused() {
        let mut leaf = Vec::new();
        chunk(&[b"a", b"b"]).encode_non_root(&mut leaf);
        for (at, bytes) in [
            (0, [0x7f, 0xff, 0xff, 0xff]),
            (0, [0xff; 4]),
            (4, [0, 0, 0xff, 0]),
            (8, [0xff; 4]),
            (16, [0xff; 4]),
        ] {
            let mut changed = leaf.clone();
            changed[at..at + 4].copy_from_slice(&bytes);
            assert!(parse_non_root(&changed).is_err(), "{at} {bytes:02x?}");
        }
    }
}

//! Cells out of data blocks. Counterpart of `DataBlockEncoding` and the encoders behind it, reading side.
//!
//! A plain block has the cells as they are. `ROW_INDEX_V1` adds an index of rows at the end, which isn't needed here.
//! The others write of each key only what differs from the key before; see each file.

mod diff;
mod fast_diff;
mod prefix;

use std::ops::Range;

use bytes::{BufMut as _, Bytes};
use hmaster_types::Cell;

use super::block::{Block, BlockType};
use super::info::CellLayout;
use crate::cursor::{Cursor, Stepped};
use crate::dictionary::{Dictionary, read_piece};
use crate::error::{Malformed, ParseFailure};

/// How data blocks are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they say it all")]
pub enum Encoding {
    None,
    Prefix,
    Diff,
    FastDiff,
    RowIndexV1,
}

/// Timestamp and type, at the end of each key.
const KEY_END_BYTES: usize = 8 + 1;
const TAG_PIECES: usize = i16::MAX as usize;

impl Encoding {
    /// The encoding with a name, as table descriptors and file infos have it.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"NONE" => Self::None,
            b"PREFIX" => Self::Prefix,
            b"DIFF" => Self::Diff,
            b"FAST_DIFF" => Self::FastDiff,
            b"ROW_INDEX_V1" => Self::RowIndexV1,
            _ => return None,
        })
    }

    fn from_id(id: u16) -> Option<Self> {
        Some(match id {
            0 => Self::None,
            2 => Self::Prefix,
            3 => Self::Diff,
            4 => Self::FastDiff,
            7 => Self::RowIndexV1,
            _ => return None,
        })
    }
}

/// One key after the other, each made of the one before and what the block says.
trait Keys {
    /// Reads the next key, and where the value is.
    fn next(&mut self, cursor: &mut Cursor<'_>) -> Stepped<Range<usize>>;

    /// The key that was read last.
    fn key(&self) -> &[u8];
}

/// The cells of a data block.
pub(super) fn decode(block: &Block, layout: CellLayout) -> Result<Vec<Cell>, ParseFailure> {
    let content = &block.content;
    let decoded = match block.block_type {
        BlockType::EncodedData => encoded(content, layout),
        _ => Ok(plain(content, content.len(), layout)),
    }?;
    decoded.map_err(|stop| stop.at_end(content.len()).into())
}

fn encoded(content: &Bytes, layout: CellLayout) -> Result<Stepped<Vec<Cell>>, ParseFailure> {
    let mut cursor = Cursor::new(content);
    let id = cursor.u16().map_err(|stop| stop.at_end(content.len()))?;
    let encoding = Encoding::from_id(id)
        .ok_or_else(|| ParseFailure::Unsupported(format!("data block encoding number {id}").into()))?;
    let rest = content.slice(cursor.pos()..);
    Ok(match encoding {
        Encoding::None => plain(&rest, rest.len(), layout),
        Encoding::RowIndexV1 => plain(&rest, before_row_index(&rest)?, layout),
        Encoding::Prefix => delta(&rest, layout, prefix::PrefixKeys::default()),
        Encoding::Diff => delta(&rest, layout, diff::DiffKeys::default()),
        Encoding::FastDiff => delta(&rest, layout, fast_diff::FastDiffKeys::default()),
    })
}

/// Where the cells of a block with an index of rows end, as its last number says.
fn before_row_index(content: &[u8]) -> Result<usize, Malformed> {
    let at = content.len() as u64;
    let end = content.last_chunk::<4>().ok_or_else(|| Malformed::new(at, "there is no index of rows"))?;
    let end = usize::try_from(u32::from_be_bytes(*end)).ok().filter(|end| *end <= content.len());
    end.ok_or_else(|| Malformed::new(at, "the index of rows is longer than its block"))
}

/// Cells as they are, sharing the block's memory.
fn plain(content: &Bytes, end: usize, layout: CellLayout) -> Stepped<Vec<Cell>> {
    let mut cursor = Cursor::new(&content[..end]);
    let mut cells = Vec::new();
    while !cursor.is_empty() {
        let at = cursor.pos();
        let (key_length, value_length) = (cursor.i32()?, cursor.i32()?);
        cursor.take_i32(key_length, "a key")?;
        cursor.take_i32(value_length, "a value")?;
        let mut cell_end = cursor.pos();
        if layout.with_tags {
            let tags_length = cursor.u16()?;
            cursor.take(usize::from(tags_length))?;
            cell_end = if tags_length == 0 { cell_end } else { cursor.pos() };
        }
        let cell = Cell::parse(content.slice(at..cell_end)).map_err(|error| cursor.bad(error.to_string()))?;
        cells.push(cell.with_sequence_id(sequence_id(&mut cursor, layout)?));
    }
    Ok(cells)
}

fn sequence_id(cursor: &mut Cursor<'_>, layout: CellLayout) -> Stepped<u64> {
    if !layout.with_sequence_ids {
        return Ok(0);
    }
    let id = cursor.hadoop_vlong()?;
    u64::try_from(id).map_err(|_| cursor.bad("a negative sequence id"))
}

/// Cells of which only the differences are written.
fn delta(content: &Bytes, layout: CellLayout, mut keys: impl Keys) -> Stepped<Vec<Cell>> {
    let mut cursor = Cursor::new(content);
    let _length_when_plain = cursor.i32()?;
    let mut tags = Dictionary::new(if layout.tags_compressed { TAG_PIECES } else { 0 });
    let mut cells = Vec::new();
    while !cursor.is_empty() {
        let value = keys.next(&mut cursor)?;
        let (key, value) = (keys.key(), &content[value]);
        let mut cell = Vec::with_capacity(8 + key.len() + value.len());
        let length = |length: usize| i32::try_from(length).map_err(|_| cursor.bad("a cell is too long"));
        cell.put_i32(length(key.len())?);
        cell.put_i32(length(value.len())?);
        cell.put_slice(key);
        cell.put_slice(value);
        if layout.with_tags {
            read_tags(&mut cursor, layout, &mut tags, &mut cell)?;
        }
        let cell = Cell::parse(cell.into()).map_err(|error| cursor.bad(error.to_string()))?;
        cells.push(cell.with_sequence_id(sequence_id(&mut cursor, layout)?));
    }
    Ok(cells)
}

fn read_tags(
    cursor: &mut Cursor<'_>,
    layout: CellLayout,
    dictionary: &mut Dictionary,
    cell: &mut Vec<u8>,
) -> Stepped<()> {
    let length = cursor.seven_bit()?;
    if length == 0 {
        return Ok(());
    }
    let length = u16::try_from(length).map_err(|_| cursor.bad(format!("{length} bytes of tags")))?;
    cell.put_u16(length);
    if !layout.tags_compressed {
        cell.put_slice(cursor.take(usize::from(length))?);
        return Ok(());
    }
    let end = cell.len() + usize::from(length);
    while cell.len() < end {
        let tag = read_piece(cursor, dictionary)?;
        cell.put_u16(u16::try_from(tag.len()).map_err(|_| cursor.bad("a tag is too long"))?);
        cell.put_slice(&tag);
    }
    if cell.len() == end { Ok(()) } else { Err(cursor.bad("tags are longer than they say")) }
}

/// The length of the row at the beginning of a key, with the two bytes that say it.
fn row_end(cursor: &Cursor<'_>, key: &[u8]) -> Stepped<usize> {
    let length = key.first_chunk::<2>().map(|length| i16::from_be_bytes(*length));
    let length = length.and_then(|length| usize::try_from(length).ok());
    length.map(|length| 2 + length).ok_or_else(|| cursor.bad("a key with a bad row length"))
}

/// What of a key isn't read yet after a part of it, timestamp and type not counted.
fn left_of_key(cursor: &Cursor<'_>, key_length: usize, part: usize) -> Stepped<usize> {
    let left = key_length.checked_sub(part).and_then(|left| left.checked_sub(KEY_END_BYTES));
    left.ok_or_else(|| cursor.bad("a key is longer than it says"))
}

#[cfg(test)]
mod tests;

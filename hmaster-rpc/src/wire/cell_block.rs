//! Cells beside a message. Counterpart of `CellBlockBuilder`, `KeyValueCodec` and `KeyValueCodecWithTags`.
//!
//! A block is a run of `int32 length, KeyValue`; each cell read from it shares its memory. Both codecs read the same
//! bytes; they differ in whether tags are written. Compressed blocks aren't there: a client that asks for them is
//! refused, as by a Java server that lacks the codec's class.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use hmaster_types::{Cell, ParseError};

/// How cells are written into a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CellCodec {
    /// Without tags; what clients ask for.
    KeyValue,
    /// With tags.
    KeyValueWithTags,
}

/// Why bytes aren't a block of cells.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CellBlockError {
    /// A cell's length isn't there, or more than the block has left.
    #[error("cell {index}: the block ends {missing} bytes too early")]
    Truncated {
        /// How many cells came before.
        index: usize,
        /// How many bytes are missing at least.
        missing: usize,
    },
    /// A cell's length is below zero.
    #[error("cell {index}: its length is negative: {length}")]
    NegativeLength {
        /// How many cells came before.
        index: usize,
        /// The length.
        length: i32,
    },
    /// A cell isn't one.
    #[error("cell {index}")]
    NotACell {
        /// How many cells came before.
        index: usize,
        /// What is wrong with it.
        #[source]
        source: ParseError,
    },
}

impl CellCodec {
    /// The codec of this Java class.
    pub fn from_class(class: &str) -> Option<Self> {
        [Self::KeyValue, Self::KeyValueWithTags].into_iter().find(|codec| codec.class() == class)
    }

    /// The Java class, as connection headers name it.
    pub fn class(self) -> &'static str {
        match self {
            Self::KeyValue => "org.apache.hadoop.hbase.codec.KeyValueCodec",
            Self::KeyValueWithTags => "org.apache.hadoop.hbase.codec.KeyValueCodecWithTags",
        }
    }

    /// Writes a block.
    pub fn encode<'a>(self, cells: impl IntoIterator<Item = &'a Cell, IntoIter: Clone>) -> Bytes {
        let cells = cells.into_iter();
        let len = cells.clone().map(|cell| 4 + cell.as_bytes().len()).sum();
        let mut block = BytesMut::with_capacity(len);
        for cell in cells {
            match self {
                Self::KeyValueWithTags => put(&mut block, cell.as_bytes()),
                Self::KeyValue => put(&mut block, cell.without_tags().as_bytes()),
            }
        }
        block.freeze()
    }
}

/// Reads a block, all of it.
///
/// # Errors
/// When a length is wrong, or a cell isn't one.
pub fn decode_cell_block(mut block: Bytes) -> Result<Vec<Cell>, CellBlockError> {
    let mut cells = Vec::new();
    while !block.is_empty() {
        let index = cells.len();
        let Some(length) = block.first_chunk::<4>().map(|bytes| i32::from_be_bytes(*bytes)) else {
            return Err(CellBlockError::Truncated { index, missing: 4 - block.len() });
        };
        let len = usize::try_from(length).map_err(|_| CellBlockError::NegativeLength { index, length })?;
        let missing = (4 + len).saturating_sub(block.len());
        if missing > 0 {
            return Err(CellBlockError::Truncated { index, missing });
        }
        block.advance(4);
        let cell = Cell::parse(block.split_to(len));
        cells.push(cell.map_err(|source| CellBlockError::NotACell { index, source })?);
    }
    Ok(cells)
}

fn put(block: &mut BytesMut, cell: &[u8]) {
    // A cell's two lengths are ints, but their sum need not be; such a block is never sent, it exceeds every frame.
    block.put_i32(i32::try_from(cell.len()).unwrap_or(i32::MAX));
    block.put_slice(cell);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tagged() -> Cell {
        let mut bytes = Cell::put(b"row2", b"f", b"q", 2, b"value").unwrap().as_bytes().to_vec();
        bytes.extend_from_slice(&[0, 2, 0, 1]);
        Cell::parse(bytes.into()).unwrap()
    }

    fn cells() -> Vec<Cell> {
        vec![Cell::put(b"row1", b"f", b"q", 1, b"").unwrap(), tagged()]
    }

    #[test]
    fn cells_come_back_and_tags_only_where_asked_for() {
        assert_eq!(decode_cell_block(CellCodec::KeyValueWithTags.encode(&cells())).unwrap(), cells());
        let bare: Vec<_> = cells().iter().map(Cell::without_tags).collect();
        assert_eq!(decode_cell_block(CellCodec::KeyValue.encode(&cells())).unwrap(), bare);
        assert_eq!(decode_cell_block(Bytes::new()).unwrap(), []);
    }

    #[test]
    fn every_truncation_is_refused_except_between_cells() {
        let block = CellCodec::KeyValueWithTags.encode(&cells());
        let first = 4 + cells()[0].as_bytes().len();
        for len in 1..block.len() {
            let read = decode_cell_block(block.slice(..len));
            assert_eq!(read.is_ok(), len == first, "{len}: {read:?}");
        }
    }

    #[test]
    fn wrong_lengths_are_named() {
        let block = CellCodec::KeyValue.encode(&cells());
        let with = |at: usize, byte: u8| {
            let mut bytes = block.to_vec();
            bytes[at] = byte;
            decode_cell_block(bytes.into()).unwrap_err()
        };
        assert!(matches!(with(0, 0xff), CellBlockError::NegativeLength { index: 0, .. }));
        assert!(matches!(with(0, 0x7f), CellBlockError::Truncated { index: 0, .. }));
        assert!(matches!(with(3, 5), CellBlockError::NotACell { index: 0, .. }), "a cell of five bytes");
        assert!(matches!(with(4, 0xff), CellBlockError::NotACell { index: 0, .. }), "a negative key length");
    }

    #[test]
    fn classes_are_found_by_name() {
        for codec in [CellCodec::KeyValue, CellCodec::KeyValueWithTags] {
            assert_eq!(CellCodec::from_class(codec.class()), Some(codec));
        }
        assert_eq!(CellCodec::from_class("org.apache.hadoop.hbase.codec.CellCodec"), None);
    }
}

//! One cell, in HBase's serialized form. Counterpart of `KeyValue` and its comparators.
//!
//! A cell is one buffer: `int32 key length, int32 value length, key, value [, int16 tags length, tags]` with the key
//! `int16 row length, row, int8 family length, family, qualifier, int64 timestamp, int8 type`, big endian. WALs, store
//! files and cell blocks carry exactly these bytes, so a cell that is read can be passed on without a copy. The buffer
//! is checked once, by [`Cell::parse`]; the parts are then found by arithmetic.

mod order;

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use crate::{ParseError, to_string_binary};

pub use order::{CellOrder, compare_meta_rows};

/// A cell with its sequence id, which is not part of the serialized form. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Cell {
    bytes: Bytes,
    sequence_id: u64,
}

/// What a cell does to its column. Counterpart of `KeyValue.Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CellType {
    /// Sorts after every other type; appears in seek keys only.
    Minimum = 0,
    /// A value.
    Put = 4,
    /// Deletes one version of a column.
    Delete = 8,
    /// Deletes one version of all columns of a family.
    DeleteFamilyVersion = 10,
    /// Deletes all versions of a column up to the timestamp.
    DeleteColumn = 12,
    /// Deletes all columns of a family up to the timestamp.
    DeleteFamily = 14,
    /// Sorts before every other type; appears in seek keys only.
    Maximum = 255,
}

/// The parts of a cell that is to be made.
#[derive(Debug, Clone, Copy)]
pub struct CellParts<'a> {
    /// Row key, at most [`Cell::ROW_BYTES_MAX`].
    pub row: &'a [u8],
    /// Column family, at most 255 bytes.
    pub family: &'a [u8],
    /// Column qualifier.
    pub qualifier: &'a [u8],
    /// Milliseconds since 1970, or [`Cell::LATEST_TIMESTAMP`].
    pub timestamp: i64,
    /// What the cell does.
    pub cell_type: CellType,
    /// The value; empty in deletes.
    pub value: &'a [u8],
}

const INT: usize = 4;
/// Both lengths.
const HEADER: usize = 2 * INT;
/// Row length, family length, timestamp and type.
const KEY_FIXED: usize = 2 + 1 + 8 + 1;

impl Cell {
    /// Java's `HConstants.MAX_ROW_LENGTH`.
    pub const ROW_BYTES_MAX: usize = i16::MAX as usize;
    /// The timestamp that a server replaces by its own time. Java's `HConstants.LATEST_TIMESTAMP`.
    pub const LATEST_TIMESTAMP: i64 = i64::MAX;

    /// A put.
    ///
    /// # Errors
    /// As [`Cell::new`].
    pub fn put(
        row: &[u8],
        family: &[u8],
        qualifier: &[u8],
        timestamp: i64,
        value: &[u8],
    ) -> Result<Self, ParseError> {
        Self::new(CellParts { row, family, qualifier, timestamp, cell_type: CellType::Put, value })
    }

    /// A cell made of `parts`.
    ///
    /// # Errors
    /// When row, family, qualifier or value are longer than the format can say.
    pub fn new(parts: CellParts<'_>) -> Result<Self, ParseError> {
        let CellParts { row, family, qualifier, timestamp, cell_type, value } = parts;
        let too_long = |part| ParseError::new("cell", row, format!("the {part} is too long"));
        let key_len = KEY_FIXED + row.len() + family.len() + qualifier.len();
        let row_len = i16::try_from(row.len()).map_err(|_| too_long("row"))?;
        let family_len = u8::try_from(family.len()).map_err(|_| too_long("family"))?;
        let key_len_i32 = i32::try_from(key_len).map_err(|_| too_long("qualifier"))?;
        let value_len = i32::try_from(value.len()).map_err(|_| too_long("value"))?;
        let mut bytes = BytesMut::with_capacity(HEADER + key_len + value.len());
        bytes.put_i32(key_len_i32);
        bytes.put_i32(value_len);
        bytes.put_i16(row_len);
        bytes.put_slice(row);
        bytes.put_u8(family_len);
        bytes.put_slice(family);
        bytes.put_slice(qualifier);
        bytes.put_i64(timestamp);
        bytes.put_u8(cell_type as u8);
        bytes.put_slice(value);
        Ok(Self { bytes: bytes.freeze(), sequence_id: 0 })
    }

    /// Takes the serialized form, with or without tags.
    ///
    /// # Errors
    /// When a length is negative, points outside the buffer or leaves bytes over, or the type is unknown.
    pub fn parse(bytes: Bytes) -> Result<Self, ParseError> {
        match check(&bytes) {
            Ok(()) => Ok(Self { bytes, sequence_id: 0 }),
            Err(reason) => Err(ParseError::new("cell", &bytes, reason)),
        }
    }

    /// The serialized form, tags included.
    pub fn as_bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The key: row, family, qualifier, timestamp and type as they are serialized.
    pub fn key(&self) -> &[u8] {
        &self.bytes[HEADER..HEADER + self.key_len()]
    }

    /// The row key.
    pub fn row(&self) -> &[u8] {
        &self.key()[2..2 + self.row_len()]
    }

    /// The column family.
    pub fn family(&self) -> &[u8] {
        let at = 3 + self.row_len();
        &self.key()[at..at + self.family_len()]
    }

    /// The column qualifier.
    pub fn qualifier(&self) -> &[u8] {
        let at = 3 + self.row_len() + self.family_len();
        &self.key()[at..self.key_len() - 9]
    }

    /// Milliseconds since 1970, or [`Cell::LATEST_TIMESTAMP`].
    pub fn timestamp(&self) -> i64 {
        let key = self.key();
        let bytes = &key[key.len() - 9..key.len() - 1];
        i64::from_be_bytes(bytes.try_into().expect("nine bytes less one are eight"))
    }

    /// What the cell does.
    pub fn cell_type(&self) -> CellType {
        let key = self.key();
        CellType::from_code(key[key.len() - 1]).expect("checked when the cell was made")
    }

    /// The value.
    pub fn value(&self) -> &[u8] {
        let at = HEADER + self.key_len();
        &self.bytes[at..at + self.value_len()]
    }

    /// The value, sharing the cell's buffer.
    pub fn value_bytes(&self) -> Bytes {
        let at = HEADER + self.key_len();
        self.bytes.slice(at..at + self.value_len())
    }

    /// The tags as they are serialized, without their length; empty when there are none.
    pub fn tags(&self) -> &[u8] {
        self.bytes.get(self.len_without_tags() + 2..).unwrap_or_default()
    }

    /// The cell without its tags.
    #[must_use]
    pub fn without_tags(&self) -> Self {
        Self { bytes: self.bytes.slice(..self.len_without_tags()), sequence_id: self.sequence_id }
    }

    /// The number by which later edits of one server are told from earlier ones; 0 when unknown.
    pub fn sequence_id(&self) -> u64 {
        self.sequence_id
    }

    /// The cell with another sequence id.
    #[must_use]
    pub fn with_sequence_id(mut self, sequence_id: u64) -> Self {
        self.sequence_id = sequence_id;
        self
    }

    /// The cell with another timestamp, in a buffer of its own.
    #[must_use]
    pub fn with_timestamp(&self, timestamp: i64) -> Self {
        let mut bytes = BytesMut::from(&self.bytes[..]);
        let end = HEADER + self.key_len() - 1;
        bytes[end - 8..end].copy_from_slice(&timestamp.to_be_bytes());
        Self { bytes: bytes.freeze(), sequence_id: self.sequence_id }
    }

    fn int_at(&self, at: usize) -> usize {
        let bytes = self.bytes[at..at + INT].try_into().expect("a slice of four bytes");
        i32::from_be_bytes(bytes) as usize // not negative: checked when the cell was made
    }

    fn key_len(&self) -> usize {
        self.int_at(0)
    }

    fn value_len(&self) -> usize {
        self.int_at(INT)
    }

    fn row_len(&self) -> usize {
        usize::from(u16::from_be_bytes([self.bytes[HEADER], self.bytes[HEADER + 1]]))
    }

    fn family_len(&self) -> usize {
        usize::from(self.bytes[HEADER + 2 + self.row_len()])
    }

    fn len_without_tags(&self) -> usize {
        HEADER + self.key_len() + self.value_len()
    }
}

/// Why `bytes` aren't a cell.
fn check(bytes: &[u8]) -> Result<(), &'static str> {
    let int = |at: usize| Some(i32::from_be_bytes(bytes.get(at..at + INT)?.try_into().ok()?));
    let (Some(key_len), Some(value_len)) = (int(0), int(INT)) else {
        return Err("shorter than its two lengths");
    };
    let key_len = usize::try_from(key_len).map_err(|_| "the key length is negative")?;
    let value_len = usize::try_from(value_len).map_err(|_| "the value length is negative")?;
    let key =
        bytes.get(HEADER..).and_then(|rest| rest.get(..key_len)).ok_or("the key ends after the buffer")?;
    let after_key = &bytes[HEADER + key_len..];
    let after_value = after_key.get(value_len..).ok_or("the value ends after the buffer")?;
    check_key(key)?;
    match after_value {
        [] => Ok(()),
        [hi, lo, tags @ ..] if usize::from(u16::from_be_bytes([*hi, *lo])) == tags.len() => Ok(()),
        _ => Err("bytes after the value that aren't tags"),
    }
}

fn check_key(key: &[u8]) -> Result<(), &'static str> {
    let row_len = key
        .first_chunk::<2>()
        .map(|b| i16::from_be_bytes(*b))
        .ok_or("the key is shorter than a row length")?;
    let row_len = usize::try_from(row_len).map_err(|_| "the row length is negative")?;
    let family_len = usize::from(*key.get(2 + row_len).ok_or("the row ends after the key")?);
    if key.len() < KEY_FIXED + row_len + family_len {
        return Err("the family ends after the key");
    }
    CellType::from_code(key[key.len() - 1]).map(|_| ()).ok_or("unknown type")
}

impl CellType {
    /// The type with this code.
    pub fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Minimum,
            4 => Self::Put,
            8 => Self::Delete,
            10 => Self::DeleteFamilyVersion,
            12 => Self::DeleteColumn,
            14 => Self::DeleteFamily,
            255 => Self::Maximum,
            _ => return None,
        })
    }

    /// True for all kinds of delete.
    pub fn is_delete(self) -> bool {
        matches!(self, Self::Delete | Self::DeleteFamilyVersion | Self::DeleteColumn | Self::DeleteFamily)
    }
}

impl fmt::Display for Cell {
    /// `row/family:qualifier/timestamp/type/vlen=…/seqid=…`, as HBase prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = to_string_binary;
        let (row, family, qualifier) = (text(self.row()), text(self.family()), text(self.qualifier()));
        let (ts, kind, len, seq) = (self.timestamp(), self.cell_type(), self.value_len(), self.sequence_id);
        write!(f, "{row}/{family}:{qualifier}/{ts}/{kind:?}/vlen={len}/seqid={seq}")
    }
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell() -> Cell {
        Cell::put(b"row", b"f", b"qual", 42, b"value").unwrap()
    }

    #[test]
    fn parts_come_back() {
        let parsed = Cell::parse(cell().as_bytes().clone()).unwrap();
        assert_eq!(
            (parsed.row(), parsed.family(), parsed.qualifier()),
            (&b"row"[..], &b"f"[..], &b"qual"[..])
        );
        assert_eq!(
            (parsed.timestamp(), parsed.cell_type(), parsed.value()),
            (42, CellType::Put, &b"value"[..])
        );
        assert_eq!((parsed.tags(), parsed.with_timestamp(7).timestamp()), (&b""[..], 7));
    }

    #[test]
    fn tags_are_kept_and_can_go() {
        let mut bytes = cell().as_bytes().to_vec();
        bytes.extend_from_slice(&[0, 3, b't', b'a', b'g']);
        let tagged = Cell::parse(bytes.into()).unwrap();
        assert_eq!((tagged.tags(), tagged.value()), (&b"tag"[..], &b"value"[..]));
        assert_eq!(tagged.without_tags(), cell());
    }

    #[test]
    fn every_truncation_is_refused() {
        let whole = cell().as_bytes().clone();
        for len in 0..whole.len() {
            assert!(Cell::parse(whole.slice(..len)).is_err(), "{len} bytes");
        }
    }

    #[test]
    fn bad_lengths_and_types_are_refused() {
        let whole = cell().as_bytes().to_vec();
        let type_at = HEADER + cell().key_len() - 1;
        let changes: [(usize, u8, &str); 7] = [
            (0, 0x80, "the key length is negative"),
            (1, 0x7f, "the key ends after the buffer"),
            (4, 0xff, "the value length is negative"),
            (8, 0x80, "the row length is negative"),
            (9, 0xff, "the row ends after the key"),
            (13, 0xff, "the family ends after the key"),
            (type_at, 5, "unknown type"),
        ];
        for (at, byte, reason) in changes {
            let mut bytes = whole.clone();
            bytes[at] = byte;
            assert_eq!(Cell::parse(bytes.into()).unwrap_err().reason, reason);
        }
        let mut longer = whole;
        longer.push(0);
        assert!(Cell::parse(longer.into()).is_err());
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        assert!(Cell::put(&[0; 40_000], b"f", b"", 0, b"").is_err());
        assert!(Cell::put(b"r", &[0; 256], b"", 0, b"").is_err());
    }
}

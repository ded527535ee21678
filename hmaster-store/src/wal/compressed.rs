//! Keys and cells of compressed WALs. Counterpart of `CompressionContext`, `WALCellCodec.CompressedKvDecoder` and
//! `TagCompressionContext`, reading side.

use bytes::{BufMut as _, Bytes};
use hmaster_protocol::pb;
use hmaster_types::Cell;

use crate::compression::Compression;
use crate::cursor::{Cursor, Stepped};
use crate::dictionary::{Dictionary, read_piece};
use crate::error::Malformed;

const LARGE: usize = i16::MAX as usize;
const SMALL: usize = i8::MAX as usize;

/// What one file's entries have in common.
#[derive(Debug)]
pub(super) struct Decompressor {
    regions: Dictionary,
    tables: Dictionary,
    rows: Dictionary,
    families: Dictionary,
    qualifiers: Dictionary,
    tags: Option<Dictionary>,
    values: Option<Compression>,
}

impl Decompressor {
    /// Files of recovered edits are of one region, and their dictionaries have room for no more.
    pub(super) fn new(is_recovered_edits: bool, tags: bool, values: Option<Compression>) -> Self {
        let of_regions = if is_recovered_edits { 1 } else { LARGE };
        Self {
            regions: Dictionary::new(of_regions),
            tables: Dictionary::new(of_regions),
            rows: Dictionary::new(LARGE),
            families: Dictionary::new(SMALL),
            qualifiers: Dictionary::new(SMALL),
            tags: tags.then(|| Dictionary::new(LARGE)),
            values,
        }
    }

    /// Decompresses the fields of a key, in the order in which Java does.
    pub(super) fn key(&mut self, key: &mut pb::WalKey) -> Result<(), Malformed> {
        decompress_field(&mut key.encoded_region_name, &mut self.regions)?;
        decompress_field(&mut key.table_name, &mut self.tables)?;
        for scope in &mut key.scopes {
            decompress_field(&mut scope.family, &mut self.families)?;
        }
        for attribute in &mut key.extended_attributes {
            decompress_field(&mut attribute.value, &mut self.tables)?;
        }
        Ok(())
    }

    pub(super) fn cell(&mut self, cursor: &mut Cursor<'_>) -> Stepped<Cell> {
        let (key_length, value_length, tags_length) =
            (cursor.varint32()?, cursor.varint32()?, cursor.varint32()?);
        let mut out = Vec::new();
        out.put_i32(key_length);
        out.put_i32(value_length);
        self.cell_key(cursor, &mut out)?;
        if i32::try_from(out.len() - 8) != Ok(key_length) {
            return Err(cursor.bad(format!("a key of {} bytes claims {key_length}", out.len() - 8)));
        }
        self.value(cursor, value_length, &mut out)?;
        if tags_length != 0 {
            self.tags(cursor, tags_length, &mut out)?;
        }
        Cell::parse(out.into()).map_err(|error| cursor.bad(error.to_string()))
    }

    /// Row, family, qualifier, timestamp and type.
    fn cell_key(&mut self, cursor: &mut Cursor<'_>, out: &mut Vec<u8>) -> Stepped<()> {
        let row = read_piece(cursor, &mut self.rows)?;
        out.put_i16(i16::try_from(row.len()).map_err(|_| cursor.bad("the row is too long"))?);
        out.put_slice(&row);
        let family = read_piece(cursor, &mut self.families)?;
        let family_length = i8::try_from(family.len()).map_err(|_| cursor.bad("the family is too long"))?;
        out.put_i8(family_length);
        out.put_slice(&family);
        out.put_slice(&read_piece(cursor, &mut self.qualifiers)?);
        out.put_slice(cursor.take(8 + 1)?);
        Ok(())
    }

    fn value(&self, cursor: &mut Cursor<'_>, length: i32, out: &mut Vec<u8>) -> Stepped<()> {
        let Some(algorithm) = self.values else {
            out.put_slice(cursor.take_i32(length, "a value")?);
            return Ok(());
        };
        let compressed = cursor.varint32()?;
        let compressed = cursor.take_i32(compressed, "a compressed value")?;
        let length = usize::try_from(length).map_err(|_| cursor.bad("a value of negative length"))?;
        // An empty value has compressed bytes, too, that say nothing.
        if length > 0 {
            let value = algorithm.decompress(compressed, length);
            out.put_slice(&value.map_err(|error| cursor.bad(error.to_string()))?);
        }
        Ok(())
    }

    fn tags(&mut self, cursor: &mut Cursor<'_>, length: i32, out: &mut Vec<u8>) -> Stepped<()> {
        let length = u16::try_from(length).map_err(|_| cursor.bad(format!("{length} bytes of tags")))?;
        out.put_u16(length);
        let Some(dictionary) = &mut self.tags else {
            out.put_slice(cursor.take(usize::from(length))?);
            return Ok(());
        };
        let end = out.len() + usize::from(length);
        while out.len() < end {
            let tag = read_piece(cursor, dictionary)?;
            out.put_u16(u16::try_from(tag.len()).map_err(|_| cursor.bad("a tag is too long"))?);
            out.put_slice(&tag);
        }
        if out.len() == end { Ok(()) } else { Err(cursor.bad("tags are longer than they say")) }
    }
}

fn decompress_field(field: &mut Bytes, dictionary: &mut Dictionary) -> Result<(), Malformed> {
    let mut cursor = Cursor::new(field);
    let piece = read_piece(&mut cursor, dictionary).map_err(|stop| stop.at_end(field.len()))?;
    *field = piece;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dictionary::NOT_IN_DICTIONARY;

    /// As Java's `CompressedKvEncoder` writes it, with new pieces only where `known` doesn't have a number.
    fn encoded(known: [Option<i16>; 3]) -> Vec<u8> {
        let mut out = vec![12 + 3 + 1 + 2, 5, 0];
        for (number, piece) in known.into_iter().zip([&b"row"[..], b"f", b"qu"]) {
            match number {
                Some(number) => out.put_i16(number),
                None => {
                    out.extend([NOT_IN_DICTIONARY, piece.len() as u8]);
                    out.extend(piece);
                }
            }
        }
        out.put_i64(42);
        out.put_u8(4);
        out.put_slice(b"value");
        out
    }

    #[test]
    fn cells_come_back_from_the_dictionaries() {
        let mut decompressor = Decompressor::new(false, false, None);
        let expected = Cell::put(b"row", b"f", b"qu", 42, b"value").unwrap();
        for known in [[None; 3], [Some(0); 3], [Some(0), None, Some(0)], [Some(0), Some(1), Some(0)]] {
            let bytes = encoded(known);
            let mut cursor = Cursor::new(&bytes);
            assert_eq!(decompressor.cell(&mut cursor), Ok(expected.clone()), "{known:?}");
            assert!(cursor.is_empty());
        }
    }

    #[test]
    fn bad_cells_are_refused() {
        for known in [[Some(0); 3], [None, None, Some(1)]] {
            let mut decompressor = Decompressor::new(false, false, None);
            assert!(decompressor.cell(&mut Cursor::new(&encoded(known))).is_err());
        }
        let whole = encoded([None; 3]);
        for cut in 0..whole.len() {
            let mut decompressor = Decompressor::new(false, true, None);
            assert!(decompressor.cell(&mut Cursor::new(&whole[..cut])).is_err(), "{cut}");
        }
        for at in [0, 2, 3, 4] {
            let mut decompressor = Decompressor::new(false, false, None);
            let mut bytes = whole.clone();
            bytes[at] = 0x7f;
            assert!(decompressor.cell(&mut Cursor::new(&bytes)).is_err(), "{at}");
        }
    }
}

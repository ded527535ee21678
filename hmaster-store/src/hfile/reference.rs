//! References: small files that stand for one half of a parent's store file, from a split or a merge. Counterpart of
//! `Reference`; the half itself is a range of the parent's cells, see [`Reference::range`].

use bytes::Bytes;
use hmaster_fs::{FileSystem, FsPath};
use hmaster_protocol::{decode_slice, pb, pbuf_encode, strip_pbuf_magic};
use hmaster_types::{Cell, CellParts, CellType, ParseError};

use super::index::key_as_cell;
use super::scan::ScanRange;
use crate::cursor::{Cursor, Stepped};
use crate::error::{FileError, FileKind, Malformed, ParseFailure};

/// A row key and little else; Java has no limit.
const REFERENCE_BYTES_MAX: usize = 1 << 20;

/// What a reference file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Where the parent's file is divided, as a cell without value.
    pub split_key: Cell,
    /// Which part it stands for.
    pub half: Half,
}

/// A part of a store file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// From the split key on.
    Top,
    /// Up to the split key, which isn't in it.
    Bottom,
}

impl Reference {
    /// A half of a file that is divided before all cells of `row`.
    ///
    /// # Errors
    /// When the row is too long.
    pub fn at_row(row: &[u8], half: Half) -> Result<Self, ParseError> {
        let parts = CellParts {
            row,
            family: b"",
            qualifier: b"",
            timestamp: Cell::LATEST_TIMESTAMP,
            cell_type: CellType::Maximum,
            value: b"",
        };
        Ok(Self { split_key: Cell::new(parts)?, half })
    }

    /// Reads the content of a reference file, in protobuf's form or in that of HBase 0.94.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(content: &[u8]) -> Result<Self, Malformed> {
        let (half, split_key) = match strip_pbuf_magic(content) {
            Some(message) => parse_message(message)?,
            None => parse_writable(content).map_err(|stop| stop.at_end(content.len()))?,
        };
        Ok(Self { split_key: key_as_cell(&split_key)?, half })
    }

    /// The content of a reference file.
    pub fn encode(&self) -> Bytes {
        let range = match self.half {
            Half::Top => pb::reference::Range::Top,
            Half::Bottom => pb::reference::Range::Bottom,
        };
        let splitkey = Bytes::copy_from_slice(self.split_key.key());
        pbuf_encode(&pb::Reference { splitkey, range: range.into() })
    }

    /// Reads a reference file.
    ///
    /// # Errors
    /// When it can't be read or isn't one.
    pub async fn read(fs: &dyn FileSystem, path: &FsPath) -> Result<Self, FileError> {
        let content = fs.read_whole(path, REFERENCE_BYTES_MAX).await;
        let content = content.map_err(FileKind::Reference.fs())?;
        Self::parse(&content).map_err(|malformed| ParseFailure::from(malformed).of(FileKind::Reference, path))
    }

    /// The cells of the parent's file that belong to the half.
    pub fn range(&self) -> ScanRange {
        let key = Some(self.split_key.clone());
        match self.half {
            Half::Top => ScanRange { from: key, until: None },
            Half::Bottom => ScanRange { from: None, until: key },
        }
    }
}

fn parse_message(message: &[u8]) -> Result<(Half, Vec<u8>), Malformed> {
    let decoded = decode_slice::<pb::Reference>(message);
    let reference = decoded.map_err(|error| Malformed::new(4, error.to_string()))?;
    let half = match pb::reference::Range::try_from(reference.range) {
        Ok(pb::reference::Range::Top) => Half::Top,
        Ok(pb::reference::Range::Bottom) => Half::Bottom,
        Err(_) => return Err(Malformed::new(4, format!("there is no half number {}", reference.range))),
    };
    Ok((half, reference.splitkey.to_vec()))
}

/// Whether it's the top half, and the key with its length before it.
fn parse_writable(content: &[u8]) -> Stepped<(Half, Vec<u8>)> {
    let mut cursor = Cursor::new(content);
    let half = if cursor.u8()? == 0 { Half::Bottom } else { Half::Top };
    let length = cursor.hadoop_vlong()?;
    let length = i32::try_from(length).map_err(|_| cursor.bad("the split key is too long"))?;
    Ok((half, cursor.take_i32(length, "the split key")?.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference() -> Reference {
        Reference::at_row(b"row", Half::Top).unwrap()
    }

    #[test]
    fn there_and_back() {
        for half in [Half::Top, Half::Bottom] {
            let reference = Reference { half, ..reference() };
            assert_eq!(Reference::parse(&reference.encode()), Ok(reference));
        }
    }

    #[test]
    fn the_old_form_is_read() {
        let key = reference().split_key;
        let content = [&[1, key.key().len() as u8][..], key.key()].concat();
        assert_eq!(Reference::parse(&content), Ok(reference()));
    }

    #[test]
    fn bad_references() {
        let whole = reference().encode();
        for cut in 0..whole.len() {
            assert!(Reference::parse(&whole[..cut]).is_err(), "{cut}");
        }
        let message = pb::Reference { splitkey: "short".into(), range: 0 };
        for bad in [
            &b""[..],
            b"\x01",
            b"\x01\x05abc",
            b"\x01\x8c\xff\xff\xff\xff",
            b"garbage that is no reference",
            &pbuf_encode(&message),
        ] {
            assert!(Reference::parse(bad).is_err(), "{}", bad.escape_ascii());
        }
    }
}

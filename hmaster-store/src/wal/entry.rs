//! One entry of a WAL: a key and the cells of one atomic change to one region. Counterpart of `WAL.Entry` with
//! `WALKeyImpl` and `WALEdit`.

use bytes::{BufMut as _, BytesMut};
use hmaster_protocol::{DecodeError, decode_slice, pb};
use hmaster_types::Cell;
use prost::Message as _;

use super::checksum;

/// The family of cells that say what the region did, instead of holding data of it.
const MARKER_FAMILY: &[u8] = b"METAFAMILY";
const COMPACTION_QUALIFIER: &[u8] = b"HBASE::COMPACTION";

/// An entry that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct WalEntry {
    /// Which region of which table, the sequence id, and the rest of what the key says. Nothing in it is compressed.
    pub key: pb::WalKey,
    /// The cells, with the key's sequence id. They share memory with what was read from the file.
    pub cells: Vec<Cell>,
}

/// What a WAL is asked to log, before it has a sequence id.
#[derive(Debug, Clone)]
pub struct NewEntry {
    /// Which region of which table; sequence id and number of cells are filled in.
    pub key: pb::WalKey,
    /// The cells, at least one.
    pub cells: Vec<Cell>,
}

impl WalEntry {
    /// The number by which this entry is known to the region.
    pub fn sequence_id(&self) -> u64 {
        self.key.log_sequence_number
    }
}

/// True for a cell that isn't data: a mark of a flush, a compaction and so on.
pub fn is_marker(cell: &Cell) -> bool {
    cell.family() == MARKER_FAMILY
}

/// What a cell says of a compaction, if it is such a mark.
///
/// # Errors
/// When it is one and can't be read.
pub fn compaction_marker(cell: &Cell) -> Result<Option<pb::CompactionDescriptor>, DecodeError> {
    let is_compaction = is_marker(cell) && cell.qualifier() == COMPACTION_QUALIFIER;
    is_compaction.then(|| decode_slice(cell.value())).transpose()
}

/// Appends an entry in the plain form, with a checksum among the key's attributes.
///
/// # Panics
/// When there are more than 4 billion cells.
pub fn encode_entry(key: &pb::WalKey, cells: &[Cell], out: &mut BytesMut) {
    let mut key = key.clone();
    key.following_kv_count = Some(u32::try_from(cells.len()).expect("an entry's cells fit into memory"));
    checksum::add(&mut key, cells);
    key.encode_length_delimited(out).expect("BytesMut grows");
    for cell in cells {
        out.put_u32(cell_length(cell));
        out.put_slice(cell.as_bytes());
    }
}

/// The length that stands before a cell.
pub(super) fn cell_length(cell: &Cell) -> u32 {
    u32::try_from(cell.as_bytes().len()).expect("key and value of a cell have lengths of 31 bits")
}

#[cfg(test)]
mod tests {
    use hmaster_types::CellParts;
    use hmaster_types::CellType;

    use super::*;

    #[test]
    fn markers() {
        let marker = |qualifier: &[u8], value: &[u8]| {
            Cell::put(b"METAROW", MARKER_FAMILY, qualifier, 1, value).unwrap()
        };
        let descriptor = pb::CompactionDescriptor {
            table_name: "t".into(),
            encoded_region_name: "r".into(),
            family_name: "f".into(),
            compaction_input: vec!["a".into()],
            store_home_dir: "f".into(),
            ..Default::default()
        };
        let cell = marker(COMPACTION_QUALIFIER, &descriptor.encode_to_vec());
        assert_eq!(compaction_marker(&cell), Ok(Some(descriptor)));
        assert!(is_marker(&marker(b"HBASE::FLUSH", b"")));
        assert_eq!(compaction_marker(&marker(b"HBASE::FLUSH", b"")), Ok(None));
        assert!(compaction_marker(&marker(COMPACTION_QUALIFIER, b"\xff")).is_err());
        let data = CellParts {
            row: b"r",
            family: b"info",
            qualifier: COMPACTION_QUALIFIER,
            timestamp: 1,
            cell_type: CellType::Put,
            value: b"",
        };
        assert!(!is_marker(&Cell::new(data).unwrap()));
    }
}

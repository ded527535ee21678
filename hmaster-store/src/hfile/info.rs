//! What an HFile says of itself: pairs of keys and values. Counterpart of `HFileInfo`, and of the metadata that
//! `HStoreFile` and `StoreFileWriter` keep in it.

use std::collections::BTreeMap;

use bytes::Bytes;
use hmaster_protocol::{PBUF_MAGIC, decode_delimited_slice, pb, pbuf_decode, strip_pbuf_magic};
use hmaster_types::Cell;
use prost::Message as _;

use super::encoding::Encoding;
use super::index::key_as_cell;
use crate::error::{Malformed, ParseFailure};

pub(super) const LAST_KEY: &str = "hfile.LASTKEY";
pub(super) const AVERAGE_KEY_LENGTH: &str = "hfile.AVG_KEY_LEN";
pub(super) const AVERAGE_VALUE_LENGTH: &str = "hfile.AVG_VALUE_LEN";
pub(super) const CREATED: &str = "hfile.CREATE_TIME_TS";
pub(super) const TAGS_COMPRESSED: &str = "hfile.TAGS_COMPRESSED";
pub(super) const TAGS_LENGTH_MAX: &str = "hfile.MAX_TAGS_LEN";
pub(super) const KEY_OF_BIGGEST_CELL: &str = "hfile.KEY_OF_BIGGEST_CELL";
pub(super) const LENGTH_OF_BIGGEST_CELL: &str = "hfile.LEN_OF_BIGGEST_CELL";
pub(super) const DATA_BLOCK_ENCODING: &str = "DATA_BLOCK_ENCODING";
pub(super) const INDEX_BLOCK_ENCODING: &str = "INDEX_BLOCK_ENCODING";
pub(super) const KEY_VALUE_VERSION: &str = "KEY_VALUE_VERSION";
pub(super) const MEMSTORE_TS_MAX: &str = "MAX_MEMSTORE_TS_KEY";
pub(super) const SEQUENCE_ID_MAX: &str = "MAX_SEQ_ID_KEY";
pub(super) const MAJOR_COMPACTION: &str = "MAJOR_COMPACTION_KEY";
pub(super) const COMPACTION_EVENT: &str = "COMPACTION_EVENT_KEY";
pub(super) const DELETE_FAMILY_COUNT: &str = "DELETE_FAMILY_COUNT";
pub(super) const TIME_RANGE: &str = "TIMERANGE";
pub(super) const EARLIEST_PUT: &str = "EARLIEST_PUT_TS";
const BULK_LOADED: &str = "BULKLOAD_TIMESTAMP";
/// Value of [`KEY_VALUE_VERSION`] when each cell has its sequence id.
pub(super) const WITH_SEQUENCE_IDS: i32 = 1;

/// The pairs, sorted by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileInfo(BTreeMap<Bytes, Bytes>);

/// What follows each cell in a data block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CellLayout {
    pub(super) encoding: Encoding,
    pub(super) with_tags: bool,
    pub(super) tags_compressed: bool,
    pub(super) with_sequence_ids: bool,
}

impl FileInfo {
    /// Reads the content of a file info block.
    ///
    /// # Errors
    /// When it isn't `PBUF` and a message with its length before it.
    pub fn parse(content: &[u8]) -> Result<Self, Malformed> {
        let message =
            strip_pbuf_magic(content).ok_or_else(|| Malformed::new(0, "the file info isn't PBUF"))?;
        let decoded = decode_delimited_slice::<pb::FileInfoProto>(message);
        let (message, _) = decoded.map_err(|error| Malformed::new(4, error.to_string()))?;
        Ok(Self(message.map_entry.into_iter().map(|pair| (pair.first, pair.second)).collect()))
    }

    /// The content of a file info block.
    pub(super) fn encode(&self) -> Vec<u8> {
        let pair = |(first, second): (&Bytes, &Bytes)| pb::BytesBytesPair {
            first: first.clone(),
            second: second.clone(),
        };
        let message = pb::FileInfoProto { map_entry: self.0.iter().map(pair).collect() };
        let mut out = PBUF_MAGIC.to_vec();
        message.encode_length_delimited(&mut out).expect("a Vec has room");
        out
    }

    pub(super) fn put(&mut self, key: &'static str, value: impl Into<Bytes>) {
        self.0.insert(Bytes::from_static(key.as_bytes()), value.into());
    }

    /// A value.
    pub fn get(&self, key: &str) -> Option<&Bytes> {
        self.0.get(key.as_bytes())
    }

    /// All pairs.
    pub fn iter(&self) -> impl Iterator<Item = (&Bytes, &Bytes)> {
        self.0.iter()
    }

    /// The highest sequence id of the edits in the file; none in files that weren't flushed or compacted.
    pub fn sequence_id_max(&self) -> Option<u64> {
        let id = self.number(SEQUENCE_ID_MAX)?;
        u64::try_from(id).ok()
    }

    /// The highest sequence id that a cell in the file has.
    pub fn cell_sequence_id_max(&self) -> Option<u64> {
        u64::try_from(self.number(MEMSTORE_TS_MAX)?).ok()
    }

    /// Whether the file was made by a compaction of all files of its store.
    pub fn is_major_compaction(&self) -> bool {
        self.flag(MAJOR_COMPACTION)
    }

    /// Whether the file was made elsewhere and loaded; its name then tells its sequence id.
    pub fn is_bulk_loaded(&self) -> bool {
        self.get(BULK_LOADED).is_some()
    }

    /// When the file was made, in milliseconds since 1970.
    pub fn created_ms(&self) -> Option<u64> {
        u64::try_from(self.number(CREATED)?).ok()
    }

    /// The files that were compacted into this one, and may still be in the folder.
    ///
    /// # Errors
    /// When the list can't be read.
    pub fn compacted_files(&self) -> Result<Vec<String>, Malformed> {
        let Some(value) = self.get(COMPACTION_EVENT).filter(|value| !value.is_empty()) else {
            return Ok(Vec::new());
        };
        let tracker = pbuf_decode::<pb::CompactionEventTracker>(value);
        let tracker = tracker.map_err(|error| Malformed::new(0, error.to_string()))?;
        let name = |name: &Bytes| String::from_utf8_lossy(name).into_owned();
        Ok(tracker.compacted_store_file.iter().map(name).collect())
    }

    /// The key of the last cell; none in a file without cells.
    pub(super) fn last_key(&self) -> Result<Option<Cell>, Malformed> {
        self.get(LAST_KEY).map(|key| key_as_cell(key)).transpose()
    }

    pub(super) fn cell_layout(&self) -> Result<CellLayout, ParseFailure> {
        if let Some(encoding) = self.get(INDEX_BLOCK_ENCODING).filter(|name| **name != "NONE") {
            let feature = format!("index block encoding {}", encoding.escape_ascii());
            return Err(ParseFailure::Unsupported(feature.into()));
        }
        let encoding = match self.get(DATA_BLOCK_ENCODING) {
            None => Encoding::None,
            Some(name) => Encoding::from_name(name).ok_or_else(|| {
                ParseFailure::Unsupported(format!("data block encoding {}", name.escape_ascii()).into())
            })?,
        };
        let version = self.get(KEY_VALUE_VERSION).and_then(|value| value.first_chunk::<4>());
        Ok(CellLayout {
            encoding,
            with_tags: self.get(TAGS_LENGTH_MAX).is_some(),
            tags_compressed: self.flag(TAGS_COMPRESSED),
            with_sequence_ids: version.map(|version| i32::from_be_bytes(*version)) == Some(WITH_SEQUENCE_IDS),
        })
    }

    fn flag(&self, key: &str) -> bool {
        self.get(key).and_then(|value| value.first()).is_some_and(|byte| *byte != 0)
    }

    fn number(&self, key: &str) -> Option<i64> {
        self.get(key)?.first_chunk::<8>().map(|bytes| i64::from_be_bytes(*bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> FileInfo {
        let mut info = FileInfo::default();
        info.put(SEQUENCE_ID_MAX, 42i64.to_be_bytes().to_vec());
        info.put(MAJOR_COMPACTION, vec![0xff]);
        info.put(KEY_VALUE_VERSION, 1i32.to_be_bytes().to_vec());
        info.put(DATA_BLOCK_ENCODING, "FAST_DIFF");
        let tracker = pb::CompactionEventTracker { compacted_store_file: vec!["a".into(), "b".into()] };
        info.put(COMPACTION_EVENT, hmaster_protocol::pbuf_encode(&tracker));
        info
    }

    #[test]
    fn there_and_back() {
        let info = FileInfo::parse(&sample().encode()).unwrap();
        assert_eq!(info, sample());
        assert_eq!(
            (info.sequence_id_max(), info.is_major_compaction(), info.is_bulk_loaded()),
            (Some(42), true, false)
        );
        assert_eq!(info.compacted_files().unwrap(), ["a", "b"]);
        let layout = info.cell_layout().unwrap();
        assert_eq!(
            (layout.encoding, layout.with_tags, layout.with_sequence_ids),
            (Encoding::FastDiff, false, true)
        );
        assert_eq!(info.last_key(), Ok(None));
    }

    #[test]
    fn bad_infos() {
        let whole = sample().encode();
        for cut in 0..whole.len() {
            assert!(FileInfo::parse(&whole[..cut]).is_err(), "{cut}");
        }
        let with = |key, value: &'static str| {
            let mut info = FileInfo::default();
            info.put(key, value);
            info
        };
        assert!(with(DATA_BLOCK_ENCODING, "PREFIX_TREE").cell_layout().is_err());
        assert!(with(INDEX_BLOCK_ENCODING, "PREFIX_TREE").cell_layout().is_err());
        assert!(with(COMPACTION_EVENT, "x").compacted_files().is_err());
        assert!(with(LAST_KEY, "x").last_key().is_err());
        assert_eq!(with(SEQUENCE_ID_MAX, "short").sequence_id_max(), None);
    }
}

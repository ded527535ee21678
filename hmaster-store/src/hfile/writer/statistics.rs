//! What is counted while cells are written, and becomes the file info.

use bytes::Bytes;
use hmaster_protocol::{pb, pbuf_encode};
use hmaster_types::{Cell, CellType};

use super::{HFileOptions, StoreFileOrigin};
use crate::hfile::info::{self, FileInfo};

#[derive(Debug, Default)]
pub(super) struct Statistics {
    cells: u64,
    key_bytes: u64,
    value_bytes: u64,
    biggest: Option<Cell>,
    tags_length_max: usize,
    sequence_id_max: u64,
    delete_families: u64,
    /// Of all cells, first and last.
    timestamps: Option<(i64, i64)>,
    earliest_put: Option<i64>,
}

impl Statistics {
    pub(super) fn add(&mut self, cell: &Cell) {
        self.cells += 1;
        self.key_bytes += cell.key().len() as u64;
        self.value_bytes += cell.value().len() as u64;
        if self.biggest.as_ref().is_none_or(|biggest| biggest.as_bytes().len() < cell.as_bytes().len()) {
            self.biggest = Some(cell.clone());
        }
        self.tags_length_max = self.tags_length_max.max(cell.tags().len());
        self.sequence_id_max = self.sequence_id_max.max(cell.sequence_id());
        let timestamp = cell.timestamp();
        let (first, last) = self.timestamps.unwrap_or((timestamp, timestamp));
        self.timestamps = Some((first.min(timestamp), last.max(timestamp)));
        match cell.cell_type() {
            CellType::Put => {
                self.earliest_put = Some(self.earliest_put.map_or(timestamp, |put| put.min(timestamp)));
            }
            CellType::DeleteFamily | CellType::DeleteFamilyVersion => self.delete_families += 1,
            _ => {}
        }
    }

    pub(super) fn cells(&self) -> u64 {
        self.cells
    }

    pub(super) fn file_info(
        &self,
        origin: &StoreFileOrigin,
        options: &HFileOptions,
        last: Option<&Cell>,
    ) -> FileInfo {
        let mut info = FileInfo::default();
        if let (Some(last), Some(biggest)) = (last, &self.biggest) {
            info.put(info::LAST_KEY, Bytes::copy_from_slice(last.key()));
            info.put(info::KEY_OF_BIGGEST_CELL, Bytes::copy_from_slice(biggest.key()));
            info.put(info::LENGTH_OF_BIGGEST_CELL, long(biggest.as_bytes().len() as u64));
        }
        info.put(info::AVERAGE_KEY_LENGTH, int(self.key_bytes.checked_div(self.cells).unwrap_or(0)));
        info.put(info::AVERAGE_VALUE_LENGTH, int(self.value_bytes.checked_div(self.cells).unwrap_or(0)));
        info.put(info::CREATED, long(options.created_ms));
        if options.with_tags {
            info.put(info::TAGS_LENGTH_MAX, int(self.tags_length_max as u64));
            info.put(info::TAGS_COMPRESSED, flag(false));
        }
        info.put(info::KEY_VALUE_VERSION, info::WITH_SEQUENCE_IDS.to_be_bytes().to_vec());
        info.put(info::MEMSTORE_TS_MAX, long(self.sequence_id_max));
        info.put(info::DELETE_FAMILY_COUNT, long(self.delete_families));
        info.put(info::EARLIEST_PUT, self.earliest_put.unwrap_or(i64::MAX).to_be_bytes().to_vec());
        if let Some((first, last)) = self.timestamps {
            let range = pb::TimeRangeTracker { from: Some(first as u64), to: Some(last as u64) };
            info.put(info::TIME_RANGE, pbuf_encode(&range));
        }
        self.add_origin(origin, &mut info);
        info
    }

    fn add_origin(&self, origin: &StoreFileOrigin, info: &mut FileInfo) {
        info.put(info::SEQUENCE_ID_MAX, long(origin.sequence_id_max));
        info.put(info::MAJOR_COMPACTION, flag(origin.is_major_compaction));
        let name = |name: &String| Bytes::copy_from_slice(name.as_bytes());
        let tracker = pb::CompactionEventTracker {
            compacted_store_file: origin.compacted_files.iter().map(name).collect(),
        };
        info.put(info::COMPACTION_EVENT, pbuf_encode(&tracker));
    }
}

fn long(number: u64) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

fn int(number: u64) -> Vec<u8> {
    i32::try_from(number).unwrap_or(i32::MAX).to_be_bytes().to_vec()
}

fn flag(flag: bool) -> Vec<u8> {
    vec![if flag { 0xff } else { 0 }]
}

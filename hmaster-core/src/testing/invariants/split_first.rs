//! No region is opened before all WALs that have edits of it are split.

use hmaster_types::{RegionInfo, ServerName};

use crate::testing::state::State;

pub(super) fn check(state: &State, server: &ServerName, region: &RegionInfo) -> Option<String> {
    if !region.is_default_replica() {
        return None;
    }
    let folder = state.root.region(region)?;
    // What is recorded when a region opens and closes was flushed then, even if the files are gone since.
    let flushed = state.root.flushed_sequence_id(region).max(folder.sequence_id.unwrap_or(-1));
    for wals in state.root.wals.values() {
        for (file, wal) in wals {
            let is_left = |(_, name, cell): &&(_, _, hmaster_types::Cell)| {
                *name == region.encoded_name()
                    && cell.sequence_id().cast_signed() > flushed
                    && !folder.recovered.values().flatten().any(|recovered| recovered == cell)
            };
            if let Some((_, _, cell)) = wal.0.iter().find(is_left) {
                return Some(format!(
                    "{region} is opened on {server} while {file} has an edit of it: {cell}"
                ));
            }
        }
    }
    None
}

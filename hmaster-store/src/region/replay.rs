//! Replays the logs of earlier masters into memory. Counterpart of `HRegion.replayRecoveredEdits`.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use hmaster_fs::{FileSystem, FsPath};
use hmaster_types::Cell;
use tracing::{info, warn};

use super::mem_store::MemStore;
use crate::error::FileError;
use crate::wal::{WalEntry, WalReader, compaction_marker, is_marker};

/// What the logs held besides edits.
#[derive(Debug, Default)]
pub(super) struct Replayed {
    /// The highest sequence id in any log; 0 when there is none.
    pub(super) sequence_id_max: u64,
    /// Store files that were compacted and may not have been removed, by family.
    pub(super) compacted: BTreeMap<Bytes, BTreeSet<String>>,
    /// The logs, in the order in which they can go: by what they hold last.
    pub(super) logs: Vec<FsPath>,
}

/// Replays logs, in any order.
pub(super) async fn replay(
    fs: &dyn FileSystem,
    logs: &[FsPath],
    encoded_name: &str,
    store: &mut MemStore,
) -> Result<Replayed, FileError> {
    let mut replayed = Replayed::default();
    let mut by_last = Vec::new();
    for log in logs {
        let last = replay_one(fs, log, encoded_name, store, &mut replayed).await?;
        replayed.sequence_id_max = replayed.sequence_id_max.max(last);
        by_last.push((last, log.clone()));
    }
    by_last.sort();
    replayed.logs = by_last.into_iter().map(|(_, log)| log).collect();
    Ok(replayed)
}

/// The last sequence id of the log.
async fn replay_one(
    fs: &dyn FileSystem,
    log: &FsPath,
    encoded_name: &str,
    store: &mut MemStore,
    replayed: &mut Replayed,
) -> Result<u64, FileError> {
    let mut reader = WalReader::open(fs, log).await?;
    let (mut last, mut entries, mut edits) = (0, 0u64, 0u64);
    loop {
        let at = reader.position();
        let Some(entry) = reader.next().await? else { break };
        last = last.max(entry.sequence_id());
        entries += 1;
        let of_region = entry.key.encoded_region_name == encoded_name;
        edits += apply(&entry, of_region, store, &mut replayed.compacted)
            .map_err(|reason| reader.malformed(at, reason))?;
    }
    info!(%log, entries, edits, last, end = ?reader.end(), "replayed a log");
    Ok(last)
}

/// Applies an entry's edits; how many weren't in store files already.
fn apply(
    entry: &WalEntry,
    of_region: bool,
    store: &mut MemStore,
    compacted: &mut BTreeMap<Bytes, BTreeSet<String>>,
) -> Result<u64, String> {
    let mut edits = 0;
    for cell in &entry.cells {
        if is_marker(cell) {
            let marker = compaction_marker(cell).map_err(|error| error.to_string())?;
            if let Some(marker) = marker.filter(|_| of_region) {
                compacted.entry(marker.family_name).or_default().extend(marker.compaction_input);
            }
            continue;
        }
        match store.family(cell.family()) {
            None => warn!(%cell, "an edit of a family that isn't there"),
            Some(family) if entry.sequence_id() <= family.stored_sequence_id => {}
            Some(_) => {
                store.apply(compact(cell));
                edits += 1;
            }
        }
    }
    Ok(edits)
}

/// The same cell in memory of its own: it mustn't keep alive all that was read with it.
pub(super) fn compact(cell: &Cell) -> Cell {
    let bytes = Bytes::copy_from_slice(cell.without_tags().as_bytes());
    let own = Cell::parse(bytes).expect("the bytes of a cell");
    own.with_sequence_id(cell.sequence_id())
}

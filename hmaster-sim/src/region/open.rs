//! Opens a region. Counterpart of `HRegion.initialize`.

use std::sync::Arc;

use hmaster_fs::rootdir::{RootDir, RootDirError};
use hmaster_types::{RegionInfo, SeqNum, TableDescriptor, attribute};
use tracing::{info, warn};

use super::files::RegionFiles;
use super::replay::Replay;
use super::stores::Stores;
use super::{Inner, Region, RegionOptions, StorageError, replica};
use crate::log::ServerLog;
use crate::store_file::DiskFile;

/// The endpoint by which several rows change as one.
const ENDPOINT: &[u8] = b"org.apache.hadoop.hbase.coprocessor.MultiRowMutationEndpoint";

/// Does what [`Region::open`] says.
pub(super) async fn open(
    root: &RootDir,
    log: &ServerLog,
    info: RegionInfo,
    table: TableDescriptor,
    mut options: RegionOptions,
) -> Result<Region, StorageError> {
    if !info.is_default_replica() {
        return replica::open(root, log, info, table, options).await;
    }
    warn_of_coprocessors(&table);
    if let Some(bytes) = table.parsed::<u64>(attribute::MEMSTORE_FLUSHSIZE).filter(|bytes| *bytes > 0) {
        options.memstore_flush_bytes = bytes;
    }
    let files = RegionFiles::new(root, &info, log.clock(), log.chance(), log.cache());
    files.prepare(&table).await?;
    let stores = Stores::new(&table, store_files(&files, &table).await?);
    let sequence = replay(&files, &stores, log, options.memstore_flush_bytes).await?;
    let next = record_sequence(root, &info, sequence).await?;
    stores.begin_at(next);
    let region_log = log.of_region(&info).await.map_err(StorageError::fs("begin a log for a region"))?;
    info!(region = %info.encoded_name(), table = %info.table(), next, "opened a region");
    let stores = Arc::new(stores);
    let region = Region::new(Inner::new(info, table, options, files, Arc::clone(&stores), region_log, next));
    region.0.log.begin(next, &stores, region.weak());
    region.wake_chores(); // there may be parts of other regions' files
    Ok(region)
}

/// Java's servers run what a table names, or end; here, clients that call it are refused.
fn warn_of_coprocessors(table: &TableDescriptor) {
    let named =
        table.attributes().iter().filter(|(key, _)| key.to_ascii_lowercase().starts_with(b"coprocessor$"));
    for (_, value) in named.filter(|(_, value)| !has_endpoint(value)) {
        let class = hmaster_types::to_string_binary(value);
        warn!(table = %table.name(), class, "a coprocessor that isn't there is left out");
    }
}

/// Whether a table's attribute names the one endpoint that there is.
pub(crate) fn has_endpoint(value: &[u8]) -> bool {
    value.windows(ENDPOINT.len()).any(|part| part == ENDPOINT)
}

/// The store files of all families, without those that were compacted into others; these go to the archive.
async fn store_files(
    files: &RegionFiles,
    table: &TableDescriptor,
) -> Result<Vec<Vec<Arc<DiskFile>>>, StorageError> {
    let mut all = Vec::new();
    for family in table.families() {
        let found = files.open_all(family.name(), &[]).await?;
        let compacted = replica::compacted_away(&found)?;
        let (old, current): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|file| compacted.contains(file.name()));
        if !old.is_empty() {
            info!(region = %files.region.encoded_name(), files = old.len(), "store files that were compacted before");
            files.archive(family.name(), &old).await?;
        }
        all.push(current);
    }
    Ok(all)
}

/// Replays recovered edits; the highest sequence id of all that there is.
async fn replay(
    files: &RegionFiles,
    stores: &Stores,
    log: &ServerLog,
    flush_bytes: u64,
) -> Result<u64, StorageError> {
    let numbers = 0..stores.families().len();
    let in_files = numbers.clone().flat_map(|store| stores.files(store));
    let sequence = in_files.map(|file| file.sequence_id_max()).max().unwrap_or(0);
    stores.begin_at(sequence);
    let stored = numbers.map(|store| stores.flushed_sequence(store)).collect();
    Replay { files, stores, nonces: log.nonces(), flush_bytes, stored }.run(sequence).await
}

/// Records what was used, so that whoever opens the region next begins above it, whatever becomes of this server.
async fn record_sequence(root: &RootDir, info: &RegionInfo, sequence: u64) -> Result<u64, StorageError> {
    let recorded = root.max_sequence_id(info).await?;
    let recorded = recorded.and_then(|SeqNum(recorded)| u64::try_from(recorded).ok()).unwrap_or(0);
    let next = sequence.max(recorded) + 1;
    write_sequence(root, info, next - 1).await?;
    Ok(next)
}

/// Records that a region used sequence ids up to this one.
pub(super) async fn write_sequence(
    root: &RootDir,
    info: &RegionInfo,
    sequence: u64,
) -> Result<(), StorageError> {
    let sequence = SeqNum(i64::try_from(sequence).unwrap_or(i64::MAX));
    match root.write_sequence_id(info, sequence).await {
        Ok(()) => Ok(()),
        Err(RootDirError::SequenceIdFalls { recorded, .. }) => {
            warn!(region = %info.encoded_name(), recorded, %sequence, "a higher sequence id is recorded");
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

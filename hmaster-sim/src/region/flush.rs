//! Memory to store files. Counterpart of `HRegion.internalFlushcache` and `HStore.flushCache`.
//!
//! What was applied up to one moment is sealed and written, store by store. A file that has joined its store accounts for
//! its part whatever becomes of the others: which edits need replaying is a matter of each store.

use std::sync::Arc;

use hmaster_store::hfile::StoreFileOrigin;
use tracing::info;

use super::StorageError;
use super::files::RegionFiles;
use super::rewrite::Rewrite;
use super::stores::Stores;
use crate::log::RegionLog;
use crate::memstore::Segment;
use crate::query::{CompactionKind, CompactionTerms};
use crate::scan::Source;

/// Writes what is sealed, all with sequence ids up to `sequence`; how many files that made. With `log`, checks first that
/// the region is still this server's: if it isn't, its log has been taken away.
pub(super) async fn flush_sealed(
    files: &RegionFiles,
    stores: &Stores,
    sequence: u64,
    log: Option<&RegionLog>,
) -> Result<usize, StorageError> {
    files.settle().await?;
    let mut written = Vec::new();
    for (store, family) in stores.families().iter().enumerate() {
        let segments = stores.sealed(store);
        let path = match segments.is_empty() {
            true => None,
            false => rewrite(files, stores, store, &segments, sequence).write(files, &|| false).await?,
        };
        written.push((store, family, segments, path));
    }
    if let Some(log) = log {
        log.check_fence().await?;
    }
    let mut made = 0;
    for (store, family, segments, path) in written {
        let file = match path {
            Some(path) => Some(files.commit(&path, &family.name).await?),
            None => None,
        };
        if let Some(file) = &file {
            info!(file = %file.path(), sequence, bytes = file.length(), "flushed");
            made += 1;
        }
        stores.flushed(store, &segments, file, sequence);
    }
    Ok(made)
}

fn rewrite<'a>(
    files: &RegionFiles,
    stores: &'a Stores,
    store: usize,
    segments: &[Arc<Segment>],
    sequence: u64,
) -> Rewrite<'a> {
    let terms = CompactionTerms {
        kind: CompactionKind::Minor,
        // Those who read now keep reading the segments; who comes later sees at least all of this.
        smallest_read_point: u64::MAX,
        earliest_put: segments.iter().map(|segment| segment.earliest_put()).min().unwrap_or(i64::MAX),
        purge_deletes_after_ms: 0,
        now_ms: files.clock.now_ms() as i64,
    };
    Rewrite {
        family: &stores.families()[store],
        sources: segments.iter().cloned().map(Source::Segment).collect(),
        terms,
        with_tags: segments.iter().any(|segment| segment.has_tags()),
        origin: StoreFileOrigin { sequence_id_max: sequence, ..StoreFileOrigin::default() },
    }
}

//! Edits that a split log left for a region, back into memory and on to store files. Counterpart of
//! `HRegion.replayRecoveredEditsIfAny`.
//!
//! Files are replayed in the order of their names, which is that of their sequence ids; edits that a store's files
//! account for are left out. The files go when all that they had is in store files; so it may all be done again.

use hmaster_fs::{FileSystem, FsPath};
use hmaster_store::wal::{WalEnd, WalEntry, WalReader, compaction_marker, is_marker};
use hmaster_types::{Cell, Nonce, RegionInfo};
use tracing::{info, warn};

use super::StorageError;
use super::files::RegionFiles;
use super::flush::flush_sealed;
use super::stores::{CellsByStore, Stores};
use crate::nonces::Nonces;

/// What a replay needs.
pub(super) struct Replay<'a> {
    pub(super) files: &'a RegionFiles,
    pub(super) stores: &'a Stores,
    pub(super) nonces: &'a Nonces,
    pub(super) flush_bytes: u64,
    /// By store: what its files account for. Flushes meanwhile don't count: they hold what was replayed so far.
    pub(super) stored: Vec<u64>,
}

impl Replay<'_> {
    /// Replays all that there is; the highest sequence id of it, or `sequence` when that is higher.
    pub(super) async fn run(&self, sequence: u64) -> Result<u64, StorageError> {
        let mut edits = self.files.root.recovered_edits(&self.files.region).await?;
        edits.sort_by_key(number);
        let needed = self.stored.iter().copied().min().unwrap_or(0);
        let mut highest = sequence;
        for path in &edits {
            if number(path) <= needed {
                info!(%path, needed, "recovered edits that are all in store files");
                continue;
            }
            highest = highest.max(self.replay(path).await?);
        }
        if !edits.is_empty() {
            self.flush(highest).await?;
            self.delete(&edits).await?;
        }
        Ok(highest)
    }

    async fn replay(&self, path: &FsPath) -> Result<u64, StorageError> {
        let mut reader = WalReader::open(self.file_system(path), path).await?;
        let (mut last, mut entries, mut replayed) = (0, 0u64, 0u64);
        loop {
            let offset = reader.position();
            let Some(entry) = reader.next().await? else { break };
            let sequence = entry.sequence_id();
            if sequence < last {
                warn!(%path, offset, sequence, last, "sequence ids fall");
            }
            (last, entries) = (last.max(sequence), entries + 1);
            let cells = self.cells(&entry).map_err(|reason| StorageError::Replay {
                path: path.clone(),
                offset,
                reason,
            })?;
            replayed += cells.iter().map(|(_, cells)| cells.len() as u64).sum::<u64>();
            self.stores.apply(cells, sequence);
            if self.stores.memstore_bytes() > self.flush_bytes {
                self.flush(last).await?;
            }
        }
        if let Some(WalEnd::Torn { offset }) = reader.end() {
            // They are renamed when they are whole; only Java writes them otherwise.
            warn!(%path, offset, "recovered edits end within an entry");
        }
        info!(%path, entries, replayed, last, "replayed recovered edits");
        Ok(last)
    }

    /// The cells of an entry that are to be applied, by store.
    fn cells(&self, entry: &WalEntry) -> Result<CellsByStore, String> {
        if let Some(nonce) = Nonce::new(entry.key.nonce_group(), entry.key.nonce()) {
            self.nonces.report(nonce, entry.key.write_time);
        }
        let region = &self.files.region;
        let is_own = *entry.key.encoded_region_name == *region.encoded_name().to_string().as_bytes();
        let mut by_store = CellsByStore::new();
        for cell in &entry.cells {
            if is_marker(cell) {
                compaction_marker(cell).map_err(|error| error.to_string())?;
                continue; // files that were compacted are known from those that they became
            }
            let Some(store) = self.store_of(cell, region, is_own) else { continue };
            if entry.sequence_id() <= self.stored[store] {
                continue;
            }
            let own =
                Cell::parse(bytes::Bytes::copy_from_slice(cell.as_bytes())).expect("the bytes of a cell");
            match by_store.iter_mut().find(|(number, _)| *number == store) {
                Some((_, cells)) => cells.push(own),
                None => by_store.push((store, vec![own])),
            }
        }
        Ok(by_store)
    }

    fn store_of(&self, cell: &Cell, region: &RegionInfo, is_own: bool) -> Option<usize> {
        let store = self.stores.number(cell.family());
        if store.is_none() {
            warn!(%cell, %region, "an edit of a family that isn't there");
        }
        if !is_own && !region.contains_row(cell.row()) {
            warn!(%cell, %region, "an edit of a row of another region");
            return None;
        }
        store
    }

    async fn flush(&self, sequence: u64) -> Result<(), StorageError> {
        self.stores.seal();
        flush_sealed(self.files, self.stores, sequence, None).await.map(drop)
    }

    async fn delete(&self, edits: &[FsPath]) -> Result<(), StorageError> {
        for path in edits {
            let deleted = self.file_system(path).delete(path).await;
            deleted.map_err(StorageError::fs("delete recovered edits"))?;
        }
        Ok(())
    }

    /// Older releases left some beside the region though WALs were elsewhere.
    fn file_system(&self, path: &FsPath) -> &dyn FileSystem {
        let root = &self.files.root;
        let is_beside = root.layout().root().contains(path);
        if is_beside { &**root.file_system() } else { &**root.wal_file_system() }
    }
}

/// The highest sequence id in the file, by its name.
fn number(path: &FsPath) -> u64 {
    let digits = path.name().unwrap_or_default();
    digits.parse::<i64>().map_or(u64::MAX, i64::unsigned_abs)
}

//! Splits a dead server's log by regions. Counterpart of `WALSplitter` and `RecoveredEditsOutputSink`, as
//! `SplitWALCallable` uses them.
//!
//! Each region's edits go to a file of their own under a temporary name, with the log's name in it; when all of the log is
//! read, the files are completed and get their final names, which say the highest sequence id in them. Thus a crash at
//! any point leaves temporary files, which the next attempt overwrites, and whole files, which it makes again.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hmaster_fs::rootdir::{RootDir, RootDirError};
use hmaster_fs::{FsError, FsPath, NotFoundAsNone as _};
use hmaster_protocol::pb;
use hmaster_store::FileError;
use hmaster_store::wal::{WalEntry, WalFile, WalReader, compaction_marker, encode_entry, is_marker};
use hmaster_types::{Cell, EncodedName, TableName};
use tracing::{info, warn};

/// How long the file system may take to take the log away from the dead server (`hbase.lease.recovery.timeout`).
const LEASE_WAIT_MAX: Duration = Duration::from_secs(15 * 60);
/// Of one region, before they are written.
const REGION_BUFFER_BYTES: usize = 256 << 10;
/// Of all regions, before the largest is written (`hbase.regionserver.hlog.splitlog.buffersize`).
const BUFFERS_BYTES_MAX: usize = 64 << 20;
/// Files completed at once.
const FILES_AT_ONCE: usize = 16;

/// What a region is known to have flushed. Counterpart of `LastSequenceId`: a region server asks the master.
#[async_trait]
pub(crate) trait FlushedSequenceIds: Send + Sync {
    /// What the region with this encoded name has in store files; none when unsure.
    async fn of_region(&self, encoded_name: &str) -> Option<pb::RegionStoreSequenceIds>;
}

/// What splitting a log came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SplitSummary {
    /// Entries that were read.
    pub(crate) entries: u64,
    /// Entries that wait to be replayed.
    pub(crate) kept: u64,
    /// Regions that have some.
    pub(crate) regions: usize,
}

/// A log can't be split.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SplitError {
    /// The file system failed.
    #[error("split {log}")]
    Fs {
        /// The log.
        log: FsPath,
        /// The operation and the path.
        #[source]
        source: FsError,
    },
    /// The log, or what was written before, can't be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// An entry says no region's name, or no table's.
    #[error("split {log} at byte {offset}: {reason}")]
    Entry {
        /// The log.
        log: FsPath,
        /// Where in it.
        offset: u64,
        /// What is wrong.
        reason: String,
    },
    /// A region's folder can't be looked for.
    #[error(transparent)]
    Root(#[from] RootDirError),
}

/// Splits a dead server's log file: what regions haven't flushed becomes recovered edits beside their folders, which they
/// replay when they are opened. Recovers the file's lease first. A file that is gone was split before. May be repeated,
/// also after a crash. The caller archives the file.
///
/// # Errors
/// When the file is damaged elsewhere than at its end, or files can't be read or written.
pub(crate) async fn split_log(
    root: &RootDir,
    log: &FsPath,
    flushed: &dyn FlushedSequenceIds,
) -> Result<SplitSummary, SplitError> {
    let failed = |source| SplitError::Fs { log: log.clone(), source };
    let fs = &**root.wal_file_system();
    let recovered = fs.recover_lease(log, LEASE_WAIT_MAX).await.found().map_err(failed)?;
    if recovered.is_none() {
        info!(%log, "the log is gone: it was split before");
        return Ok(SplitSummary::default());
    }
    let (regions, summary) = (BTreeMap::new(), SplitSummary::default());
    let mut split = Split { root, log, flushed, regions, buffered: 0, summary };
    split.read(WalReader::open(fs, log).await?).await?;
    split.finish().await
}

struct Split<'a> {
    root: &'a RootDir,
    log: &'a FsPath,
    flushed: &'a dyn FlushedSequenceIds,
    regions: BTreeMap<Bytes, Fate>,
    buffered: usize,
    summary: SplitSummary,
}

/// What becomes of a region's edits.
enum Fate {
    /// The region is no more.
    Gone,
    Kept(Box<Output>),
}

/// A region's recovered edits.
struct Output {
    folder: FsPath,
    /// Everything up to this sequence id is in store files.
    flushed: u64,
    /// The same by family, where it is more.
    flushed_by_family: Vec<pb::StoreSequenceId>,
    file: Option<(FsPath, WalFile)>,
    buffer: BytesMut,
    first_sequence: u64,
    last_sequence: u64,
    entries: u64,
}

impl Split<'_> {
    async fn read(&mut self, mut reader: WalReader) -> Result<(), SplitError> {
        loop {
            let offset = reader.position();
            let Some(entry) = reader.next().await? else { break };
            self.summary.entries += 1;
            self.add(&entry, offset).await?;
        }
        info!(log = %self.log, entries = self.summary.entries, end = ?reader.end(), "read a dead server's log");
        Ok(())
    }

    async fn add(&mut self, entry: &WalEntry, offset: u64) -> Result<(), SplitError> {
        let region = &entry.key.encoded_region_name;
        if !self.regions.contains_key(region) {
            let fate = fate(self.root, self.log, self.flushed, entry, offset).await?;
            self.regions.insert(region.clone(), fate);
        }
        let Some(Fate::Kept(output)) = self.regions.get_mut(region) else { return Ok(()) };
        let cells = output.unflushed(entry);
        if cells.is_empty() {
            return Ok(());
        }
        let before = output.buffer.len();
        encode_entry(&entry.key, &cells, &mut output.buffer);
        output.last_sequence = output.last_sequence.max(entry.sequence_id());
        output.entries += 1;
        self.summary.kept += 1;
        self.buffered += output.buffer.len() - before;
        if output.buffer.len() >= REGION_BUFFER_BYTES {
            self.buffered -= output.write(self.root, self.log).await?;
        }
        if self.buffered > BUFFERS_BYTES_MAX {
            self.write_largest().await?;
        }
        Ok(())
    }

    async fn write_largest(&mut self) -> Result<(), SplitError> {
        let outputs = self.regions.values_mut().filter_map(|fate| match fate {
            Fate::Kept(output) => Some(output),
            Fate::Gone => None,
        });
        if let Some(output) = outputs.max_by_key(|output| output.buffer.len()) {
            self.buffered -= output.write(self.root, self.log).await?;
        }
        Ok(())
    }

    async fn finish(self) -> Result<SplitSummary, SplitError> {
        let Self { root, log, regions, mut summary, .. } = self;
        let outputs = regions.into_values().filter_map(|fate| match fate {
            Fate::Kept(output) if output.entries > 0 => Some(output),
            _ => None,
        });
        let outputs: Vec<Box<Output>> = outputs.collect();
        summary.regions = outputs.len();
        stream::iter(outputs.into_iter().map(|output| output.finish(root, log)))
            .buffer_unordered(FILES_AT_ONCE)
            .try_collect::<()>()
            .await?;
        info!(%log, ?summary, "split a dead server's log");
        Ok(summary)
    }
}

async fn fate(
    root: &RootDir,
    log: &FsPath,
    flushed: &dyn FlushedSequenceIds,
    entry: &WalEntry,
    offset: u64,
) -> Result<Fate, SplitError> {
    let bad = |reason: String| SplitError::Entry { log: log.clone(), offset, reason };
    let name = String::from_utf8_lossy(&entry.key.encoded_region_name);
    let region: EncodedName = name.parse().map_err(|_| bad(format!("{name} names no region")))?;
    let table = TableName::from_bytes(&entry.key.table_name).map_err(|error| bad(error.to_string()))?;
    let folder = root.layout().region_named(&table, region);
    let exists = root.file_system().exists(&folder).await;
    if !exists.map_err(|source| SplitError::Fs { log: log.clone(), source })? {
        info!(%region, %table, "the region is no more; its edits are left out");
        return Ok(Fate::Gone);
    }
    let known = flushed.of_region(&name).await;
    // Java's -1 comes as the greatest number.
    let id = |id: u64| if i64::try_from(id).is_ok() { id } else { 0 };
    let flushed = known.as_ref().map_or(0, |known| id(known.last_flushed_sequence_id));
    let mut flushed_by_family = known.map(|known| known.store_sequence_id).unwrap_or_default();
    flushed_by_family.retain(|store| i64::try_from(store.sequence_id).is_ok());
    Ok(Fate::Kept(Box::new(Output {
        folder: root.layout().recovered_edits(&table, region),
        flushed,
        flushed_by_family,
        file: None,
        buffer: BytesMut::new(),
        first_sequence: entry.sequence_id(),
        last_sequence: 0,
        entries: 0,
    })))
}

impl Output {
    /// The cells of an entry that may not be in store files. What regions did is left out, except compactions, as in
    /// Java.
    fn unflushed(&self, entry: &WalEntry) -> Vec<Cell> {
        if entry.sequence_id() <= self.flushed {
            return Vec::new();
        }
        let is_flushed = |cell: &Cell| {
            let of_family = self.flushed_by_family.iter().find(|store| *store.family_name == *cell.family());
            of_family.is_some_and(|store| entry.sequence_id() <= store.sequence_id)
        };
        let is_wanted = |cell: &&Cell| match is_marker(cell) {
            true => !matches!(compaction_marker(cell), Ok(None)),
            false => !is_flushed(cell),
        };
        entry.cells.iter().filter(is_wanted).cloned().collect()
    }

    /// Writes what is buffered; how many bytes that was.
    async fn write(&mut self, root: &RootDir, log: &FsPath) -> Result<usize, SplitError> {
        let failed = |source| SplitError::Fs { log: log.clone(), source };
        if self.file.is_none() {
            root.wal_file_system().mkdirs(&self.folder, None).await.map_err(failed)?;
            let name = format!("{:019}-{}.temp", self.first_sequence, log.name().unwrap_or_default());
            let path = self.folder.join(&name);
            let file = WalFile::create(&**root.wal_file_system(), &path).await.map_err(failed)?;
            self.file = Some((path, file));
        }
        let bytes = self.buffer.len();
        let buffered = self.buffer.split().freeze();
        if let Some((_, file)) = &mut self.file {
            file.write(buffered).await.map_err(failed)?;
        }
        Ok(bytes)
    }

    async fn finish(mut self: Box<Self>, root: &RootDir, log: &FsPath) -> Result<(), SplitError> {
        let sequence = self.last_sequence;
        self.write(root, log).await?;
        let failed = |source| SplitError::Fs { log: log.clone(), source };
        let Some((temp, file)) = self.file.take() else { return Ok(()) };
        file.close().await.map_err(failed)?;
        let fs = &**root.wal_file_system();
        let target = self.folder.join(&format!("{sequence:019}"));
        if let Err(error) = fs.rename(&temp, &target).await {
            if !error.is_already_exists() {
                return Err(failed(error));
            }
            // The log was split before, and the outcome not seen: the one with more edits counts, as in Java.
            let there = entries(root, &target).await?;
            warn!(%target, there, new = self.entries, "recovered edits are there already");
            if there >= self.entries {
                fs.delete(&temp).await.map_err(failed)?;
            } else {
                fs.rename_replacing(&temp, &target).await.map_err(failed)?;
            }
        }
        Ok(())
    }
}

async fn entries(root: &RootDir, path: &FsPath) -> Result<u64, SplitError> {
    let mut reader = WalReader::open(&**root.wal_file_system(), path).await?;
    let mut entries = 0;
    while reader.next().await?.is_some() {
        entries += 1;
    }
    Ok(entries)
}

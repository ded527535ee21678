//! What a server does for its regions at times, told by events: flushes those with much in memory, compacts those with
//! many files, and archives log files that no region needs. Counterpart of `MemStoreFlusher`, `CompactSplit` and
//! `LogRoller`.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use hmaster_fs::rootdir::RootDir;
use hmaster_fs::{FsError, FsErrorKind, FsPath, Operation};
use tokio::sync::{Semaphore, mpsc};
use tracing::{info, warn};

use super::one::{Event, OneLog};
use super::{Inner, ServerLog};
use crate::region::{Region, RegionError, WeakRegion};

/// Flushes at once (`hbase.hstore.flusher.count`).
const FLUSHES_AT_ONCE: usize = 2;
/// Compactions at once (`hbase.regionserver.thread.compaction.small` and `.large` together).
const COMPACTIONS_AT_ONCE: usize = 2;
/// How long a failed flush or compaction waits before it is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// All regions' memory is added up each time that it may have grown by this part of what there may be.
const GROWTH_PART: u64 = 32;

type Running = FuturesUnordered<BoxFuture<'static, ()>>;

/// Does what events ask for, until the log is gone.
pub(super) async fn run(log: Weak<Inner>, mut events: mpsc::UnboundedReceiver<Event>) {
    let mut running = Running::new();
    let flushes = Arc::new(Semaphore::new(FLUSHES_AT_ONCE));
    let compactions = Arc::new(Semaphore::new(COMPACTIONS_AT_ONCE));
    let mut grown = 0;
    loop {
        let event = tokio::select! {
            biased;
            Some(()) = running.next(), if !running.is_empty() => None,
            event = events.recv() => match event {
                Some(event) => Some(event),
                None => return,
            },
        };
        let Some(log) = log.upgrade().map(ServerLog) else { return };
        let mut wanted = Vec::new();
        match event {
            Some(Event::Applied { region, bytes }) => {
                grown += bytes;
                wanted.extend(region.upgrade());
                if grown > log.0.options.memstore_bytes_max / GROWTH_PART {
                    grown = 0;
                    wanted.extend(log.region_to_flush());
                }
            }
            // A flush or compaction has ended, or log files are complete.
            Some(Event::Complete) | None => {
                log.tidy().await;
                wanted.extend(log.region_to_flush());
                wanted.extend(log.holders_of_oldest());
            }
        }
        for region in wanted {
            if region.take_flush_request() {
                let turn = Arc::clone(&flushes);
                running.push(Box::pin(flush(region.clone(), turn)));
            }
            if log.compacts() && region.take_compaction_request() {
                let turn = Arc::clone(&compactions);
                running.push(Box::pin(compact(region, turn)));
            }
        }
    }
}

async fn flush(region: Region, turn: Arc<Semaphore>) {
    let _turn = turn.acquire().await;
    let done = region.flush().await;
    ended(&region, "flush", done.map(drop)).await;
    region.flush_request_ended();
    region.wake_chores();
}

async fn compact(region: Region, turn: Arc<Semaphore>) {
    let _turn = turn.acquire().await;
    let done = region.compact(false).await;
    ended(&region, "compact", done.map(drop)).await;
    region.compaction_request_ended();
    region.wake_chores();
}

async fn ended(region: &Region, what: &'static str, done: Result<(), RegionError>) {
    if is_to_be_retried(region, what, done) {
        tokio::time::sleep(RETRY_AFTER).await;
    }
}

fn is_to_be_retried(region: &Region, what: &'static str, done: Result<(), RegionError>) -> bool {
    match done {
        Ok(()) | Err(RegionError::Closing { .. } | RegionError::Log(_)) => false,
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            warn!(error, region = %region.info().encoded_name(), what, "will be tried again");
            true
        }
    }
}

/// Moves a log file to the old ones.
pub(super) async fn archive(root: &RootDir, file: &FsPath) -> Result<(), FsError> {
    match root.archive_wal(file).await {
        Ok(()) => Ok(()),
        Err(hmaster_fs::rootdir::RootDirError::Fs(error)) => Err(error),
        Err(other) => {
            let kind = FsErrorKind::Invalid(other.to_string());
            Err(FsError::caused_by(Operation::Rename, file, kind, other))
        }
    }
}

impl ServerLog {
    /// The region with most in memory, when all regions together have too much.
    fn region_to_flush(&self) -> Option<Region> {
        let max = self.0.options.memstore_bytes_max;
        let regions: Vec<_> = self.logs().iter().flat_map(|log| log.regions()).collect();
        let total: u64 = regions.iter().map(|region| region.stores.memstore_bytes()).sum();
        self.0.is_full.store(total >= max, Ordering::Relaxed);
        if total < max - max / 8 {
            return None;
        }
        let largest = regions.into_iter().max_by_key(|region| region.stores.memstore_bytes())?;
        let region = largest.region.upgrade()?;
        info!(region = %region.info().encoded_name(), total, max, "much is in memory of all regions");
        region.want_flush();
        Some(region)
    }

    /// The regions that keep the oldest log file from going, when there are too many files.
    fn holders_of_oldest(&self) -> Vec<Region> {
        let mut regions = Vec::new();
        for log in self.logs() {
            if log.unneeded().1 > self.0.options.files_max {
                regions.extend(log.holders_of_oldest().iter().filter_map(WeakRegion::upgrade));
            }
        }
        regions.iter().for_each(Region::want_flush);
        regions
    }

    /// Archives the log files that no region needs.
    async fn tidy(&self) {
        for log in self.logs() {
            if let Err(error) = self.archive_unneeded(&log).await {
                warn!(%error, "log files that nobody needs stay for now");
            }
        }
    }

    async fn archive_unneeded(&self, log: &OneLog) -> Result<(), FsError> {
        for file in log.unneeded().0 {
            archive(&self.0.root, &file.path).await?;
            log.archived(&file.path);
            info!(file = %file.path, "archived a log file");
        }
        Ok(())
    }
}

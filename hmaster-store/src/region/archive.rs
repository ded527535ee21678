//! Where logs go that the region doesn't need any more, and where its sequence id is recorded. Counterpart of
//! `MasterRegionWALRoller.afterWALArchive` and `MasterRegionUtils.moveFilesUnderDir`.
//!
//! Java moves a log first to the old logs of MasterData and from there to the old logs of the cluster, where a cleaner
//! deletes it after a week (`hbase.master.store.region.*`); here it goes there at once.

use hmaster_fs::rootdir::{RootDir, RootDirError};
use hmaster_fs::{FsError, FsErrorKind, FsPath, NotFoundAsNone as _, Operation};
use hmaster_types::{RegionInfo, SeqNum};
use tracing::{debug, info};

/// By this the cleaner knows the logs of a master's region. Java's `MasterRegionFactory.ARCHIVED_WAL_SUFFIX`.
pub(super) const ARCHIVED_WAL_SUFFIX: &str = "$masterlocalwal$";

#[derive(Debug, Clone)]
pub(super) struct Archive {
    /// MasterData as a root folder.
    data: RootDir,
    /// The cluster's old logs.
    old_logs: FsPath,
    region: RegionInfo,
    clock: std::sync::Arc<dyn hmaster_types::Clock>,
}

impl Archive {
    pub(super) fn new(
        data: RootDir,
        old_logs: FsPath,
        region: RegionInfo,
        clock: std::sync::Arc<dyn hmaster_types::Clock>,
    ) -> Self {
        Self { data, old_logs, region, clock }
    }

    /// Moves a log to the archive. Does nothing for one that isn't there any more: an earlier call moved it and didn't
    /// learn that, or a successor has it, which the log in use finds out by itself.
    pub(super) async fn put(&self, log: &FsPath) -> Result<(), FsError> {
        let moved = self.move_away(log).await;
        match moved {
            Err(error) if error.is_not_found() && error.path == *log => {
                debug!(%log, "there is no log any more to archive");
                Ok(())
            }
            moved => moved,
        }
    }

    async fn move_away(&self, log: &FsPath) -> Result<(), FsError> {
        let fs = self.data.wal_file_system();
        // The cleaner counts from when a file was changed.
        fs.set_modified(log, self.clock.now_ms()).await?;
        let name = log.name().unwrap_or_default();
        let target = self.old_logs.join(&format!("{name}{ARCHIVED_WAL_SUFFIX}"));
        let moved = match fs.rename(log, &target).await {
            Err(error) if error.is_not_found() && error.path != *log => {
                fs.mkdirs(&self.old_logs, None).await?;
                fs.rename(log, &target).await
            }
            done => done,
        };
        match moved {
            Err(error) if error.is_already_exists() => {
                let other = format!("{name}.{}{ARCHIVED_WAL_SUFFIX}", self.clock.now_ms());
                fs.rename(log, &self.old_logs.join(&other)).await?;
            }
            done => done?,
        }
        info!(%log, %target, "archived a log of the master's region");
        Ok(())
    }

    /// Moves what a Java master left on its way to the archive.
    pub(super) async fn put_left_overs(&self) -> Result<(), FsError> {
        let folder = self.data.layout().old_wals();
        let left = self.data.wal_file_system().list(&folder).await.found()?.unwrap_or_default();
        for file in left.iter().filter(|entry| entry.is_file()) {
            self.put(&folder.join(&file.name)).await?;
        }
        Ok(())
    }

    /// Records that the region has used sequence ids up to this one. A higher record stays.
    pub(super) async fn record_sequence_id(&self, sequence: u64) -> Result<(), FsError> {
        let sequence = SeqNum(i64::try_from(sequence).unwrap_or(i64::MAX));
        match self.data.write_sequence_id(&self.region, sequence).await {
            Ok(()) => Ok(()),
            Err(RootDirError::SequenceIdFalls { recorded, .. }) => {
                debug!(recorded, %sequence, "a higher sequence id is recorded");
                Ok(())
            }
            Err(RootDirError::Fs(error)) => Err(error),
            Err(other) => {
                let kind = FsErrorKind::Invalid(other.to_string());
                Err(FsError::caused_by(Operation::Create, self.data.layout().root(), kind, other))
            }
        }
    }
}

//! Takes the logs of all earlier masters. Counterpart of `MasterRegion.replayWALs`.
//!
//! Each folder of logs is renamed, so that its master can't begin another log, the lease of each log is recovered, so
//! that it can't sync any more, and the log is moved to where the region replays it from. A master that dies in the
//! middle leaves folders that end in `-dead` and logs in both places, and the next one goes on.
//!
//! Unlike Java, the own folder is made first and the others are looked for afterwards: of two masters that do this at
//! once, one sees the other's folder and fences it, so never do both go on.

use std::time::Duration;

use hmaster_fs::rootdir::RootDir;
use hmaster_fs::{FsError, FsErrorKind, FsPath, NotFoundAsNone as _, Operation};
use hmaster_types::{RegionInfo, ServerName};
use tracing::info;

use super::error::OpenError;

pub(super) const DEAD: &str = "-dead";
/// Where logs wait to be replayed, in the region's folder.
const RECOVERED: &str = "recovered.wals";
/// Logs of one name that may wait: one for each takeover that died in the middle, and that rarely have the same name.
const SAME_NAMES_MAX: usize = 100;

/// Where logs are.
#[derive(Debug, Clone)]
pub(super) struct LogFolders {
    data: RootDir,
    /// This master's logs.
    pub(super) own: FsPath,
    /// The logs of earlier masters, to be replayed.
    pub(super) recovered: FsPath,
    lease_wait_max: Duration,
}

impl LogFolders {
    pub(super) fn new(
        data: &RootDir,
        region: &RegionInfo,
        server: &ServerName,
        lease_wait_max: Duration,
    ) -> Self {
        let own = data.layout().wals().join(server.as_str());
        let recovered = Self::recovered_of(data, region);
        Self { data: data.clone(), own, recovered, lease_wait_max }
    }

    /// Where logs wait to be replayed.
    pub(super) fn recovered_of(data: &RootDir, region: &RegionInfo) -> FsPath {
        let folder = data.layout().wal_table(region.table()).join(&region.encoded_name().to_string());
        folder.join(RECOVERED)
    }

    /// Fences all earlier masters and makes this one's folder; the logs to be replayed.
    pub(super) async fn take_over(&self) -> Result<Vec<FsPath>, OpenError> {
        let fs = self.data.wal_file_system();
        fs.mkdirs(&self.recovered, None).await.map_err(OpenError::fs("make the folder of taken logs"))?;
        // A folder of this name is of an earlier life of this very process, which has ended.
        self.take_folders(|_| true).await?;
        fs.mkdirs(&self.own, None).await.map_err(OpenError::fs("make the folder of logs"))?;
        let own = self.own.name().unwrap_or_default();
        self.take_folders(|name| name != own).await?;
        let logs = fs.list(&self.recovered).await.map_err(OpenError::fs("list taken logs"))?;
        Ok(logs.iter().filter(|log| log.is_file()).map(|log| self.recovered.join(&log.name)).collect())
    }

    /// Takes folders until there are none left. Those that are dead come first: a folder can be renamed only when
    /// there is none of the new name.
    async fn take_folders(&self, wanted: impl Fn(&str) -> bool) -> Result<(), OpenError> {
        loop {
            let wals = self.data.layout().wals();
            let listed = self.data.wal_file_system().list(&wals).await.found();
            let entries = listed.map_err(OpenError::fs("list earlier masters"))?.unwrap_or_default();
            let mut folders: Vec<&str> =
                entries.iter().filter(|entry| entry.is_dir()).map(|entry| &*entry.name).collect();
            folders.retain(|name| wanted(name));
            folders.sort_by_key(|name| !name.ends_with(DEAD));
            if folders.is_empty() {
                return Ok(());
            }
            for name in folders {
                self.take_folder(&wals, name).await?;
            }
        }
    }

    async fn take_folder(&self, wals: &FsPath, name: &str) -> Result<(), OpenError> {
        let fs = self.data.wal_file_system();
        let dead = match name.ends_with(DEAD) {
            true => wals.join(name),
            false => {
                let dead = wals.join(&format!("{name}{DEAD}"));
                let renamed = fs.rename(&wals.join(name), &dead).await;
                renamed.map_err(OpenError::fs("rename an earlier master's folder"))?;
                info!(folder = %dead, "fenced an earlier master");
                dead
            }
        };
        self.take_logs(&dead).await.map_err(OpenError::fs("take an earlier master's logs"))?;
        fs.delete(&dead).await.map_err(OpenError::fs("delete an earlier master's folder"))?;
        Ok(())
    }

    /// Takes all logs of a folder, those of folders in it first: where `x` and `x-dead` are both there, a Java master
    /// on HDFS that renames the one to the other moves it inside.
    async fn take_logs(&self, folder: &FsPath) -> Result<(), FsError> {
        let fs = self.data.wal_file_system();
        for entry in fs.list(folder).await? {
            let path = folder.join(&entry.name);
            if entry.is_dir() {
                Box::pin(self.take_logs(&path)).await?;
                fs.delete(&path).await?;
                continue;
            }
            fs.recover_lease(&path, self.lease_wait_max).await?;
            self.move_log(&path, &entry.name).await?;
            info!(log = %path, "took an earlier master's log");
        }
        Ok(())
    }

    /// A log of the same name may wait already, when a master of the same name began two within a millisecond by a
    /// clock that was set back.
    async fn move_log(&self, log: &FsPath, name: &str) -> Result<(), FsError> {
        let fs = self.data.wal_file_system();
        for number in 0..SAME_NAMES_MAX {
            let suffix = if number == 0 { String::new() } else { format!(".{number}") };
            match fs.rename(log, &self.recovered.join(&format!("{name}{suffix}"))).await {
                Err(error) if error.is_already_exists() => {}
                done => return done,
            }
        }
        let kind = FsErrorKind::AlreadyExists;
        Err(FsError::new(Operation::Rename, &self.recovered.join(name), kind))
    }
}

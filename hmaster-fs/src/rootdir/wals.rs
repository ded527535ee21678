//! Folders of WALs, one per server. Counterpart of the folder parts of `MasterWalManager`, `SplitWALManager`
//! and `AbstractFSWALProvider`.
//!
//! A dead server's folder is renamed before its WALs are listed: the server may be alive after all, and
//! couldn't make another WAL then. Each of its WALs is split by some region server, and moved to the old ones
//! afterwards.

use hmaster_types::ServerName;
use tracing::{info, warn};

use super::layout::SPLITTING;
use super::{RootDir, RootDirError};
use crate::{FileStatus, FsErrorKind, FsPath, FsUri, NotFoundAsNone as _, Usage};

/// A server's folder of WALs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct WalFolder {
    /// Whose WALs they are.
    pub server: ServerName,
    /// Whether it is fenced, by `-splitting` behind its name.
    pub is_splitting: bool,
}

/// Which WALs of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalKind {
    /// Those with edits of hbase:meta.
    Meta,
    /// The others.
    Other,
}

impl WalKind {
    /// The kind of a WAL by its file's name. Counterpart of `AbstractFSWALProvider.isMetaFile`.
    pub fn of(name: &str) -> Self {
        if name.ends_with(".meta") { Self::Meta } else { Self::Other }
    }
}

impl RootDir {
    /// The servers that have folders of WALs, dead or alive; one may have two.
    ///
    /// # Errors
    /// What the file system answers.
    pub async fn wal_folders(&self) -> Result<Vec<WalFolder>, RootDirError> {
        let folder = self.layout().wals();
        let entries = self.wal_fs.list(&folder).await.found()?.unwrap_or_default();
        let mut found = Vec::new();
        for entry in entries.iter().filter(|entry| entry.is_dir()) {
            match parse_folder_name(&entry.name) {
                Ok(wals) => found.push(wals),
                Err(error) => {
                    warn!(%error, %folder, "a folder among the WALs is no server's; leaving it in place");
                }
            }
        }
        found.sort();
        Ok(found)
    }

    /// Fences a dead server: renames its folder of WALs. Answers whether it has any folder, renamed now or
    /// before.
    ///
    /// # Errors
    /// What the file system answers.
    pub async fn fence_wals(&self, server: &ServerName) -> Result<bool, RootDirError> {
        let (live, splitting) = (self.layout().wals_of(server), self.layout().splitting_wals_of(server));
        let Err(error) = self.wal_fs.rename(&live, &splitting).await else {
            info!(folder = %splitting, "fenced a server's WALs");
            return Ok(true);
        };
        match error.kind {
            FsErrorKind::NotFound => Ok(self.wal_fs.exists(&splitting).await?),
            FsErrorKind::AlreadyExists => self.fence_late_wals(&live, &splitting).await.map(|()| true),
            _ => Err(error.into()),
        }
    }

    /// There are both folders: the server, or a repair, made one anew. Its WALs join the others. (Java's
    /// rename would put the folder into the other, where nobody looks.)
    async fn fence_late_wals(&self, live: &FsPath, splitting: &FsPath) -> Result<(), RootDirError> {
        warn!(folder = %live, "a fenced server has a folder of WALs again");
        for entry in self.wal_fs.list(live).await.found()?.unwrap_or_default() {
            match self.wal_fs.rename(&live.join(&entry.name), &splitting.join(&entry.name)).await {
                Err(error) if error.is_not_found() => {}
                done => done?,
            }
        }
        self.wal_fs.delete(live).await?;
        Ok(())
    }

    /// The WALs of a fenced server that are yet to be split.
    ///
    /// # Errors
    /// What the file system answers.
    pub async fn wals_to_split(
        &self,
        server: &ServerName,
        kind: WalKind,
    ) -> Result<Vec<FsPath>, RootDirError> {
        let folder = self.layout().splitting_wals_of(server);
        let entries = self.wal_fs.list(&folder).await.found()?.unwrap_or_default();
        let wanted = |entry: &&FileStatus| entry.is_file() && WalKind::of(&entry.name) == kind;
        Ok(entries.iter().filter(wanted).map(|entry| folder.join(&entry.name)).collect())
    }

    /// A WAL's path as region servers understand it.
    pub fn wal_uri(&self, wal: &FsPath) -> FsUri {
        self.wal_fs.uri(wal)
    }

    /// A WAL's path from what a region server, or an earlier master, calls it: with or without scheme and
    /// authority, or below the folder for WALs.
    ///
    /// # Errors
    /// `NotAWal` when it is none, or elsewhere.
    pub fn parse_wal(&self, text: &str) -> Result<FsPath, RootDirError> {
        let root = self.layout().wal_root();
        let error = || RootDirError::NotAWal { path: text.into(), root: root.clone() };
        let absolute = text.parse::<FsUri>().map(|uri| uri.path).ok().filter(|path| root.contains(path));
        let relative = || format!("{root}/{text}").parse().ok();
        let path: FsPath = absolute.or_else(relative).ok_or_else(error)?;
        let server_folder = path.parent();
        let is_wal = server_folder.and_then(|folder| folder.parent()) == Some(self.layout().wals());
        if is_wal { Ok(path) } else { Err(error()) }
    }

    /// Whether a WAL is still where it was: splitting it isn't finished.
    ///
    /// # Errors
    /// What the file system answers.
    pub async fn wal_exists(&self, wal: &FsPath) -> Result<bool, RootDirError> {
        Ok(self.wal_fs.exists(wal).await?)
    }

    /// Moves a WAL that was split to the old ones. One that is gone was moved before.
    ///
    /// # Errors
    /// What the file system answers.
    pub async fn archive_wal(&self, wal: &FsPath) -> Result<(), RootDirError> {
        let target = self.layout().old_wals().join(wal.name().unwrap_or_default());
        let moved = async {
            self.wal_fs.set_modified(wal, self.clock.now_ms()).await?;
            self.wal_fs.rename(wal, &target).await
        };
        match moved.await {
            Err(error) if error.is_not_found() && error.path == *wal => Ok(()),
            done => Ok(done?),
        }
    }

    /// Moves left-over WALs of hbase:meta of a fenced server to the old ones: the server had closed
    /// hbase:meta properly, so nobody will split them.
    ///
    /// # Errors
    /// What the file system answers.
    pub async fn archive_meta_wals(&self, server: &ServerName) -> Result<(), RootDirError> {
        for wal in self.wals_to_split(server, WalKind::Meta).await? {
            self.archive_wal(&wal).await?;
        }
        Ok(())
    }

    /// Deletes a fenced server's folder, when all its WALs have been moved. One that is gone was deleted
    /// before.
    ///
    /// # Errors
    /// `NotEmpty` when WALs are left.
    pub async fn delete_wal_folder(&self, server: &ServerName) -> Result<(), RootDirError> {
        self.wal_fs.delete(&self.layout().splitting_wals_of(server)).await?;
        Ok(())
    }

    /// How many old WALs there are, and how long they are together.
    ///
    /// # Errors
    /// What the file system answers.
    pub async fn old_wals_usage(&self) -> Result<Usage, RootDirError> {
        Ok(self.wal_fs.usage(&self.layout().old_wals()).await.found()?.unwrap_or_default())
    }
}

fn parse_folder_name(name: &str) -> Result<WalFolder, hmaster_types::ParseError> {
    let live = name.strip_suffix(SPLITTING);
    Ok(WalFolder { server: live.unwrap_or(name).parse()?, is_splitting: live.is_some() })
}

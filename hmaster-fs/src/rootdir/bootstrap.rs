//! A master begins: waits for the file system, checks that the root folder is one it can work with or makes
//! it one, and clears what its predecessor left in `.tmp`. Counterpart of
//! `MasterFileSystem.createInitialFileSystemLayout`.
//!
//! Each step looks first at what is there, so a start that was interrupted anywhere is repeated by the next.
//! Files appear under their names with all their content or not at all: they are written in `.tmp` and
//! renamed.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use hmaster_types::{Chance, RegionInfo};
use tracing::{info, warn};

use super::content::{self, BadContent, FILE_SYSTEM_VERSION, SMALL_BYTES_MAX};
use super::layout::table_below;
use super::{RootDir, RootDirError};
use crate::{CreateOptions, FsPath, NotFoundAsNone as _, Permission};

/// How to prepare a root folder.
#[derive(Debug, Clone)]
pub struct PrepareOptions {
    /// With Kerberos, folders and the two files are closed to others (`hbase.security.authentication`).
    pub secure: bool,
    /// Permission of folders then (`hbase.rootdir.perms`).
    pub root_permission: Permission,
    /// Permission of the folders of WALs then, when these have a root of their own (`hbase.wal.dir.perms`).
    pub wal_permission: Permission,
    /// How often to look whether safe mode has ended, and how long to wait before another attempt to write (
    /// `hbase.server.thread.wakefrequency`).
    pub pause: Duration,
    /// How many more attempts to write version and id are made when the first fails: a new HDFS leaves safe
    /// mode before it has a DataNode (`hbase.server.versionfile.writeattempts`).
    pub further_attempts: u32,
    /// Leave `.tmp` itself in place, whose ACLs somebody set (`hbase.acl.sync.to.hdfs.enable`).
    pub keep_temp: bool,
}

impl Default for PrepareOptions {
    fn default() -> Self {
        Self {
            secure: false,
            root_permission: Permission::OWNER_ALL,
            wal_permission: Permission::OWNER_ALL,
            pause: Duration::from_secs(10),
            further_attempts: 3,
            keep_temp: false,
        }
    }
}

/// What was found, or made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootInfo {
    /// The cluster's id, which every server must know it by.
    pub cluster_id: String,
    /// No cluster was here before.
    pub is_new: bool,
}

const SECURE_FILE: Permission = Permission::new(0o600);
/// Others may enter, but not look around: they are given the names of their folders.
const STAGING: Permission = Permission::new(0o711);
const ENTER_FOR_ALL: u32 = 0o111;

impl RootDir {
    /// Waits out the safe mode, checks version and id or makes them, archives tables that were being deleted
    /// and clears `.tmp`, and makes the folders. `chance` makes the id of a new cluster.
    ///
    /// # Errors
    /// When the layout is another version's, when a file can't be read, and what the file system answers.
    pub async fn prepare(&self, options: &PrepareOptions, chance: &Chance) -> Result<RootInfo, RootDirError> {
        let layout = self.layout();
        self.wait_until_writable(options.pause).await?;
        match self.fs.status(layout.root()).await.found()? {
            None => self.fs.mkdirs(layout.root(), None).await?,
            Some(found) if found.is_dir() => {}
            Some(_) => return Err(RootDirError::RootIsNoFolder { root: layout.root().clone() }),
        }
        self.check_or_write_version(options).await?;
        let info = self.read_or_make_cluster_id(options, chance).await?;
        self.clear_temp(options).await?;
        self.make_folders(options).await?;
        self.set_root_permissions(options).await?;
        Ok(info)
    }

    /// Whether a cluster is here already, of a version that this master can work with. Changes nothing.
    ///
    /// # Errors
    /// When the layout is another version's, or can't be read.
    pub async fn is_prepared(&self) -> Result<bool, RootDirError> {
        let path = self.layout().version();
        match self.read_small(&path, content::decode_version).await?.flatten() {
            Some(found) if found == FILE_SYSTEM_VERSION => Ok(true),
            Some(found) => Err(RootDirError::OtherVersion { path, found, wanted: FILE_SYSTEM_VERSION }),
            None => Ok(false),
        }
    }

    /// Waits until the file systems of the root folder and of the WALs take changes, however long that is.
    ///
    /// # Errors
    /// When they can't be asked.
    pub async fn wait_until_writable(&self, pause: Duration) -> Result<(), RootDirError> {
        let layout = self.layout();
        self.fs.wait_until_writable(layout.root(), pause, None).await?;
        Ok(self.wal_fs.wait_until_writable(layout.wal_root(), pause, None).await?)
    }

    /// Puts down the file that keeps the repair tool of HBase 1, which would do damage, from running
    /// (`hbase.write.hbck1.lock.file`). `host` tells a human who did.
    ///
    /// # Errors
    /// What the file system answers.
    pub async fn write_hbck1_lock(&self, host: &str) -> Result<(), RootDirError> {
        let note = format!("{host}: put here by an HBase 2 master, so that hbck of HBase 1 doesn't run\n");
        self.fs.mkdirs(&self.layout().temp(), None).await?;
        let lock = self.layout().hbck1_lock();
        Ok(self.fs.write_whole(&lock, note.into(), CreateOptions::overwrite()).await?)
    }

    async fn check_or_write_version(&self, options: &PrepareOptions) -> Result<(), RootDirError> {
        let path = self.layout().version();
        match self.read_small(&path, content::decode_version).await?.flatten() {
            Some(found) if found == FILE_SYSTEM_VERSION => Ok(()),
            Some(found) => Err(RootDirError::OtherVersion { path, found, wanted: FILE_SYSTEM_VERSION }),
            None => {
                let meta = self.layout().region(&RegionInfo::meta());
                if self.fs.exists(&meta).await? {
                    let root = self.layout().root().clone();
                    return Err(RootDirError::VersionMissing { path, meta, root });
                }
                info!(%path, version = FILE_SYSTEM_VERSION, "new root folder: writing its version");
                self.put(&path, &content::encode_version(FILE_SYSTEM_VERSION), options).await
            }
        }
    }

    async fn read_or_make_cluster_id(
        &self,
        options: &PrepareOptions,
        chance: &Chance,
    ) -> Result<RootInfo, RootDirError> {
        let path = self.layout().cluster_id();
        if let Some((cluster_id, old_form)) = self.read_small(&path, content::decode_cluster_id).await? {
            if old_form {
                info!(%path, "rewriting the cluster's id in today's form");
                self.put(&path, &content::encode_cluster_id(&cluster_id), options).await?;
            }
            return Ok(RootInfo { cluster_id, is_new: false });
        }
        let cluster_id = random_uuid(chance);
        info!(%path, cluster_id, "new root folder: writing the cluster's id");
        self.put(&path, &content::encode_cluster_id(&cluster_id), options).await?;
        Ok(RootInfo { cluster_id, is_new: true })
    }

    /// The content of a small file; none when there is no file.
    async fn read_small<T>(
        &self,
        path: &FsPath,
        decode: impl Fn(&[u8]) -> Result<T, BadContent>,
    ) -> Result<Option<T>, RootDirError> {
        let Some(content) = self.fs.read_whole(path, SMALL_BYTES_MAX).await.found()? else {
            return Ok(None);
        };
        let bad = |bad: BadContent| RootDirError::content(path, bad.what, &content, bad.source);
        decode(&content).map(Some).map_err(bad)
    }

    /// Gives a file of the root folder its content at one stroke.
    async fn put(
        &self,
        path: &FsPath,
        content: &Bytes,
        options: &PrepareOptions,
    ) -> Result<(), RootDirError> {
        for attempt in 0.. {
            match self.put_once(path, content).await {
                Err(error) if attempt < options.further_attempts && error.is_transient() => {
                    warn!(error = &error as &dyn std::error::Error, "trying again in {:?}", options.pause);
                    tokio::time::sleep(options.pause).await;
                }
                done => return done,
            }
        }
        Ok(())
    }

    async fn put_once(&self, path: &FsPath, content: &Bytes) -> Result<(), RootDirError> {
        let temp = self.layout().temp();
        let aside = temp.join(path.name().unwrap_or_default());
        self.fs.mkdirs(&temp, None).await?;
        self.fs.write_whole(&aside, content.clone(), CreateOptions::overwrite()).await?;
        Ok(self.fs.rename_replacing(&aside, path).await?)
    }

    /// Archives the regions of tables in `.tmp`, where older masters moved tables to delete them, and empties
    /// it.
    async fn clear_temp(&self, options: &PrepareOptions) -> Result<(), RootDirError> {
        let temp = self.layout().temp();
        if self.fs.exists(&temp).await? {
            for table in self.tables_below(&temp).await? {
                info!(%table, "archiving a table whose deletion was interrupted");
                self.archive_regions_of(&table, &table_below(&temp, &table), &BTreeSet::new()).await?;
            }
            if !options.keep_temp {
                self.fs.delete_tree(&temp).await?;
            }
        }
        self.fs.mkdirs(&temp, options.folder_permission()).await.map_err(Into::into)
    }

    async fn make_folders(&self, options: &PrepareOptions) -> Result<(), RootDirError> {
        let layout = self.layout();
        for folder in [layout.data(), layout.archive(), layout.sideline(), layout.mob()] {
            self.fs.mkdirs(&folder, options.folder_permission()).await?;
            if options.secure {
                self.fs.set_permission(&folder, options.root_permission).await?;
            }
        }
        let of_wals = if self.has_own_wal_root() { options.wal_permission } else { options.root_permission };
        for folder in [layout.wals(), layout.old_wals(), layout.corrupt_wals()] {
            self.wal_fs.mkdirs(&folder, options.folder_permission()).await?;
            if options.secure {
                self.wal_fs.set_permission(&folder, of_wals).await?;
            }
        }
        self.fs.mkdirs(&layout.staging(), Some(STAGING)).await?;
        Ok(self.fs.set_permission(&layout.staging(), STAGING).await?)
    }

    async fn set_root_permissions(&self, options: &PrepareOptions) -> Result<(), RootDirError> {
        let layout = self.layout();
        if options.secure {
            self.fs.set_permission(&layout.version(), SECURE_FILE).await?;
            self.fs.set_permission(&layout.cluster_id(), SECURE_FILE).await?;
        }
        // Bulk loads by users must get through to the staging folder.
        let found = self.fs.status(layout.root()).await?.permission.bits();
        if found & ENTER_FOR_ALL != ENTER_FOR_ALL {
            warn!(root = %layout.root(), "letting everybody enter the root folder");
            self.fs.set_permission(layout.root(), Permission::new(found | ENTER_FOR_ALL)).await?;
        }
        Ok(())
    }
}

impl PrepareOptions {
    fn folder_permission(&self) -> Option<Permission> {
        self.secure.then_some(self.root_permission)
    }
}

/// A random UUID (version 4), as `UUID.randomUUID` makes them.
fn random_uuid(chance: &Chance) -> String {
    let mut bits = u128::from(chance.bits()) << 64 | u128::from(chance.bits());
    bits = bits & !(0xf << 76) | 0x4 << 76;
    bits = bits & !(0x3 << 62) | 0x2 << 62;
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_random_uuids() {
        let chance = Chance::seeded(1);
        let (one, two) = (random_uuid(&chance), random_uuid(&chance));
        assert_ne!(one, two);
        for id in [one, two] {
            let parts: Vec<&str> = id.split('-').collect();
            assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{id}");
            assert!(parts[2].starts_with('4') && parts[3].starts_with(['8', '9', 'a', 'b']), "{id}");
        }
    }
}

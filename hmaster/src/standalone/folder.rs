//! The data folder: who has it, and what is where in it.
//!
//! ```text
//! DIR/lock                  held as long as a process uses the folder
//! DIR/zookeeper/            the embedded ZooKeeper's log and snapshots
//! DIR/hbase/                hbase.rootdir
//! DIR/conf/hbase-site.xml   for clients; written anew by each start
//! ```

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use super::StandaloneError;

/// Kept open as long as the folder is used; the system gives it free when the process ends, however that happens.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

pub(super) fn conf_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("conf")
}

pub(super) fn zookeeper_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("zookeeper")
}

pub(super) fn root_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("hbase")
}

/// Makes the folder if it isn't there, and takes it. Its absolute path, because a rootdir needs one.
pub(super) fn take(data_dir: &Path) -> Result<(PathBuf, Lock), StandaloneError> {
    let unusable = |source| StandaloneError::DataDir { path: data_dir.to_owned(), source };
    fs::create_dir_all(data_dir).map_err(unusable)?;
    let data_dir = data_dir.canonicalize().map_err(unusable)?;
    let file = File::create(data_dir.join("lock")).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok((data_dir, Lock { _file: file })),
        Err(TryLockError::WouldBlock) => Err(StandaloneError::DataDirInUse(data_dir)),
        Err(TryLockError::Error(source)) => Err(unusable(source)),
    }
}

/// Writes the configuration for clients.
pub(super) fn write_site(data_dir: &Path, site: &str) -> Result<(), StandaloneError> {
    let dir = conf_dir(data_dir);
    let path = dir.join("hbase-site.xml");
    let written = fs::create_dir_all(&dir).and_then(|()| fs::write(&path, site));
    written.map_err(|source| StandaloneError::DataDir { path, source })
}

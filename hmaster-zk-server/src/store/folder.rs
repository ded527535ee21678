//! The data folder: its lock and the names in it.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::disk::Disk;
use super::error::StoreError;

const LOCK: &str = "lock";
const LOG_PREFIX: &str = "log.";
const SNAPSHOT_PREFIX: &str = "snapshot.";
const UNFINISHED_SUFFIX: &str = ".tmp";

/// Where a Java server keeps its files, below the same folder.
const JAVA_FOLDER: &str = "version-2";

/// A log or snapshot, with the transaction number in its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NumberedFile {
    /// First transaction of a log, last one of a snapshot.
    pub zxid: i64,
    /// The file.
    pub path: PathBuf,
}

/// What is in a data folder, each in the order of its numbers.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// Logs.
    pub logs: Vec<NumberedFile>,
    /// Snapshots.
    pub snapshots: Vec<NumberedFile>,
    /// Snapshots that were never finished.
    pub unfinished: Vec<PathBuf>,
}

/// Makes the folder and takes its lock, which lasts as long as the file returned.
pub(crate) fn lock(disk: &Disk, dir: &Path) -> Result<File, StoreError> {
    fs::create_dir_all(dir).map_err(|source| StoreError::io("create", dir, source))?;
    if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        disk.sync_dir(parent).map_err(|source| StoreError::io("sync", parent, source))?;
    }
    let path = dir.join(LOCK);
    let open = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
    let file = open.map_err(|source| StoreError::io("open", &path, source))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(Errno::WOULDBLOCK) => Err(StoreError::Locked { path: dir.to_owned() }),
        Err(errno) => Err(StoreError::io("lock", &path, errno.into())),
    }
}

/// Lists the folder. Files of other names are left alone.
pub(crate) fn list(dir: &Path) -> Result<Files, StoreError> {
    let error = |source| StoreError::io("list", dir, source);
    let mut files = Files::default();
    let mut is_java = false;
    for entry in fs::read_dir(dir).map_err(error)? {
        let entry = entry.map_err(error)?;
        let path = entry.path();
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if name.starts_with(SNAPSHOT_PREFIX) && name.ends_with(UNFINISHED_SUFFIX) {
            files.unfinished.push(path);
        } else if let Some(zxid) = number(name, LOG_PREFIX) {
            files.logs.push(NumberedFile { zxid, path });
        } else if let Some(zxid) = number(name, SNAPSHOT_PREFIX) {
            files.snapshots.push(NumberedFile { zxid, path });
        }
        is_java |= name == JAVA_FOLDER;
    }
    if is_java && files.logs.is_empty() && files.snapshots.is_empty() {
        return Err(StoreError::ForeignData { path: dir.to_owned() });
    }
    files.logs.sort_by_key(|file| file.zxid);
    files.snapshots.sort_by_key(|file| file.zxid);
    Ok(files)
}

fn number(name: &str, prefix: &str) -> Option<i64> {
    let digits = name.strip_prefix(prefix).filter(|digits| digits.len() == 16)?;
    i64::from_str_radix(digits, 16).ok().filter(|zxid| *zxid >= 0)
}

/// The path of a log.
pub(crate) fn log_path(dir: &Path, first_zxid: i64) -> PathBuf {
    dir.join(format!("{LOG_PREFIX}{first_zxid:016x}"))
}

/// The path of a snapshot.
pub(crate) fn snapshot_path(dir: &Path, zxid: i64) -> PathBuf {
    dir.join(format!("{SNAPSHOT_PREFIX}{zxid:016x}"))
}

/// The path of a snapshot that isn't finished.
pub(crate) fn unfinished_path(dir: &Path, zxid: i64) -> PathBuf {
    dir.join(format!("{SNAPSHOT_PREFIX}{zxid:016x}{UNFINISHED_SUFFIX}"))
}

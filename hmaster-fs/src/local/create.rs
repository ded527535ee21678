//! Creates files, and what is done with one that is being written, on a blocking thread.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;

use super::names::Folder;
use super::{checksum, os, set_permission};
use crate::{CreateMode, CreateOptions, FsError, FsErrorKind, FsPath, Operation};

/// A file that this process created and holds open.
#[derive(Debug)]
pub(super) struct OpenFile {
    file: File,
    /// Device and inode: what the path must still lead to when a sync is answered.
    identity: (u64, u64),
    /// The folder that names the file, until that was synced.
    unsynced_folder: Option<Folder>,
}

/// Two processes that replace one file without end can't keep a third from creating it.
const ATTEMPTS_MAX: usize = 16;

pub(super) fn create(path: &FsPath, options: CreateOptions) -> Result<OpenFile, FsError> {
    let folder = Folder::of(Operation::Create, path)?;
    let ready = create_file(path, options.mode).and_then(|file| {
        checksum::remove(os(path))?;
        if let Some(permission) = options.permission {
            set_permission(path, permission)?;
        }
        let identity = identity(&file.metadata()?);
        Ok(OpenFile { file, identity, unsynced_folder: Some(folder) })
    });
    ready.map_err(|error| FsError::from_io(Operation::Create, path, error))
}

pub(super) fn create_file(path: &FsPath, mode: CreateMode) -> io::Result<File> {
    match mode {
        CreateMode::New => create_new(path),
        CreateMode::Overwrite => create_over(path),
    }
}

fn create_new(path: &FsPath) -> io::Result<File> {
    File::options().write(true).create_new(true).open(os(path))
}

/// A new file, not the old one emptied: who still writes the old one must find that the path leads elsewhere.
fn create_over(path: &FsPath) -> io::Result<File> {
    for _ in 0..ATTEMPTS_MAX {
        match create_new(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            done => return done,
        }
        if fs::symlink_metadata(os(path)).is_ok_and(|found| found.is_dir()) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        checksum::remove(os(path))?;
        match fs::remove_file(os(path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Err(io::Error::other("others keep creating the file"))
}

fn identity(metadata: &fs::Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

impl OpenFile {
    pub(super) fn append(&mut self, path: &FsPath, bytes: &[u8]) -> Result<(), FsError> {
        let written = self.file.write_all(bytes);
        written.map_err(|error| FsError::from_io(Operation::Write, path, error))
    }

    /// Syncs content and, the first time, the name, and makes sure that the file is still at its path.
    ///
    /// Why that is a fence: a successor renames the folder before it reads the file. If the path still leads
    /// here *after* the sync, the rename comes later, so what was synced is there when the successor reads.
    /// If it doesn't, we don't say `Ok`, and it doesn't matter whether the successor saw the bytes. Nothing
    /// else can take the inode's number while we hold the file open.
    pub(super) fn sync(&mut self, path: &FsPath) -> Result<(), FsError> {
        let failed = |error| FsError::from_io(Operation::Sync, path, error);
        self.file.sync_data().map_err(failed)?;
        if let Some(folder) = &self.unsynced_folder {
            folder.sync(Operation::Sync)?;
            self.unsynced_folder = None;
        }
        match fs::metadata(os(path)) {
            Ok(found) if identity(&found) == self.identity => Ok(()),
            Ok(_) => Err(FsError::new(Operation::Sync, path, FsErrorKind::Fenced)),
            Err(error) if is_gone(&error) => {
                Err(FsError::caused_by(Operation::Sync, path, FsErrorKind::Fenced, error))
            }
            Err(error) => Err(failed(error)),
        }
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

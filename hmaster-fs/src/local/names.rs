//! Changes of names: folders made, renames, deletions. Each is followed by a sync of the folder that names
//! the thing.

use std::fs::{self, File};
use std::io;

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::{checksum, os, set_permission};
use crate::{FsError, FsErrorKind, FsPath, Operation, Permission};

/// An open folder, to be synced after an entry of it was changed. Opened before the change, so that it is the
/// right one even if somebody renames it meanwhile.
#[derive(Debug)]
pub(super) struct Folder {
    path: FsPath,
    file: File,
}

impl Folder {
    /// The folder that names `path`.
    pub(super) fn of(operation: Operation, path: &FsPath) -> Result<Self, FsError> {
        let Some(parent) = path.parent() else {
            let kind = FsErrorKind::Invalid("the root can't be changed".into());
            return Err(FsError::new(operation, path, kind));
        };
        let file = File::open(os(&parent)).and_then(|file| {
            let is_folder = file.metadata()?.is_dir();
            if is_folder { Ok(file) } else { Err(io::ErrorKind::NotADirectory.into()) }
        });
        match file {
            Ok(file) => Ok(Self { path: parent, file }),
            Err(error) => Err(FsError::from_io(operation, &parent, error)),
        }
    }

    /// Makes changes of its entries durable. The change was made already, so a failure leaves the outcome
    /// open.
    pub(super) fn sync(&self, operation: Operation) -> Result<(), FsError> {
        let synced = self.file.sync_all();
        synced.map_err(|error| FsError::caused_by(operation, &self.path, FsErrorKind::Unknown, error))
    }
}

/// Whether a change is synced by itself or together with others later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sync {
    Now,
    Later,
}

pub(super) fn mkdirs(path: &FsPath, permission: Option<Permission>, sync: Sync) -> Result<(), FsError> {
    let failed = |error| FsError::from_io(Operation::Mkdirs, path, error);
    match fs::metadata(os(path)) {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) => return Err(failed(io::ErrorKind::NotADirectory.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    if let Some(parent) = path.parent() {
        mkdirs(&parent, None, sync)?;
    }
    let folder = Folder::of(Operation::Mkdirs, path)?;
    match fs::create_dir(os(path)) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return mkdirs_again(path),
        Err(error) => return Err(failed(error)),
    }
    if let Some(permission) = permission {
        set_permission(path, permission).map_err(failed)?;
    }
    if sync == Sync::Now { folder.sync(Operation::Mkdirs) } else { Ok(()) }
}

/// Somebody else made it meanwhile, hopefully as a folder.
fn mkdirs_again(path: &FsPath) -> Result<(), FsError> {
    let is_folder = fs::metadata(os(path)).is_ok_and(|found| found.is_dir());
    let kind = FsErrorKind::NotADirectory;
    if is_folder { Ok(()) } else { Err(FsError::new(Operation::Mkdirs, path, kind)) }
}

pub(super) fn rename(from: &FsPath, to: &FsPath) -> Result<(), FsError> {
    let folders = (Folder::of(Operation::Rename, from)?, Folder::of(Operation::Rename, to)?);
    let is_file = is_file(from);
    let renamed = renameat_with(CWD, os(from), CWD, os(to), RenameFlags::NOREPLACE);
    renamed.map_err(|errno| rename_failed(from, to, errno.into()))?;
    finish_rename(from, to, is_file, &folders)
}

pub(super) fn rename_replacing(from: &FsPath, to: &FsPath) -> Result<(), FsError> {
    let folders = (Folder::of(Operation::Rename, from)?, Folder::of(Operation::Rename, to)?);
    for path in [from, to] {
        if fs::symlink_metadata(os(path)).is_ok_and(|found| found.is_dir()) {
            return Err(FsError::new(Operation::Rename, path, FsErrorKind::IsADirectory));
        }
    }
    if !is_file(from) {
        return Err(FsError::new(Operation::Rename, from, FsErrorKind::NotFound));
    }
    let renamed = checksum::remove(os(to)).and_then(|()| fs::rename(os(from), os(to)));
    renamed.map_err(|error| rename_failed(from, to, error))?;
    finish_rename(from, to, true, &folders)
}

fn is_file(path: &FsPath) -> bool {
    fs::symlink_metadata(os(path)).is_ok_and(|found| !found.is_dir())
}

fn finish_rename(
    from: &FsPath,
    to: &FsPath,
    is_file: bool,
    folders: &(Folder, Folder),
) -> Result<(), FsError> {
    if is_file {
        // Nothing was at `to`, so checksums there are of a file that is gone.
        let followed = checksum::remove(os(to)).and_then(|()| checksum::follow(os(from), os(to)));
        followed.map_err(|error| FsError::caused_by(Operation::Rename, to, FsErrorKind::Unknown, error))?;
    }
    folders.1.sync(Operation::Rename)?;
    if folders.0.path == folders.1.path { Ok(()) } else { folders.0.sync(Operation::Rename) }
}

/// The folders of both exist, so what isn't found is `from`.
fn rename_failed(from: &FsPath, to: &FsPath, error: io::Error) -> FsError {
    let at_fault = if error.kind() == io::ErrorKind::AlreadyExists { to } else { from };
    FsError::from_io(Operation::Rename, at_fault, error)
}

pub(super) fn delete(path: &FsPath) -> Result<bool, FsError> {
    change_if_there(path, |is_dir| match is_dir {
        false => remove_file(path),
        true => match fs::remove_dir(os(path)) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
                remove_leftovers(path)?;
                fs::remove_dir(os(path))
            }
            done => done,
        },
    })
}

pub(super) fn delete_tree(path: &FsPath) -> Result<bool, FsError> {
    change_if_there(path, |is_dir| if is_dir { fs::remove_dir_all(os(path)) } else { remove_file(path) })
}

fn change_if_there(path: &FsPath, change: impl FnOnce(bool) -> io::Result<()>) -> Result<bool, FsError> {
    let folder = match Folder::of(Operation::Delete, path) {
        Err(error) if is_nothing_there(&error) => return Ok(false),
        folder => folder?,
    };
    let changed = fs::symlink_metadata(os(path)).and_then(|found| change(found.is_dir()));
    match changed {
        Ok(()) => folder.sync(Operation::Delete).map(|()| true),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidFilename) => {
            Ok(false)
        }
        Err(error) => Err(FsError::from_io(Operation::Delete, path, error)),
    }
}

fn is_nothing_there(error: &FsError) -> bool {
    matches!(error.kind, FsErrorKind::NotFound | FsErrorKind::NotADirectory)
}

fn remove_file(path: &FsPath) -> io::Result<()> {
    checksum::remove(os(path))?;
    fs::remove_file(os(path))
}

/// Removes checksum files without a file, which nobody can see, from a folder that has nothing else.
fn remove_leftovers(folder: &FsPath) -> io::Result<()> {
    let names: Vec<_> =
        fs::read_dir(os(folder))?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<_>>()?;
    if names.iter().all(|name| name.to_str().is_some_and(checksum::is_hidden)) {
        names.iter().try_for_each(|name| fs::remove_file(os(folder).join(name)))?;
    }
    Ok(())
}

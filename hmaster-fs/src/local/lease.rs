//! Takes a file away from whoever writes it.
//!
//! A disk knows no leases. A deposed writer's syncs fail because the path no longer leads to its file, but
//! bytes that it never got an answer for may go on arriving in the file that it holds open, and two readers
//! of that file could see different ends. So the file is replaced by a copy, which nobody holds open.
//!
//! The steps, such that a crash after any of them loses nothing that was ever synced, and the next call goes
//! on:
//! 1. A hidden second name keeps the old file.
//! 2. A copy is made under another hidden name, synced, and renamed over the file. From here on no sync of
//!    the old writer answers `Ok`.
//! 3. What the old writer had got into its file since it was copied is appended: it may have been answered.
//!    (Not so if the folder was renamed before, as the rules of [`FileSystem`](crate::FileSystem) ask; this
//!    is for callers who forgot.)
//! 4. The hidden name is removed.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use super::names::Folder;
use super::{checksum, os};
use crate::{FsError, FsPath, Operation};

pub(super) fn recover(path: &FsPath) -> Result<(), FsError> {
    let folder = Folder::of(Operation::RecoverLease, path)?;
    let sync_folder = || folder.sync(Operation::RecoverLease);
    let failed = |error| FsError::from_io(Operation::RecoverLease, path, error);
    let file = os(path);
    let (old, copy) = (checksum::hidden(file, ".recovering"), checksum::hidden(file, ".recovered"));
    keep_old(file, &old).map_err(failed)?;
    sync_folder()?;
    make_copy(file, &copy).map_err(failed)?;
    // The checksums of a file that was being written may lack the last ones.
    checksum::remove(file).and_then(|()| fs::rename(&copy, file)).map_err(failed)?;
    sync_folder()?;
    append_rest(&old, file).map_err(failed)?;
    fs::remove_file(&old).map_err(failed)?;
    sync_folder()
}

/// Gives the old file its hidden name, unless an earlier call did that.
fn keep_old(file: &Path, old: &Path) -> io::Result<()> {
    if fs::metadata(file)?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    match fs::hard_link(file, old) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn make_copy(file: &Path, copy: &Path) -> io::Result<()> {
    match fs::remove_file(copy) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::copy(file, copy)?;
    File::open(copy)?.sync_all()
}

/// Appends what the old file has beyond the copy. An old file that doesn't begin like it is of another life
/// of the name, left by a call that nobody repeated.
fn append_rest(old: &Path, file: &Path) -> io::Result<()> {
    let (mut old, mut file) = (File::open(old)?, File::options().read(true).append(true).open(file)?);
    if begins_with(&mut old, &mut file)? {
        io::copy(&mut old, &mut file)?;
    }
    file.sync_all()
}

/// Whether `long` begins with all of `short`; if so, it stands behind that part.
fn begins_with(long: &mut File, short: &mut File) -> io::Result<bool> {
    const CHUNK_BYTES: usize = 64 << 10;
    let (mut left, mut right) = (vec![0; CHUNK_BYTES], vec![0; CHUNK_BYTES]);
    loop {
        let read = short.read(&mut left)?;
        if read == 0 {
            return Ok(true);
        }
        match long.read_exact(&mut right[..read]) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            done => done?,
        }
        if left[..read] != right[..read] {
            return Ok(false);
        }
    }
}

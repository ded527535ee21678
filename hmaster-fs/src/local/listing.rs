//! Looks at files and folders.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::time::UNIX_EPOCH;

use futures_util::{StreamExt as _, stream};
use tracing::warn;

use super::{blocking, checksum, os};
use crate::{FileKind, FileStatus, FileStream, FsError, FsPath, Operation, Permission};

/// Entries per hop to a blocking thread: enough that the hop doesn't count, few enough to stay small in
/// memory.
const PAGE_ENTRIES: usize = 1024;

pub(super) fn status(path: &FsPath) -> Result<FileStatus, FsError> {
    match fs::metadata(os(path)) {
        Ok(metadata) => Ok(status_of(path.name().unwrap_or_default(), &metadata)),
        // A file stands where a folder of the path should be: then the path doesn't exist, as HDFS has it.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            Err(FsError::from_io(Operation::Status, path, io::ErrorKind::NotFound.into()))
        }
        Err(error) => Err(FsError::from_io(Operation::Status, path, error)),
    }
}

fn status_of(name: &str, metadata: &fs::Metadata) -> FileStatus {
    let kind = if metadata.is_dir() { FileKind::Directory } else { FileKind::File };
    let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    FileStatus {
        name: name.into(),
        kind,
        length: if metadata.is_dir() { 0 } else { metadata.len() },
        modified_ms: since.map_or(0, |since| since.as_millis() as u64),
        permission: Permission::new(metadata.permissions().mode()),
    }
}

pub(super) async fn pages(folder: &FsPath) -> Result<FileStream, FsError> {
    let first = blocking(Operation::List, folder, |folder| {
        let entries = fs::read_dir(os(folder));
        entries.map_err(|error| FsError::from_io(Operation::List, folder, error))
    })
    .await?;
    let rest = stream::try_unfold((Some(first), folder.clone()), |(entries, folder)| async move {
        let Some(entries) = entries else { return Ok(None) };
        let (page, entries) = blocking(Operation::List, &folder, move |folder| page(folder, entries)).await?;
        Ok(Some((page, (entries, folder))))
    });
    Ok(rest.boxed())
}

/// The next entries, and where to go on unless that was the end.
fn page(
    folder: &FsPath,
    mut entries: fs::ReadDir,
) -> Result<(Vec<FileStatus>, Option<fs::ReadDir>), FsError> {
    let failed = |error| FsError::from_io(Operation::List, folder, error);
    let mut page = Vec::new();
    while page.len() < PAGE_ENTRIES {
        match entries.next() {
            None => return Ok((page, None)),
            Some(entry) => page.extend(visible(folder, &entry.map_err(failed)?).map_err(failed)?),
        }
    }
    Ok((page, Some(entries)))
}

/// What a listing shows of an entry; nothing for checksum files and for what vanished meanwhile.
fn visible(folder: &FsPath, entry: &fs::DirEntry) -> io::Result<Option<FileStatus>> {
    let name = entry.file_name();
    let Some(name) = name.to_str() else {
        warn!(%folder, ?name, "left out of the listing: the name isn't UTF-8, so no HBase process made it");
        return Ok(None);
    };
    if checksum::is_hidden(name) {
        return Ok(None);
    }
    let metadata = entry
        .metadata()
        .and_then(|found| if found.is_symlink() { fs::metadata(entry.path()) } else { Ok(found) });
    match metadata {
        Ok(metadata) => Ok(Some(status_of(name, &metadata))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

//! Looks at files and folders.

use futures_util::{StreamExt as _, stream};
use hdfs_native::client;

use super::{HdfsFileSystem, errors};
use crate::{FileKind, FileStatus, FileStream, FsError, FsErrorKind, FsPath, Operation, Permission};

/// The NameNode sends so many at once by default (`dfs.ls.limit`).
const PAGE_ENTRIES: usize = 1000;

pub(super) fn status_of(found: &client::FileStatus) -> FileStatus {
    FileStatus {
        name: found.path.rsplit('/').next().unwrap_or_default().into(),
        kind: if found.isdir { FileKind::Directory } else { FileKind::File },
        length: if found.isdir { 0 } else { found.length as u64 },
        modified_ms: found.modification_time,
        permission: Permission::new(found.permission.into()),
    }
}

/// Lists; the first page is asked for at once, since errors come with it.
pub(super) async fn pages(fs: &HdfsFileSystem, folder: &FsPath) -> Result<FileStream, FsError> {
    let entries = fs.client.list_status_iter(folder.as_str(), false);
    let first = fs.call(Operation::List, folder, async { entries.next().await.transpose() }).await?;
    let Some(first) = first else { return Ok(stream::empty().boxed()) };
    if first.path == folder.as_str() {
        // The listing of a file is the file.
        return Err(FsError::new(Operation::List, folder, FsErrorKind::NotADirectory));
    }
    let folder = folder.clone();
    let first = stream::iter([Ok(status_of(&first))]);
    let rest = entries.into_stream().map(move |entry| match entry {
        Ok(entry) => Ok(status_of(&entry)),
        Err(error) => Err(errors::failed(Operation::List, &folder, error)),
    });
    Ok(first.chain(rest).chunks(PAGE_ENTRIES).map(|page| page.into_iter().collect()).boxed())
}

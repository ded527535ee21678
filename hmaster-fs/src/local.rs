//! Local disk. Counterpart of Hadoop's `LocalFileSystem`, which Java masters and region servers use for
//! `file:` roots.
//!
//! Differs from it in what a disk keeps: Hadoop's never syncs a folder and, closing a file, not even the
//! file, so a loss of power can take what it answered. Here files, and the folders that name them, are synced
//! before the answer; many small files are written together and synced once ([`FileSystem::write_many`]).
//!
//! Hadoop's writes a checksum file `.name.crc` beside each file and verifies it when it is there; see
//! [`checksum`]. Files written here have none.
//!
//! All work on the disk is done on tokio's blocking threads, one hop per call; writers gather small writes in
//! memory until the sync.

mod bulk;
mod checksum;
mod create;
mod lease;
mod listing;
mod names;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    CreateOptions, FileStatus, FileStream, FileSystem, FsError, FsErrorKind, FsPath, FsUri, NewFile,
    Operation, Permission, Reader, Writer,
};
use writer::LocalWriter;

/// The file system of this machine, from its root folder on.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalFileSystem;

#[async_trait]
impl FileSystem for LocalFileSystem {
    fn uri(&self, path: &FsPath) -> FsUri {
        FsUri::local(path.clone())
    }

    async fn status(&self, path: &FsPath) -> Result<FileStatus, FsError> {
        blocking(Operation::Status, path, listing::status).await
    }

    async fn list_pages(&self, folder: &FsPath) -> Result<FileStream, FsError> {
        listing::pages(folder).await
    }

    async fn open(&self, path: &FsPath) -> Result<Box<dyn Reader>, FsError> {
        let reader = blocking(Operation::Open, path, reader::open).await?;
        Ok(Box::new(reader))
    }

    async fn create(&self, path: &FsPath, options: CreateOptions) -> Result<Box<dyn Writer>, FsError> {
        let file = blocking(Operation::Create, path, move |path| create::create(path, options)).await?;
        Ok(Box::new(LocalWriter::new(path.clone(), file)))
    }

    async fn mkdirs(&self, path: &FsPath, permission: Option<Permission>) -> Result<(), FsError> {
        blocking(Operation::Mkdirs, path, move |path| names::mkdirs(path, permission, names::Sync::Now)).await
    }

    async fn rename(&self, from: &FsPath, to: &FsPath) -> Result<(), FsError> {
        let to = to.clone();
        blocking(Operation::Rename, from, move |from| names::rename(from, &to)).await
    }

    async fn rename_replacing(&self, from: &FsPath, to: &FsPath) -> Result<(), FsError> {
        let to = to.clone();
        blocking(Operation::Rename, from, move |from| names::rename_replacing(from, &to)).await
    }

    async fn delete(&self, path: &FsPath) -> Result<bool, FsError> {
        blocking(Operation::Delete, path, names::delete).await
    }

    async fn delete_tree(&self, path: &FsPath) -> Result<bool, FsError> {
        blocking(Operation::Delete, path, names::delete_tree).await
    }

    /// Not synced by itself: the rename that follows in every use of it is.
    async fn set_modified(&self, path: &FsPath, modified_ms: u64) -> Result<(), FsError> {
        blocking(Operation::SetModified, path, move |path| {
            let modified = std::time::UNIX_EPOCH + Duration::from_millis(modified_ms);
            let times = fs::FileTimes::new().set_modified(modified);
            let set = fs::File::open(os(path)).and_then(|file| file.set_times(times));
            set.map_err(|error| FsError::from_io(Operation::SetModified, path, error))
        })
        .await
    }

    async fn set_permission(&self, path: &FsPath, permission: Permission) -> Result<(), FsError> {
        blocking(Operation::SetPermission, path, move |path| {
            set_permission(path, permission)
                .map_err(|error| FsError::from_io(Operation::SetPermission, path, error))
        })
        .await
    }

    /// Puts a copy in the file's place, so that whoever holds the old file open can't change what is read
    /// from now on.
    async fn recover_lease(&self, path: &FsPath, _wait_max: Duration) -> Result<(), FsError> {
        blocking(Operation::RecoverLease, path, lease::recover).await
    }

    async fn in_safe_mode(&self, _folder: &FsPath) -> Result<bool, FsError> {
        Ok(false)
    }

    fn concurrency(&self) -> usize {
        8 // threads waiting for one disk
    }

    async fn read_whole(&self, path: &FsPath, bytes_max: usize) -> Result<Bytes, FsError> {
        blocking(Operation::Read, path, move |path| reader::read_whole(path, bytes_max)).await
    }

    async fn write_whole(
        &self,
        path: &FsPath,
        content: Bytes,
        options: CreateOptions,
    ) -> Result<(), FsError> {
        blocking(Operation::Create, path, move |path| {
            let mut file = create::create(path, options)?;
            file.append(path, &content)?;
            file.sync(path)
        })
        .await
    }

    async fn write_many(&self, files: Vec<NewFile>) -> Result<(), FsError> {
        bulk::write_many(files).await
    }
}

/// Does `work` on a blocking thread. It goes on to its end there even if the caller stops waiting.
async fn blocking<T, F>(operation: Operation, path: &FsPath, work: F) -> Result<T, FsError>
where
    T: Send + 'static,
    F: FnOnce(&FsPath) -> Result<T, FsError> + Send + 'static,
{
    let owned = path.clone();
    match tokio::task::spawn_blocking(move || work(&owned)).await {
        Ok(done) => done,
        // The runtime is shutting down, or the work panicked.
        Err(error) => Err(FsError::caused_by(operation, path, FsErrorKind::Unknown, error)),
    }
}

fn os(path: &FsPath) -> &Path {
    Path::new(path.as_str())
}

/// The process's umask doesn't count, as on HDFS.
fn set_permission(path: &FsPath, permission: Permission) -> std::io::Result<()> {
    fs::set_permissions(os(path), fs::Permissions::from_mode(permission.bits()))
}

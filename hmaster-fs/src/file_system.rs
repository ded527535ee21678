//! The trait of a file system. Counterpart of Hadoop's `FileSystem`, cut down to what a master needs, with
//! the outcomes spelled out that Hadoop leaves to `false` and to the text of exceptions.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio::time::Instant;
use tracing::info;

use crate::streams::checked_length;
use crate::{
    CreateOptions, FileStatus, FsError, FsErrorKind, FsPath, FsUri, NewFile, NotFoundAsNone as _, Operation,
    Permission, Reader, Usage, Writer,
};

/// A file system.
///
/// # What holds for all
/// - A change that was answered with `Ok` is durable: it outlives this process and, as far as the file system
///   can promise that, the loss of power. The one exception is the name of a file that is being written: it
///   is durable from the first [`Writer::sync`] or [`Writer::close`] on.
/// - Renaming and deleting one file, and renaming a folder, is atomic. Deleting a tree isn't.
/// - A call that is dropped before it answered may still take effect; so may one that failed with
///   [`FsErrorKind::Unknown`].
/// - Errors about a missing parent folder are [`FsErrorKind::NotFound`] too. Nothing but
///   [`FileSystem::mkdirs`] makes folders: else a deposed writer would bring back the folder that was renamed
///   to fence it.
///
/// # Fencing
/// A process that takes over from another does three things in this order: it renames the folder of the
/// other's files, calls [`FileSystem::recover_lease`] on each file in it, and only then reads them. From then
/// on a [`Writer`] of the other's never answers a `sync` with `Ok` again, everything that it ever answered
/// with `Ok` is there to be read, and the length of the files is final.
#[async_trait]
pub trait FileSystem: Send + Sync + fmt::Debug {
    /// The path with scheme and authority, which prints as Hadoop prints it.
    fn uri(&self, path: &FsPath) -> FsUri;

    /// What is at `path`.
    ///
    /// # Errors
    /// `NotFound` when nothing is.
    async fn status(&self, path: &FsPath) -> Result<FileStatus, FsError>;

    /// The entries of a folder in pages of no particular order, for folders that may be huge. An entry that
    /// is made or removed meanwhile may show or not; no other is missed or shown twice.
    ///
    /// # Errors
    /// `NotFound` when nothing is at `folder`, `NotADirectory` when it is a file; both at once, not in the
    /// stream.
    async fn list_pages(&self, folder: &FsPath) -> Result<FileStream, FsError>;

    /// Opens a file to read it. A file that somebody is still writing may read as shorter than what was
    /// synced, as empty even: recover its lease first.
    ///
    /// # Errors
    /// `NotFound`, `IsADirectory`.
    async fn open(&self, path: &FsPath) -> Result<Box<dyn Reader>, FsError>;

    /// Creates a file in a folder that exists.
    ///
    /// # Errors
    /// `AlreadyExists` in mode [`New`](crate::CreateMode::New), `IsADirectory`, `NotFound` when the folder is
    /// missing.
    async fn create(&self, path: &FsPath, options: CreateOptions) -> Result<Box<dyn Writer>, FsError>;

    /// Makes a folder, and the folders above it that are missing. Does nothing where a folder is already.
    /// `None` gives them the file system's usual permission.
    ///
    /// # Errors
    /// `NotADirectory` when a file is in the way.
    async fn mkdirs(&self, path: &FsPath, permission: Option<Permission>) -> Result<(), FsError>;

    /// Renames a file or folder; never replaces anything.
    ///
    /// # Errors
    /// `AlreadyExists` with the path `to`; `NotFound` with the path that is missing: `from`, or the parent of
    /// `to`; `Invalid` for a folder into itself.
    async fn rename(&self, from: &FsPath, to: &FsPath) -> Result<(), FsError>;

    /// Renames a file and replaces the file that may be at `to`, at one stroke.
    ///
    /// # Errors
    /// `NotFound` as for [`FileSystem::rename`], `IsADirectory` when either is a folder.
    async fn rename_replacing(&self, from: &FsPath, to: &FsPath) -> Result<(), FsError>;

    /// Deletes a file or an empty folder. Answers whether it was there.
    ///
    /// # Errors
    /// `NotEmpty`.
    async fn delete(&self, path: &FsPath) -> Result<bool, FsError>;

    /// Deletes a file or a folder with all that is in it. Answers whether it was there. An interrupted
    /// call may leave a part.
    ///
    /// # Errors
    /// What the file system answers.
    async fn delete_tree(&self, path: &FsPath) -> Result<bool, FsError>;

    /// Sets when a file or folder was last changed, in milliseconds since 1970. HBase's cleaners tell by it
    /// how long a file has been in an archive.
    ///
    /// # Errors
    /// `NotFound`.
    async fn set_modified(&self, path: &FsPath, modified_ms: u64) -> Result<(), FsError>;

    /// Sets who may do what.
    ///
    /// # Errors
    /// `NotFound`.
    async fn set_permission(&self, path: &FsPath, permission: Permission) -> Result<(), FsError>;

    /// Takes a file away from whoever writes it and waits until its length is final: see *Fencing* above.
    /// Does nothing to a file that nobody writes. May be repeated, also after a call that failed or was
    /// dropped.
    ///
    /// On HDFS that can take minutes: HBase's own limit is 15 (`hbase.lease.recovery.timeout`).
    ///
    /// # Errors
    /// `NotFound`; `TimedOut` when the file system didn't settle within `wait_max`.
    async fn recover_lease(&self, path: &FsPath, wait_max: Duration) -> Result<(), FsError>;

    /// Whether the file system refuses all changes for now. `folder` is where the caller means to write.
    ///
    /// # Errors
    /// When the file system can't be asked.
    async fn in_safe_mode(&self, folder: &FsPath) -> Result<bool, FsError>;

    /// How many creations, renames and the like it pays to have under way at once.
    fn concurrency(&self) -> usize {
        16
    }

    /// The entries of a folder, sorted by name.
    ///
    /// # Errors
    /// As [`FileSystem::list_pages`].
    async fn list(&self, folder: &FsPath) -> Result<Vec<FileStatus>, FsError> {
        let pages = self.list_pages(folder).await?;
        let mut entries: Vec<FileStatus> = pages.try_concat().await?;
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    /// Whether something is at `path`.
    ///
    /// # Errors
    /// When that can't be found out.
    async fn exists(&self, path: &FsPath) -> Result<bool, FsError> {
        Ok(self.status(path).await.found()?.is_some())
    }

    /// The content of a small file.
    ///
    /// # Errors
    /// As [`FileSystem::open`]; `TooLarge` before anything is read when the file is longer than `bytes_max`.
    async fn read_whole(&self, path: &FsPath, bytes_max: usize) -> Result<Bytes, FsError> {
        let file = self.open(path).await?;
        let length = checked_length(path, file.length(), bytes_max)?;
        file.read_at(0, length).await
    }

    /// Makes a small file with all its content.
    ///
    /// # Errors
    /// As [`FileSystem::create`].
    async fn write_whole(
        &self,
        path: &FsPath,
        content: Bytes,
        options: CreateOptions,
    ) -> Result<(), FsError> {
        let mut file = self.create(path, options).await?;
        file.write(content).await?;
        file.close().await
    }

    /// Makes many small files, each with its folder, [`FileSystem::concurrency`] at once; each replaces what
    /// is there. When it fails, some may have been made. They are as durable as the file system makes files
    /// that are merely closed, which on HDFS is the memory of all DataNodes.
    ///
    /// # Errors
    /// The first that failed.
    async fn write_many(&self, files: Vec<NewFile>) -> Result<(), FsError> {
        futures_util::stream::iter(files.into_iter().map(Ok))
            .try_for_each_concurrent(self.concurrency(), |file| async move {
                if let Some(folder) = file.path.parent() {
                    self.mkdirs(&folder, None).await?;
                }
                self.write_whole(&file.path, file.content, CreateOptions::overwrite()).await
            })
            .await
    }

    /// Waits until the file system takes changes, looking every `poll`.
    ///
    /// # Errors
    /// When the file system can't be asked, and `TimedOut` after `wait_max`, if there is one. Java's master
    /// waits without limit.
    async fn wait_until_writable(
        &self,
        folder: &FsPath,
        poll: Duration,
        wait_max: Option<Duration>,
    ) -> Result<(), FsError> {
        let started = Instant::now();
        while self.in_safe_mode(folder).await? {
            if wait_max.is_some_and(|max| started.elapsed() >= max) {
                let kind = FsErrorKind::TimedOut(format!("still in safe mode after {:?}", started.elapsed()));
                return Err(FsError::new(Operation::SafeMode, folder, kind));
            }
            info!(%folder, "waiting for the file system to leave safe mode");
            tokio::time::sleep(poll).await;
        }
        Ok(())
    }

    /// Counts what is below a folder.
    ///
    /// # Errors
    /// `NotFound`, unless an entry vanishes while it is counted.
    async fn usage(&self, folder: &FsPath) -> Result<Usage, FsError> {
        let mut usage = Usage::default();
        let mut to_list = vec![(folder.clone(), true)];
        while let Some((folder, given)) = to_list.pop() {
            let pages = self.list_pages(&folder).await;
            let Some(mut pages) = (if given { Some(pages?) } else { pages.found()? }) else { continue };
            while let Some(page) = pages.next().await {
                for entry in page? {
                    usage.add(&entry);
                    if entry.is_dir() {
                        to_list.push((folder.join(&entry.name), false));
                    }
                }
            }
        }
        Ok(usage)
    }
}

/// Pages of a folder's entries.
pub type FileStream = BoxStream<'static, Result<Vec<FileStatus>, FsError>>;

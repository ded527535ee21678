//! The traits: a file system, a file being read, a file being written. Counterpart of Hadoop's `FileSystem`,
//! `FSDataInputStream` and `FSDataOutputStream`, cut down to what a master needs, with the outcomes spelled
//! out that Hadoop leaves to `false` and to the text of exceptions.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio::time::Instant;
use tracing::info;

use crate::{FsError, FsErrorKind, FsPath, FsUri, NotFoundAsNone as _, Operation};

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
    /// `AlreadyExists` in mode [`CreateMode::New`], `IsADirectory`, `NotFound` when the folder is missing.
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

/// A file that is being read. Reads don't disturb each other and may run at once.
#[async_trait]
pub trait Reader: Send + Sync + fmt::Debug {
    /// The file's length in bytes when it was opened; nothing beyond can be read.
    fn length(&self) -> u64;

    /// The bytes from `offset` on: `length` of them, fewer at the end of the file, none beyond it.
    ///
    /// # Errors
    /// `Invalid` for more than [`READ_BYTES_MAX`] at once; `Corrupt` when the file has become shorter.
    async fn read_at(&self, offset: u64, length: usize) -> Result<Bytes, FsError>;
}

/// A file that is being written by this process alone.
///
/// After an error, or a call that was dropped before it answered, the writer answers everything with an
/// error: what a failed sync left on the disk isn't known, and a second one may falsely succeed. Drop it, and
/// recover the file's lease before reading it. Dropping a writer that wasn't closed gives the file up as well
/// as can be; only what was synced is sure to be there.
#[async_trait]
pub trait Writer: Send + fmt::Debug {
    /// The path that the file was created at.
    fn path(&self) -> &FsPath;

    /// How many bytes were given to `write`, synced or not.
    fn length(&self) -> u64;

    /// Appends bytes; they may wait in memory until `sync` or `close`.
    ///
    /// # Errors
    /// What the file system answers.
    async fn write(&mut self, bytes: Bytes) -> Result<(), FsError>;

    /// Makes everything written so far durable, and the file's name with it (HDFS: hsync). `Ok` also says
    /// that the file was still this writer's after that: no successor that follows the rules of
    /// [`FileSystem`] had read it yet.
    ///
    /// # Errors
    /// `Fenced` when the file was taken over, deleted or replaced; what was written since the last sync may
    /// or may not be in it.
    async fn sync(&mut self) -> Result<(), FsError>;

    /// As `sync`, and completes the file.
    ///
    /// # Errors
    /// As `sync`.
    async fn close(self: Box<Self>) -> Result<(), FsError>;
}

/// The most that one [`Reader::read_at`] answers with.
pub const READ_BYTES_MAX: usize = 256 << 20;

/// Pages of a folder's entries.
pub type FileStream = BoxStream<'static, Result<Vec<FileStatus>, FsError>>;

/// A file or folder, as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileStatus {
    /// The name in its folder; empty for `/`.
    pub name: Box<str>,
    /// File or folder.
    pub kind: FileKind,
    /// Length in bytes; 0 for folders.
    pub length: u64,
    /// When it was last changed, in milliseconds since 1970.
    pub modified_ms: u64,
    /// Who may do what.
    pub permission: Permission,
}

/// File or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they say it all")]
pub enum FileKind {
    File,
    Directory,
}

impl FileStatus {
    /// True for a folder.
    pub fn is_dir(&self) -> bool {
        self.kind == FileKind::Directory
    }

    /// True for a file.
    pub fn is_file(&self) -> bool {
        self.kind == FileKind::File
    }
}

/// Unix permission bits, such as `0o700`. Counterpart of `FsPermission`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Permission(u16);

impl Permission {
    /// `rwx------`, the default of `hbase.rootdir.perms`.
    pub const OWNER_ALL: Self = Self(0o700);

    /// The lowest nine bits and the sticky bit count.
    pub const fn new(bits: u32) -> Self {
        Self((bits & 0o1777) as u16)
    }

    /// Reads octal digits, as configuration has them.
    pub fn from_octal(text: &str) -> Option<Self> {
        let digits = (1..=4).contains(&text.len()) && text.bytes().all(|b| (b'0'..=b'7').contains(&b));
        u32::from_str_radix(text, 8).ok().filter(|bits| digits && *bits <= 0o1777).map(Self::new)
    }

    /// The bits.
    pub const fn bits(self) -> u32 {
        self.0 as u32
    }
}

impl fmt::Debug for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0o{:03o}", self.0)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03o}", self.0)
    }
}

/// How to create a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreateOptions {
    /// What to do about a file that is there.
    pub mode: CreateMode,
    /// Who may do what; `None` for the file system's usual permission.
    pub permission: Option<Permission>,
}

/// What to do about a file that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateMode {
    /// Fail with `AlreadyExists`. Of several that try at once, one succeeds.
    New,
    /// Replace it by a new, empty file; who was writing it is fenced.
    Overwrite,
}

impl CreateOptions {
    /// The file must not exist.
    pub const fn new() -> Self {
        Self { mode: CreateMode::New, permission: None }
    }

    /// The file is replaced where it exists.
    pub const fn overwrite() -> Self {
        Self { mode: CreateMode::Overwrite, permission: None }
    }
}

impl Default for CreateOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// A small file to be made with its folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Where.
    pub path: FsPath,
    /// What is in it.
    pub content: Bytes,
}

/// What is below a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Number of files.
    pub files: u64,
    /// Number of folders, the given one not counted.
    pub folders: u64,
    /// Length of all files together.
    pub bytes: u64,
}

impl Usage {
    fn add(&mut self, entry: &FileStatus) {
        match entry.kind {
            FileKind::File => self.files += 1,
            FileKind::Directory => self.folders += 1,
        }
        self.bytes += entry.length;
    }
}

/// The length as a number of bytes to allocate, if it isn't more than the caller is ready for.
pub(crate) fn checked_length(path: &FsPath, length: u64, bytes_max: usize) -> Result<usize, FsError> {
    let too_large = FsErrorKind::TooLarge { bytes: length, bytes_max: bytes_max as u64 };
    usize::try_from(length)
        .ok()
        .filter(|length| *length <= bytes_max)
        .ok_or_else(|| FsError::new(Operation::Read, path, too_large))
}

/// How many bytes a read at `offset` of a file of `file_length` answers with.
pub(crate) fn read_length(
    path: &FsPath,
    file_length: u64,
    offset: u64,
    length: usize,
) -> Result<usize, FsError> {
    if length > READ_BYTES_MAX {
        let reason = format!("{length} bytes at once, at most {READ_BYTES_MAX}");
        return Err(FsError::new(Operation::Read, path, FsErrorKind::Invalid(reason)));
    }
    let left = file_length.saturating_sub(offset);
    Ok(usize::try_from(left).map_or(length, |left| left.min(length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_read_as_octal() {
        assert_eq!(Permission::from_octal("700"), Some(Permission::OWNER_ALL));
        assert_eq!(Permission::from_octal("1777").map(Permission::bits), Some(0o1777));
        for bad in ["", "8", "7777", "+700", "rwx", "00700"] {
            assert_eq!(Permission::from_octal(bad), None, "{bad}");
        }
        assert_eq!(Permission::new(0o40755).to_string(), "755");
    }

    #[test]
    fn reads_are_bounded() {
        let path = FsPath::root();
        assert_eq!(read_length(&path, 10, 8, 5).unwrap(), 2);
        assert_eq!(read_length(&path, 10, 11, 5).unwrap(), 0);
        assert_eq!(read_length(&path, u64::MAX, 0, 5).unwrap(), 5);
        assert!(read_length(&path, 10, 0, READ_BYTES_MAX + 1).is_err());
        assert_eq!(checked_length(&path, 5, 5).unwrap(), 5);
        let error = checked_length(&path, u64::MAX, 5).unwrap_err();
        assert_eq!(error.kind, FsErrorKind::TooLarge { bytes: u64::MAX, bytes_max: 5 });
    }
}

//! WAL files that are being written. Counterpart of `ProtobufLogWriter`, and of `AbstractFSWAL.getNewPath`.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use hmaster_fs::{CreateOptions, FileSystem, FsError, FsPath, Writer};
use hmaster_types::{Clock, ServerName};

use super::header;
use super::name::WalName;

/// One file that is being written. What is written is whole entries; the file isn't reopened for more.
#[derive(Debug)]
pub struct WalFile {
    writer: Box<dyn Writer>,
}

/// Where a log's files are made, one after the other.
pub(crate) struct WalFolder {
    fs: Arc<dyn FileSystem>,
    path: FsPath,
    server: ServerName,
    clock: Arc<dyn Clock>,
    last_timestamp: u64,
    is_meta: bool,
}

impl WalFile {
    /// Creates a file of any name, such as one of recovered edits, in place of one that may be there, and writes its
    /// header.
    ///
    /// # Errors
    /// As [`FileSystem::create`].
    pub async fn create(fs: &dyn FileSystem, path: &FsPath) -> Result<Self, FsError> {
        let mut writer = fs.create(path, CreateOptions::overwrite()).await?;
        writer.write(header::encode_header()).await?;
        Ok(Self { writer })
    }

    /// Appends whole entries, as [`encode_entry`](super::encode_entry) makes them.
    ///
    /// # Errors
    /// What the file system answers; the file is useless then.
    pub async fn write(&mut self, entries: Bytes) -> Result<(), FsError> {
        self.writer.write(entries).await
    }

    pub(crate) async fn sync(&mut self) -> Result<(), FsError> {
        self.writer.sync().await
    }

    /// Completes the file: it ends with a trailer, and is durable.
    ///
    /// # Errors
    /// What the file system answers.
    pub async fn close(mut self) -> Result<(), FsError> {
        self.writer.write(header::encode_trailer()).await?;
        self.writer.close().await
    }

    pub(crate) fn path(&self) -> &FsPath {
        self.writer.path()
    }

    pub(crate) fn length(&self) -> u64 {
        self.writer.length()
    }
}

impl WalFolder {
    /// The folder must exist; nothing here makes it, so that who was fenced doesn't bring it back.
    pub(crate) fn new(
        fs: Arc<dyn FileSystem>,
        path: FsPath,
        server: ServerName,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { fs, path, server, clock, last_timestamp: 0, is_meta: false }
    }

    /// The same for files that hold edits of hbase:meta alone.
    #[must_use]
    pub(crate) fn of_meta(self, is_meta: bool) -> Self {
        Self { is_meta, ..self }
    }

    /// Creates the next file and writes its header, which isn't durable yet.
    pub(crate) async fn create(&mut self) -> Result<WalFile, FsError> {
        self.last_timestamp = self.clock.now_ms().max(self.last_timestamp + 1);
        let name = WalName { is_meta: self.is_meta, ..WalName::new(&self.server, self.last_timestamp) };
        let path = self.path.join(&name.to_string());
        let mut writer = self.fs.create(&path, CreateOptions::new()).await?;
        writer.write(header::encode_header()).await?;
        Ok(WalFile { writer })
    }
}

impl fmt::Debug for WalFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WalFolder({})", self.path)
    }
}

//! HDFS, through the crate hdfs-native. Counterpart of Hadoop's `DistributedFileSystem`, and of HBase's
//! `RecoverLeaseFSUtils` where files are taken over.
//!
//! What differs from Java, or isn't as it looks:
//! - Permissions of new files and folders don't pass through `fs.permissions.umask-mode`; they are what its
//!   default gives, `0o644` and `0o755`, unless the caller says otherwise.
//! - The NameNode can't be asked for safe mode, so deleting a file that doesn't exist is tried: safe mode
//!   refuses that too.
//! - A rename doesn't fence a writer, who goes on under the new name; losing the lease does. So the rules of
//!   [`FileSystem`] ask for both.
//! - A call that isn't answered in [`HdfsOptions::call_timeout`] is given up. What it was to change may come
//!   yet.
//! - Closing a file takes long, up to half a second, because the NameNode wants to hear from the DataNodes
//!   first. So [`FileSystem::write_many`] has many under way at once, and doesn't sync them one by one.
//!
//! hdfs-native logs through the crate `log`.

mod errors;
mod lease;
mod listing;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hdfs_native::{Client, ClientBuilder, HdfsError, WriteOptions};
use tokio_util::task::TaskTracker;

use crate::{
    CreateMode, CreateOptions, FileStatus, FileStream, FileSystem, FsError, FsErrorKind, FsPath, FsUri,
    NewFile, NotFoundAsNone as _, Operation, Permission, Reader, Writer,
};
use errors::failed;
use writer::HdfsWriter;

const FILE_PERMISSION: u32 = 0o644;
const FOLDER_PERMISSION: u32 = 0o755;
/// Keeps hdfs-native from reading configuration files by itself: what counts is what it is given.
const NO_CONFIG_DIR: &str = "/dev/null";

/// How to reach an HDFS.
#[derive(Debug, Clone)]
pub struct HdfsOptions {
    /// Hadoop's configuration: `dfs.ha.namenodes.*`, `dfs.namenode.rpc-address.*`,
    /// `hadoop.security.authentication`, `dfs.client.*` and so on.
    pub configuration: BTreeMap<String, String>,
    /// Whom to act as; `None` for `HADOOP_USER_NAME`, or else the user of this process.
    pub user: Option<String>,
    /// Kerberos principal and keytab; `None` for the credential cache of this process.
    pub kerberos: Option<(String, String)>,
    /// When an unanswered call is given up. Java's limit is 2 minutes (`ipc.client.rpc-timeout.ms`).
    pub call_timeout: Duration,
    /// How many small files are made at once.
    pub concurrency: usize,
}

impl Default for HdfsOptions {
    fn default() -> Self {
        Self {
            configuration: BTreeMap::new(),
            user: None,
            kerberos: None,
            call_timeout: Duration::from_secs(60),
            concurrency: 64,
        }
    }
}

/// A client of an HDFS: one holder of leases. Cheap to clone; clones are the same holder.
#[derive(Debug, Clone)]
pub struct HdfsFileSystem {
    client: Client,
    uri: FsUri,
    call_timeout: Duration,
    concurrency: usize,
    /// Closes of writers that were dropped.
    closing: TaskTracker,
}

impl HdfsFileSystem {
    /// Prepares a client of the file system that `uri` is in; nothing is asked of it yet. Must be called in a
    /// tokio runtime, which has to last as long as the client.
    ///
    /// # Errors
    /// When the configuration doesn't say where its NameNodes are.
    pub fn new(uri: &FsUri, options: HdfsOptions) -> Result<Self, HdfsSetupError> {
        let root = uri.with_path(FsPath::root());
        let mut builder = ClientBuilder::new()
            .with_url(root.to_string())
            .with_config_dir(NO_CONFIG_DIR)
            .with_config(options.configuration);
        if let Some(user) = options.user {
            builder = builder.with_user(user);
        }
        if let Some((principal, keytab)) = options.kerberos {
            builder = builder.with_kerberos_principal(principal).with_kerberos_keytab(keytab);
        }
        let client = builder.build().map_err(|source| HdfsSetupError { uri: root.to_string(), source })?;
        let (call_timeout, concurrency) = (options.call_timeout, options.concurrency.max(1));
        Ok(Self { client, uri: root, call_timeout, concurrency, closing: TaskTracker::new() })
    }

    /// Waits until the files of writers that were dropped are closed, as well as they can be.
    pub async fn wait_for_dropped_writers(&self) {
        self.closing.close();
        self.closing.wait().await;
        self.closing.reopen();
    }

    async fn call<T>(
        &self,
        operation: Operation,
        path: &FsPath,
        work: impl Future<Output = Result<T, HdfsError>> + Send,
    ) -> Result<T, FsError> {
        match tokio::time::timeout(self.call_timeout, work).await {
            Ok(done) => done.map_err(|error| failed(operation, path, error)),
            Err(elapsed) => {
                let kind = if operation.changes() { FsErrorKind::Unknown } else { FsErrorKind::Unavailable };
                Err(FsError::caused_by(operation, path, kind, elapsed))
            }
        }
    }

    async fn create_writer(&self, path: &FsPath, options: CreateOptions) -> Result<HdfsWriter, FsError> {
        let write_options = WriteOptions::default()
            .permission(options.permission.map_or(FILE_PERMISSION, Permission::bits))
            .overwrite(options.mode == CreateMode::Overwrite)
            .create_parent(false);
        let file = self.client.create(path.as_str(), write_options);
        let file = self.call(Operation::Create, path, file).await?;
        Ok(HdfsWriter::new(self.clone(), path.clone(), file))
    }

    async fn rename_with(&self, from: &FsPath, to: &FsPath, overwrite: bool) -> Result<(), FsError> {
        let renamed = self.client.rename(from.as_str(), to.as_str(), overwrite);
        match tokio::time::timeout(self.call_timeout, renamed).await {
            Ok(done) => done.map_err(|error| errors::rename_failed(from, to, overwrite, error)),
            Err(elapsed) => Err(FsError::caused_by(Operation::Rename, from, FsErrorKind::Unknown, elapsed)),
        }
    }

    async fn delete_with(&self, path: &FsPath, recursive: bool) -> Result<bool, FsError> {
        let deleted = self.client.delete(path.as_str(), recursive);
        match self.call(Operation::Delete, path, deleted).await {
            // A file stands where a folder of the path should be.
            Err(error) if error.kind == FsErrorKind::NotADirectory => Ok(false),
            done => Ok(done.found()?.unwrap_or(false)),
        }
    }
}

#[async_trait]
impl FileSystem for HdfsFileSystem {
    fn uri(&self, path: &FsPath) -> FsUri {
        self.uri.with_path(path.clone())
    }

    async fn status(&self, path: &FsPath) -> Result<FileStatus, FsError> {
        let found = self.client.get_file_info(path.as_str());
        Ok(listing::status_of(&self.call(Operation::Status, path, found).await?))
    }

    async fn list_pages(&self, folder: &FsPath) -> Result<FileStream, FsError> {
        listing::pages(self, folder).await
    }

    async fn open(&self, path: &FsPath) -> Result<Box<dyn Reader>, FsError> {
        let file = self.call(Operation::Open, path, self.client.read(path.as_str())).await?;
        Ok(Box::new(reader::HdfsReader::new(self.clone(), path.clone(), file)))
    }

    async fn create(&self, path: &FsPath, options: CreateOptions) -> Result<Box<dyn Writer>, FsError> {
        Ok(Box::new(self.create_writer(path, options).await?))
    }

    async fn mkdirs(&self, path: &FsPath, permission: Option<Permission>) -> Result<(), FsError> {
        let permission = permission.map_or(FOLDER_PERMISSION, Permission::bits);
        self.call(Operation::Mkdirs, path, self.client.mkdirs(path.as_str(), permission, true)).await
    }

    async fn rename(&self, from: &FsPath, to: &FsPath) -> Result<(), FsError> {
        self.rename_with(from, to, false).await
    }

    async fn rename_replacing(&self, from: &FsPath, to: &FsPath) -> Result<(), FsError> {
        // HDFS would replace an empty folder by a folder.
        match self.status(from).await {
            Ok(found) if found.is_dir() => {
                Err(FsError::new(Operation::Rename, from, FsErrorKind::IsADirectory))
            }
            Err(error) => Err(FsError { operation: Operation::Rename, ..error }),
            Ok(_) => self.rename_with(from, to, true).await,
        }
    }

    async fn delete(&self, path: &FsPath) -> Result<bool, FsError> {
        self.delete_with(path, false).await
    }

    async fn delete_tree(&self, path: &FsPath) -> Result<bool, FsError> {
        self.delete_with(path, true).await
    }

    async fn set_modified(&self, path: &FsPath, modified_ms: u64) -> Result<(), FsError> {
        // All bits set is Java's -1: leave the access time alone.
        let set = self.client.set_times(path.as_str(), modified_ms, u64::MAX);
        self.call(Operation::SetModified, path, set).await
    }

    async fn set_permission(&self, path: &FsPath, permission: Permission) -> Result<(), FsError> {
        let set = self.client.set_permission(path.as_str(), permission.bits());
        self.call(Operation::SetPermission, path, set).await
    }

    async fn recover_lease(&self, path: &FsPath, wait_max: Duration) -> Result<(), FsError> {
        lease::recover(self, path, wait_max).await
    }

    async fn in_safe_mode(&self, folder: &FsPath) -> Result<bool, FsError> {
        let probe = folder.try_join(".safe-mode-probe");
        let probe = probe.map_err(|error| {
            FsError::caused_by(Operation::SafeMode, folder, FsErrorKind::Invalid("too long".into()), error)
        })?;
        let asked = self.call(Operation::SafeMode, folder, self.client.delete(probe.as_str(), false)).await;
        match asked.map_err(|error| (error.kind.clone(), error)) {
            Err((FsErrorKind::SafeMode, _)) => Ok(true),
            // The NameNode looks at safe mode before it looks at the path.
            Ok(_)
            | Err((FsErrorKind::Permission | FsErrorKind::NotFound | FsErrorKind::NotADirectory, _)) => {
                Ok(false)
            }
            Err((_, error)) => Err(error),
        }
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }

    async fn write_many(&self, files: Vec<NewFile>) -> Result<(), FsError> {
        stream::iter(files.into_iter().map(Ok))
            .try_for_each_concurrent(self.concurrency, |file| async move {
                if let Some(folder) = file.path.parent() {
                    self.mkdirs(&folder, None).await?;
                }
                let mut writer = self.create_writer(&file.path, CreateOptions::overwrite()).await?;
                writer.write(file.content).await?;
                writer.complete(writer::Sync::No).await
            })
            .await
    }
}

/// The configuration doesn't lead to an HDFS.
#[derive(Debug, thiserror::Error)]
#[error("set up a client of {uri}")]
pub struct HdfsSetupError {
    uri: String,
    #[source]
    source: HdfsError,
}

/// Many small pieces as one, so that a read can be checked for its length.
async fn gather(
    mut pieces: impl futures_util::Stream<Item = Result<Bytes, HdfsError>> + Unpin + Send,
    length: usize,
) -> Result<Bytes, HdfsError> {
    let Some(first) = pieces.next().await.transpose()? else { return Ok(Bytes::new()) };
    if first.len() == length {
        return Ok(first);
    }
    let mut all = Vec::with_capacity(length);
    all.extend_from_slice(&first);
    while let Some(piece) = pieces.next().await {
        all.extend_from_slice(&piece?);
    }
    Ok(all.into())
}

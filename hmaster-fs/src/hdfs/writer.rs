//! A file that is being written.
//!
//! hdfs-native loses what was written to a file that is dropped without being closed, so a dropped writer is
//! closed in the background.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use hdfs_native::HdfsError;
use hdfs_native::file::FileWriter;
use tokio::runtime::Handle;
use tracing::{error, warn};

use super::{HdfsFileSystem, errors};
use crate::{FsError, FsErrorKind, FsPath, Operation, Writer};

pub(super) struct HdfsWriter {
    fs: HdfsFileSystem,
    path: FsPath,
    /// None when it is closed or failed, and while a call is under way: a caller that dropped it finds none.
    file: Option<FileWriter>,
    failed: Option<FsErrorKind>,
    length: u64,
    synced: u64,
}

/// Whether closing makes the DataNodes bring the file to their disks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sync {
    Yes,
    No,
}

impl HdfsWriter {
    pub(super) fn new(fs: HdfsFileSystem, path: FsPath, file: FileWriter) -> Self {
        Self { fs, path, file: Some(file), failed: None, length: 0, synced: 0 }
    }

    pub(super) async fn complete(mut self, sync: Sync) -> Result<(), FsError> {
        let mut file = self.take(Operation::Close)?;
        let sync = sync == Sync::Yes && self.synced < self.length;
        let close = Box::pin(async {
            if sync {
                skip_unsupported(file.hsync().await)?;
            }
            Box::pin(file.close()).await
        });
        self.fs.call(Operation::Close, &self.path, close).await
    }

    fn take(&mut self, operation: Operation) -> Result<FileWriter, FsError> {
        let kind = || self.failed.clone().unwrap_or(FsErrorKind::Unknown);
        self.file.take().ok_or_else(|| FsError::new(operation, &self.path, kind()))
    }

    fn put_back(&mut self, file: FileWriter, done: Result<(), FsError>) -> Result<(), FsError> {
        match &done {
            Ok(()) => self.file = Some(file),
            Err(error) => self.failed = Some(error.kind.clone()),
        }
        done
    }
}

/// Erasure-coded files can't be synced; closing them is all there is.
fn skip_unsupported(synced: Result<(), HdfsError>) -> Result<(), HdfsError> {
    match synced {
        Err(HdfsError::OperationFailed(reason)) if reason.contains("not supported") => Ok(()),
        synced => synced,
    }
}

#[async_trait]
impl Writer for HdfsWriter {
    fn path(&self) -> &FsPath {
        &self.path
    }

    fn length(&self) -> u64 {
        self.length
    }

    async fn write(&mut self, bytes: Bytes) -> Result<(), FsError> {
        let mut file = self.take(Operation::Write)?;
        self.length += bytes.len() as u64;
        let written = self.fs.call(Operation::Write, &self.path, Box::pin(file.write_bytes(bytes))).await;
        self.put_back(file, written.map(drop))
    }

    async fn sync(&mut self) -> Result<(), FsError> {
        let mut file = self.take(Operation::Sync)?;
        let synced = self.fs.call(Operation::Sync, &self.path, Box::pin(file.hsync())).await;
        if synced.is_ok() {
            self.synced = self.length;
        }
        self.put_back(file, synced)
    }

    async fn close(self: Box<Self>) -> Result<(), FsError> {
        self.complete(Sync::Yes).await
    }
}

impl Drop for HdfsWriter {
    fn drop(&mut self) {
        let Some(mut file) = self.file.take() else { return };
        let (fs, path) = (self.fs.clone(), self.path.clone());
        let Ok(runtime) = Handle::try_current() else {
            error!(%path, "a file was left open outside of a runtime; its lease has to be recovered");
            return;
        };
        warn!(%path, "a file was left open; closing it in the background");
        let close = async move {
            let closed = tokio::time::timeout(fs.call_timeout, Box::pin(file.close())).await;
            match closed {
                Ok(Ok(())) => {}
                Ok(Err(source)) => {
                    let failure = errors::failed(Operation::Close, &path, source);
                    error!(error = &failure as &dyn std::error::Error, "a file that was left open stays so");
                }
                Err(_) => error!(%path, "a file that was left open stays so: timed out"),
            }
        };
        self.fs.closing.spawn_on(close, &runtime);
    }
}

impl fmt::Debug for HdfsWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HdfsWriter({}, {} bytes)", self.path, self.length)
    }
}

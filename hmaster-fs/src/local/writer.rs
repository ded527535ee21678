//! A file that is being written: gathers bytes in memory and hands them to a blocking thread, at the latest
//! with the sync.

use async_trait::async_trait;
use bytes::Bytes;

use super::blocking;
use super::create::OpenFile;
use crate::{FsError, FsErrorKind, FsPath, Operation, Writer};

/// Beyond this much, gathered bytes go to the operating system. One hop per megabyte doesn't show.
const GATHERED_BYTES_MAX: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct LocalWriter {
    path: FsPath,
    /// None while a blocking thread has it, and for good after a failure.
    file: Option<OpenFile>,
    /// Why there is no file any more.
    failed: Option<FsErrorKind>,
    gathered: Vec<u8>,
    length: u64,
}

impl LocalWriter {
    pub(super) fn new(path: FsPath, file: OpenFile) -> Self {
        Self { path, file: Some(file), failed: None, gathered: Vec::new(), length: 0 }
    }

    async fn on_disk<F>(&mut self, operation: Operation, work: F) -> Result<(), FsError>
    where
        F: FnOnce(&mut OpenFile, &FsPath) -> Result<(), FsError> + Send + 'static,
    {
        let mut file = self.take(operation)?;
        let gathered = std::mem::take(&mut self.gathered);
        let done = blocking(operation, &self.path, move |path| {
            file.append(path, &gathered)?;
            work(&mut file, path)?;
            Ok(file)
        })
        .await;
        match done {
            Ok(file) => self.file = Some(file),
            Err(error) => {
                self.failed = Some(error.kind.clone());
                return Err(error);
            }
        }
        Ok(())
    }

    fn take(&mut self, operation: Operation) -> Result<OpenFile, FsError> {
        let kind = || self.failed.clone().unwrap_or(FsErrorKind::Unknown);
        self.file.take().ok_or_else(|| FsError::new(operation, &self.path, kind()))
    }
}

#[async_trait]
impl Writer for LocalWriter {
    fn path(&self) -> &FsPath {
        &self.path
    }

    fn length(&self) -> u64 {
        self.length
    }

    async fn write(&mut self, bytes: Bytes) -> Result<(), FsError> {
        if self.file.is_none() {
            return self.take(Operation::Write).map(drop);
        }
        self.length += bytes.len() as u64;
        self.gathered.extend_from_slice(&bytes);
        if self.gathered.len() < GATHERED_BYTES_MAX {
            return Ok(());
        }
        self.on_disk(Operation::Write, |_, _| Ok(())).await
    }

    async fn sync(&mut self) -> Result<(), FsError> {
        self.on_disk(Operation::Sync, OpenFile::sync).await
    }

    async fn close(mut self: Box<Self>) -> Result<(), FsError> {
        self.on_disk(Operation::Close, OpenFile::sync).await
    }
}

//! A file of a [`MemoryDisk`](super::MemoryDisk) that is being written.

use async_trait::async_trait;
use bytes::Bytes;

use super::MemoryFileSystem;
use super::tree::NodeId;
use crate::{FsError, FsErrorKind, FsPath, Operation, Writer};

#[derive(Debug)]
pub(super) struct MemoryWriter {
    client: MemoryFileSystem,
    path: FsPath,
    node: NodeId,
    length: u64,
    /// Set when a call failed, and while one is under way: a caller that dropped it finds it set.
    failed: Option<FsErrorKind>,
}

impl MemoryWriter {
    pub(super) fn new(client: MemoryFileSystem, path: FsPath, node: NodeId) -> Self {
        Self { client, path, node, length: 0, failed: None }
    }

    async fn finish(&mut self, operation: Operation) -> Result<(), FsError> {
        self.begin(operation)?;
        let Self { client, path, node, .. } = &*self;
        let done = client
            .run(operation, path, |state, shared| {
                let moved = shared.options.rename_fences && !state.tree.is_at(*node, path);
                if moved || !state.tree.is_held(*node, client.id) {
                    return Err((path.clone(), FsErrorKind::Fenced));
                }
                state.tree.sync(*node, operation == Operation::Close);
                Ok(())
            })
            .await;
        self.end(done)
    }

    fn begin(&mut self, operation: Operation) -> Result<(), FsError> {
        match &self.failed {
            Some(kind) => Err(FsError::new(operation, &self.path, kind.clone())),
            None => {
                self.failed = Some(FsErrorKind::Unknown);
                Ok(())
            }
        }
    }

    fn end(&mut self, done: Result<(), FsError>) -> Result<(), FsError> {
        self.failed = done.as_ref().err().map(|error| error.kind.clone());
        done
    }
}

#[async_trait]
impl Writer for MemoryWriter {
    fn path(&self) -> &FsPath {
        &self.path
    }

    fn length(&self) -> u64 {
        self.length
    }

    /// Bytes for a file that was taken away go nowhere: only the sync tells, as on HDFS.
    async fn write(&mut self, bytes: Bytes) -> Result<(), FsError> {
        self.begin(Operation::Write)?;
        self.length += bytes.len() as u64;
        let Self { client, path, node, .. } = &*self;
        let done = client
            .run(Operation::Write, path, |state, shared| {
                if state.tree.is_held(*node, client.id) {
                    state.tree.append(*node, &bytes, shared.clock.now_ms());
                }
                Ok(())
            })
            .await;
        self.end(done)
    }

    async fn sync(&mut self) -> Result<(), FsError> {
        self.finish(Operation::Sync).await
    }

    async fn close(mut self: Box<Self>) -> Result<(), FsError> {
        self.finish(Operation::Close).await
    }
}

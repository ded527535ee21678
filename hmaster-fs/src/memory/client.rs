//! One client of a [`MemoryDisk`]: asks the fault plan, does the operation on the tree, writes the trace.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};

use super::writer::MemoryWriter;
use super::{Call, Fault, MemoryDisk, Shared, State, TraceEntry};
use crate::streams::read_length;
use crate::{
    CreateOptions, FileStatus, FileStream, FileSystem, FsError, FsErrorKind, FsPath, FsUri, Operation,
    Permission, Reader, Writer,
};

/// A client of a [`MemoryDisk`]. Clones are the same client.
#[derive(Clone)]
pub struct MemoryFileSystem {
    pub(super) disk: MemoryDisk,
    pub(super) id: u64,
    pub(super) name: Arc<str>,
}

impl MemoryFileSystem {
    /// The disk that it shares with others.
    pub fn disk(&self) -> &MemoryDisk {
        &self.disk
    }

    /// Lets the fault plan decide, and does `work` on the tree if it may.
    pub(super) async fn run<T>(
        &self,
        operation: Operation,
        path: &FsPath,
        work: impl FnOnce(&mut State, &Shared) -> Result<T, (FsPath, FsErrorKind)> + Send,
    ) -> Result<T, FsError> {
        let fault = self.begin(operation, path)?;
        if let Fault::Delay(delay) = fault {
            tokio::time::sleep(delay).await;
        }
        let crashes = matches!(fault, Fault::CrashBefore | Fault::CrashAfter);
        let done = self.decided(fault, operation, path, work);
        if crashes {
            self.disk.crash(self);
        }
        let done = done.map_err(|(path, kind)| FsError::new(operation, &path, kind));
        self.note(operation, path, done.as_ref().err().map(|error| error.kind.clone()));
        done
    }

    fn begin(&self, operation: Operation, path: &FsPath) -> Result<Fault, FsError> {
        let index = {
            let mut state = self.disk.0.state.lock();
            self.check_alive(&state, path).map_err(|(path, kind)| FsError::new(operation, &path, kind))?;
            state.calls += 1;
            state.calls - 1
        };
        let plan = Arc::clone(&*self.disk.0.plan.lock());
        Ok(plan.decide(&Call { index, client: &self.name, operation, path }))
    }

    fn decided<T>(
        &self,
        fault: Fault,
        operation: Operation,
        path: &FsPath,
        work: impl FnOnce(&mut State, &Shared) -> Result<T, (FsPath, FsErrorKind)>,
    ) -> Result<T, (FsPath, FsErrorKind)> {
        let failed = |kind| Err((path.clone(), kind));
        match fault {
            Fault::Fail(kind) => return failed(kind),
            Fault::CrashBefore => return failed(FsErrorKind::Unavailable),
            _ => {}
        }
        let mut state = self.disk.0.state.lock();
        self.check_alive(&state, path)?;
        if state.safe_mode && operation.changes() {
            return failed(FsErrorKind::SafeMode);
        }
        let done = work(&mut state, &self.disk.0);
        match fault {
            Fault::FailAfter(kind) => failed(kind),
            Fault::CrashAfter => failed(FsErrorKind::Unknown),
            _ => done,
        }
    }

    fn check_alive(&self, state: &State, path: &FsPath) -> Result<(), (FsPath, FsErrorKind)> {
        let alive = state.clients.contains_key(&self.id);
        if alive { Ok(()) } else { Err((path.clone(), FsErrorKind::Unavailable)) }
    }

    fn note(&self, operation: Operation, path: &FsPath, failure: Option<FsErrorKind>) {
        let mut state = self.disk.0.state.lock();
        if state.trace.len() >= self.disk.0.options.trace_entries_max {
            state.trace.pop_front();
        }
        let entry = TraceEntry { client: Arc::clone(&self.name), operation, path: path.clone(), failure };
        state.trace.push_back(entry);
    }
}

#[async_trait]
impl FileSystem for MemoryFileSystem {
    fn uri(&self, path: &FsPath) -> FsUri {
        FsUri { scheme: Some("memory".into()), authority: None, path: path.clone() }
    }

    async fn status(&self, path: &FsPath) -> Result<FileStatus, FsError> {
        self.run(Operation::Status, path, |state, _| state.tree.status(path)).await
    }

    async fn list_pages(&self, folder: &FsPath) -> Result<FileStream, FsError> {
        let entries = self.run(Operation::List, folder, |state, _| state.tree.list(folder)).await?;
        let page_entries = self.disk.0.options.page_entries.max(1);
        let pages: Vec<_> = entries.chunks(page_entries).map(|page| Ok(page.to_vec())).collect();
        Ok(stream::iter(pages).boxed())
    }

    async fn open(&self, path: &FsPath) -> Result<Box<dyn Reader>, FsError> {
        let read =
            |state: &mut State, shared: &Shared| state.tree.read(path, shared.options.open_files_read_empty);
        let content = self.run(Operation::Open, path, read).await?;
        Ok(Box::new(MemoryReader { client: self.clone(), path: path.clone(), content }))
    }

    async fn create(&self, path: &FsPath, options: CreateOptions) -> Result<Box<dyn Writer>, FsError> {
        let options = (options.mode, options.permission);
        let node = self
            .run(Operation::Create, path, |state, shared| {
                state.tree.create(path, options, self.id, shared.clock.now_ms())
            })
            .await?;
        Ok(Box::new(MemoryWriter::new(self.clone(), path.clone(), node)))
    }

    async fn mkdirs(&self, path: &FsPath, permission: Option<Permission>) -> Result<(), FsError> {
        self.run(Operation::Mkdirs, path, |state, shared| {
            state.tree.mkdirs(path, permission, shared.clock.now_ms())
        })
        .await
    }

    async fn rename(&self, from: &FsPath, to: &FsPath) -> Result<(), FsError> {
        self.run(Operation::Rename, from, |state, shared| {
            state.tree.rename(from, to, false, shared.clock.now_ms())
        })
        .await
    }

    async fn rename_replacing(&self, from: &FsPath, to: &FsPath) -> Result<(), FsError> {
        self.run(Operation::Rename, from, |state, shared| {
            state.tree.rename(from, to, true, shared.clock.now_ms())
        })
        .await
    }

    async fn delete(&self, path: &FsPath) -> Result<bool, FsError> {
        self.run(Operation::Delete, path, |state, shared| state.tree.delete(path, shared.clock.now_ms()))
            .await
    }

    async fn delete_tree(&self, path: &FsPath) -> Result<bool, FsError> {
        let paths = self.disk.0.state.lock().tree.inside_out(path);
        if paths.is_empty() {
            return self.delete(path).await;
        }
        for path in &paths {
            self.delete(path).await?;
        }
        Ok(true)
    }

    async fn set_modified(&self, path: &FsPath, modified_ms: u64) -> Result<(), FsError> {
        self.run(Operation::SetModified, path, |state, _| state.tree.set_modified(path, modified_ms)).await
    }

    async fn set_permission(&self, path: &FsPath, permission: Permission) -> Result<(), FsError> {
        self.run(Operation::SetPermission, path, |state, _| state.tree.set_permission(path, permission)).await
    }

    async fn recover_lease(&self, path: &FsPath, wait_max: Duration) -> Result<(), FsError> {
        let is_written =
            self.run(Operation::Status, path, |state, _| state.tree.is_being_written(path)).await?;
        let takes = self.disk.0.options.lease_recovery;
        if is_written && !takes.is_zero() {
            tokio::time::sleep(takes.min(wait_max)).await;
            if takes > wait_max {
                let kind = FsErrorKind::TimedOut("the lease isn't recovered yet".into());
                return Err(FsError::new(Operation::RecoverLease, path, kind));
            }
        }
        self.run(Operation::RecoverLease, path, |state, shared| state.tree.recover(path, &shared.chance))
            .await
    }

    async fn in_safe_mode(&self, folder: &FsPath) -> Result<bool, FsError> {
        self.run(Operation::SafeMode, folder, |state, _| Ok(state.safe_mode)).await
    }
}

impl fmt::Debug for MemoryFileSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryFileSystem({} #{})", self.name, self.id)
    }
}

#[derive(Debug)]
struct MemoryReader {
    client: MemoryFileSystem,
    path: FsPath,
    content: Bytes,
}

#[async_trait]
impl Reader for MemoryReader {
    fn length(&self) -> u64 {
        self.content.len() as u64
    }

    async fn read_at(&self, offset: u64, length: usize) -> Result<Bytes, FsError> {
        let length = read_length(&self.path, self.length(), offset, length)?;
        self.client.run(Operation::Read, &self.path, |_, _| Ok(())).await?;
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(self.content.len());
        Ok(self.content.slice(from..from + length))
    }
}

//! A file system in which a process dies: at its n-th change, just before or just after that, everything stops. For
//! the real ones; the one in memory can do that itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hmaster_fs::{
    CreateOptions, FileStatus, FileStream, FileSystem, FsError, FsErrorKind, FsPath, FsUri, Operation,
    Permission, Reader, Writer,
};

/// One life of a process on a file system that others share.
#[derive(Debug, Clone)]
pub(crate) struct Crashing {
    inner: Arc<dyn FileSystem>,
    life: Arc<Life>,
}

#[derive(Debug)]
struct Life {
    /// At which change it ends, counted from 0.
    nth: u64,
    /// Whether that change is done.
    done: bool,
    seen: AtomicU64,
    dead: AtomicBool,
}

impl Crashing {
    /// Dies at the `nth` change, which is done before that or isn't.
    pub(crate) fn at(inner: Arc<dyn FileSystem>, nth: u64, done: bool) -> Self {
        let life = Life { nth, done, seen: AtomicU64::new(0), dead: AtomicBool::new(false) };
        Self { inner, life: Arc::new(life) }
    }

    /// Whether it has died.
    pub(crate) fn is_dead(&self) -> bool {
        self.life.dead.load(Ordering::SeqCst)
    }
}

impl Life {
    fn check(&self, operation: Operation, path: &FsPath) -> Result<(), FsError> {
        match self.dead.load(Ordering::SeqCst) {
            true => Err(FsError::new(operation, path, FsErrorKind::Unavailable)),
            false => Ok(()),
        }
    }

    async fn change<T>(
        &self,
        operation: Operation,
        path: &FsPath,
        work: impl Future<Output = Result<T, FsError>> + Send,
    ) -> Result<T, FsError> {
        self.check(operation, path)?;
        let is_last = self.seen.fetch_add(1, Ordering::SeqCst) == self.nth;
        if is_last && !self.done {
            self.dead.store(true, Ordering::SeqCst);
            return Err(FsError::new(operation, path, FsErrorKind::Unavailable));
        }
        let outcome = work.await;
        if is_last {
            self.dead.store(true, Ordering::SeqCst);
            return Err(FsError::new(operation, path, FsErrorKind::Unknown));
        }
        outcome
    }
}

#[async_trait]
impl FileSystem for Crashing {
    fn uri(&self, path: &FsPath) -> FsUri {
        self.inner.uri(path)
    }

    async fn status(&self, path: &FsPath) -> Result<FileStatus, FsError> {
        self.life.check(Operation::Status, path)?;
        self.inner.status(path).await
    }

    async fn list_pages(&self, folder: &FsPath) -> Result<FileStream, FsError> {
        self.life.check(Operation::List, folder)?;
        self.inner.list_pages(folder).await
    }

    async fn open(&self, path: &FsPath) -> Result<Box<dyn Reader>, FsError> {
        self.life.check(Operation::Open, path)?;
        self.inner.open(path).await
    }

    async fn create(&self, path: &FsPath, options: CreateOptions) -> Result<Box<dyn Writer>, FsError> {
        let writer = self.life.change(Operation::Create, path, self.inner.create(path, options)).await?;
        Ok(Box::new(CrashingWriter { path: path.clone(), inner: Some(writer), life: Arc::clone(&self.life) }))
    }

    async fn mkdirs(&self, path: &FsPath, permission: Option<Permission>) -> Result<(), FsError> {
        self.life.change(Operation::Mkdirs, path, self.inner.mkdirs(path, permission)).await
    }

    async fn rename(&self, from: &FsPath, to: &FsPath) -> Result<(), FsError> {
        self.life.change(Operation::Rename, from, self.inner.rename(from, to)).await
    }

    async fn rename_replacing(&self, from: &FsPath, to: &FsPath) -> Result<(), FsError> {
        self.life.change(Operation::Rename, from, self.inner.rename_replacing(from, to)).await
    }

    async fn delete(&self, path: &FsPath) -> Result<bool, FsError> {
        self.life.change(Operation::Delete, path, self.inner.delete(path)).await
    }

    async fn delete_tree(&self, path: &FsPath) -> Result<bool, FsError> {
        self.life.change(Operation::Delete, path, self.inner.delete_tree(path)).await
    }

    async fn set_modified(&self, path: &FsPath, modified_ms: u64) -> Result<(), FsError> {
        self.life.change(Operation::SetModified, path, self.inner.set_modified(path, modified_ms)).await
    }

    async fn set_permission(&self, path: &FsPath, permission: Permission) -> Result<(), FsError> {
        self.life.change(Operation::SetPermission, path, self.inner.set_permission(path, permission)).await
    }

    async fn recover_lease(&self, path: &FsPath, wait_max: Duration) -> Result<(), FsError> {
        self.life.change(Operation::RecoverLease, path, self.inner.recover_lease(path, wait_max)).await
    }

    async fn in_safe_mode(&self, folder: &FsPath) -> Result<bool, FsError> {
        self.inner.in_safe_mode(folder).await
    }
}

/// A file that its process leaves as it is when it dies.
#[derive(Debug)]
struct CrashingWriter {
    path: FsPath,
    inner: Option<Box<dyn Writer>>,
    life: Arc<Life>,
}

impl CrashingWriter {
    fn inner(&mut self) -> &mut Box<dyn Writer> {
        self.inner.as_mut().expect("there until it is closed")
    }
}

#[async_trait]
impl Writer for CrashingWriter {
    fn path(&self) -> &FsPath {
        &self.path
    }

    fn length(&self) -> u64 {
        self.inner.as_ref().map_or(0, |inner| inner.length())
    }

    async fn write(&mut self, bytes: Bytes) -> Result<(), FsError> {
        let (life, path) = (Arc::clone(&self.life), self.path.clone());
        life.change(Operation::Write, &path, self.inner().write(bytes)).await
    }

    async fn sync(&mut self) -> Result<(), FsError> {
        let (life, path) = (Arc::clone(&self.life), self.path.clone());
        life.change(Operation::Sync, &path, self.inner().sync()).await
    }

    async fn close(mut self: Box<Self>) -> Result<(), FsError> {
        let (life, path) = (Arc::clone(&self.life), self.path.clone());
        self.life.check(Operation::Close, &path)?;
        let inner = self.inner.take().expect("there until it is closed");
        if life.seen.load(Ordering::SeqCst) == life.nth && !life.done {
            std::mem::forget(inner);
            return life.change(Operation::Close, &path, async { Ok(()) }).await;
        }
        life.change(Operation::Close, &path, inner.close()).await
    }
}

impl Drop for CrashingWriter {
    /// What a dead process had open isn't closed.
    fn drop(&mut self) {
        if self.life.dead.load(Ordering::SeqCst)
            && let Some(inner) = self.inner.take()
        {
            std::mem::forget(inner);
        }
    }
}

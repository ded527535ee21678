//! A file system that takes changes only as long as somebody says so: a master that may not act any more changes nothing.
//!
//! A lease by this machine's clock can't reach into a disk: between the look at the lease and the change the process may
//! stand still. So this is no fence, and nothing that must hold depends on it alone. What it does is to bound what a
//! process that was suspended, or cut off, can do when it goes on to the one operation that was under way: each further
//! step of a longer piece of work, such as archiving a table, asks again. The logs of masters and region servers are
//! fenced where they are ([`FileSystem`], *Fencing*).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    CreateOptions, FileStatus, FileStream, FileSystem, FsError, FsErrorKind, FsPath, FsUri, NewFile,
    Operation, Permission, Reader, Writer,
};

/// Says whether one may act now. Once it has said no it never says yes again.
pub trait Permit: Send + Sync + fmt::Debug {
    /// Whether one may.
    fn is_valid(&self) -> bool;
}

/// Another file system, to be changed as long as a permit is valid. Afterwards all changes fail as
/// [`FsErrorKind::Fenced`], and so do syncs that end afterwards: the file may have been taken over meanwhile.
#[derive(Debug, Clone)]
pub struct GuardedFileSystem {
    inner: Arc<dyn FileSystem>,
    permit: Arc<dyn Permit>,
}

impl GuardedFileSystem {
    /// `inner`, guarded by `permit`.
    pub fn new(inner: Arc<dyn FileSystem>, permit: Arc<dyn Permit>) -> Self {
        Self { inner, permit }
    }

    fn check(&self, operation: Operation, path: &FsPath) -> Result<(), FsError> {
        check(&*self.permit, operation, path)
    }
}

fn check(permit: &dyn Permit, operation: Operation, path: &FsPath) -> Result<(), FsError> {
    match permit.is_valid() {
        true => Ok(()),
        false => Err(FsError::new(operation, path, FsErrorKind::Fenced)),
    }
}

#[async_trait]
impl FileSystem for GuardedFileSystem {
    fn uri(&self, path: &FsPath) -> FsUri {
        self.inner.uri(path)
    }

    async fn status(&self, path: &FsPath) -> Result<FileStatus, FsError> {
        self.inner.status(path).await
    }

    async fn list_pages(&self, folder: &FsPath) -> Result<FileStream, FsError> {
        self.inner.list_pages(folder).await
    }

    async fn open(&self, path: &FsPath) -> Result<Box<dyn Reader>, FsError> {
        self.inner.open(path).await
    }

    async fn create(&self, path: &FsPath, options: CreateOptions) -> Result<Box<dyn Writer>, FsError> {
        self.check(Operation::Create, path)?;
        let inner = self.inner.create(path, options).await?;
        Ok(Box::new(GuardedWriter { inner, permit: Arc::clone(&self.permit) }))
    }

    async fn mkdirs(&self, path: &FsPath, permission: Option<Permission>) -> Result<(), FsError> {
        self.check(Operation::Mkdirs, path)?;
        self.inner.mkdirs(path, permission).await
    }

    async fn rename(&self, from: &FsPath, to: &FsPath) -> Result<(), FsError> {
        self.check(Operation::Rename, from)?;
        self.inner.rename(from, to).await
    }

    async fn rename_replacing(&self, from: &FsPath, to: &FsPath) -> Result<(), FsError> {
        self.check(Operation::Rename, from)?;
        self.inner.rename_replacing(from, to).await
    }

    async fn delete(&self, path: &FsPath) -> Result<bool, FsError> {
        self.check(Operation::Delete, path)?;
        self.inner.delete(path).await
    }

    async fn delete_tree(&self, path: &FsPath) -> Result<bool, FsError> {
        self.check(Operation::Delete, path)?;
        self.inner.delete_tree(path).await
    }

    async fn set_modified(&self, path: &FsPath, modified_ms: u64) -> Result<(), FsError> {
        self.check(Operation::SetModified, path)?;
        self.inner.set_modified(path, modified_ms).await
    }

    async fn set_permission(&self, path: &FsPath, permission: Permission) -> Result<(), FsError> {
        self.check(Operation::SetPermission, path)?;
        self.inner.set_permission(path, permission).await
    }

    async fn recover_lease(&self, path: &FsPath, wait_max: Duration) -> Result<(), FsError> {
        self.check(Operation::RecoverLease, path)?;
        self.inner.recover_lease(path, wait_max).await
    }

    async fn in_safe_mode(&self, folder: &FsPath) -> Result<bool, FsError> {
        self.inner.in_safe_mode(folder).await
    }

    fn concurrency(&self) -> usize {
        self.inner.concurrency()
    }

    async fn write_many(&self, mut files: Vec<NewFile>) -> Result<(), FsError> {
        /// Files between two looks at the permit.
        const FILES_AT_ONCE: usize = 1000;
        while let Some(first) = files.first() {
            self.check(Operation::Create, &first.path)?;
            let rest = files.split_off(files.len().min(FILES_AT_ONCE));
            self.inner.write_many(std::mem::replace(&mut files, rest)).await?;
        }
        Ok(())
    }
}

#[derive(Debug)]
struct GuardedWriter {
    inner: Box<dyn Writer>,
    permit: Arc<dyn Permit>,
}

#[async_trait]
impl Writer for GuardedWriter {
    fn path(&self) -> &FsPath {
        self.inner.path()
    }

    fn length(&self) -> u64 {
        self.inner.length()
    }

    async fn write(&mut self, bytes: Bytes) -> Result<(), FsError> {
        check(&*self.permit, Operation::Write, self.inner.path())?;
        self.inner.write(bytes).await
    }

    async fn sync(&mut self) -> Result<(), FsError> {
        check(&*self.permit, Operation::Sync, self.inner.path())?;
        self.inner.sync().await?;
        check(&*self.permit, Operation::Sync, self.inner.path())
    }

    async fn close(self: Box<Self>) -> Result<(), FsError> {
        let Self { inner, permit } = *self;
        let path = inner.path().clone();
        check(&*permit, Operation::Close, &path)?;
        inner.close().await?;
        check(&*permit, Operation::Close, &path)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use futures_util::FutureExt as _;
    use hmaster_types::{Chance, ManualClock};

    use super::*;
    use crate::memory::{MemoryDisk, MemoryOptions};

    /// Valid for so many looks.
    #[derive(Debug)]
    struct Looks(AtomicI64);

    impl Permit for Looks {
        fn is_valid(&self) -> bool {
            self.0.fetch_sub(1, Ordering::SeqCst) > 0
        }
    }

    fn path(text: &str) -> FsPath {
        text.parse().unwrap()
    }

    fn disk() -> MemoryDisk {
        MemoryDisk::new(MemoryOptions::default(), Arc::new(ManualClock::at(1)), Chance::seeded(1))
    }

    fn guarded(disk: &MemoryDisk, looks: i64) -> GuardedFileSystem {
        let permit = Arc::new(Looks(AtomicI64::new(looks)));
        GuardedFileSystem::new(Arc::new(disk.client("guarded")), permit)
    }

    #[tokio::test]
    async fn without_a_permit_nothing_changes_and_all_can_be_read() {
        let disk = disk();
        let plain = disk.client("plain");
        plain.mkdirs(&path("/d/e"), None).await.unwrap();
        plain.write_whole(&path("/d/f"), "x".into(), CreateOptions::new()).await.unwrap();
        let fs = guarded(&disk, 0);
        let (d, f, g) = (path("/d"), path("/d/f"), path("/d/g"));
        let file = NewFile { path: path("/d/h"), content: Bytes::new() };
        let changes = [
            fs.create(&g, CreateOptions::new()).map(|done| done.map(drop)).boxed(),
            fs.mkdirs(&g, None).boxed(),
            fs.rename(&f, &g).boxed(),
            fs.rename_replacing(&f, &g).boxed(),
            fs.delete(&f).map(|done| done.map(drop)).boxed(),
            fs.delete_tree(&d).map(|done| done.map(drop)).boxed(),
            fs.set_modified(&f, 1).boxed(),
            fs.set_permission(&f, Permission::OWNER_ALL).boxed(),
            fs.recover_lease(&f, Duration::ZERO).boxed(),
            fs.write_many(vec![file]).boxed(),
        ];
        for (n, change) in changes.into_iter().enumerate() {
            assert_eq!(change.await.unwrap_err().kind, FsErrorKind::Fenced, "change {n}");
        }
        let names: Vec<_> = fs.list(&path("/d")).await.unwrap().into_iter().map(|entry| entry.name).collect();
        assert_eq!(names, ["e".into(), "f".into()]);
        assert_eq!(fs.read_whole(&f, 10).await.unwrap(), "x");
    }

    /// The permit ends at each look: what was answered with `Ok` before is there, and nothing is afterwards.
    #[tokio::test]
    async fn a_sync_that_ends_without_a_permit_is_not_confirmed() {
        for looks in 0..7 {
            let disk = disk();
            let fs = guarded(&disk, looks);
            let mut confirmed = 0;
            let write = async {
                let mut file = fs.create(&path("/log"), CreateOptions::new()).await?;
                for _ in 0..2 {
                    file.write("x".into()).await?;
                    file.sync().await?;
                    confirmed += 1;
                }
                file.write("x".into()).await
            };
            let done: Result<(), FsError> = write.await;
            assert_eq!(done.unwrap_err().kind, FsErrorKind::Fenced, "{looks} looks");
            // One for the file, three for each round.
            assert_eq!(confirmed, (looks - 1).max(0) / 3, "{looks} looks");
        }
    }
}

//! The tests that every file system must pass: what [`FileSystem`] promises, one case per promise.
//!
//! They run here over local disk and memory, and elsewhere over a real HDFS. A case panics when a promise is
//! broken.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "these are tests")]

mod fencing;
mod files;
mod names;
#[cfg(test)]
mod tests;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use crate::{CreateOptions, FileSystem, FsError, FsErrorKind, FsPath};

/// What a case works with.
#[derive(Debug, Clone)]
pub struct Fixture {
    /// One process.
    pub fs: Arc<dyn FileSystem>,
    /// Another process on the same file system.
    pub other: Arc<dyn FileSystem>,
    /// An empty folder.
    pub root: FsPath,
}

/// A case's name and what it does.
pub type Case = (&'static str, fn(Fixture) -> BoxFuture<'static, ()>);

/// Longer than any file system here takes to settle a file whose writer lives.
const LEASE_WAIT_MAX: Duration = Duration::from_secs(60);

/// Runs every case in a folder of its own below `root`.
///
/// # Panics
/// When a case fails, with the names of all that did.
pub async fn run_all(fs: Arc<dyn FileSystem>, other: Arc<dyn FileSystem>, root: &FsPath) {
    let mut failed = Vec::new();
    for (name, case) in names::CASES.iter().chain(files::CASES).chain(fencing::CASES) {
        let root = root.join(name);
        fs.mkdirs(&root, None).await.unwrap();
        let fixture = Fixture { fs: Arc::clone(&fs), other: Arc::clone(&other), root };
        if AssertUnwindSafe(case(fixture)).catch_unwind().await.is_err() {
            failed.push(*name);
        }
    }
    assert!(failed.is_empty(), "broken promises, each told above: {failed:?}");
}

impl Fixture {
    fn at(&self, relative: &str) -> FsPath {
        relative.split('/').fold(self.root.clone(), |path, name| path.join(name))
    }

    async fn put(&self, relative: &str, content: &'static str) -> FsPath {
        let path = self.at(relative);
        self.fs.mkdirs(&path.parent().unwrap(), None).await.unwrap();
        self.fs.write_whole(&path, content.into(), CreateOptions::overwrite()).await.unwrap();
        path
    }

    async fn content(&self, path: &FsPath) -> Bytes {
        self.fs.read_whole(path, 1 << 24).await.unwrap()
    }

    async fn names(&self, folder: &FsPath) -> Vec<String> {
        let entries = self.fs.list(folder).await.unwrap();
        entries.into_iter().map(|entry| entry.name.into()).collect()
    }
}

/// The error of what must fail, with the path at fault.
fn failure<T>(result: Result<T, FsError>) -> (FsErrorKind, FsPath) {
    match result {
        Ok(_) => panic!("this should have failed"),
        Err(error) => (error.kind, error.path),
    }
}

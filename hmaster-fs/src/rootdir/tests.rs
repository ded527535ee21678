//! The root folder on memory: what is made, found and moved, and that every interrupted operation can be
//! repeated.

mod archiving;
mod bad_input;
mod crashes;
mod late;
mod preparing;
mod schemas;
mod wals;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use hmaster_types::{
    Chance, ColumnFamilyDescriptor, ManualClock, RegionInfo, ServerName, TableDescriptor, TableName,
};

use super::*;
use crate::memory::{Content, MemoryDisk, MemoryOptions};
use crate::{CreateOptions, FsError};

const NOW_MS: u64 = 1_700_000_000_000;

/// A disk, and a root folder on it as one client sees it.
struct Fixture {
    disk: MemoryDisk,
    clock: Arc<ManualClock>,
    root: RootDir,
}

impl Fixture {
    fn new(seed: u64) -> Self {
        let clock = Arc::new(ManualClock::at(NOW_MS));
        let disk = MemoryDisk::new(MemoryOptions::default(), clock.clone(), Chance::seeded(seed));
        let root = root_of(&disk, &clock);
        Self { disk, clock, root }
    }

    /// The root folder as another process sees it, such as the next master.
    fn next(&self) -> RootDir {
        root_of(&self.disk, &self.clock)
    }

    async fn prepared() -> Self {
        let fixture = Self::new(1);
        fixture.root.prepare(&options(), &Chance::seeded(7)).await.unwrap();
        fixture
    }

    async fn put(&self, path: &str, content: &'static str) {
        put(&self.root, path, content).await;
    }

    /// What is below `/hbase` at paths with this prefix, without folders, each with its content.
    fn files(&self, prefix: &str) -> BTreeMap<String, Bytes> {
        let below = self.disk.snapshot().into_iter().filter_map(|(path, content)| match content {
            Content::File(bytes) => Some((path.as_str().strip_prefix("/hbase/")?.to_owned(), bytes)),
            Content::Folder => None,
        });
        below.filter(|(path, _)| path.starts_with(prefix)).collect()
    }

    fn file_names(&self, prefix: &str) -> Vec<String> {
        self.files(prefix).into_keys().collect()
    }
}

fn root_of(disk: &MemoryDisk, clock: &Arc<ManualClock>) -> RootDir {
    RootDir::new(Arc::new(disk.client("master")), path("hbase"), clock.clone())
}

async fn put(root: &RootDir, relative: &str, content: &'static str) {
    let path = below_root(relative);
    let fs = root.file_system();
    fs.mkdirs(&path.parent().unwrap(), None).await.unwrap();
    fs.write_whole(&path, content.into(), CreateOptions::overwrite()).await.unwrap();
}

fn path(relative: &str) -> FsPath {
    format!("/{relative}").parse().unwrap()
}

fn below_root(relative: &str) -> FsPath {
    path(&format!("hbase/{relative}"))
}

fn options() -> PrepareOptions {
    PrepareOptions::default()
}

fn table() -> TableName {
    "ns:t".parse().unwrap()
}

fn schema(versions: u32) -> TableDescriptor {
    let family = ColumnFamilyDescriptor::builder("f").attribute("VERSIONS", versions.to_string());
    TableDescriptor::builder(table()).family(family.build()).build()
}

/// `count` regions that cover the table.
fn regions(count: usize) -> Vec<RegionInfo> {
    let key = |n: usize| if n == 0 || n == count { String::new() } else { format!("{n:04}") };
    let region = |n| {
        let builder = RegionInfo::builder(table()).start_key(key(n).into_bytes());
        builder.end_key(key(n + 1).into_bytes()).region_id(NOW_MS).build()
    };
    (0..count).map(region).collect()
}

fn server() -> ServerName {
    "host,16020,1600000000000".parse().unwrap()
}

fn fs_error(error: &RootDirError) -> &FsError {
    match error {
        RootDirError::Fs(error) => error,
        other => panic!("not an error of the file system: {other}"),
    }
}

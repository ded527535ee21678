//! Regions on a file system in memory: what servers leave, the next ones find.

mod compactions;
mod crashes;
mod model;
mod opening;
mod replicas;
mod writes;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hmaster_fs::memory::{MemoryDisk, MemoryFileSystem, MemoryOptions};
use hmaster_fs::rootdir::{RootDir, WalKind};
use hmaster_fs::{FileSystem as _, FsPath, NotFoundAsNone as _};
use hmaster_protocol::pb;
use hmaster_types::{
    CellParts, CellType, Chance, ColumnFamilyDescriptor, ManualClock, ServerName, TableName, attribute,
};

use super::*;
use crate::log::{FlushedSequenceIds, LogOptions, split_log};
use crate::query::TimeRange;
use crate::scan::{Limits, ScanSpec};

/// Nobody knows what was flushed: all edits are kept, and what was flushed is left out when they are replayed.
pub(crate) struct NothingKnown;

#[async_trait]
impl FlushedSequenceIds for NothingKnown {
    async fn of_region(&self, _encoded_name: &str) -> Option<pb::RegionStoreSequenceIds> {
        None
    }
}

/// A disk that servers share.
pub(crate) struct Cluster {
    pub(crate) disk: MemoryDisk,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) log_options: LogOptions,
    pub(crate) region_options: RegionOptions,
}

/// One life of a region server.
pub(crate) struct Server {
    pub(crate) name: ServerName,
    pub(crate) fs: MemoryFileSystem,
    pub(crate) root: RootDir,
    pub(crate) log: ServerLog,
}

impl Cluster {
    pub(crate) fn new(seed: u64) -> Self {
        Self::with(seed, MemoryOptions::default())
    }

    pub(crate) fn with(seed: u64, options: MemoryOptions) -> Self {
        let clock = Arc::new(ManualClock::at(1_000_000));
        let disk = MemoryDisk::new(options, clock.clone(), Chance::seeded(seed));
        let region_options = RegionOptions { compaction_files_min: usize::MAX, ..RegionOptions::default() };
        Self { disk, clock, log_options: LogOptions::default(), region_options }
    }

    pub(crate) fn root(&self, fs: &MemoryFileSystem) -> RootDir {
        RootDir::new(Arc::new(fs.clone()), FsPath::root().join("hbase"), self.clock.clone())
    }

    /// The `n`-th server starts.
    pub(crate) async fn try_server(&self, n: u64) -> Result<Server, hmaster_fs::FsError> {
        let name: ServerName = format!("server,16020,{n}").parse().unwrap();
        let fs = self.disk.client(&format!("server{n}"));
        let root = self.root(&fs);
        let chance = Arc::new(Chance::seeded(n));
        let log =
            ServerLog::create(&root, &name, self.clock.clone(), chance, self.log_options.clone()).await?;
        Ok(Server { name, fs, root, log })
    }

    pub(crate) async fn server(&self, n: u64) -> Server {
        self.try_server(n).await.unwrap()
    }

    /// Opens the region of [`info`].
    pub(crate) async fn open(&self, server: &Server) -> Region {
        self.try_open(server).await.unwrap()
    }

    pub(crate) async fn try_open(&self, server: &Server) -> Result<Region, OpenError> {
        let options = self.region_options.clone();
        Region::open(&server.root, &server.log, info(), table(), options).await
    }

    /// Ends a server as `kill -9` does.
    pub(crate) fn kill(&self, server: &Server) {
        self.disk.crash(&server.fs);
    }

    /// Does what a master and the region servers do when `dead` has died.
    pub(crate) async fn recover(&self, dead: &ServerName) {
        let fs = self.disk.client("recovery");
        self.try_recover(&self.root(&fs), dead).await.unwrap();
    }

    pub(crate) async fn try_recover(&self, root: &RootDir, dead: &ServerName) -> Result<(), String> {
        if !root.fence_wals(dead).await.map_err(|error| error.to_string())? {
            return Ok(());
        }
        for kind in [WalKind::Meta, WalKind::Other] {
            for wal in root.wals_to_split(dead, kind).await.map_err(|error| error.to_string())? {
                split_log(root, &wal, &NothingKnown).await.map_err(|error| error.to_string())?;
                root.archive_wal(&wal).await.map_err(|error| error.to_string())?;
            }
        }
        root.delete_wal_folder(dead).await.map_err(|error| error.to_string())
    }

    /// The names below a folder.
    pub(crate) async fn names(&self, folder: &FsPath) -> Vec<String> {
        let entries = self.disk.client("look").list(folder).await.found().unwrap().unwrap_or_default();
        entries.into_iter().map(|entry| entry.name.into()).collect()
    }

    pub(crate) fn folder(&self) -> FsPath {
        self.root(&self.disk.client("look")).layout().region(&info())
    }

    /// The store files of family `f`.
    pub(crate) async fn files(&self) -> Vec<String> {
        self.names(&self.folder().join("f")).await
    }
}

pub(crate) fn table() -> TableDescriptor {
    TableDescriptor::builder(TableName::new("default", "t").unwrap())
        .family(ColumnFamilyDescriptor::builder("f").attribute(attribute::VERSIONS, "3").build())
        .family(ColumnFamilyDescriptor::builder("g").build())
        .build()
}

pub(crate) fn info() -> RegionInfo {
    RegionInfo::builder(TableName::new("default", "t").unwrap()).end_key(*b"z").region_id(7).build()
}

pub(crate) fn cell(
    row: &str,
    family: &str,
    qualifier: &str,
    timestamp: i64,
    kind: CellType,
    value: &str,
) -> Cell {
    Cell::new(CellParts {
        row: row.as_bytes(),
        family: family.as_bytes(),
        qualifier: qualifier.as_bytes(),
        timestamp,
        cell_type: kind,
        value: value.as_bytes(),
    })
    .unwrap()
}

impl Mutation {
    /// A mutation of this kind, with nothing special about it.
    pub(crate) fn new(kind: MutationKind, row: Bytes, cells: Vec<Cell>) -> Self {
        let (timestamp, time_range) = (Cell::LATEST_TIMESTAMP, TimeRange::ALL);
        Self { kind, row, cells, timestamp, ttl_ms: None, time_range, returns_result: true, nonce: 0 }
    }

    /// A put of cells of one row.
    pub(crate) fn put(row: Bytes, cells: Vec<Cell>) -> Self {
        Self::new(MutationKind::Put, row, cells)
    }
}

/// A put of one value in `f:q`.
pub(crate) fn put(row: &str, value: &str) -> Mutation {
    let cell = cell(row, "f", "q", Cell::LATEST_TIMESTAMP, CellType::Put, value);
    Mutation::put(Bytes::copy_from_slice(row.as_bytes()), vec![cell])
}

pub(crate) fn delete(row: &str) -> Mutation {
    Mutation::new(MutationKind::Delete, Bytes::copy_from_slice(row.as_bytes()), vec![])
}

/// Does one mutation.
pub(crate) async fn one(region: &Region, mutation: Mutation) -> Result<Option<Vec<Cell>>, RegionError> {
    region.mutate(vec![mutation], 0).await.remove(0)
}

/// The value of `f:q` in a row.
pub(crate) async fn value(region: &Region, row: &str) -> Option<String> {
    let cells = region.get(ScanSpec::row(Bytes::copy_from_slice(row.as_bytes()))).await.unwrap();
    let cell = cells.iter().find(|cell| cell.family() == b"f" && cell.qualifier() == b"q")?;
    Some(String::from_utf8_lossy(cell.value()).into_owned())
}

/// All cells of a scan.
pub(crate) async fn scan(region: &Region, spec: ScanSpec) -> Vec<Cell> {
    let (mut scanner, mut all) = (region.scanner(spec).unwrap(), Vec::new());
    loop {
        let mut row = Vec::new();
        let more = scanner.next(&mut row, &mut Limits::batch_only(None)).await.unwrap();
        all.append(&mut row);
        if !more {
            return all;
        }
    }
}

/// Rows and their values of `f:q`.
pub(crate) async fn rows(region: &Region) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let cells = scan(region, ScanSpec::range(Bytes::new(), Bytes::new())).await;
    cells.iter().map(|cell| (text(cell.row()), text(cell.value()))).collect()
}

/// Waits for something that the chores will bring about.
pub(crate) async fn until<F: Future<Output = bool>>(mut holds: impl FnMut() -> F) {
    let waiting = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it comes about in time");
}

//! The region on a file system in memory: what masters leave, the next ones find.

mod crashes;
mod models;
mod takeovers;

use std::sync::Arc;

use hmaster_fs::memory::{MemoryDisk, MemoryFileSystem, MemoryOptions};
use hmaster_fs::rootdir::RootDir;
use hmaster_fs::{FileSystem as _, FsPath, NotFoundAsNone as _};
use hmaster_types::{Cell, CellParts, CellType, Chance, ManualClock, ServerName};

use super::*;

/// A disk, and the clock of all masters.
struct Fixture {
    disk: MemoryDisk,
    clock: Arc<ManualClock>,
}

/// A master's region, and the file system as that master has it.
struct Master {
    region: MasterRegion,
    fs: MemoryFileSystem,
}

/// Logs so short that few edits fill several.
const SMALL: MasterRegionOptions = MasterRegionOptions {
    wal_bytes_max: 2000,
    pending_bytes_max: 1 << 20,
    lease_wait_max: Duration::from_secs(1),
};

impl Fixture {
    fn new(seed: u64) -> Self {
        let clock = Arc::new(ManualClock::at(1_000_000));
        let disk = MemoryDisk::new(MemoryOptions::default(), clock.clone(), Chance::seeded(seed));
        Self { disk, clock }
    }

    /// A master that isn't fenced yet by a rename alone, as on HDFS, or that is, as on local disk.
    fn with_options(seed: u64, options: MemoryOptions) -> Self {
        let clock = Arc::new(ManualClock::at(1_000_000));
        let disk = MemoryDisk::new(options, clock.clone(), Chance::seeded(seed));
        Self { disk, clock }
    }

    fn root(&self, fs: &MemoryFileSystem) -> RootDir {
        RootDir::new(Arc::new(fs.clone()), root(), self.clock.clone())
    }

    /// The `n`-th master takes over.
    async fn open(&self, n: u64) -> Result<Master, OpenError> {
        self.open_with(n, SMALL).await
    }

    async fn open_with(&self, n: u64, options: MasterRegionOptions) -> Result<Master, OpenError> {
        let fs = self.disk.client(&format!("master{n}"));
        let region = MasterRegion::open(&self.root(&fs), self.clock.clone(), &server(n), options).await?;
        Ok(Master { region, fs })
    }

    /// All files and folders below a path of MasterData.
    async fn names(&self, folder: &str) -> Vec<String> {
        let fs = self.disk.client("look");
        let folder = FsPath::parse(&format!("/hbase/{folder}")).unwrap();
        let entries = fs.list(&folder).await.found().unwrap().unwrap_or_default();
        entries.into_iter().map(|entry| entry.name.into()).collect()
    }
}

fn root() -> FsPath {
    FsPath::root().join("hbase")
}

fn server(n: u64) -> ServerName {
    format!("master,16000,{n}").parse().unwrap()
}

fn put(row: u64, value: &str) -> Cell {
    let row = row.to_be_bytes();
    Cell::put(&row, PROC_FAMILY, b"d", Cell::LATEST_TIMESTAMP, value.as_bytes()).unwrap()
}

fn delete(row: u64) -> Cell {
    let parts = CellParts {
        row: &row.to_be_bytes(),
        family: PROC_FAMILY,
        qualifier: b"",
        timestamp: Cell::LATEST_TIMESTAMP,
        cell_type: CellType::DeleteFamily,
        value: b"",
    };
    Cell::new(parts).unwrap()
}

/// Rows and values of family `proc`.
fn content(region: &MasterRegion) -> Vec<(u64, String)> {
    let rows = region.rows(PROC_FAMILY);
    let row = |(row, cells): &RowCells| {
        let value = String::from_utf8_lossy(cells[0].value()).into_owned();
        (u64::from_be_bytes(row[..].try_into().unwrap()), value)
    };
    rows.iter().map(row).collect()
}

#[tokio::test]
async fn a_new_region_is_laid_out_as_java_does() {
    let f = Fixture::new(1);
    let master = f.open(1).await.unwrap();
    let table = "MasterData/data/master/store";
    let region = format!("{table}/{}", schema::region_info().encoded_name());
    assert_eq!(f.names(table).await, [".initialized", ".tabledesc", &region[table.len() + 1..]]);
    assert_eq!(f.names(&format!("{table}/.tabledesc")).await.len(), 1);
    let in_region = [".regioninfo", "info", "proc", "recovered.edits", "recovered.wals", "rs", "state"];
    assert_eq!(f.names(&region).await, in_region);
    assert_eq!(f.names(&format!("{region}/recovered.edits")).await, ["0.seqid"]);
    assert_eq!(f.names("MasterData/WALs").await, ["master,16000,1"]);
    assert_eq!(f.names("MasterData/WALs/master,16000,1").await, ["master%2C16000%2C1.1000000"]);
    master.region.close().await.unwrap();
}

#[tokio::test]
async fn edits_are_seen_when_durable_and_found_by_the_next_master() {
    let f = Fixture::new(1);
    let one = f.open(1).await.unwrap();
    assert_eq!(one.region.mutate(vec![put(1, "a"), put(2, "b")]).await.unwrap(), 1);
    let queued = one.region.submit(vec![put(1, "c"), delete(2), put(3, "d")]).unwrap();
    assert_eq!(content(&one.region), [(1, "a".into()), (2, "b".into())], "not durable yet");
    queued.await.unwrap();
    let expected = [(1, "c".to_owned()), (3, "d".into())];
    assert_eq!(content(&one.region), expected);
    drop(one);
    let two = f.open(2).await.unwrap();
    assert_eq!(content(&two.region), expected);
    two.region.close().await.unwrap();
    assert_eq!(content(&f.open(3).await.unwrap().region), expected);
    assert_eq!(f.names("MasterData/WALs").await, ["master,16000,3"]);
}

#[tokio::test]
async fn a_family_that_is_not_there_is_refused() {
    let f = Fixture::new(1);
    let master = f.open(1).await.unwrap();
    let other = Cell::put(b"r", b"other", b"q", 1, b"").unwrap();
    assert!(master.region.submit(vec![put(1, "a"), other.clone()]).is_err());
    assert!(matches!(master.region.mutate(vec![other]).await, Err(MutateError::Family(_))));
    master.region.mutate(vec![put(2, "b")]).await.unwrap();
    assert_eq!(content(&master.region), [(2, "b".into())]);
}

#[tokio::test]
async fn logs_are_bounded_and_archived() {
    let f = Fixture::new(1);
    let master = f.open(1).await.unwrap();
    for n in 0..500u64 {
        f.clock.advance(1);
        master.region.mutate(vec![put(n % 7, &format!("value {n}"))]).await.unwrap();
        master
            .region
            .mutate(vec![delete(n % 5 + 100), put(n % 5 + 200, "x"), delete(n % 5 + 200)])
            .await
            .unwrap();
    }
    master.region.close().await.unwrap();
    assert!(master.region.cells() < 30, "{} cells", master.region.cells());
    let logs = f.names("MasterData/WALs/master,16000,1").await;
    assert_eq!(logs.len(), 1, "{logs:?}");
    let archived = f.names("oldWALs").await;
    assert!(archived.len() > 20, "{archived:?}");
    assert!(archived.iter().all(|name| name.ends_with("$masterlocalwal$")), "{archived:?}");
    let expected: Vec<(u64, String)> = content(&master.region);
    assert_eq!(expected.len(), 7);
    assert_eq!(content(&f.open(2).await.unwrap().region), expected);
}

/// Procedures come and go without end: log and memory hold those that are there.
#[tokio::test]
async fn a_hundred_thousand_procedures_come_and_go() {
    use hmaster_procedure::{ProcedureStore as _, StoreOp};
    use hmaster_types::ProcId;
    const WAL_BYTES_MAX: u64 = 300_000;
    let f = Fixture::new(1);
    let master = f.open_with(1, MasterRegionOptions { wal_bytes_max: WAL_BYTES_MAX, ..SMALL }).await.unwrap();
    let region = Arc::new(master.region);
    let store = crate::RegionProcedureStore::new(Arc::clone(&region));
    let put = |id| {
        let class_name = "org.apache.hadoop.hbase.master.procedure.CreateTableProcedure".to_owned();
        StoreOp::Put(Arc::new(hmaster_protocol::pb::Procedure {
            class_name,
            proc_id: id,
            ..Default::default()
        }))
    };
    for from in (1..100_000u64).step_by(1000) {
        f.clock.advance(7);
        store.submit((from..from + 1000).map(put).collect()).await.unwrap();
        let ended = (from..from + 1000).filter(|id| id % 10_000 != 0).map(ProcId);
        store.submit(ended.map(StoreOp::Delete).collect()).await.unwrap();
        store.cleanup();
        region.put_state("progress", &from.to_be_bytes()).await.unwrap(); // behind what the clean-up queued
        assert!(region.cells() < 2500, "{} cells", region.cells());
        let fs = f.disk.client("look");
        let wals: FsPath = "/hbase/MasterData/WALs/master,16000,1".parse().unwrap();
        let bytes: u64 = fs.list(&wals).await.unwrap().iter().map(|log| log.length).sum();
        // The log in use, which one batch may exceed, and one on its way to the archive.
        assert!(bytes < 4 * WAL_BYTES_MAX, "{bytes} bytes of logs");
    }
    drop((store, region));
    let next = Arc::new(f.open(2).await.unwrap().region);
    let loaded = crate::RegionProcedureStore::new(Arc::clone(&next)).load().await.unwrap();
    assert_eq!((loaded.records.len(), loaded.max_proc_id), (10, 100_000));
    assert!(next.cells() < 15, "{} cells", next.cells());
}

#[tokio::test]
async fn the_clock_may_go_back() {
    let f = Fixture::new(1);
    let master = f.open(1).await.unwrap();
    master.region.mutate(vec![put(1, "before"), put(2, "x")]).await.unwrap();
    f.clock.set(5);
    master.region.mutate(vec![put(1, "after"), delete(2)]).await.unwrap();
    drop(master);
    f.clock.set(3);
    let next = f.open(2).await.unwrap();
    assert_eq!(content(&next.region), [(1, "after".into())]);
    next.region.mutate(vec![put(1, "next"), put(2, "again")]).await.unwrap();
    assert_eq!(content(&next.region), [(1, "next".into()), (2, "again".into())]);
}

#[tokio::test]
async fn sequence_ids_go_on() {
    let f = Fixture::new(1);
    let mut last = 0;
    for n in 1..6 {
        let master = f.open(n).await.unwrap();
        let sequence = master.region.mutate(vec![put(n, "a")]).await.unwrap();
        assert!(sequence > last, "{sequence} after {last}");
        last = sequence;
    }
    let folder =
        format!("MasterData/data/master/store/{}/recovered.edits", schema::region_info().encoded_name());
    let recorded = f.names(&folder).await;
    let expected = format!("{}.seqid", last - 1); // as the last one opened it
    assert_eq!(recorded, [expected]);
}

#[tokio::test]
async fn small_state() {
    let f = Fixture::new(1);
    let master = f.open(1).await.unwrap();
    let (a, b): (ServerName, ServerName) = ("a,16020,1".parse().unwrap(), "b,16020,2".parse().unwrap());
    for server in [&a, &b] {
        master.region.put_server(server).await.unwrap();
    }
    master.region.remove_server(&a).await.unwrap();
    master.region.put_state("load_balancer_on", b"1").await.unwrap();
    master.region.submit_state("load_balancer_on", b"2").unwrap().await.unwrap();
    drop(master);
    let next = f.open(2).await.unwrap().region;
    assert_eq!(next.servers().unwrap(), [b]);
    assert_eq!(next.state("load_balancer_on").unwrap(), "2");
    assert_eq!(next.state("other"), None);
    next.put_server(&a).await.unwrap();
    assert_eq!(next.servers().unwrap().len(), 2, "a put after a delete of the same millisecond");
}

/// Everything on the disk, with the content of files.
async fn whole_disk(f: &Fixture) -> Vec<(FsPath, Option<Bytes>)> {
    let fs = f.disk.client("look");
    let (mut folders, mut found) = (vec![root()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs.list(&folder).await.found().unwrap().unwrap_or_default() {
            let path = folder.join(&entry.name);
            let content = match entry.is_dir() {
                true => None,
                false => Some(fs.read_whole(&path, 1 << 20).await.unwrap()),
            };
            found.push((path.clone(), content));
            folders.extend(entry.is_dir().then_some(path));
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn a_glimpse_shows_what_a_successor_finds_and_changes_nothing() {
    let f = Fixture::new(1);
    let look = async || Glimpse::look(&f.root(&f.disk.client("glimpse")), f.clock.clone()).await.unwrap();
    assert!(look().await.is_none(), "a new cluster");
    for n in 1..4 {
        let master = f.open(n).await.unwrap();
        for row in 0..20 {
            master.region.mutate(vec![put(row, &format!("{n}"))]).await.unwrap();
        }
        master.region.mutate(vec![delete(n)]).await.unwrap();
        master.region.put_server(&server(n)).await.unwrap();
        // A log that is being written reads as empty here, as on HDFS.
        let open = look().await.unwrap();
        assert!(open.logs().iter().any(|log| log.is_open), "{:?}", open.logs());
        master.region.mutate(vec![put(99, "on")]).await.expect("nobody was fenced");
        master.region.close().await.unwrap();
        let before = whole_disk(&f).await;
        let glimpse = look().await.unwrap();
        assert_eq!(whole_disk(&f).await, before, "master {n}");
        // A log that begins with what an earlier one held numbers it anew.
        let unnumbered = |rows: Vec<RowCells>| -> Vec<_> {
            let plain =
                |cells: Vec<Cell>| cells.into_iter().map(|cell| cell.with_sequence_id(0)).collect::<Vec<_>>();
            rows.into_iter().map(|(row, cells)| (row, plain(cells))).collect()
        };
        let (seen, kept) = (glimpse.rows(PROC_FAMILY), master.region.rows(PROC_FAMILY));
        assert_eq!(unnumbered(seen), unnumbered(kept), "master {n}");
        assert_eq!(glimpse.servers().unwrap(), master.region.servers().unwrap());
    }
}

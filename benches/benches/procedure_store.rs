//! The procedure store on local disk: durable writes by many writers at once, beside plain appends of the same bytes;
//! reading what a master left; a log that stays bounded however many procedures come and go.
//!
//! `cargo bench -p hmaster-benches --bench procedure_store -- [--peer] [FOLDER]`; the folder says which disk, a temporary
//! one is the default. Prints one line for each figure. `--peer` has a Java master's store do the same writes. That hands
//! each to the operating system and doesn't wait for a local disk, as hmaster does.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

#[path = "procedure_store/java.rs"]
mod java;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hmaster_fs::rootdir::RootDir;
use hmaster_fs::{FileSystem as _, FsPath, LocalFileSystem};
use hmaster_procedure::{ProcedureStore as _, StoreOp};
use hmaster_protocol::pb;
use hmaster_store::RegionProcedureStore;
use hmaster_store::region::{MasterRegion, MasterRegionOptions};
use hmaster_types::{ProcId, SystemClock};

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const WRITERS: u64 = 20;
const WRITES_EACH: u64 = 4_000;
const RECORD_BYTES: usize = 1024;
const ROUNDS: usize = 3;

fn record(id: u64, last_update: u64) -> Arc<pb::Procedure> {
    Arc::new(pb::Procedure {
        class_name: "org.apache.hadoop.hbase.master.procedure.CreateTableProcedure".into(),
        proc_id: id,
        submitted_time: 1,
        last_update,
        state_data: Some(vec![7; RECORD_BYTES - 90].into()),
        ..Default::default()
    })
}

async fn open(root: &FsPath, n: u64) -> Outcome<RegionProcedureStore> {
    let clock = Arc::new(SystemClock);
    let root = RootDir::new(Arc::new(LocalFileSystem), root.clone(), clock.clone());
    let server = format!("bench,16000,{n}").parse()?;
    let region = MasterRegion::open(&root, clock, &server, MasterRegionOptions::default()).await?;
    Ok(RegionProcedureStore::new(Arc::new(region)))
}

/// Each writer inserts and updates one procedure after the other, waiting for each; writes in a second.
async fn writes(store: &RegionProcedureStore) -> Outcome<f64> {
    let started = Instant::now();
    let writers = (0..WRITERS).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for n in 0..WRITES_EACH / 2 {
                let id = 1 + writer * WRITES_EACH + n;
                store.submit(vec![StoreOp::Put(record(id, 1))]).await?;
                store.submit(vec![StoreOp::Put(record(id, 2))]).await?;
            }
            Outcome::Ok(())
        })
    });
    for writer in futures_util::future::join_all(writers).await {
        writer??;
    }
    Ok((WRITERS * WRITES_EACH) as f64 / started.elapsed().as_secs_f64())
}

/// What the disk can do: as many bytes as all writers have under way, and a sync, again and again.
fn plain_appends(folder: &Path) -> Outcome<f64> {
    use std::io::Write as _;
    let mut file = std::fs::File::create(folder.join("plain"))?;
    let group = vec![7; WRITERS as usize * (RECORD_BYTES + 150)];
    let started = Instant::now();
    for _ in 0..WRITES_EACH {
        file.write_all(&group)?;
        file.sync_data()?;
    }
    Ok((WRITERS * WRITES_EACH) as f64 / started.elapsed().as_secs_f64())
}

async fn fill(store: &RegionProcedureStore, count: u64) -> Outcome<()> {
    for from in (1..=count).step_by(500) {
        let puts = (from..from + 500).map(|id| StoreOp::Put(record(id, 1)));
        store.submit(puts.collect()).await?;
    }
    Ok(())
}

/// Procedures come and go; the bytes of the logs in use at the end.
async fn come_and_go(root: &FsPath, count: u64) -> Outcome<(Duration, u64)> {
    let store = open(root, 1).await?;
    let started = Instant::now();
    for from in (1..=count).step_by(500) {
        let ids = || from..from + 500;
        store.submit(ids().map(|id| StoreOp::Put(record(id, 1))).collect()).await?;
        store.submit(ids().map(|id| StoreOp::Delete(ProcId(id))).collect()).await?;
        if from % 10_000 == 1 {
            store.cleanup();
        }
    }
    let took = started.elapsed();
    let wals = root.join("MasterData").join("WALs");
    Ok((took, LocalFileSystem.usage(&wals).await?.bytes))
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let given = std::env::args().skip(1).find(|arg| !arg.starts_with('-')).map(PathBuf::from);
    let folder = given.unwrap_or_else(std::env::temp_dir).join(format!("store-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let root = |name: &str| FsPath::parse(&folder.join(name).display().to_string());

    let java = match std::env::args().any(|arg| arg == "--peer") {
        true => java::writes(&folder, ROUNDS, WRITERS, WRITES_EACH, RECORD_BYTES - 90).await?,
        false => None,
    };
    let store = open(&root("writes")?, 1).await?;
    for round in 0..ROUNDS {
        let (ours, plain) = (writes(&store).await?, plain_appends(&folder)?);
        print!("round {round}: {ours:>9.0} writes/s by {WRITERS} writers, {plain:>9.0} by plain appends");
        match &java {
            Some(rates) => println!(", {:>9.0} by Java", rates[round]),
            None => println!(),
        }
    }
    drop(store);

    let filled = root("load")?;
    fill(&open(&filled, 1).await?, 100_000).await?;
    let started = Instant::now();
    let store = open(&filled, 2).await?;
    let opened = started.elapsed();
    let loaded = store.load().await?.records.len();
    println!("{loaded} procedures: opened in {opened:.2?}, loaded in {:.2?}", started.elapsed() - opened);
    drop(store);

    let (took, bytes) = come_and_go(&root("bound")?, 1_000_000).await?;
    println!("1000000 procedures came and went in {took:.1?}; {} MB of logs are in use", bytes >> 20);
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

//! Turn by turn: who opens the region finds what the last one showed, cell by cell with timestamps, and changes it.

use std::sync::Arc;

use anyhow::{Result, ensure};
use hmaster_fs::FsPath;
use hmaster_procedure::{ProcedureStore as _, StoreOp};
use hmaster_protocol::pb;
use hmaster_store::RegionProcedureStore;
use hmaster_store::region::MasterRegion;
use hmaster_tests::{HBaseVersion, Storage, require_peers};
use hmaster_types::ProcId;

use crate::disk::Disk;
use crate::edits::{Edit, FAMILIES, Model, dump, newest};
use crate::java;
use crate::lives::SMALL;

/// 2.5 has no family for small state.
fn families(version: HBaseVersion) -> &'static [&'static str] {
    if version == HBaseVersion::V2_5 { &FAMILIES[..3] } else { &FAMILIES }
}

fn only(dump: &str, families: &[&str]) -> String {
    let wanted = |line: &&str| line.split(' ').nth(1).is_some_and(|family| families.contains(&family));
    dump.lines().filter(wanted).map(|line| format!("{line}\n")).collect()
}

fn same(who: &str, found: &str, left: &str) -> Result<()> {
    for (n, (found, left)) in found.lines().zip(left.lines()).enumerate() {
        ensure!(found == left, "{who}, line {n}: found\n{found}\nwhere was left\n{left}");
    }
    let (found_lines, left_lines) = (found.lines().count(), left.lines().count());
    ensure!(
        found_lines == left_lines,
        "{who}: {found_lines} cells where {left_lines} were left\n{found}\n{left}"
    );
    Ok(())
}

/// A procedure that Java can load.
fn probe(id: u64, text: &str) -> pb::Procedure {
    let value = [&[10, text.len() as u8], text.as_bytes()].concat();
    let text =
        pb::Any { type_url: "type.googleapis.com/google.protobuf.BytesValue".into(), value: value.into() };
    let mut record = pb::Procedure {
        class_name: "MasterStore$Probe".into(),
        proc_id: id,
        submitted_time: 1,
        last_update: 1,
        state_message: vec![text],
        ..Default::default()
    };
    record.set_state(pb::ProcedureState::Runnable);
    record
}

/// Ids and texts of [`probe`]s.
async fn procedures(store: &RegionProcedureStore) -> Result<String> {
    let loaded = store.load().await?;
    let line = |record: &pb::Procedure| {
        let text = record.state_message.first().map(|text| text.value.slice(2..)).unwrap_or_default();
        format!("{}={}\n", record.proc_id, String::from_utf8_lossy(&text))
    };
    let mut lines: Vec<String> = loaded.records.iter().map(line).collect();
    lines.sort();
    Ok(format!("max {}\n{}", loaded.max_proc_id, lines.concat()))
}

/// hmaster's turn: what it showed at the end.
async fn our_turn(disk: &Disk, root: &FsPath, n: u64, left: &str, close: bool) -> Result<String> {
    let region = Arc::new(disk.open(root, n, SMALL).await?);
    let who = format!("turn {n}, hmaster");
    same(&who, &dump(&region, &FAMILIES), left)?;
    change(&region, n, newest(left)).await?;
    let store = RegionProcedureStore::new(Arc::clone(&region));
    let base = 1000 + n * 10;
    let puts = (0..4).map(|id| StoreOp::Put(Arc::new(probe(base + id, &format!("turn{n}")))));
    store.submit(puts.collect()).await?;
    store.submit(vec![StoreOp::Delete(ProcId(base)), StoreOp::Delete(ProcId(base + 3))]).await?;
    store.cleanup();
    region.put_state("last", &n.to_be_bytes()).await?;
    let shown = dump(&region, &FAMILIES);
    if close {
        region.close().await?;
    }
    Ok(shown)
}

async fn change(region: &MasterRegion, n: u64, mut model: Model) -> Result<()> {
    let mut rng = fastrand::Rng::with_seed(n);
    for batch in 0..30 {
        let edits: Vec<Edit> = (0..rng.usize(1..5)).map(|_| Edit::random(&mut rng)).collect();
        edits.iter().for_each(|edit| edit.apply(&mut model));
        region.mutate(edits.iter().map(Edit::cell).collect()).await?;
        ensure!(newest(&dump(region, &FAMILIES)) == model, "turn {n}, batch {batch}");
        if batch % 9 == 8 {
            region.roll();
        }
    }
    Ok(())
}

/// A Java master's turn: what it showed at the end, for the families that it knows.
async fn java_turn(
    disk: &Disk,
    root: &FsPath,
    n: u64,
    version: HBaseVersion,
    left: &str,
    close: bool,
) -> Result<String> {
    let known = families(version);
    let mut commands = vec![java::open(disk, root, n), "dump".to_owned()];
    let mut rng = fastrand::Rng::with_seed(n);
    for batch in 0..30 {
        let edits = std::iter::repeat_with(|| Edit::random(&mut rng));
        let is_known = |edit: &Edit| {
            let (Edit::Put { family, .. } | Edit::Delete { family, .. }) = edit;
            known.contains(family)
        };
        let edits: Vec<Edit> = edits.filter(is_known).take(1 + batch % 4).collect();
        commands.push(java::apply(&edits));
        match batch {
            5 | 11 | 17 => commands.push("flush".into()),
            8 | 20 => commands.push("roll".into()),
            14 if n.is_multiple_of(3) => commands.push("compact".into()),
            _ => {}
        }
    }
    let base = 1000 + n * 10;
    commands.push(format!("insert {}=turn{n} {}=turn{n} {}=turn{n}", base, base + 1, base + 2));
    commands.push(format!("update {}=turn{n}again", base + 1));
    commands.push(format!("delete {} {}", base, base + 2));
    if n.is_multiple_of(2) {
        commands.push("cleanup".into());
    }
    commands.push("dump".into());
    if close {
        commands.push("close".into());
    }
    let printed = java::run(disk, version, &commands).await?;
    same(&format!("turn {n}, {version}"), &printed[1], &only(left, known))?;
    let shown = &printed[printed.len() - 1 - usize::from(close)];
    ensure!(shown.lines().count() > 5, "{shown}");
    Ok(shown.clone())
}

/// All turns on one disk. Each kind of master ends in both ways, closed and killed, before each other kind.
async fn by_turns(disk: &Disk, turns: &[(Option<HBaseVersion>, bool)]) -> Result<()> {
    let root = disk.root("turns");
    let mut left = String::new();
    for (n, (version, close)) in turns.iter().enumerate() {
        let n = n as u64 + 1;
        left = match version {
            None => our_turn(disk, &root, n, &left, *close).await?,
            // Edits in logs that are of a family that it doesn't know are lost: Java's replay skips them.
            Some(version) => java_turn(disk, &root, n, *version, &left, *close).await?,
        };
    }
    let procedures = both_load_the_same(disk, &root, turns.len() as u64 + 1).await?;
    let expected = turns.len();
    ensure!(procedures.matches("=turn").count() >= expected, "{procedures}");
    Ok(())
}

async fn both_load_the_same(disk: &Disk, root: &FsPath, n: u64) -> Result<String> {
    let region = Arc::new(disk.open(root, n, SMALL).await?);
    let ours = procedures(&RegionProcedureStore::new(Arc::clone(&region))).await?;
    drop(region);
    let commands = [java::open(disk, root, n + 1), "procedures".to_owned()];
    let java = java::run(disk, HBaseVersion::V2_6, &commands).await?.remove(1);
    // Rows of random edits aren't procedures; both sides leave out the same.
    ensure!(ours == java, "hmaster loads\n{ours}\nJava loads\n{java}");
    Ok(ours)
}

const V2_6: Option<HBaseVersion> = Some(HBaseVersion::V2_6);

#[tokio::test(flavor = "multi_thread")]
async fn on_local_disk() -> Result<()> {
    require_peers!();
    let disk = Disk::start("store-turns", Storage::Local).await?;
    let turns = [
        (V2_6, true),
        (None, false),
        (V2_6, false),
        (None, true),
        (None, false),
        (V2_6, true),
        (None, false),
    ];
    by_turns(&disk, &turns).await?;
    disk.cluster.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_region_by_hmaster() -> Result<()> {
    require_peers!();
    let disk = Disk::start("store-new", Storage::Local).await?;
    by_turns(&disk, &[(None, false), (V2_6, false), (None, true), (V2_6, true)]).await?;
    disk.cluster.finish().await
}

/// An upgrade from 2.5 by way of hmaster, and a glance at 3.0.
#[tokio::test(flavor = "multi_thread")]
async fn with_other_versions() -> Result<()> {
    require_peers!();
    let disk = Disk::start("store-versions", Storage::Local).await?;
    let [v2_5, _, v3_0] = HBaseVersion::ALL.map(Some);
    let turns = [
        (v2_5, false),
        (None, false),
        (v2_5, true),
        (None, true),
        (v3_0, false),
        (None, false),
        (v3_0, true),
        (None, false),
    ];
    by_turns(&disk, &turns).await?;
    disk.cluster.finish().await
}

/// Java's checksum files beside the files.
#[tokio::test(flavor = "multi_thread")]
async fn on_local_disk_with_checksums() -> Result<()> {
    require_peers!();
    let disk = Disk::start("store-checksums", Storage::LocalWithChecksums).await?;
    // Killed, it would lose what it has shown: the last bytes stay in its memory.
    by_turns(&disk, &[(V2_6, true), (None, false), (V2_6, true), (None, true), (V2_6, true)]).await?;
    disk.cluster.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn on_hdfs() -> Result<()> {
    require_peers!();
    let disk = Disk::start("store-turns-hdfs", Storage::Hdfs { datanodes: 1 }).await?;
    let turns = [(V2_6, false), (None, false), (V2_6, true), (None, true), (V2_6, false), (None, false)];
    by_turns(&disk, &turns).await?;
    disk.cluster.finish().await
}

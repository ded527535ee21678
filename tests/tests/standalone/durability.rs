//! What is acknowledged survives kill -9.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Result, ensure};
use hmaster_protocol::pb::table_state::State;
use hmaster_tests::wait;
use parking_lot::Mutex;
use tokio::task::JoinSet;

use crate::cluster::{Regions, SOON, Standalone};

const WRITERS: usize = 4;
/// Acknowledged rows before the process is killed.
const ROWS_BEFORE_KILL: usize = 300;

/// What was acknowledged, and what was tried last by each writer.
#[derive(Default)]
struct Written {
    acknowledged: BTreeMap<String, String>,
    tried: BTreeMap<String, String>,
}

/// Puts rows until it fails.
async fn write(regions: Regions, round: usize, writer: usize, written: Arc<Mutex<Written>>) {
    let starts: Vec<String> =
        regions.starts().iter().map(|start| String::from_utf8_lossy(start).into_owned()).collect();
    for number in 0.. {
        // Every third write is to a row that was written before.
        let row =
            format!("{}{writer}-{}", starts[number % starts.len()], number - usize::from(number % 3 == 2));
        let value = format!("{round}-{number}");
        written.lock().tried.insert(row.clone(), value.clone());
        if regions.put(&row, &value).await.is_err() {
            return;
        }
        written.lock().acknowledged.insert(row, value);
    }
}

#[tokio::test]
async fn kill_9_loses_no_acknowledged_row() -> Result<()> {
    // Small files of the log, so that rolling and archiving are part of it.
    let cluster = Standalone::start(&["hmaster.regionserver.log.bytes.max=20000"]).await?;
    cluster.create_table("t", &["g", "p"]).await?;
    let written = Arc::new(Mutex::new(Written::default()));
    for round in 0..3 {
        let regions = cluster.regions("t", 3).await?;
        let mut writers = JoinSet::new();
        let before = written.lock().acknowledged.len();
        for writer in 0..WRITERS {
            writers.spawn(write(regions.clone(), round, round * WRITERS + writer, Arc::clone(&written)));
        }
        wait::until("rows", SOON, async || {
            let now = written.lock().acknowledged.len() - before;
            ensure!(now >= ROWS_BEFORE_KILL, "{now} rows are acknowledged");
            Ok(())
        })
        .await?;
        if round == 1 {
            regions.flush(&cluster).await?;
        }
        cluster.process.kill9().await?;
        writers.join_all().await;
        cluster.process.restart().await?;
        check(&cluster.regions("t", 3).await?.scan().await?, &written.lock())?;
    }
    // A recovery that is under way goes on after the next start.
    cluster.settled().await?;
    cluster.interrupt().await?;
    let logs = std::fs::read_dir(cluster.folder().join("data/hbase/WALs"))?;
    let logs = logs.map(|folder| Ok(folder?.file_name())).collect::<Result<Vec<_>>>()?;
    ensure!(logs.is_empty(), "nothing is left to be split after an orderly end: {logs:?}");
    cluster.process.restart().await?;
    check(&cluster.regions("t", 3).await?.scan().await?, &written.lock())
}

/// Each acknowledged row has its value, or one that was tried later and not acknowledged.
fn check(found: &BTreeMap<String, String>, written: &Written) -> Result<()> {
    for (row, value) in &written.acknowledged {
        let is = found.get(row);
        let allowed = is == Some(value) || is.is_some_and(|is| written.tried.get(row) == Some(is));
        ensure!(allowed, "row {row}: {is:?} instead of {value}");
    }
    for row in found.keys() {
        ensure!(written.tried.contains_key(row), "row {row} was never written");
    }
    Ok(())
}

/// Creates tables and disables every second one, until it fails; the table with which it did.
async fn change_tables(
    cluster: &Standalone,
    round: usize,
    states: &Mutex<BTreeMap<String, State>>,
) -> String {
    let mut number = 0;
    loop {
        let name = format!("t{round}x{number}");
        if cluster.create_table(&name, &["m"]).await.is_err() {
            return name;
        }
        if number % 2 == 1 && cluster.disable_table(&name).await.is_err() {
            return name;
        }
        let state = if number % 2 == 1 { State::Disabled } else { State::Enabled };
        states.lock().insert(name, state);
        number += 1;
    }
}

#[tokio::test]
async fn kill_9_loses_no_acknowledged_change_of_a_table() -> Result<()> {
    let cluster = Standalone::start(&[]).await?;
    let states = Mutex::new(BTreeMap::<String, State>::new());
    for round in 0..2 {
        let before = states.lock().len();
        let killing = async {
            wait::until("tables", SOON, async || {
                let now = states.lock().len() - before;
                ensure!(now >= 4, "{now} tables are acknowledged");
                Ok(())
            })
            .await?;
            cluster.process.kill9().await
        };
        let (unfinished, killed) = tokio::join!(change_tables(&cluster, round, &states), killing);
        killed?;
        cluster.process.restart().await?;
        let expected = states.lock().clone();
        for (name, state) in expected {
            let is = cluster.table_state(&name).await?;
            ensure!(is == state, "table {name} is {is:?} instead of {state:?}");
            if state == State::Enabled {
                let regions = cluster.regions(&name, 2).await?;
                regions.put("a", "1").await?;
            }
        }
        // What was under way goes on, or was never begun: it is not left half done.
        wait::until("the end of what was under way", SOON, async || {
            match cluster.table_state(&unfinished).await {
                Ok(State::Enabled | State::Disabled) => Ok(()),
                Ok(state) => anyhow::bail!("{unfinished} is {state:?}"),
                Err(error) => {
                    let text = format!("{error:#}");
                    ensure!(text.contains("TableNotFound"), "{text}");
                    Ok(())
                }
            }
        })
        .await?;
    }
    cluster.interrupt().await
}

/// Ctrl-C is an orderly end, and what is there after it is there after a kill -9, too.
#[tokio::test]
async fn ctrl_c_ends_it_without_an_error() -> Result<()> {
    let cluster = Standalone::start(&[]).await?;
    cluster.create_table("t", &[]).await?;
    cluster.regions("t", 1).await?.put("a", "1").await?;
    cluster.interrupt().await?;
    cluster.process.restart().await?;
    let rows = cluster.regions("t", 1).await?.scan().await?;
    ensure!(rows == BTreeMap::from([("a".to_owned(), "1".to_owned())]), "{rows:?}");
    cluster.kill_and_restart().await?;
    let rows = cluster.regions("t", 1).await?.scan().await?;
    ensure!(rows.len() == 1, "{rows:?}");
    Ok(())
}

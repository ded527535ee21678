//! Failover, recovery of a region server, and tables of many regions, beside the Java master in the same run.
//!
//! ```text
//! cargo bench -p hmaster-benches --bench recovery -- [--runs N] [--only hmaster|java]
//! ```
//!
//! Real parts: ZooKeeper 3.8, Java region servers and client, local disk, sessions of 40 s; one cluster at a time. Java and
//! Maven have to be there. Times are what the client sees. Each figure is the median of the runs.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints what it measures")]

#[path = "beside/arguments.rs"]
mod arguments;
#[path = "recovery/measures.rs"]
mod measures;
#[path = "beside/median.rs"]
mod median;
#[path = "recovery/table.rs"]
mod table;

use anyhow::Result;
use hmaster_tests::{MasterKind, peers};

use arguments::Arguments;
use measures::Recovery;
use table::Table;

#[tokio::main]
async fn main() -> Result<()> {
    let Some(arguments) = Arguments::parse(std::env::args().skip(1))? else { return Ok(()) };
    if let Err(reason) = peers::toolchain() {
        eprintln!("skipped: {reason}");
        return Ok(());
    }
    let mut table = Table::default();
    for run in 0..arguments.runs {
        if arguments.with_java {
            eprintln!("run {run}: Java master");
            table.java.push(Recovery::measure(&MasterKind::java()).await?);
        }
        if arguments.with_hmaster {
            eprintln!("run {run}: hmaster");
            table.hmaster.push(Recovery::measure(&MasterKind::hmaster().await?).await?);
        }
    }
    println!("{table}");
    Ok(())
}

//! Failover, recovery of a region server, and tables of many regions, beside the Java master in the same run.
//!
//! ```text
//! cargo bench -p hmaster-benches --bench recovery -- [--runs N] [--only hmaster|java]
//! ```
//!
//! Real parts: ZooKeeper 3.8, Java region servers and client, local disk, sessions of 40 s; one cluster at a time. Java and
//! Maven have to be there. Times are what the client sees, but for an orderly stop. Each figure is the median of the runs.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints what it measures")]

#[path = "beside/arguments.rs"]
mod arguments;
#[path = "beside/initialized.rs"]
mod initialized;
#[path = "recovery/measures.rs"]
mod measures;
#[path = "beside/median.rs"]
mod median;
#[path = "recovery/table.rs"]
mod table;

use anyhow::Result;
use hmaster_tests::MasterKind;

use measures::Recovery;
use table::Table;

#[tokio::main]
async fn main() -> Result<()> {
    let Some(masters) = arguments::masters().await? else { return Ok(()) };
    let mut table = Table::default();
    for kind in masters {
        eprintln!("{kind:?}");
        let measured = Recovery::measure(&kind).await?;
        match kind {
            MasterKind::Java(_) => table.java.push(measured),
            MasterKind::Program(_) => table.hmaster.push(measured),
        }
    }
    println!("{table}");
    Ok(())
}

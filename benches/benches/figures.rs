//! Start-up, restart, memory and a test's own cluster, beside the Java master in the same run.
//!
//! ```text
//! cargo bench -p hmaster-benches --bench figures -- [--runs N] [--only hmaster|java]
//! ```
//!
//! Real parts: ZooKeeper 3.8, Java region servers, local disk; one cluster at a time. Java and Maven have to be there.
//! Times go from the start of the master's process (or from the moment when it became active, in brackets) to the moment
//! when it says in `/jmx` that it is initialized: neither polling nor the test's own load is part of them. Each figure is
//! the median of the runs.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints what it measures")]

#[path = "beside/arguments.rs"]
mod arguments;
#[path = "beside/median.rs"]
mod median;
#[path = "figures/starts.rs"]
mod starts;
#[path = "figures/table.rs"]
mod table;
#[path = "figures/test_cluster.rs"]
mod test_cluster;

use anyhow::Result;
use hmaster_tests::MasterKind;
use hmaster_tests::peers;

use arguments::Arguments;
use starts::Starts;
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
            table.java.push(Starts::measure(&MasterKind::java()).await?);
            table.java_test_cluster.push(test_cluster::of_java().await?);
        }
        if arguments.with_hmaster {
            eprintln!("run {run}: hmaster");
            table.hmaster.push(Starts::measure(&MasterKind::hmaster().await?).await?);
            table.hmaster_test_cluster.push(test_cluster::of_testkit().await?);
        }
    }
    println!("{table}");
    Ok(())
}

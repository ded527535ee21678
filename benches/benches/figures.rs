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
#[path = "beside/initialized.rs"]
mod initialized;
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

use starts::Starts;
use table::Table;

#[tokio::main]
async fn main() -> Result<()> {
    let Some(masters) = arguments::masters().await? else { return Ok(()) };
    let mut table = Table::default();
    for kind in masters {
        eprintln!("{kind:?}");
        let starts = Starts::measure(&kind).await?;
        match kind {
            MasterKind::Java(_) => {
                table.java.push(starts);
                table.java_test_cluster.push(test_cluster::of_java().await?);
            }
            MasterKind::Program(_) => {
                table.hmaster.push(starts);
                table.hmaster_test_cluster.push(test_cluster::of_testkit().await?);
            }
        }
    }
    println!("{table}");
    Ok(())
}

//! Masters at scale: the scenarios of `hmaster-swarm`, with hmaster and, if wished, the Java master in the same run.
//!
//! ```text
//! cargo bench -p hmaster-benches --bench swarm -- [--peer] [--servers N] [--regions N] [--scenario NAME]... [--heap-mb N]
//! ```
//!
//! Each master is a process of its own; the region servers, and ZooKeeper, are in this one: what they use is not the
//! master's. Without sizes each scenario has those of its file. After each step everything is checked, and a run in which
//! something is wrong has no figures. `--peer` needs Java and Maven.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints what it measures")]

#[path = "swarm/peers.rs"]
mod peers;

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use hmaster_swarm::limits::raise_open_files;
use hmaster_swarm::scenario::Scenario;
use hmaster_tests::MasterKind;

/// All scenarios of the issue that there are, in the order of its table.
const SCENARIOS: [&str; 7] =
    ["restart", "failover", "server-dies", "tables", "cold-start", "rolling-restart", "heartbeats"];

/// What is to be measured.
#[derive(Debug)]
struct Arguments {
    with_java: bool,
    servers: Option<usize>,
    regions: Option<usize>,
    heap_mb: u32,
    scenarios: Vec<String>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let Some(arguments) = Arguments::parse(std::env::args().skip(1))? else { return Ok(()) };
    let mut kinds = Vec::new();
    if arguments.with_java {
        if let Err(reason) = hmaster_tests::peers::toolchain() {
            eprintln!("skipped: {reason}");
            return Ok(());
        }
        kinds.push(MasterKind::java());
    }
    kinds.push(MasterKind::hmaster().await?);
    for name in &arguments.scenarios {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hmaster-swarm/scenarios").join(name);
        let scenario = Scenario::read(&path.with_extension("json"))?;
        let scenario = scenario.resized(arguments.servers, arguments.regions);
        raise_open_files(scenario.servers, true)?;
        for kind in &kinds {
            let of = if matches!(kind, MasterKind::Java(_)) { "Java 2.6.4" } else { "hmaster" };
            match Box::pin(peers::run(kind, scenario.clone(), arguments.heap_mb)).await {
                Ok(results) => println!("{of}, {results}\n"),
                // Where a master gives up is a result, too.
                Err(error) => println!("{of}, {name}: {error:#}\n"),
            }
        }
    }
    Ok(())
}

impl Arguments {
    /// None when cargo only wants to know whether the bench starts (`cargo test --benches`).
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Option<Self>> {
        let mut arguments =
            Self { with_java: false, servers: None, regions: None, heap_mb: 1024, scenarios: Vec::new() };
        let mut is_bench = false;
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} needs a value"));
            match word.as_str() {
                "--bench" => is_bench = true,
                "--peer" => arguments.with_java = true,
                "--servers" => arguments.servers = Some(value()?.parse().context("--servers")?),
                "--regions" => arguments.regions = Some(value()?.parse().context("--regions")?),
                "--heap-mb" => arguments.heap_mb = value()?.parse().context("--heap-mb")?,
                "--scenario" => arguments.scenarios.push(value()?),
                word => bail!("{word}: --peer, --servers N, --regions N, --scenario NAME, --heap-mb N"),
            }
        }
        if arguments.scenarios.is_empty() {
            arguments.scenarios = SCENARIOS.map(String::from).into();
        }
        Ok(is_bench.then_some(arguments))
    }
}

//! Java's StochasticLoadBalancer as generator of clusters and as judge. See BalancerOracle.java.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use hmaster_tests::jvm::Jvm;
use hmaster_tests::{HBaseVersion, javac};

/// A JVM that can be given commands.
pub(crate) struct Oracle {
    jvm: Jvm,
}

impl Oracle {
    /// One with a heap of so many megabytes.
    pub(crate) async fn new(heap_mb: u32, flags: &[&str]) -> Result<Self> {
        let sources = [
            ("BalancerOracle.java", include_str!("../../java/balancer/BalancerOracle.java")),
            ("BalancerProbe.java", include_str!("../../java/balancer/BalancerProbe.java")),
            ("ClusterGenerator.java", include_str!("../../java/balancer/ClusterGenerator.java")),
        ];
        let version = HBaseVersion::V2_6;
        let classes = javac::classes(&sources, version).await?;
        let jvm = Jvm::new(heap_mb).flags(flags.iter().copied()).flags([
            // A server's logging would be most of what the balancer does.
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dlog4j2.level=WARN",
        ]);
        Ok(Self { jvm: jvm.folder(classes).jars(version.server_jars().await?) })
    }

    /// Runs commands one after another in one JVM and gives what each printed, in lines.
    pub(crate) async fn run(&self, commands: &[String], deadline: Duration) -> Result<Vec<Vec<String>>> {
        let command = self.jvm.command("org.apache.hadoop.hbase.master.balancer.BalancerOracle")?;
        let output = command.output(&(commands.join("\n") + "\n"), deadline).await?;
        let mut printed = vec![Vec::new()];
        for line in output.success()?.lines() {
            match (line, printed.last_mut()) {
                ("done", _) => printed.push(Vec::new()),
                (line, Some(last)) => last.push(line.to_owned()),
                _ => {}
            }
        }
        printed.pop();
        ensure!(printed.len() == commands.len(), "{} answers to {} commands", printed.len(), commands.len());
        Ok(printed)
    }
}

/// A cluster for the generator.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) shape: &'static str,
    pub(crate) regions: usize,
    pub(crate) servers: usize,
    pub(crate) tables: usize,
    pub(crate) replicas: usize,
    pub(crate) racks: usize,
    pub(crate) per_host: usize,
}

impl Shape {
    /// Without replicas, on one rack, with one server a host.
    pub(crate) const fn plain(shape: &'static str, regions: usize, servers: usize, tables: usize) -> Self {
        Self { shape, regions, servers, tables, replicas: 1, racks: 1, per_host: 1 }
    }

    /// The command that writes it to `file` and `file.2`.
    pub(crate) fn command(&self, file: &Path, seed: u64) -> String {
        format!(
            "gen --regions {} --servers {} --tables {} --replicas {} --racks {} --per-host {} --seed {seed} \
             --shape {} --out {}",
            self.regions,
            self.servers,
            self.tables,
            self.replicas,
            self.racks,
            self.per_host,
            self.shape,
            file.display()
        )
    }
}

//! HBCK2, unmodified, from the command line: what it prints, and what becomes of the cluster.
//!
//! Not every Maven repository has it, so these tests are run by hand. `HMASTER_HBCK2_JAR` names a jar of it; otherwise Maven
//! is asked.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hmaster_tests::maven::{HBCK2_VERSION, operator_tool};
use hmaster_tests::scenario::{self, Running};
use hmaster_tests::{Client, Cluster, HBaseVersion, MasterKind, RowSet, require_peers};
use serde_json::{Value, json};

use crate::{alone, cluster, hmaster, report};

const TABLE: &str = "t";
/// The rows of the table.
fn rows() -> RowSet {
    RowSet::new(1, 300)
}

/// One call of the tool.
const TOOL_DEADLINE: Duration = Duration::from_secs(120);

/// A cluster, and the tool.
struct Bench {
    cluster: Cluster,
    running: Running,
    jar: PathBuf,
}

impl Bench {
    async fn new(master: &MasterKind) -> Result<Self> {
        let versions = [HBaseVersion::V2_6; 2];
        report(&format!("HBCK2 {HBCK2_VERSION}"), "local disk", &versions, &[master]);
        let jar = match std::env::var_os("HMASTER_HBCK2_JAR") {
            Some(jar) => jar.into(),
            None => operator_tool("hbase-hbck2", HBCK2_VERSION).await?.join("*"),
        };
        let cluster = cluster("hbck2").conf("hbase.balancer.period", 3_600_000).start().await?;
        let running = scenario::start(&cluster, master, &versions).await?;
        Ok(Self { cluster, running, jar })
    }

    fn client(&self) -> &Client {
        &self.running.client
    }

    /// Runs `hbck2 args` and returns what it prints.
    async fn tool(&self, args: &[&str]) -> Result<String> {
        let jvm = self.cluster.java(HBaseVersion::V2_6).await?.folder(&self.jar);
        let command = jvm.command("org.apache.hbase.HBCK2")?.args(args).directory(self.cluster.dir());
        let ended = command.output("", TOOL_DEADLINE).await?;
        ended.success().map(str::to_owned).with_context(|| format!("hbck2 {}", args.join(" ")))
    }

    /// Runs it and demands some text.
    async fn says(&self, args: &[&str], text: &str) -> Result<()> {
        let said = self.tool(args).await?;
        ensure!(said.contains(text), "hbck2 {}: no {text:?} in\n{said}", args.join(" "));
        Ok(())
    }

    async fn admin(&self, method: &str) -> Result<Value> {
        self.client().admin(method, json!([TABLE])).await
    }

    async fn region(&self, index: usize) -> Result<String> {
        let regions = self.client().regions(TABLE).await?;
        Ok(regions.get(index).with_context(|| format!("{regions:?}"))?.encoded.clone())
    }

    fn table_folder(&self) -> Result<PathBuf> {
        let root = self.cluster.root().strip_prefix("file://").context("a local root")?;
        Ok(Path::new(root).join("data/default").join(TABLE))
    }
}

/// The id of a procedure that the tool prints, on a line of its own or in a list; -1 for none.
fn id_in(said: &str) -> Result<i64> {
    let line = said.lines().last().unwrap_or_default().trim_matches(['[', ']', ' ']);
    line.parse().with_context(|| format!("the id of a procedure: {said}"))
}

/// States of tables and regions: `setTableState`, `unassigns`, `assigns`, `bypass`.
async fn states(bench: &Bench) -> Result<()> {
    bench.says(&["setTableState", TABLE, "DISABLED"], "tableName=t, state=ENABLED").await?;
    ensure!(bench.admin("isTableDisabled").await? == json!(true));
    bench.says(&["setTableState", TABLE, "ENABLED"], "tableName=t, state=DISABLED").await?;
    ensure!(bench.admin("isTableEnabled").await? == json!(true));

    let region = bench.region(1).await?;
    ensure!(id_in(&bench.tool(&["unassigns", &region]).await?)? > 0, "no procedure closes {region}");
    bench.client().await_settled().await?;
    ensure!(id_in(&bench.tool(&["assigns", &region]).await?)? > 0, "no procedure opens {region}");
    bench.client().await_settled().await?;
    ensure!(bench.admin("isTableAvailable").await? == json!(true));
    bench.says(&["bypass", "-o", "999999"], "false").await
}

/// hbase:meta and files: `reportMissingRegionsInMeta`, `addFsRegionsMissingInMeta`, `fixMeta`, `generateMissingTableDescriptorFile`.
async fn files(bench: &Bench) -> Result<()> {
    let qualified = format!("default:{TABLE}");
    bench.says(&["reportMissingRegionsInMeta", &qualified], "No mismatching regions").await?;
    let regions = bench.client().regions(TABLE).await?;
    let lost = regions.get(1).context("a second region")?;
    let script = format!("deleteall 'hbase:meta', '{}'\n", lost.name);
    bench.cluster.shell(&script).await?.success()?;
    bench.says(&["reportMissingRegionsInMeta", &qualified], &lost.encoded).await?;
    bench.says(&["addFsRegionsMissingInMeta", &qualified], &lost.encoded).await?;
    bench.tool(&["assigns", "-o", &lost.encoded]).await?;
    bench.client().await_settled().await?;
    bench.says(&["fixMeta"], "fixMeta triggered").await?;
    bench.client().await_settled().await?;
    ensure!(bench.region(2).await.is_ok(), "{} isn't in hbase:meta", lost.encoded);

    let folder = bench.table_folder()?.join(".tabledesc");
    fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    bench.tool(&["generateMissingTableDescriptorFile", TABLE]).await?;
    ensure!(fs::read_dir(&folder)?.next().is_some(), "{} is empty", folder.display());
    bench.says(&["filesystem", TABLE], "HFile Summary: OK").await?;
    bench.tool(&["replication", TABLE]).await.map(drop)
}

/// `scheduleRecoveries` for a region server that is gone.
async fn recoveries(bench: &Bench) -> Result<()> {
    let victim = &bench.running.region_servers[1];
    let named = |name: &&String| victim.is_named(name);
    let servers = bench.client().status().await?.servers;
    let name = servers.keys().find(named).context("the second server")?.clone();
    victim.kill9().await?;
    // None if the master has noticed by itself.
    id_in(&bench.tool(&["scheduleRecoveries", &name]).await?)?;
    bench.client().await_settled().await?;
    bench.client().verify_rows(TABLE, &[rows()], &[]).await?.check()
}

async fn repairs(master: &MasterKind) -> Result<()> {
    let bench = Bench::new(master).await?;
    bench.client().create_table(TABLE, &["f"], &hmaster_tests::hex_splits(3)).await?;
    bench.client().put_rows(TABLE, rows()).await?;
    states(&bench).await.context("states")?;
    files(&bench).await.context("files")?;
    bench.client().verify_rows(TABLE, &[rows()], &[]).await?.check()?;
    recoveries(&bench).await.context("recoveries")?;
    bench.client().await_consistent().await?;
    bench.cluster.finish().await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs HBCK2"]
async fn hbck2_repairs_a_cluster() -> Result<()> {
    require_peers!();
    let _alone = alone("hbck2").await;
    repairs(&hmaster().await?).await
}

/// The same with a Java master.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "checks the test itself"]
async fn hbck2_repairs_a_cluster_of_a_java_master() -> Result<()> {
    require_peers!();
    let _alone = alone("hbck2 with a Java master").await;
    repairs(&MasterKind::java()).await
}

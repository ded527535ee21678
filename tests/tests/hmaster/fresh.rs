//! A fresh cluster whose only master is hmaster: the shell's commands with what they print, and
//! region servers of three versions on HDFS.

use anyhow::{Context as _, Result, ensure};
use hmaster_tests::cluster::Settings;
use hmaster_tests::scenario::{self, TABLE};
use hmaster_tests::{Cluster, HBaseVersion, MasterKind, RowSet, ShellSession, Storage, require_peers};
use serde_json::json;

use crate::{alone, cluster, hmaster, report};

/// A command of the shell and what its output must hold; `!` before a command that must fail.
type Line = (&'static str, &'static [&'static str]);

/// Every command of the quick start, in an order in which each one's effect shows.
const LINES: &[Line] = &[
    ("status", &["1 active master, 0 backup masters, SERVERS servers, 0 dead"]),
    ("list", &["0 row(s)"]),
    ("create 't1', 'f'", &["Created table t1"]),
    (
        "create 't2', {NAME => 'f', VERSIONS => 3}, {NAME => 'g', BLOOMFILTER => 'ROWCOL'}, SPLITS => ['g', 'n', 't']",
        &["Created table t2"],
    ),
    ("!create 't1', 'f'", &["ERROR: Table already exists: t1!"]),
    ("!create 't3', {NAME => 'f', VERSIONS => 0}", &["ERROR"]),
    ("list", &["t1", "t2", "2 row(s)"]),
    ("exists 't2'", &["Table t2 does exist"]),
    ("exists 't9'", &["Table t9 does not exist"]),
    (
        "describe 't2'",
        &["Table t2 is ENABLED", "NAME => 'f'", "VERSIONS => '3'", "NAME => 'g'", "BLOOMFILTER => 'ROWCOL'"],
    ),
    ("put 't2', 'a', 'f:q', 'one'", &[]),
    ("put 't2', 'h', 'f:q', 'two'", &[]),
    ("put 't2', 'z', 'g:q', 'three'", &[]),
    ("put 't2', 'a', 'f:q', 'uno'", &[]),
    ("get 't2', 'a'", &["f:q", "value=uno", "1 row(s)"]),
    ("get 't2', 'a', {COLUMN => 'f:q', VERSIONS => 2}", &["value=uno", "value=one"]),
    ("scan 't2'", &["column=f:q", "value=uno", "value=two", "column=g:q", "value=three", "3 row(s)"]),
    ("count 't2'", &["=> 3"]),
    ("delete 't2', 'h', 'f:q'", &[]),
    ("count 't2'", &["=> 2"]),
    ("list_regions 't2'", &["localhost,", " 4 rows"]),
    ("locate_region 't2', 'h'", &["localhost:", "STARTKEY => 'g', ENDKEY => 'n'", "1 row(s)"]),
    ("!drop 't2'", &["ERROR: Table t2 is enabled. Disable it first."]),
    ("disable 't2'", &[]),
    ("is_disabled 't2'", &["true"]),
    ("describe 't2'", &["Table t2 is DISABLED"]),
    ("!get 't2', 'a'", &["ERROR: Table t2 is disabled!"]),
    ("!disable 't9'", &["ERROR: Table t9 does not exist."]),
    ("enable 't2'", &[]),
    ("is_enabled 't2'", &["true"]),
    ("scan 't2'", &["value=uno", "value=three", "2 row(s)"]),
    ("disable 't1'", &[]),
    ("drop 't1'", &[]),
    ("!describe 't1'", &["ERROR: Table t1 does not exist."]),
    ("create_namespace 'ns', {'owner' => 'me'}", &[]),
    (
        "!create_namespace 'ns'",
        &["ERROR: org.apache.hadoop.hbase.NamespaceExistException: Namespace ns already exists"],
    ),
    ("list_namespace", &["default", "hbase", "ns", "3 row(s)"]),
    ("describe_namespace 'ns'", &["NAME => 'ns'", "owner => 'me'"]),
    ("create 'ns:t', 'f'", &["Created table ns:t"]),
    ("!create 'none:t', 'f'", &["ERROR: Unknown namespace none!"]),
    ("list_namespace_tables 'ns'", &["t", "1 row(s)"]),
    ("!drop_namespace 'ns'", &["Only empty namespaces can be removed"]),
    ("put 'ns:t', 'r', 'f:q', 'v'", &[]),
    ("get 'ns:t', 'r'", &["value=v"]),
    ("list", &["ns:t", "t2", "2 row(s)"]),
    ("disable 'ns:t'", &[]),
    ("drop 'ns:t'", &[]),
    ("drop_namespace 'ns'", &[]),
    ("list_namespace", &["2 row(s)"]),
    ("balance_switch false", &["Previous balancer state : true"]),
    ("balancer_enabled", &["false"]),
    ("balance_switch true", &["Previous balancer state : false"]),
    ("list_procedures", &["CreateTableProcedure", "SUCCESS"]),
    ("list_locks", &[]),
    ("status 'simple'", &["active master:", "SERVERS live servers", "0 dead servers"]),
    ("disable 't2'", &[]),
    ("drop 't2'", &[]),
    ("list", &["0 row(s)"]),
];

async fn run_line(shell: &mut ShellSession, (command, outputs): &Line, servers: usize) -> Result<()> {
    let (command, must_fail) = match command.strip_prefix('!') {
        Some(command) => (command, true),
        None => (*command, false),
    };
    let reply = shell.try_run(command).await?;
    ensure!(
        reply.failed == must_fail,
        "{command}: failed is {}, should be {must_fail}\n{}",
        reply.failed,
        reply.text
    );
    for output in *outputs {
        let output = output.replace("SERVERS", &servers.to_string());
        ensure!(reply.text.contains(&output), "{command}: no {output:?} in\n{}", reply.text);
    }
    Ok(())
}

/// All misfits at once, not just the first: a start of the cluster is dear.
async fn run_lines(cluster: &Cluster, servers: usize) -> Result<()> {
    let mut shell = cluster.shell_session().await?;
    let mut misfits = Vec::new();
    for line in LINES {
        if let Err(error) = run_line(&mut shell, line, servers).await {
            misfits.push(format!("{error:#}"));
        }
    }
    ensure!(misfits.is_empty(), "{} commands:\n{}", misfits.len(), misfits.join("\n----\n"));
    Ok(())
}

async fn shell_commands(master: &MasterKind) -> Result<()> {
    let versions = [HBaseVersion::V2_6; 2];
    report("shell", "local disk", &versions, &[master]);
    let cluster = cluster("shell").start().await?;
    let running = scenario::start(&cluster, master, &versions).await?;
    run_lines(&cluster, versions.len()).await?;
    // Many rows through the Java client, and the cluster fits together afterwards.
    let rows = RowSet::new(1, 20_000);
    scenario::write_and_read_back(&running.client, 6, rows).await?;
    running.client.await_consistent().await?;
    // What the shell's script mode makes of a failure.
    let failing = cluster.shell(&format!("drop '{TABLE}'\nlist\n")).await?;
    ensure!(failing.status.code() == Some(1), "{failing:?}");
    cluster.finish().await
}

/// Region servers of all versions under the shell's commands; clients of all versions; each server gets regions.
async fn versions_on_hdfs(master: &MasterKind) -> Result<()> {
    report("versions", "HDFS", &HBaseVersion::ALL, &[master]);
    let cluster = cluster("versions").storage(Storage::Hdfs { datanodes: 1 }).start().await?;
    let running = scenario::start(&cluster, master, &HBaseVersion::ALL).await?;
    run_lines(&cluster, HBaseVersion::ALL.len()).await?;
    let rows = RowSet::new(2, 6_000);
    scenario::write_and_read_back(&running.client, 9, rows).await?;
    let regions = running.client.regions(TABLE).await?;
    for server in &running.region_servers {
        let held = regions.iter().any(|at| at.server.as_deref().is_some_and(|name| server.is_named(name)));
        ensure!(held, "{} has no region: {regions:?}", server.name());
    }
    for version in HBaseVersion::ALL {
        let client = cluster.client_of(version, &Settings::default()).await?;
        let verified = client.verify_rows(TABLE, &[rows], &[]).await?;
        verified.check().with_context(|| format!("read with a client of {version}"))?;
        let table = format!("by{}", version.to_string().replace(['.', '-'], "_"));
        client.create_table(&table, &["f"], &["k"]).await?;
        client.put_rows(&table, RowSet::new(3, 100)).await?;
        client.disable_table(&table).await?;
        client.enable_table(&table).await?;
        client.verify_rows(&table, &[RowSet::new(3, 100)], &[]).await?.check()?;
        let exists = client.admin("tableExists", json!([table])).await?;
        ensure!(exists == json!(true), "{table}: {exists}");
    }
    running.client.await_consistent().await?;
    cluster.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn shell_on_local_disk() -> Result<()> {
    require_peers!();
    let _alone = alone("shell_on_local_disk").await;
    shell_commands(&hmaster().await?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn three_versions_on_hdfs() -> Result<()> {
    require_peers!();
    let _alone = alone("three_versions_on_hdfs").await;
    versions_on_hdfs(&hmaster().await?).await
}

/// The same commands with the same outputs against the Java master: shows that the lines above are Java's.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "checks the test itself"]
async fn shell_of_a_java_master() -> Result<()> {
    require_peers!();
    let _alone = alone("shell_of_a_java_master").await;
    shell_commands(&MasterKind::java()).await
}

//! The harness itself, proven with the Java master: every kind of peer starts, serves, dies and is
//! read back. The scenarios are those that hmaster has to pass.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hmaster_tests::cluster::Settings;
use hmaster_tests::scenario::{self, TABLE};
use hmaster_tests::{Cluster, HBaseVersion, JavaException, MasterKind, RowSet, Storage, require_peers};
use serde_json::json;

const SOON: Duration = Duration::from_secs(120);

/// Region servers of three HBase versions under one master; the one with most regions dies. Clients
/// of all three versions read.
async fn region_servers_of_three_versions(master: &MasterKind) -> Result<()> {
    let cluster = Cluster::builder("versions").start().await?;
    let running = scenario::start(&cluster, master, &HBaseVersion::ALL).await?;
    let rows = RowSet::new(1, 10_000);
    scenario::write_and_read_back(&running.client, 9, rows).await?;
    let victim = scenario::kill_a_region_server_and_read_again(&running, &[rows]).await?;
    victim.restart().await?;
    running.client.await_region_servers(3).await?;
    for version in HBaseVersion::ALL {
        let client = cluster.client_of(version, &Settings::default()).await?;
        let verified = client.verify_rows(TABLE, &[rows], &[]).await?;
        verified.check().with_context(|| format!("read with a client of {version}"))?;
    }
    cluster.finish().await
}

/// The same on HDFS, with one region server that is killed and comes back.
async fn one_region_server_on_hdfs(master: &MasterKind) -> Result<()> {
    let cluster = Cluster::builder("hdfs").storage(Storage::Hdfs { datanodes: 2 }).start().await?;
    let running = scenario::start(&cluster, master, &[HBaseVersion::V2_6]).await?;
    let rows = RowSet::new(2, 1_000);
    scenario::write_and_read_back(&running.client, 3, rows).await?;
    running.region_servers[0].restart().await?;
    running.client.verify_rows(TABLE, &[rows], &[]).await?.check()?;
    let listing = cluster.fs_shell(&["-ls", "-R", "/hbase"]).await?;
    ensure!(listing.contains("/hbase/hbase.id"), "{listing}");
    let files = running.client.call("files", json!({ "path": "data/default" })).await?;
    ensure!(files.to_string().contains(TABLE), "{files}");
    cluster.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn java_master_region_servers_of_three_versions() -> Result<()> {
    require_peers!();
    region_servers_of_three_versions(&MasterKind::java()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn java_master_one_region_server_on_hdfs() -> Result<()> {
    require_peers!();
    one_region_server_on_hdfs(&MasterKind::java()).await
}

/// The shell as a script and as a session, and what a failing command looks like in each.
#[tokio::test(flavor = "multi_thread")]
async fn shell_scripts_and_sessions() -> Result<()> {
    require_peers!();
    let cluster = Cluster::builder("shell").storage(Storage::LocalWithChecksums).start().await?;
    scenario::start(&cluster, &MasterKind::java(), &[HBaseVersion::V2_6]).await?;

    let mut shell = cluster.shell_session().await?;
    let status = shell.run("status").await?;
    ensure!(status.contains("1 active master, 0 backup masters, 1 servers, 0 dead"), "{status}");
    shell.run("create 's', {NAME => 'f', VERSIONS => 2},\n  SPLITS => ['m']").await?;
    shell.run("t = get_table 's'").await?;
    shell.run("t.put 'r', 'f:q', 'väl'").await?;
    let scanned = shell.run("scan 's'").await?;
    ensure!(scanned.contains("column=f:q") && scanned.contains("1 row(s)"), "{scanned}");
    let again = shell.try_run("create 's', 'f'").await?;
    ensure!(again.failed && again.text.contains("ERROR: Table already exists: s!"), "{again:?}");
    let unknown = shell.try_run("no_such_command").await?;
    ensure!(unknown.failed, "{unknown:?}");

    let script = cluster.shell("put 's', 'r2', 'f:q', 'v2'\ncount 's'\n").await?;
    ensure!(script.success()?.contains("2 row(s)"), "{script:?}");
    let failing = cluster.shell("drop 's'\nput 's', 'r3', 'f:q', 'v3'\n").await?;
    ensure!(failing.status.code() == Some(1), "{failing:?}");
    ensure!(shell.run("count 's'").await?.contains("=> 2"), "nothing runs after an error");
    cluster.finish().await
}

/// A Java program of the test's own runs with the cluster's configuration and a version's jars.
#[tokio::test(flavor = "multi_thread")]
async fn java_programs_of_the_test() -> Result<()> {
    require_peers!();
    let cluster = Cluster::builder("java").conf("a.key", "a value").start().await?;
    let source = cluster.dir().join("Own.java");
    let text = r#"
        import org.apache.hadoop.hbase.HBaseConfiguration;
        import org.apache.hadoop.hbase.util.VersionInfo;
        public class Own {
          public static void main(String[] args) {
            System.out.println(VersionInfo.getVersion() + " " + HBaseConfiguration.create().get(args[0]));
            System.exit(args.length - 1);
          }
        }"#;
    std::fs::write(&source, text)?;
    for version in HBaseVersion::ALL {
        let ran = cluster.run_java_file(&source, version, &["a.key"]).await?;
        ensure!(ran.success()?.trim() == format!("{version} a value"), "{ran:?}");
    }
    let failed = cluster.run_java_file(&source, HBaseVersion::V2_6, &["a.key", "x"]).await?;
    ensure!(failed.status.code() == Some(1), "{failed:?}");
    cluster.finish().await
}

/// The Java client's commands, a backup master that takes over, znodes and signals.
#[tokio::test(flavor = "multi_thread")]
async fn clients_writers_znodes_and_signals() -> Result<()> {
    require_peers!();
    let cluster = Cluster::builder("signals").start().await?;
    let running = scenario::start(&cluster, &MasterKind::java(), &[HBaseVersion::V2_6]).await?;
    let client = &running.client;
    client.admin("createNamespace", json!([{ "name": "ns" }])).await?;
    let table = json!({ "name": "ns:t", "families": [{ "name": "f", "values": { "VERSIONS": "3" } }] });
    client.admin("createTable", json!([table])).await?;
    ensure!(client.tables().await? == ["ns:t"]);
    let described = client.admin("getDescriptor", json!(["ns:t"])).await?;
    ensure!(described["families"][0]["values"]["VERSIONS"] == "3", "{described}");
    let twice = client.admin("createTable", json!([table])).await.unwrap_err();
    let thrown = JavaException::of(&twice).context("a Java exception")?;
    ensure!(thrown.simple_class() == "TableExistsException", "{thrown}");
    client.put("ns:t", "a\\x00b", &[("f:q", "1")]).await?;
    ensure!(client.get("ns:t", "a\\x00b").await?["f:q"] == "1");
    ensure!(client.scan("ns:t").await?[0].row == "a\\x00b");
    ensure!(client.meta().await?.iter().any(|row| row.row.starts_with("ns:t,,")));

    // What verification is for: it must see a row that is missing, wrong or too many.
    let rows = RowSet::new(3, 100);
    client.create_table(TABLE, &["f"], &[] as &[&str]).await?;
    client.put_rows(TABLE, rows).await?;
    client.verify_rows(TABLE, &[rows], &[]).await?.check()?;
    let first = client.scan(TABLE).await?.swap_remove(0).row;
    client.put(TABLE, &first, &[("f:q", "changed")]).await?;
    let wrong = client.verify_rows(TABLE, &[rows], &[]).await?;
    ensure!(wrong.check().is_err() && wrong.differences["wrong value"] == 1, "{wrong:?}");
    client.call("delete", json!({ "table": TABLE, "row": first })).await?;
    let missing = client.verify_rows(TABLE, &[rows], &[]).await?;
    ensure!(missing.check().is_err() && missing.differences["missing"] == 1, "{missing:?}");
    let extra = client.verify_rows(TABLE, &[], &[]).await?;
    ensure!(extra.check().is_err() && extra.differences["unexpected"] == 99, "{extra:?}");

    // A writer goes on while the active master dies and the backup takes over.
    let backup = cluster.start_master(&MasterKind::java()).await?;
    let znodes = cluster.znodes().await?;
    znodes.wait_for("/hbase/master", SOON).await?;
    let writer = client.start_writer("ns:t", 4, 1).await?;
    running.master.kill9().await?;
    ensure!(running.master.exit_status().is_some());
    backup.wait_for_log("Master has completed initialization", SOON).await?;
    let status = client.await_region_servers(1).await?;
    ensure!(backup.is_named(status.master.as_deref().unwrap_or_default()), "{status:?}");
    ensure!(znodes.children("/hbase/rs").await?.len() == 1);
    ensure!(znodes.tree("/hbase").await?.contains(&"/hbase/meta-region-server".to_owned()));
    let report = writer.stop().await?;
    ensure!(report.acknowledged > 0, "{report:?}");
    client.call("delete", json!({ "table": "ns:t", "row": "a\\x00b" })).await?;
    client.verify_rows("ns:t", &[], &[&writer]).await?.check()?;

    // A paused region server loses its session, and ends itself when it goes on.
    let server = &running.region_servers[0];
    let name = znodes.children("/hbase/rs").await?.remove(0);
    server.pause()?;
    znodes.wait_gone(&format!("/hbase/rs/{name}"), SOON).await?;
    server.resume()?;
    server.wait_exit(SOON).await?;
    server.restart().await?;
    client.verify_rows("ns:t", &[], &[&writer]).await?.check()?;
    cluster.finish().await
}

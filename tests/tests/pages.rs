//! The pages of a master beside those of a Java master over an equal cluster: what monitoring asks of one it gets from
//! the other, under the same names and of the same types.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hmaster_tests::http::{self, Page};
use hmaster_tests::{
    Cluster, HBaseVersion, MasterKind, Server, ServerOptions, ZooKeeper, require_peers, wait,
};
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard};

/// For anything that a healthy cluster does soon, on a machine that is busy.
const SOON: Duration = Duration::from_secs(120);

/// The beans that monitoring asks for, and that Java's master has from its start.
const BEANS: [&str; 7] =
    ["AssignmentManager", "Balancer", "FileSystem", "IPC", "Procedure", "Quotas", "Server"];

/// Lets the tests of this binary run one after the other, whatever the number of test threads.
async fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::const_new(());
    ONE.lock().await
}

fn cluster(name: &str) -> hmaster_tests::ClusterBuilder {
    Cluster::builder(name).zookeeper(ZooKeeper::Java { tick_ms: 300 }).heap_mb(256)
}

/// A cluster of one master and one region server with one table.
struct Small {
    cluster: Cluster,
    master: Server,
}

async fn start(name: &str, kind: &MasterKind) -> Result<Small> {
    let cluster = cluster(name).start().await?;
    let master = cluster.start_master(kind).await?;
    cluster.start_region_server(HBaseVersion::V2_6).await?;
    let client = cluster.client().await?;
    master.while_running("the region server", client.await_region_servers(1)).await?;
    client.create_table("seen", &["f"], &["k"]).await?;
    Ok(Small { cluster, master })
}

/// Attributes of the beans that monitoring asks for, with the type of each.
async fn attributes(port: u16) -> Result<BTreeMap<(String, String), &'static str>> {
    let beans = http::jmx(port, "Hadoop:service=HBase,name=Master,sub=*").await?;
    let mut attributes = BTreeMap::new();
    for sub in BEANS {
        let name = format!("Hadoop:service=HBase,name=Master,sub={sub}");
        let bean = beans.get(&name).with_context(|| format!("no bean {name}: {:?}", beans.keys()))?;
        // Java has counts by range for whatever has fallen into that range by chance; hmaster has quantiles only.
        for (attribute, value) in bean.iter().filter(|(name, _)| !name.contains("RangeCount_")) {
            attributes.insert((sub.to_owned(), attribute.clone()), type_of(value));
        }
    }
    Ok(attributes)
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Number(number) if number.is_f64() => "fraction",
        Value::Number(_) => "integer",
        Value::String(_) => "text",
        Value::Bool(_) => "flag",
        _ => "other",
    }
}

/// Every line of Prometheus' text format that carries a sample: name and value.
fn samples(text: &str) -> Result<BTreeMap<String, f64>> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let sample = |line: &str| -> Result<(String, f64)> {
        let (name, value) = line.rsplit_once(' ').with_context(|| format!("no sample: {line}"))?;
        let value: f64 = value.parse().with_context(|| format!("no number: {line}"))?;
        Ok((name.to_owned(), value))
    };
    lines.map(sample).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn jmx_has_what_a_java_master_has() -> Result<()> {
    require_peers!();
    let _alone = alone().await;
    let java = start("jmx-java", &MasterKind::java()).await?;
    let expected = attributes(java.master.info_port).await?;
    java.cluster.finish().await?;
    let ours = start("jmx", &MasterKind::hmaster().await?).await?;
    let port = ours.master.info_port;
    let found = attributes(port).await?;
    let misfits: Vec<_> = expected
        .iter()
        .filter(|(key, kind)| found.get(*key) != Some(*kind))
        .map(|((sub, name), kind)| {
            let ours = found.get(&(sub.clone(), name.clone()));
            format!("{sub}.{name}: {kind}, here {ours:?}")
        })
        .collect();
    ensure!(misfits.is_empty(), "{} of {}:\n{}", misfits.len(), expected.len(), misfits.join("\n"));

    // The same under the name of older releases.
    let misspelt = http::jmx(port, "Hadoop:service=HBase,name=Master,sub=AssignmentManger").await?;
    let bean = misspelt.values().next().context("AssignmentManger")?;
    ensure!(bean.get("ritCount").and_then(Value::as_i64).is_some(), "{bean:?}");

    // What is counted comes from this master's RPC server: the client has called it.
    let ipc = http::jmx(port, "Hadoop:service=HBase,name=Master,sub=IPC").await?;
    let ipc = ipc.values().next().context("IPC")?;
    for counted in ["numOpenConnections", "receivedBytes", "sentBytes", "TotalCallTime_num_ops"] {
        ensure!(ipc.get(counted).and_then(Value::as_i64) > Some(0), "{counted}: {:?}", ipc.get(counted));
    }

    for path in ["/metrics", "/prometheus"] {
        let samples = samples(&http::get(port, path).await?.ok()?).context(path)?;
        ensure!(samples.len() > 20, "{path} is short: {samples:?}");
    }
    ours.cluster.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_a_cluster_through_its_life() -> Result<()> {
    require_peers!();
    let _alone = alone().await;
    let kind = MasterKind::hmaster().await?;
    let cluster = cluster("pages").start().await?;
    // Without region servers a master can't get further.
    let master = cluster.start_master(&kind).await?;
    let port = master.info_port;
    let page = status_page_with(port, "Wait for region servers").await?;
    ensure!(page.contains("Find region servers"), "what is done is shown, too: {page}");
    ensure!(http::get(port, "/healthz").await?.status == 200, "it is alive");
    ensure!(http::get(port, "/readyz").await?.status == 503, "it isn't ready");

    let server = cluster.start_region_server(HBaseVersion::V2_6).await?;
    let backup = cluster.start_master_with(&kind, &ServerOptions::default()).await?;
    let client = cluster.client().await?;
    client.await_region_servers(1).await?;
    client.create_table("shown", &["f"], &["k"]).await?;
    ensure!(http::get(port, "/readyz").await?.status == 200, "it is ready");
    let page = status_page_with(port, &format!("localhost,{}", backup.rpc_port)).await?;
    for shown in [format!("localhost,{}", server.rpc_port), "shown".into(), "hbase:namespace".into()] {
        ensure!(page.contains(&shown), "no {shown} in {page}");
    }
    for (path, shown) in [
        ("/table.jsp?name=shown", "shown"),
        ("/tablesDetailed.jsp", "shown"),
        ("/servers.jsp", "localhost"),
        ("/rits.jsp", "transition"),
        ("/procedures.jsp", "CreateTableProcedure"),
        ("/dump", "CreateTableProcedure"),
        ("/conf", "hbase.rootdir"),
    ] {
        let page = http::get(port, path).await?.ok().with_context(|| path.to_owned())?;
        ensure!(page.contains(shown), "{path} doesn't show {shown}: {page}");
    }
    ensure!(http::get(port, "/rs-status").await?.status == 404, "that is a region server's page");

    // A backup leads to the active master, and answers for itself.
    let led = http::get(backup.info_port, "/master-status").await?;
    let location = led.headers.get("location").map(String::as_str);
    let expected = format!("http://localhost:{port}/master-status");
    ensure!((led.status, location) == (302, Some(expected.as_str())), "{led:?}");
    for path in ["/healthz", "/readyz", "/metrics", "/prometheus"] {
        let page: Page = http::get(backup.info_port, path).await?;
        ensure!(page.status == 200, "{path} of the backup: {page:?}");
    }
    let beans = http::jmx(backup.info_port, "Hadoop:service=HBase,name=Master,sub=Server").await?;
    let tag = beans.values().next().and_then(|bean| bean.get("tag.isActiveMaster"));
    ensure!(tag.and_then(Value::as_str) == Some("false"), "{tag:?}");

    // After it has gone, the backup has the pages.
    master.kill9().await?;
    let page = status_page_with(backup.info_port, "shown").await?;
    ensure!(page.contains(&format!("localhost,{}", server.rpc_port)), "{page}");
    cluster.finish().await
}

/// The master's page once it holds a text.
async fn status_page_with(port: u16, text: &str) -> Result<String> {
    let look = async || {
        let page = http::get(port, "/master-status").await?.ok()?;
        ensure!(page.contains(text), "no {text} in\n{page}");
        Ok(page)
    };
    wait::until(&format!("{text} on /master-status"), SOON, look).await
}

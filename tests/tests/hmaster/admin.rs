//! Java's Admin, call by call: each ends against hmaster as it ends against a Java master.
//!
//! `admin/calls.txt` has the calls. How they end with a Java master is in `admin/java-VERSION.txt`, a file for each
//! version of the client; the ignored test `java_ends_them_so` writes it with `HMASTER_UPDATE=1` and compares it
//! otherwise. Names of servers and regions, times and numbers of procedures are blotted out.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hmaster_tests::cluster::Settings;
use hmaster_tests::scenario;
use hmaster_tests::{Client, Cluster, HBaseVersion, JavaException, MasterKind, require_peers};
use serde_json::{Value, json};

use crate::{alone, cluster, hmaster, report};

const CALLS: &str = include_str!("admin/calls.txt");

const CLIENTS: [HBaseVersion; 3] = [HBaseVersion::V2_4, HBaseVersion::V2_5, HBaseVersion::V2_6];

/// Calls that hmaster has not got yet: an error that says so is what they may end with until then.
const NOT_YET: &[&str] = &[
    "balancer",
    "clearSlowLogResponses",
    "cloneSnapshot",
    "deleteSnapshot",
    "enableReplicationPeer",
    "exceedThrottleQuotaSwitch",
    "execProcedure",
    "flushMasterStore",
    "getReplicationPeerConfig",
    "getSpaceQuotaTableSizes",
    "isProcedureFinished",
    "isRpcThrottleEnabled",
    "listReplicatedTableCFs",
    "listReplicationPeers",
    "listSnapshots",
    "normalize",
    "removeReplicationPeer",
    "restoreSnapshot",
    "runCleanerChore",
    "snapshot",
    "switchRpcThrottle",
];

/// Calls that end otherwise on purpose: method, what its arguments hold, and why.
const DELIBERATE: &[(&str, &str, &str)] = &[
    (
        "move",
        "localhost,1,1",
        "refused: a Java master closes the region, finds nobody there, and opens it somewhere else",
    ),
    (
        "modifyTableStoreFileTracker",
        "NONE",
        "refused at once: clients of a Java master repeat for minutes what can't succeed",
    ),
    ("isProcedureFinished", "no-such-procedure", "refused at once, likewise"),
    (
        "removeReplicationPeer",
        "nosuch",
        "no peer is changed here, so none has to be looked for by a procedure: the same exception comes at once",
    ),
    ("enableReplicationPeer", "nosuch", "likewise"),
];

/// Many times what any of the calls takes.
const CALL_DEADLINE: Duration = Duration::from_secs(60);

/// One line of the calls.
struct Call {
    method: &'static str,
    args: &'static str,
    /// Whether what it returns is compared too.
    value_counts: bool,
}

fn calls() -> impl Iterator<Item = Call> {
    let lines = CALLS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| {
        let (method, args) = line.split_once(' ').unwrap_or((line, "[]"));
        let value_counts = !method.starts_with('~');
        Call { method: method.trim_start_matches('~'), args, value_counts }
    })
}

/// Makes all calls and returns a line for each: the call, and how it ended.
async fn run(client: &Client, looker: &Client) -> Result<Vec<String>> {
    let mut servers: Vec<String> = looker.status().await?.servers.into_keys().collect();
    servers.sort();
    let mut lines = Vec::new();
    for call in calls() {
        if call.method == "settle" {
            // Before the next call, not after it: what a call left open would make it end either way.
            looker.await_settled().await.with_context(|| lines.join("\n"))?;
            continue;
        }
        let args = serde_json::from_str(call.args).with_context(|| call.args.to_owned())?;
        let args =
            fill(args, looker, &servers).await.with_context(|| format!("{} {}", call.method, call.args))?;
        let named = json!({ "method": call.method, "args": args });
        let outcome = match client.call_within(CALL_DEADLINE, "admin", named).await {
            Ok(value) if call.value_counts => format!("{}", sorted(value)),
            Ok(_) => "ok".to_owned(),
            Err(error) => match JavaException::of(&error) {
                Some(thrown) if thrown.message.starts_with("no Admin.") => "no such method".to_owned(),
                Some(thrown) => thrown.to_string().lines().next().unwrap_or_default().to_owned(),
                None => format!("no end within {CALL_DEADLINE:?}"),
            },
        };
        lines.push(format!("{} {} => {}", call.method, call.args, blotted(&outcome)));
    }
    Ok(lines)
}

/// Puts names of regions and servers where the arguments have `$region:T:I` and kin.
async fn fill(args: Value, looker: &Client, servers: &[String]) -> Result<Value> {
    Ok(match args {
        Value::String(text) if text.starts_with('$') => {
            let (kind, of) = text.split_once(':').context("a kind")?;
            if kind == "$server" {
                return Ok(servers[of.parse::<usize>()?].clone().into());
            }
            let (table, index) = of.rsplit_once(':').context("a table and a number")?;
            let regions = looker.regions(table).await?;
            let region = regions.get(index.parse::<usize>()?).with_context(|| format!("{regions:?}"))?;
            if kind == "$name" { region.name.clone().into() } else { region.encoded.clone().into() }
        }
        Value::Array(items) => {
            let mut filled = Vec::new();
            for item in items {
                filled.push(Box::pin(fill(item, looker, servers)).await?);
            }
            filled.into()
        }
        other => other,
    })
}

/// Lists in one order: Java's come out of hash tables.
fn sorted(value: Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(sorted).collect();
            items.sort_by_key(|item| blotted(&item.to_string()));
            items.into()
        }
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, sorted(value))).collect(),
        other => other,
    }
}

/// Without what differs from run to run: `REGION` for the name of a region, `#` for a long number or that of a procedure.
fn blotted(text: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            word.push(c);
        } else {
            blot_word(&word, &mut out);
            word.clear();
            out.push(c);
        }
    }
    blot_word(&word, &mut out);
    out
}

fn blot_word(word: &str, out: &mut String) {
    let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    if word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        out.push_str("REGION");
    } else if digits && (word.len() > 3 || out.ends_with("pid=") || out.ends_with("procId: ")) {
        out.push('#');
    } else {
        out.push_str(word);
    }
}

fn committed(version: HBaseVersion) -> PathBuf {
    let short: Vec<&str> = version.as_str().split(['.', '-']).take(2).collect();
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/hmaster/admin");
    folder.join(format!("java-{}.txt", short.join(".")))
}

/// A client that doesn't try for minutes what can't succeed.
async fn client_of(cluster: &Cluster, version: HBaseVersion) -> Result<Client> {
    let mut settings = Settings::default();
    settings.set("hbase.client.retries.number", 4);
    settings.set("hbase.client.pause", 100);
    settings.set("hbase.rpc.timeout", 30_000);
    cluster.client_of(version, &settings).await
}

async fn begin(master: &MasterKind) -> Result<(Cluster, scenario::Running)> {
    let versions = [HBaseVersion::V2_6; 2];
    report("calls of Admin", "local disk", &versions, &[master]);
    // The balancer must not move regions between two calls.
    let cluster = cluster("admin").conf("hbase.balancer.period", 3_600_000).start().await?;
    let running = scenario::start(&cluster, master, &versions).await?;
    Ok((cluster, running))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_ends_as_with_a_java_master() -> Result<()> {
    require_peers!();
    let _alone = alone("admin calls").await;
    let (cluster, running) = begin(&hmaster().await?).await?;
    let mut misfits = Vec::new();
    for version in CLIENTS {
        let client = client_of(&cluster, version).await?;
        let path = committed(version);
        let wanted = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let found = run(&client, &running.client).await?;
        misfits
            .extend(compare(&found, &wanted).into_iter().map(|misfit| format!("client {version}: {misfit}")));
    }
    ensure!(misfits.is_empty(), "{} calls end otherwise:\n{}", misfits.len(), misfits.join("\n"));
    running.client.await_consistent().await?;
    cluster.finish().await
}

fn compare(found: &[String], wanted: &str) -> Vec<String> {
    let mut misfits = Vec::new();
    let wanted: Vec<&str> = wanted.lines().collect();
    if wanted.len() != found.len() {
        misfits.push(format!("{} calls here, {} with the Java master", found.len(), wanted.len()));
    }
    for (found, wanted) in found.iter().zip(wanted) {
        let (method, rest) = found.split_once(' ').unwrap_or((found, ""));
        let args = rest.split(" => ").next().unwrap_or_default();
        let is_refused = found.contains("UnsupportedOperationException") || found.contains("not supported");
        let is_deliberate = DELIBERATE.iter().any(|(name, arg, _)| *name == method && args.contains(arg));
        if found != wanted && !is_deliberate && !(NOT_YET.contains(&method) && is_refused) {
            misfits.push(format!(
                "{found}\n      Java: {}",
                wanted.split_once(" => ").map_or(wanted, |(_, end)| end)
            ));
        }
    }
    misfits
}

/// Where the committed files come from.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "checks the test itself"]
async fn java_ends_them_so() -> Result<()> {
    require_peers!();
    let _alone = alone("admin calls of Java").await;
    let (cluster, running) = begin(&MasterKind::java()).await?;
    let mut differ = BTreeMap::new();
    for version in CLIENTS {
        let client = client_of(&cluster, version).await?;
        let text: String =
            run(&client, &running.client).await?.iter().map(|line| format!("{line}\n")).collect();
        let path = committed(version);
        if std::env::var_os("HMASTER_UPDATE").is_some_and(|value| value == "1") {
            fs::write(&path, text)?;
            continue;
        }
        let known = fs::read_to_string(&path)?;
        let lines: Vec<String> = text
            .lines()
            .zip(known.lines())
            .filter(|(now, then)| now != then)
            .map(|(now, _)| now.to_owned())
            .collect();
        if !lines.is_empty() {
            differ.insert(version, lines);
        }
    }
    ensure!(differ.is_empty(), "{differ:#?}");
    cluster.finish().await
}

#[test]
fn names_and_numbers_are_blotted_out() {
    for (text, blot) in [
        ("localhost,20017,1763738000123", "localhost,#,#"),
        ("t,,12345.0123456789abcdef0123456789abcdef.", "t,,#.REGION."),
        ("pid=7, 42 regions", "pid=#, 42 regions"),
        ("é\\x00 2.6.4", "é\\x00 2.6.4"),
        ("", ""),
    ] {
        assert_eq!(blotted(text), blot);
    }
}

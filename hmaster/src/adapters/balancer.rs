//! What the balancer asks outside of the master. Counterpart of Hadoop's `ScriptBasedMapping` and `TableMapping`, which
//! `RackManager` uses, and of `HeterogeneousRegionCountCostFunction.readFile`.
//!
//! As in Hadoop, a script gets addresses, some at a time, and prints one rack for each; what it said is remembered. Differs
//! in that `file:` before a file's name is understood (2.6.4 takes it for a part of the name), in that a table may name
//! hosts as well as addresses, and in that a script which doesn't end is killed.

use std::collections::HashMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hmaster_core::balancing::sources::{BalancerSources, DEFAULT_RACK, RULES_BYTES_MAX};
use hmaster_fs::{FileSystem, FsPath};
use parking_lot::Mutex;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use tokio::time::timeout;

/// A script has so much time for one call.
const SCRIPT_TIME_MAX: Duration = Duration::from_secs(60);
/// A script prints no more than so much for a call.
const SCRIPT_BYTES_MAX: u64 = 1 << 20;
/// What Java says when a script fails.
const UNKNOWN_RACK: &str = "Unknown Rack";

/// How racks are found out.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Mapping {
    /// All on one.
    None,
    Script {
        path: String,
        arguments_max: usize,
    },
    Table {
        path: String,
    },
}

/// This machine's scripts and files, and the cluster's file system, for the balancer.
pub struct SystemSources {
    /// None where there is no cluster's file system to read from.
    files: Option<Arc<dyn FileSystem>>,
    mapping: Mapping,
    /// Racks that a script has told, by host.
    known: Mutex<HashMap<String, String>>,
}

impl SystemSources {
    /// By the keys that HBase and Hadoop have for it.
    pub fn new(files: Option<Arc<dyn FileSystem>>, get: &dyn Fn(&str) -> Option<String>) -> Self {
        Self { files, mapping: Mapping::of(get), known: Mutex::default() }
    }

    async fn ask(&self, script: &str, arguments_max: usize, hosts: &[String]) -> Vec<String> {
        let unknown: Vec<String> = {
            let known = self.known.lock();
            hosts.iter().filter(|host| !known.contains_key(*host)).cloned().collect()
        };
        for hosts in unknown.chunks(arguments_max.max(1)) {
            let mut addresses = Vec::with_capacity(hosts.len());
            for host in hosts {
                addresses.push(address(host).await);
            }
            match run(script, &addresses).await {
                Ok(racks) => self.known.lock().extend(hosts.iter().cloned().zip(racks)),
                Err(reason) => tracing::warn!(script, reason, "racks aren't known"),
            }
        }
        let known = self.known.lock();
        hosts.iter().map(|host| known.get(host).cloned().unwrap_or_else(|| UNKNOWN_RACK.to_owned())).collect()
    }
}

impl std::fmt::Debug for SystemSources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SystemSources").field("mapping", &self.mapping).finish_non_exhaustive()
    }
}

#[async_trait]
impl BalancerSources for SystemSources {
    async fn racks(&self, hosts: &[String]) -> Vec<String> {
        match &self.mapping {
            Mapping::None => vec![DEFAULT_RACK.to_owned(); hosts.len()],
            Mapping::Script { path, arguments_max } => self.ask(path, *arguments_max, hosts).await,
            Mapping::Table { path } => {
                let table = self.text(path).await.unwrap_or_else(|reason| {
                    tracing::warn!(path, reason, "racks aren't known");
                    String::new()
                });
                let racks = read_table(&table);
                let mut found = Vec::with_capacity(hosts.len());
                for host in hosts {
                    let rack = racks.get(address(host).await.as_str()).or_else(|| racks.get(host.as_str()));
                    found.push((*rack.unwrap_or(&DEFAULT_RACK)).to_owned());
                }
                found
            }
        }
    }

    async fn text(&self, path: &str) -> Result<String, String> {
        let local = path.strip_prefix("file://").or_else(|| path.strip_prefix("file:"));
        let is_local = local.is_some() || Path::new(path).is_file();
        let bytes = match &self.files {
            Some(files) if !is_local => {
                let path = FsPath::parse(below(path)).map_err(|error| error.to_string())?;
                files.read_whole(&path, RULES_BYTES_MAX).await.map_err(|error| error.to_string())?.to_vec()
            }
            _ => {
                let path = local.unwrap_or(path);
                read_local(path).await.map_err(|error| format!("read {path}: {error}"))?
            }
        };
        String::from_utf8(bytes).map_err(|_| format!("{path} isn't text"))
    }
}

impl Mapping {
    fn of(get: &dyn Fn(&str) -> Option<String>) -> Self {
        let set = |key: &str| get(key).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let class = set("hbase.util.ip.to.rack.determiner").unwrap_or_default();
        let script = || match set("net.topology.script.file.name") {
            None => Self::None,
            Some(path) => {
                let arguments_max = set("net.topology.script.number.args").and_then(|n| n.parse().ok());
                Self::Script { path, arguments_max: arguments_max.unwrap_or(100) }
            }
        };
        match class.rsplit('.').next() {
            None | Some("" | "ScriptBasedMapping") => script(),
            Some("TableMapping") => {
                set("net.topology.table.file.name").map_or(Self::None, |path| Self::Table { path })
            }
            Some(_) => {
                tracing::warn!(class, "not a mapping of this master, which asks the topology script");
                script()
            }
        }
    }
}

/// The path of a URI; scheme and authority are those of the root folder.
fn below(path: &str) -> &str {
    path.split_once("://").map_or(path, |(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]))
}

/// Racks by address or host.
fn read_table(text: &str) -> HashMap<&str, &str> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            if words.len() != 2 {
                tracing::warn!(line, "not two columns");
            }
            (words.len() == 2).then(|| (words[0], words[1]))
        })
        .collect()
}

/// The address of a host as text, or the host if it has none.
async fn address(host: &str) -> String {
    let found = timeout(SCRIPT_TIME_MAX, tokio::net::lookup_host((host, 0))).await;
    let addresses: Vec<_> = found.ok().and_then(Result::ok).map(Iterator::collect).unwrap_or_default();
    let first = addresses.iter().find(|address| address.is_ipv4()).or_else(|| addresses.first());
    first.map_or_else(|| host.to_owned(), |address| address.ip().to_string())
}

/// One rack per name.
async fn run(script: &str, names: &[String]) -> Result<Vec<String>, String> {
    let mut command = Command::new(script);
    command.args(names).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| format!("it doesn't start: {error}"))?;
    let mut output = child.stdout.take().ok_or("it has no output")?.take(SCRIPT_BYTES_MAX);
    let mut printed = Vec::new();
    let done = async {
        output.read_to_end(&mut printed).await?;
        child.wait().await
    };
    let ended = timeout(SCRIPT_TIME_MAX, done).await.map_err(|_| format!("no end in {SCRIPT_TIME_MAX:?}"))?;
    let status = ended.map_err(|error| error.to_string())?;
    if !status.success() {
        return Err(status.to_string());
    }
    let racks: Vec<String> =
        String::from_utf8_lossy(&printed).split_whitespace().map(str::to_owned).collect();
    if racks.len() == names.len() {
        Ok(racks)
    } else {
        Err(format!("{} racks for {} names", racks.len(), names.len()))
    }
}

async fn read_local(path: &str) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = tokio::fs::File::open(path).await?;
    file.take(RULES_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).await?;
    if bytes.len() > RULES_BYTES_MAX {
        return Err(std::io::Error::other(format!("more than {RULES_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn sources(pairs: &[(&str, &str)]) -> SystemSources {
        let get = |key: &str| pairs.iter().find(|(k, _)| *k == key).map(|(_, value)| (*value).to_owned());
        SystemSources::new(None, &get)
    }

    fn script(folder: &Path, text: &str) -> String {
        let path = folder.join("racks.sh");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn hosts(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[tokio::test]
    async fn a_script_tells_racks_of_addresses_some_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let text = format!("echo \"$@\" >> {}; for a in \"$@\"; do echo /r$a; done", log.display());
        let path = script(folder.path(), &text);
        let sources =
            sources(&[("net.topology.script.file.name", &path), ("net.topology.script.number.args", "2")]);
        let asked = hosts(&["127.0.0.1", "127.0.0.2", "no-such-host.invalid"]);
        let racks = sources.racks(&asked).await;
        assert_eq!(racks, ["/r127.0.0.1", "/r127.0.0.2", "/rno-such-host.invalid"]);
        assert_eq!(sources.racks(&asked).await, racks);
        assert_eq!(
            fs::read_to_string(log).unwrap(),
            "127.0.0.1 127.0.0.2\nno-such-host.invalid\n",
            "asked once"
        );
    }

    #[tokio::test]
    async fn a_script_that_fails_leaves_racks_unknown() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["exit 3", "echo /a /b", "echo"] {
            let path = script(folder.path(), text);
            let sources = sources(&[("net.topology.script.file.name", &path)]);
            assert_eq!(sources.racks(&hosts(&["127.0.0.1"])).await, [UNKNOWN_RACK], "{text}");
        }
        let none = sources(&[("net.topology.script.file.name", "/no/such/script")]);
        assert_eq!(none.racks(&hosts(&["127.0.0.1"])).await, [UNKNOWN_RACK]);
        assert_eq!(sources(&[]).racks(&hosts(&["127.0.0.1"])).await, [DEFAULT_RACK]);
    }

    #[tokio::test]
    async fn a_table_tells_racks() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table");
        fs::write(&path, "# racks\n127.0.0.1 /r1\nx.invalid\t/r2\nbroken\n").unwrap();
        let sources = sources(&[
            ("hbase.util.ip.to.rack.determiner", "org.apache.hadoop.net.TableMapping"),
            ("net.topology.table.file.name", path.to_str().unwrap()),
        ]);
        let racks = sources.racks(&hosts(&["127.0.0.1", "x.invalid", "127.0.0.3"])).await;
        assert_eq!(racks, ["/r1", "/r2", DEFAULT_RACK]);
    }

    #[tokio::test]
    async fn files_are_read_up_to_a_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rules");
        fs::write(&path, "moves 3\n").unwrap();
        let sources = sources(&[]);
        let name = path.to_str().unwrap();
        assert_eq!(sources.text(name).await.unwrap(), "moves 3\n");
        assert_eq!(sources.text(&format!("file://{name}")).await.unwrap(), "moves 3\n");
        assert!(sources.text("/no/such/file").await.unwrap_err().contains("/no/such/file"));
        fs::write(&path, vec![b'x'; RULES_BYTES_MAX + 1]).unwrap();
        assert!(sources.text(name).await.unwrap_err().contains("more than"));
        fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(sources.text(name).await.unwrap_err().contains("isn't text"));
    }
}

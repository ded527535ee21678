//! Which crate may depend on which. ARCHITECTURE.md says why.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// Ordinary dependencies between the workspace's crates, by crate.
pub type Dependencies = BTreeMap<String, BTreeSet<String>>;

/// What each crate may depend on. A crate that isn't listed may depend on any.
const ALLOWED: [(&str, &[&str]); 14] = [
    ("hmaster-types", &[]),
    ("hmaster-protocol", &["hmaster-types"]),
    ("hmaster-config", &["hmaster-types"]),
    ("hmaster-balancer", &["hmaster-types"]),
    ("hmaster-procedure", &["hmaster-types", "hmaster-protocol"]),
    (
        "hmaster-core",
        &["hmaster-types", "hmaster-protocol", "hmaster-config", "hmaster-procedure", "hmaster-balancer"],
    ),
    ("hmaster-zk", &["hmaster-types", "hmaster-protocol"]),
    ("hmaster-zk-server", &[]),
    ("hmaster-rpc", &["hmaster-types", "hmaster-protocol"]),
    ("hmaster-fs", &["hmaster-types", "hmaster-protocol"]),
    ("hmaster-store", &["hmaster-types", "hmaster-protocol", "hmaster-procedure", "hmaster-fs"]),
    (
        "hmaster-web",
        &["hmaster-types", "hmaster-protocol", "hmaster-config", "hmaster-procedure", "hmaster-core"],
    ),
    (
        "hmaster-sim",
        &[
            "hmaster-types",
            "hmaster-protocol",
            "hmaster-config",
            "hmaster-core",
            "hmaster-rpc",
            "hmaster-zk",
            "hmaster-fs",
            "hmaster-store",
        ],
    ),
    (
        "hmaster-swarm",
        &[
            "hmaster-types",
            "hmaster-protocol",
            "hmaster-config",
            "hmaster-rpc",
            "hmaster-zk",
            "hmaster-fs",
            "hmaster-sim",
        ],
    ),
];

/// Crates of the outside that bring I/O, and so have no place in crates that decide.
const IO: [&str; 8] =
    ["zookeeper-client", "hdfs-native", "rustix", "socket2", "axum", "tonic", "tokio-rustls", "zookeeper"];
const PURE: [&str; 5] =
    ["hmaster-types", "hmaster-protocol", "hmaster-procedure", "hmaster-balancer", "hmaster-core"];

/// Reads the workspace's dependencies from `cargo metadata`; those for tests and builds don't count.
///
/// # Errors
/// When cargo can't be run or prints something else.
pub fn dependencies(root: &Path) -> Result<Dependencies> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root)
        .output()
        .context("run cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).context("parse cargo metadata")?;
    let packages = metadata["packages"].as_array().context("cargo metadata has no packages")?;
    Ok(packages.iter().map(|package| (text(&package["name"]), dependencies_of(package))).collect())
}

fn dependencies_of(package: &Value) -> BTreeSet<String> {
    let all = package["dependencies"].as_array().into_iter().flatten();
    all.filter(|dependency| dependency["kind"].is_null())
        .map(|dependency| text(&dependency["name"]))
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Every dependency that the layering forbids.
pub fn findings(dependencies: &Dependencies) -> Vec<String> {
    let mut findings = Vec::new();
    for (name, allowed) in ALLOWED {
        let Some(used) = dependencies.get(name) else {
            findings.push(format!("{name}: no such crate"));
            continue;
        };
        let ours = used.iter().filter(|used| used.starts_with("hmaster"));
        let forbidden = ours.filter(|used| !allowed.contains(&used.as_str()));
        findings.extend(forbidden.map(|used| format!("{name} must not depend on {used}")));
        let io = used.iter().filter(|used| PURE.contains(&name) && IO.contains(&used.as_str()));
        findings
            .extend(io.map(|used| format!("{name} decides and must not depend on {used}, which does I/O")));
    }
    findings
}

//! Which program is the master: Java's or hmaster. Scenarios take it as a parameter, so that one
//! scenario judges both.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::maven::HBaseVersion;

/// A kind of master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MasterKind {
    /// A Java master of this version.
    Java(HBaseVersion),
    /// A program with hmaster's command line: `PROGRAM start --conf-dir DIR`.
    Program(PathBuf),
}

impl MasterKind {
    /// The Java master that defines what is right.
    pub fn java() -> Self {
        Self::Java(HBaseVersion::V2_6)
    }

    /// The hmaster of this workspace: the file that `HMASTER_BIN` names, or what cargo builds now.
    pub async fn hmaster() -> Result<Self> {
        static BUILT: OnceCell<PathBuf> = OnceCell::const_new();
        BUILT.get_or_try_init(hmaster_binary).await.cloned().map(Self::Program)
    }
}

async fn hmaster_binary() -> Result<PathBuf> {
    if let Some(binary) = env::var_os("HMASTER_BIN") {
        return Ok(binary.into());
    }
    // Cargo builds no binary of another package for a test. Asking it each time, instead of taking
    // a binary that lies there, means that no test judges an old one; it's quick when all is fresh.
    let test = env::current_exe().context("find the test's own file")?;
    let target = test.parent().and_then(Path::parent).context("the test lies in target/PROFILE/deps")?;
    let mut build = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "--quiet", "--package", "hmaster", "--bin", "hmaster"]);
    build.current_dir(env!("CARGO_MANIFEST_DIR"));
    if target.file_name().is_some_and(|profile| profile == "release") {
        build.arg("--release");
    }
    let built = build.output().await.context("run cargo build")?;
    ensure!(built.status.success(), "build hmaster:\n{}", String::from_utf8_lossy(&built.stderr));
    let binary = target.join("hmaster");
    ensure!(binary.is_file(), "cargo build made no {}", binary.display());
    Ok(binary)
}

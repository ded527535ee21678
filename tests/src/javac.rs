//! Compiles the Java programs of the tests into the cache, keyed by what they are made of.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, anyhow, bail};

use crate::cache;
use crate::maven::HBaseVersion;
use crate::peers;

/// A Java source file: its name, e.g. `Main.java`, and its text.
pub type Source<'a> = (&'a str, &'a str);

/// A folder of the cache with the classes of `sources`, compiled against the jars of `version`.
pub async fn classes(sources: &[Source<'_>], version: HBaseVersion) -> Result<PathBuf> {
    let jars = version.server_jars().await?;
    let sources: Vec<(String, String)> =
        sources.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect();
    let mut hasher = DefaultHasher::new();
    (&sources, version.as_str()).hash(&mut hasher);
    let name = format!("classes-{:016x}", hasher.finish());
    let compile = move || cache::folder(&name, |folder| compile(folder, &sources, &jars));
    tokio::task::spawn_blocking(compile).await?
}

fn compile(folder: &Path, sources: &[(String, String)], jars: &Path) -> Result<()> {
    let javac = &peers::toolchain().map_err(|reason| anyhow!(reason))?.javac;
    let mut command = Command::new(javac);
    // No annotation processing: some of the many jars bring processors.
    command.args(["-nowarn", "-proc:none", "-d"]).arg(folder);
    command.arg("-cp").arg(jars.join("*"));
    for (name, text) in sources {
        let file = folder.join(name);
        fs::write(&file, text).with_context(|| format!("write {}", file.display()))?;
        command.arg(file);
    }
    let ran = command.output().with_context(|| format!("run {}", javac.display()))?;
    if !ran.status.success() {
        bail!("javac ({}):\n{}", ran.status, String::from_utf8_lossy(&ran.stderr));
    }
    Ok(())
}

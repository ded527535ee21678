//! What the JVM of a test needs: HBase's jars of tests with what those use, the servers' jars, and the agent.

use std::fs;
use std::hash::{DefaultHasher, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, anyhow, ensure};

use crate::cache;
use crate::maven::{self, HBaseVersion};
use crate::peers;

const POM: &str = include_str!("../../suite/pom.xml");

const SOURCES: [(&str, &str); 7] = [
    ("Agent.java", include_str!("../../suite/agent/extmaster/Agent.java")),
    ("ExtMaster.java", include_str!("../../suite/agent/extmaster/ExtMaster.java")),
    ("ExtRunner.java", include_str!("../../suite/agent/extmaster/ExtRunner.java")),
    ("Facade.java", include_str!("../../suite/agent/extmaster/Facade.java")),
    ("RpcLog.java", include_str!("../../suite/agent/extmaster/RpcLog.java")),
    ("SiteFile.java", include_str!("../../suite/agent/extmaster/SiteFile.java")),
    ("Views.java", include_str!("../../suite/agent/extmaster/Views.java")),
];

const MANIFEST: &str =
    "Premain-Class: extmaster.Agent\nCan-Retransform-Classes: true\nCan-Redefine-Classes: true\n";

#[derive(Debug)]
pub(super) struct Jars {
    /// Jars of tests before those that they test: both have some classes.
    pub(super) class_path: Vec<PathBuf>,
    pub(super) agent: PathBuf,
}

pub(super) async fn resolve() -> Result<Jars> {
    let servers = HBaseVersion::V2_6.server_jars().await?;
    tokio::task::spawn_blocking(move || {
        let tests =
            cache::folder(&format!("suite-{:016x}", hash(POM)), |folder| maven::copy(folder, POM, false))?;
        let mut class_path = jars_in(&tests)?;
        class_path.sort_by_key(|jar| !jar.to_string_lossy().ends_with("tests.jar"));
        class_path.extend(jars_in(&servers)?);
        let name = format!("suite-agent-{:016x}", hash(SOURCES));
        let agent = cache::folder(&name, |folder| compile(folder, &class_path))?.join("agent.jar");
        Ok(Jars { class_path, agent })
    })
    .await?
}

fn hash(of: impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

fn jars_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut jars = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "jar") {
            jars.push(path);
        }
    }
    jars.sort();
    Ok(jars)
}

fn compile(folder: &Path, class_path: &[PathBuf]) -> Result<()> {
    let tools = peers::toolchain().map_err(|reason| anyhow!(reason))?;
    let sources = folder.join("extmaster-sources");
    fs::create_dir_all(&sources)?;
    let mut javac = Command::new(&tools.javac);
    javac.args(["-nowarn", "-Xlint:-options", "-proc:none"]);
    javac
        .args(["--add-exports", "java.base/jdk.internal.misc=ALL-UNNAMED", "-d"])
        .arg(folder.join("classes"));
    javac.arg("-cp").arg(std::env::join_paths(class_path)?);
    for (name, text) in SOURCES {
        let file = sources.join(name);
        fs::write(&file, text)?;
        javac.arg(file);
    }
    run(javac)?;
    let manifest = folder.join("manifest");
    fs::write(&manifest, MANIFEST)?;
    let mut jar = Command::new(tools.javac.with_file_name("jar"));
    jar.arg("cfm").arg(folder.join("agent.jar")).arg(manifest).arg("-C").arg(folder.join("classes")).arg(".");
    run(jar)
}

fn run(mut command: Command) -> Result<()> {
    let ran = command.output().with_context(|| format!("run {}", command.get_program().display()))?;
    ensure!(
        ran.status.success(),
        "{} ({}):\n{}",
        command.get_program().display(),
        ran.status,
        String::from_utf8_lossy(&ran.stderr)
    );
    Ok(())
}

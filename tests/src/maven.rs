//! The jars of the Java peers: Maven resolves an artifact with all it depends on, once per machine.
//!
//! Each artifact version has its own folder, and a process gets the class path of one folder only:
//! so servers of several HBase versions, which need different Hadoop and ZooKeeper jars, run in one cluster.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, anyhow, bail};

use crate::cache;
use crate::peers;

/// The version of the newest published hbase-shell artifact; it drives servers of 2.4 to 3.0.
pub const SHELL_VERSION: &str = "2.4.17";

/// An HBase version of which Maven has a complete set of server jars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HBaseVersion {
    /// 2.4.17, with the jars of its shell: for clients only.
    V2_4,
    /// 2.5.13, built for Hadoop 3.
    V2_5,
    /// 2.6.4, built for Hadoop 3: the version that hmaster is compatible with.
    V2_6,
    /// 3.0.0-alpha-4.
    V3_0,
}

impl HBaseVersion {
    /// Every version that has servers, oldest first.
    pub const ALL: [Self; 3] = [Self::V2_5, Self::V2_6, Self::V3_0];

    /// The version as Maven names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2_4 => SHELL_VERSION,
            Self::V2_5 => "2.5.13-hadoop3",
            Self::V2_6 => "2.6.4-hadoop3",
            Self::V3_0 => "3.0.0-alpha-4",
        }
    }

    /// The folder with the jars of a server and client of this version.
    pub async fn server_jars(self) -> Result<PathBuf> {
        let artifact = if self == Self::V2_4 { "hbase-shell" } else { "hbase-server" };
        jars(artifact, self.as_str()).await
    }
}

impl fmt::Display for HBaseVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A folder of the cache that holds `org.apache.hbase:artifact:version` and all it depends on.
pub async fn jars(artifact: &str, version: &str) -> Result<PathBuf> {
    let (artifact, version) = (artifact.to_owned(), version.to_owned());
    let resolve = move || {
        cache::folder(&format!("{artifact}-{version}"), |folder| {
            let resolved = copy(folder, &pom_of("org.apache.hbase", &artifact, &version), true);
            resolved.with_context(|| format!("Maven could not resolve org.apache.hbase:{artifact}:{version}"))
        })
    };
    tokio::task::spawn_blocking(resolve).await?
}

/// HBCK2 as it is published.
pub const HBCK2_VERSION: &str = "1.3.0";

/// A folder of the cache that holds a tool of HBase's operators alone: it runs on the class path of whatever HBase.
pub async fn operator_tool(artifact: &str, version: &str) -> Result<PathBuf> {
    let (artifact, version) = (artifact.to_owned(), version.to_owned());
    let resolve = move || {
        cache::folder(&format!("{artifact}-{version}"), |folder| {
            let group = "org.apache.hbase.operator.tools";
            let resolved = copy(folder, &pom_of(group, &artifact, &version), false);
            resolved.with_context(|| format!("Maven could not resolve {group}:{artifact}:{version}"))
        })
    };
    tokio::task::spawn_blocking(resolve).await?
}

/// Copies what the project `pom` depends on into `folder`, with all that those depend on if `transitively`.
pub(crate) fn copy(folder: &Path, pom: &str, transitively: bool) -> Result<()> {
    let maven = &peers::toolchain().map_err(|reason| anyhow!(reason))?.maven;
    let file = folder.join("pom.xml");
    fs::write(&file, pom).with_context(|| format!("write {}", file.display()))?;
    let mut command = Command::new(maven);
    command.args(["-q", "-B", "-f"]).arg(&file).arg("dependency:copy-dependencies");
    command.arg(format!("-DoutputDirectory={}", folder.display()));
    command.arg(format!("-DexcludeTransitive={}", !transitively));
    let ran = command.output().with_context(|| format!("run {}", maven.display()))?;
    if !ran.status.success() {
        let said = [ran.stdout, ran.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let reason = said.lines().find(|line| line.contains("ERROR")).unwrap_or("it printed no error");
        bail!("{} ({}): {reason}", file.display(), ran.status);
    }
    Ok(())
}

fn pom_of(group: &str, artifact: &str, version: &str) -> String {
    format!(
        r#"<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>peer</groupId><artifactId>peer</artifactId><version>1</version><dependencies><dependency>
<groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version>
</dependency></dependencies></project>
"#
    )
}

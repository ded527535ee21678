//! How a JVM of a test is started: flags that let HBase run on Java 17, and quick start over
//! peak speed.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use anyhow::{Result, anyhow};

use crate::process::CommandSpec;
use crate::{class_data, peers};

/// Packages that HBase, Hadoop and Netty reach into by reflection.
const OPENS: [&str; 7] = [
    "java.base/java.lang",
    "java.base/java.lang.reflect",
    "java.base/java.nio",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.io",
    "java.base/sun.nio.ch",
];

/// Packages of which they use classes that aren't public.
const EXPORTS: [&str; 2] = ["java.base/jdk.internal.misc", "java.security.jgss/sun.security.krb5"];

/// Fixed flags. The serial collector and the first compiler tier alone make a JVM start in about
/// two thirds of the time where many JVMs share few cores. Exiting when memory runs out makes that visible.
const FLAGS: [&str; 4] = [
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-Dorg.apache.hbase.thirdparty.io.netty.tryReflectionSetAccessible=true",
];

/// A JVM to start.
#[derive(Clone, Debug)]
pub struct Jvm {
    class_path: Vec<PathBuf>,
    heap_mb: u32,
    flags: Vec<String>,
}

impl Jvm {
    /// A JVM with a heap of at most `heap_mb` megabytes and an empty class path.
    pub fn new(heap_mb: u32) -> Self {
        Self { class_path: Vec::new(), heap_mb, flags: Vec::new() }
    }

    /// Appends a folder with classes or resources to the class path.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.class_path.push(folder.into());
        self
    }

    /// Appends every jar in a folder to the class path.
    #[must_use]
    pub fn jars(self, folder: impl Into<PathBuf>) -> Self {
        let folder: PathBuf = folder.into();
        self.folder(folder.join("*"))
    }

    /// Appends flags; a later flag wins over an earlier one and over the fixed ones.
    #[must_use]
    pub fn flags<S: Into<String>>(mut self, flags: impl IntoIterator<Item = S>) -> Self {
        self.flags.extend(flags.into_iter().map(Into::into));
        self
    }

    /// The command that runs the class `main` in this JVM.
    pub fn command(&self, main: &str) -> Result<CommandSpec> {
        let java = &peers::toolchain().map_err(|reason| anyhow!(reason))?.java;
        let (class_path, archive) = self.class_path();
        let archive = archive.map(|archive| format!("-XX:SharedArchiveFile={}", archive.display()));
        Ok(CommandSpec::new(java)
            .arg(format!("-Xmx{}m", self.heap_mb))
            .args(FLAGS)
            .args(
                OPENS.iter().flat_map(|package| ["--add-opens".to_owned(), format!("{package}=ALL-UNNAMED")]),
            )
            .args(
                EXPORTS
                    .iter()
                    .flat_map(|package| ["--add-exports".to_owned(), format!("{package}=ALL-UNNAMED")]),
            )
            .args(archive)
            .args(&self.flags)
            .arg("-cp")
            .arg(class_path)
            .arg(main))
    }

    /// With the archive of classes for its jars, if there is one. That holds for a class path that begins with the jars;
    /// no jar has a file that a test's folder has, too.
    fn class_path(&self) -> (OsString, Option<PathBuf>) {
        let jars = |entry: &&PathBuf| entry.ends_with("*");
        let archive =
            self.class_path.iter().find(jars).and_then(|jars| class_data::archive_of(jars.parent()?));
        let (first, last): (Vec<_>, Vec<_>) =
            self.class_path.iter().partition(|entry| archive.is_some() && jars(entry));
        let entries: Vec<_> = first.into_iter().chain(last).map(|entry| entry.as_os_str()).collect();
        (entries.join(OsStr::new(":")), archive)
    }
}

//! What a test looks at a cluster with: the Java client, the shell, Hadoop's file shell, ZooKeeper,
//! and Java programs of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::{Cluster, Settings};
use crate::client::Client;
use crate::javac;
use crate::jvm::Jvm;
use crate::maven::{self, HBaseVersion, SHELL_VERSION};
use crate::process::Output;
use crate::shell::{self, ShellSession};
use crate::znodes::Znodes;

const HEAP_MB: u32 = 256;

/// How long a one-shot Java program or shell script may take.
const RUN_DEADLINE: Duration = Duration::from_secs(300);

impl Cluster {
    /// A Java client of the version that hmaster is compatible with.
    pub async fn client(&self) -> Result<Client> {
        self.client_of(HBaseVersion::V2_6, &Settings::default()).await
    }

    /// A Java client of any version with settings of its own. The test ends it by dropping it.
    pub async fn client_of(&self, version: HBaseVersion, own: &Settings) -> Result<Client> {
        let name = format!("client{}", self.next_number("client"));
        let mut settings = client_settings();
        settings.merge(own.clone());
        let conf = self.write_conf_dir(&name, &settings)?;
        let classes = javac::classes(crate::client::SOURCES, version).await?;
        let jvm = self.jvm(HEAP_MB).folder(classes).folder(conf).jars(version.server_jars().await?);
        Client::start(jvm.command(crate::client::MAIN)?.directory(self.dir()), self.log_path(&name)).await
    }

    /// Runs a script of commands through the hbase shell, as `hbase shell -n < script` does: the
    /// exit status is 1 after the first command that fails.
    pub async fn shell(&self, script: &str) -> Result<Output> {
        shell::command(&self.shell_jvm().await?, self.dir())?.output(script, RUN_DEADLINE).await
    }

    /// A shell that stays, for many commands at the price of one start.
    pub async fn shell_session(&self) -> Result<ShellSession> {
        let name = format!("shell{}", self.next_number("shell"));
        ShellSession::start(&self.shell_jvm().await?, self.dir(), self.log_path(&name)).await
    }

    /// A ZooKeeper client of its own.
    pub async fn znodes(&self) -> Result<Znodes> {
        Znodes::connect(self.zookeeper()).await
    }

    /// Hadoop's file shell, e.g. `["-ls", "-R", "/hbase"]`.
    pub async fn fs_shell<S: AsRef<str>>(&self, args: &[S]) -> Result<String> {
        let output = self.run_java("org.apache.hadoop.fs.FsShell", HBaseVersion::V2_6, args).await?;
        output.success().map(str::to_owned)
    }

    /// Runs a class of HBase, Hadoop or ZooKeeper to its end with this cluster's configuration.
    pub async fn run_java<S: AsRef<str>>(
        &self,
        main: &str,
        version: HBaseVersion,
        args: &[S],
    ) -> Result<Output> {
        let jvm = self.java(version).await?;
        self.run(&jvm, main, args).await
    }

    /// Compiles a Java source file, whose public class has its name, and runs it to its end with
    /// this cluster's configuration.
    pub async fn run_java_file<S: AsRef<str>>(
        &self,
        source: &Path,
        version: HBaseVersion,
        args: &[S],
    ) -> Result<Output> {
        let text = fs::read_to_string(source).with_context(|| format!("read {}", source.display()))?;
        let name = source.file_name().and_then(|name| name.to_str()).context("a file name")?;
        let classes = javac::classes(&[(name, text.as_str())], version).await?;
        let main = name.trim_end_matches(".java");
        self.run(&self.java(version).await?.folder(classes), main, args).await
    }

    /// A JVM with this cluster's configuration and the class path of `version`.
    pub async fn java(&self, version: HBaseVersion) -> Result<Jvm> {
        let conf = self.tools_conf()?;
        Ok(self.jvm(HEAP_MB).folder(conf).jars(version.server_jars().await?))
    }

    async fn run<S: AsRef<str>>(&self, jvm: &Jvm, main: &str, args: &[S]) -> Result<Output> {
        let command = jvm.command(main)?.args(args.iter().map(AsRef::as_ref)).directory(self.dir());
        command.output("", RUN_DEADLINE).await
    }

    async fn shell_jvm(&self) -> Result<Jvm> {
        let jars = maven::jars("hbase-shell", SHELL_VERSION).await?;
        Ok(self.jvm(HEAP_MB).folder(self.tools_conf()?).jars(jars))
    }

    fn tools_conf(&self) -> Result<PathBuf> {
        self.write_conf_dir("tools", &client_settings())
    }
}

/// Finds the master through ZooKeeper, as is the default up to 2.6: 3.0 asks masters whose ports
/// it would have to be told.
fn client_settings() -> Settings {
    [("hbase.client.registry.impl", "org.apache.hadoop.hbase.client.ZKConnectionRegistry")]
        .into_iter()
        .collect()
}

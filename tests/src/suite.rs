//! HBase's own JUnit tests with a master of ours: ZooKeeper, region servers and clients live in the test's JVM as usual,
//! and a Java agent puts a stand-in where the mini cluster makes its master: it starts the program under test and
//! answers what tests ask of `getMaster()` from outside, by RPC, ZooKeeper, hbase:meta and files.
//!
//! A test that reaches into the master's memory can't be answered so and fails with `EXT-UNREACHABLE`; such tests aren't
//! in the list of those that must pass (`suite/cases.txt`). The agent's sources, its settings and what Maven has to
//! bring are beside that list.
//!
//! What a master must do for it: stay in the foreground; register the address that its configuration gives it; answer
//! `listNamespaces` when, and only when, it is initialized; end by the RPC Shutdown after the region servers.

mod cases;
mod jars;
mod results;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};

use crate::cluster::MasterKind;
use crate::jvm::Jvm;
use crate::maven::HBaseVersion;
use crate::peers;
use crate::process::CommandSpec;

pub use cases::{Cases, Class};
use jars::Jars;
pub use results::{MethodResult, Verdict};

/// A class with all its methods takes minutes on a busy machine.
const CLASS_DEADLINE: Duration = Duration::from_secs(1200);

/// A method without progress for so long hangs; its class is ended with stack traces.
const METHOD_SECONDS_MAX: u32 = 240;

/// Settings for tests: short intervals, few threads, any port.
const CONF: [(&str, &str); 3] = [
    ("hbase-site.xml", include_str!("../suite/conf/hbase-site.xml")),
    ("override-hbase-site.xml", include_str!("../suite/conf/override-hbase-site.xml")),
    ("log4j.properties", include_str!("../suite/conf/log4j.properties")),
];

/// What is needed to run classes of tests with one kind of master.
#[derive(Debug)]
pub struct Suite {
    jars: Jars,
    /// The master's command; `CONF_DIR` stands for the folder with its hbase-site.xml.
    master: String,
}

impl Suite {
    /// Resolves jars, compiles the agent.
    ///
    /// # Errors
    /// Without Java, Maven or, the first time, their repository.
    pub async fn prepare(master: &MasterKind) -> Result<Self> {
        let jars = jars::resolve().await?;
        let command = match master {
            MasterKind::Program(program) => vec![
                program.display().to_string(),
                "start".to_owned(),
                "--conf-dir".to_owned(),
                "CONF_DIR".to_owned(),
            ],
            MasterKind::Java(version) => java_master(*version).await?,
        };
        // The agent splits at tabs, since a path may hold blanks.
        Ok(Self { jars, master: dying_with_its_parent(command).join("\t") })
    }

    /// Runs a class, or some of its methods, in a JVM of its own that works in `folder`. What it leaves there: the
    /// results, standard output with stack traces, logs of the test and of the master.
    ///
    /// # Errors
    /// When the JVM can't be started, takes too long, or says nothing of any method.
    pub async fn run(&self, class: &Class, folder: &Path) -> Result<Vec<MethodResult>> {
        for sub in ["run", "tmp", "conf", "target/test-classes"] {
            fs::create_dir_all(folder.join(sub)).with_context(|| format!("create {sub}"))?;
        }
        for (name, text) in CONF {
            fs::write(folder.join("conf").join(name), text).with_context(|| format!("write {name}"))?;
            // Tests that change the configuration write over the file here.
            fs::write(folder.join("target/test-classes").join(name), text)?;
        }
        let results = folder.join("result.tsv");
        let command = self.jvm(folder).command("extmaster.ExtRunner")?;
        let command = command.arg(&results).arg(class.selection()).directory(folder);
        let ran = command.output("", CLASS_DEADLINE).await;
        if let Ok(output) = &ran {
            fs::write(folder.join("out.txt"), format!("{}{}", output.stdout, output.stderr))?;
        }
        let text = fs::read_to_string(&results).unwrap_or_default();
        let found = results::parse(&text);
        match ran {
            Ok(output) if found.is_empty() => Err(anyhow!("{class} said nothing: {output:?}")),
            Ok(_) => Ok(found),
            Err(error) => Err(error.context(format!("{class}, after {found:?}"))),
        }
    }

    fn jvm(&self, folder: &Path) -> Jvm {
        let path = |name: &str| folder.join(name).display().to_string();
        let mut jvm = Jvm::new(1024).flags([
            format!("-javaagent:{}", self.jars.agent.display()),
            format!("-Djava.io.tmpdir={}", path("tmp")),
            format!("-Dtest.build.data.basedirectory={}", path("data")),
            format!("-Dext.log.file={}", path("test.log")),
            "-Dext.log.level=WARN".to_owned(),
            format!("-Dext.run.dir={}", path("run")),
            format!("-Dext.master.cmd={}", self.master),
            format!("-Dext.method.timeout={METHOD_SECONDS_MAX}"),
            "-Djava.net.preferIPv4Stack=true".to_owned(),
            "-Dhbase.tests.use.shortcircuit.reads=false".to_owned(),
        ]);
        jvm = jvm.folder(folder.join("conf")).folder(&self.jars.agent);
        self.jars.class_path.iter().fold(jvm, Jvm::folder)
    }
}

/// The JVM of a test may be killed; its master then goes too.
fn dying_with_its_parent(command: Vec<String>) -> Vec<String> {
    let Some(setpriv) = CommandSpec::setpriv() else { return command };
    let mut whole = vec![setpriv.display().to_string()];
    whole.extend(["--pdeathsig", "KILL", "--"].map(str::to_owned));
    whole.extend(command);
    whole
}

/// A Java master as the agent starts it: the reference.
async fn java_master(version: HBaseVersion) -> Result<Vec<String>> {
    let java = &peers::toolchain().map_err(|reason| anyhow!(reason))?.java;
    let jvm = Jvm::new(512).folder("CONF_DIR").jars(version.server_jars().await?);
    let command = jvm.command("org.apache.hadoop.hbase.master.HMaster")?.arg("start");
    let args = command.arguments().map(|arg| arg.to_string_lossy().into_owned());
    Ok(std::iter::once(java.display().to_string()).chain(args).collect())
}

/// The folder of a class's run below `all`.
pub fn folder_of(class: &Class, all: &Path) -> PathBuf {
    all.join(class.simple_name())
}

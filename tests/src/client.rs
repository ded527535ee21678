//! The Java HBase client, driven by the test: one JVM with one open connection, which executes the
//! commands of `java/client/PeerClient.java`.
//!
//! [`Client::call`] sends any command and [`Client::admin`] calls any method of Java's `Admin`; the
//! other methods name the usual ones and give their results types. Calls
//! may run at the same time, each has its own thread in the JVM. Row keys and values are text in
//! the form of the hbase shell, `\xNN` for bytes that don't print.

mod admin;
mod link;
mod rows;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::javac::{self, Source};
use crate::jvm::Jvm;
use crate::maven::HBaseVersion;
use crate::process::CommandSpec;
pub use admin::{RegionAt, Status};
use link::Link;
pub use rows::{Reader, ReaderReport, Row, RowSet, Verification, Writer, WriterReport, hex_splits};

/// The sources of the Java program.
pub(crate) const SOURCES: &[Source<'_>] = &[
    ("PeerClient.java", include_str!("../java/client/PeerClient.java")),
    ("Json.java", include_str!("../java/client/Json.java")),
    ("AdminCalls.java", include_str!("../java/client/AdminCalls.java")),
    ("Tables.java", include_str!("../java/client/Tables.java")),
    ("KnownRows.java", include_str!("../java/client/KnownRows.java")),
    ("Rows.java", include_str!("../java/client/Rows.java")),
    ("Writers.java", include_str!("../java/client/Writers.java")),
    ("Files.java", include_str!("../java/client/Files.java")),
];

/// Its main class.
pub(crate) const MAIN: &str = "PeerClient";

const HEAP_MB: u32 = 256;

/// How long a call may take if the test doesn't say. The Java client retries for minutes.
pub const CALL_DEADLINE: Duration = Duration::from_secs(300);

/// What a call of the Java client threw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JavaException {
    /// The full name of its class, e.g. `org.apache.hadoop.hbase.TableExistsException`.
    pub class: String,
    /// Its message.
    pub message: String,
}

impl JavaException {
    /// The exception in an error of a [`Client`], if it is one.
    pub fn of(error: &anyhow::Error) -> Option<&Self> {
        error.downcast_ref()
    }

    /// The class's name without its package.
    pub fn simple_class(&self) -> &str {
        self.class.rsplit(['.', '$']).next().unwrap_or(&self.class)
    }
}

impl fmt::Display for JavaException {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.class, self.message)
    }
}

impl std::error::Error for JavaException {}

/// A running Java client. Clones share it; the last one ends it.
#[derive(Clone, Debug)]
pub struct Client {
    link: Arc<Link>,
}

impl Client {
    pub(crate) async fn start(command: CommandSpec, log: PathBuf) -> Result<Self> {
        let link = Link::start(&command, log).await.context("start the Java client")?;
        Ok(Self { link: Arc::new(link) })
    }

    /// A client of the version that hmaster is compatible with, of the cluster that the hbase-site.xml in `conf_dir`
    /// leads to, whoever has started it. Its output goes to the file `log`.
    pub async fn of_conf_dir(conf_dir: &Path, log: PathBuf) -> Result<Self> {
        let version = HBaseVersion::V2_6;
        let classes = javac::classes(SOURCES, version).await?;
        let jvm = Jvm::new(HEAP_MB).folder(classes).folder(conf_dir).jars(version.server_jars().await?);
        Self::start(jvm.command(MAIN)?, log).await
    }

    /// Runs a command with its arguments, an object, and returns its value. An error may hold a
    /// [`JavaException`].
    pub async fn call(&self, op: &str, args: Value) -> Result<Value> {
        self.call_within(CALL_DEADLINE, op, args).await
    }

    /// As [`call`](Self::call) with a deadline. After it the call goes on in the JVM, unheard.
    pub async fn call_within(&self, deadline: Duration, op: &str, args: Value) -> Result<Value> {
        let answer = self.link.call(deadline, op, &args).await;
        answer.with_context(|| format!("client: {op} {args}"))
    }

    /// Calls any method of Java's `Admin`, e.g. `admin("disableTable", json!(["t"]))`; what the
    /// arguments may be, `AdminCalls.java` says.
    pub async fn admin(&self, method: &str, args: Value) -> Result<Value> {
        self.call("admin", json!({ "method": method, "args": args })).await
    }

    /// Closes the connection; the next call opens a new one, with empty caches.
    pub async fn reconnect(&self) -> Result<()> {
        self.call("reconnect", json!({})).await.map(drop)
    }
}

//! A harness that runs the real things beside hmaster, for integration tests.
//!
//! What HBase does is defined by what Java HBase does, so the tests of this crate start real peers:
//! ZooKeeper 3.8, HDFS 3.4 (NameNode and DataNodes), Java masters and region servers of three HBase
//! versions, the hbase shell and the Java client, each a child process of the test on free ports.
//! The tests then kill, stop and pause them, and read back every row. All peers come from Maven; a
//! JDK of version 17 or later and Maven are all that is needed.
//!
//! # A test
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use hmaster_tests::{Cluster, HBaseVersion, MasterKind, RowSet, hex_splits, require_peers};
//!
//! require_peers!(); // without Java: print the reason and return
//! let cluster = Cluster::builder("example").start().await?; // ZooKeeper and a root directory
//! cluster.start_master(&MasterKind::hmaster().await?).await?; // or MasterKind::java()
//! let victim = cluster.start_region_server(HBaseVersion::V2_6).await?;
//! cluster.start_region_server(HBaseVersion::V2_5).await?;
//!
//! let client = cluster.client().await?; // the Java client in its own JVM
//! client.await_region_servers(2).await?;
//! client.create_table("t", &["f"], &hex_splits(8)).await?;
//! let rows = RowSet::new(7, 10_000);
//! client.put_rows("t", rows).await?;
//! victim.kill9().await?;
//! client.verify_rows("t", &[rows], &[]).await?.check()?;
//! cluster.finish().await // passed: remove the directory
//! # }
//! ```
//!
//! # What belongs to whom
//!
//! A [`Cluster`] owns one directory (configuration, data, logs), its ports and its processes. The
//! handles that it gives out ([`Server`], [`Process`]) are cheap clones: a process ends with
//! its cluster, not with a handle. [`Cluster::finish`] says that the test passed and removes the
//! directory; a cluster that is dropped without it keeps the directory and prints where it is. No
//! process outlives the test process, however that dies (see [`process`]).
//!
//! # Environment
//!
//! | Variable | Meaning |
//! |---|---|
//! | `HMASTER_REQUIRE_PEERS=1` | fail instead of skipping when Java or Maven are missing |
//! | `HMASTER_SKIP_PEERS=1` | skip although Java is there |
//! | `HMASTER_SKIP_LOG=FILE` | append a line for each skipped test to this file |
//! | `HMASTER_PEER_HOME=DIR` | where jars and compiled Java programs are kept (default: `hmaster-peer` in the user's cache) |
//! | `HMASTER_KEEP=1` | keep the directory of a cluster although the test passed |
//! | `HMASTER_PEER_LOG=DEBUG` | log level of the Java processes (default `INFO`) |
//! | `HMASTER_CLASS_DATA=1` | JVMs begin with the archive of classes that the test `class_data` makes |
//! | `HMASTER_BIN=FILE` | the hmaster binary to test (default: `cargo build` makes it) |
//!
//! # Code map
//!
//! From the outside in: [`peers`] (is there a Java?), [`cluster`] (what a test starts), [`client`],
//! [`shell`], [`znodes`] and [`http`] (what a test looks with), [`consistency`] (what must fit together), [`scenario`] (what tests share), [`suite`] (HBase's own tests), and below them
//! [`jvm`], [`process`], [`wait`], [`ports`], [`maven`], [`javac`], [`class_data`] and [`cache`].

pub mod peers;

pub mod cluster;
pub mod consistency;
pub mod scenario;
pub mod suite;

pub mod client;
pub mod shell;
pub mod znodes;

pub mod cache;
pub mod class_data;
pub mod http;
pub mod javac;
pub mod jvm;
pub mod maven;
pub mod ports;
pub mod process;
pub mod wait;

pub use client::{Client, JavaException, RowSet, Verification, Writer, hex_splits};
pub use cluster::{Cluster, ClusterBuilder, MasterKind, Server, ServerOptions, Storage, ZooKeeper};
pub use consistency::Catalogue;
pub use maven::HBaseVersion;
pub use process::{CommandSpec, Process};
pub use shell::ShellSession;
pub use znodes::Znodes;

//! An Apache HBase master, put together: what the other crates decide, over real sockets, ZooKeeper and files.
//!
//! ```no_run
//! use hmaster::{Configuration, Master};
//! use tokio_util::sync::CancellationToken;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Configuration::load(Some("/etc/hbase/conf".as_ref()), &[])?;
//! let master = Master::builder(config).build()?; // it listens now
//! let handle = master.handle();
//! let shutdown = CancellationToken::new();
//! let running = tokio::spawn(master.run(shutdown.clone()));
//! let active = handle.initialized().await; // elected, loaded, serving
//! println!("{} leads {} region servers", handle.server(), active.servers.online_count());
//! shutdown.cancel();
//! running.await??;
//! # Ok(())
//! # }
//! ```
//!
//! [`Master`] is one master of a cluster, active or waiting. [`standalone`] is a whole cluster in one process.
//!
//! # What is where
//!
//! - `master/`: the life of a master, from the election to its end.
//! - `adapters/`: the ports of [`hmaster_core`] over the crates that do I/O. Nothing is decided there.
//! - `check`: what would keep a master from being made.
//! - [`takeover`]: what a master would do here, without doing it.
//! - `file_systems`, `host`: which file systems, and under which name, the configuration asks for.
//!
//! # Features
//!
//! `cli`, the default, is the `hmaster` binary; `standalone` brings the embedded ZooKeeper and the region servers in
//! Rust. A custom master needs neither.

mod adapters;
mod check;
mod error;
mod file_systems;
mod host;
mod master;
#[cfg(feature = "standalone")]
pub mod standalone;
pub mod takeover;

pub use adapters::balancer::SystemSources;
pub use check::problems;
pub use error::{BuildError, FileSystemError, HostError, RunError};
pub use hmaster_config::Configuration;
pub use master::{Master, MasterBuilder, MasterHandle};

//! File systems, and HBase's root folder in them.
//!
//! # The file system
//!
//! [`FileSystem`] is what a master needs of a file system, no more, with the outcomes told apart that matter:
//! a missing source from a missing target folder, a lost reply from a refusal, a fenced writer from a failing
//! disk. Its page says what may be relied on: what is durable when, what is atomic, and how a successor
//! fences its predecessor. There are three:
//!
//! - [`LocalFileSystem`]: local disk, with Java's checksum files kept true.
//! - `HdfsFileSystem` (feature `hdfs`, on by default): HDFS, without Java.
//! - [`memory::MemoryFileSystem`]: memory, shared by several clients, with crashes, faults and delays, for
//!   tests and simulation.
//!
//! [`GuardedFileSystem`] is any of them for a process that may act only for a time.
//!
//! All three pass one suite, `conformance` (feature `conformance`). [`connect`] picks one by its URI.
//!
//! ```
//! # use hmaster_fs::{CreateOptions, FileSystem as _, FsError, LocalFileSystem};
//! # use std::time::Duration;
//! # async fn example(folder: hmaster_fs::FsPath) -> Result<(), FsError> {
//! let fs = LocalFileSystem;
//! fs.mkdirs(&folder.join("WALs"), None).await?;
//! let mut log = fs.create(&folder.join("WALs").join("log.1"), CreateOptions::new()).await?;
//! log.write("an edit".into()).await?;
//! log.sync().await?; // durable, and still ours
//!
//! // A successor:
//! fs.rename(&folder.join("WALs"), &folder.join("WALs-dead")).await?;
//! let log = folder.join("WALs-dead").join("log.1");
//! fs.recover_lease(&log, Duration::from_secs(60)).await?;
//! let found = fs.open(&log).await?;
//! let edit = found.read_at(0, 7).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # The root folder
//!
//! [`rootdir::RootDir`] knows what is where in HBase's root folder, byte for byte as Java masters and region
//! servers have it.
//!
//! # Reading order
//!
//! [`FsPath`] and [`FsUri`], [`FsError`], the traits in `file_system.rs`, then one implementation; then
//! [`rootdir`].

mod path;
mod uri;

mod error;
mod file_system;
mod status;
mod streams;

mod guarded;
#[cfg(feature = "hdfs")]
mod hdfs;
mod local;
pub mod memory;

mod connect;

pub mod rootdir;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;

pub use connect::{ConnectError, DEFAULT_FS, connect};
pub use error::{FsError, FsErrorKind, NotFoundAsNone, Operation};
pub use file_system::{FileStream, FileSystem};
pub use guarded::{GuardedFileSystem, Permit};
#[cfg(feature = "hdfs")]
pub use hdfs::{HdfsFileSystem, HdfsOptions, HdfsSetupError};
pub use local::LocalFileSystem;
pub use path::FsPath;
pub use status::{CreateMode, CreateOptions, FileKind, FileStatus, NewFile, Permission, Usage};
pub use streams::{READ_BYTES_MAX, Reader, Writer};
pub use uri::FsUri;

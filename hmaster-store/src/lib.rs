//! The master's own region, `master:store`, in HBase's own format, and the file formats below it.
//!
//! A master keeps little for itself: its procedures, where hbase:meta is, which region servers may have edits in WALs,
//! a few switches. HBase keeps that in a region like those of tables, in the folder MasterData, so this crate reads
//! and writes what a region has: write-ahead logs and store files. A Java master finds its own format, and either
//! continues the other's procedures; nothing is imported or exported.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use hmaster_fs::{LocalFileSystem, rootdir::RootDir};
//! # use hmaster_types::{Cell, SystemClock};
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use hmaster_store::region::{MasterRegion, MasterRegionOptions, STATE_FAMILY};
//!
//! let clock = Arc::new(SystemClock);
//! let root = RootDir::new(Arc::new(LocalFileSystem), "/hbase".parse()?, clock.clone());
//! let server = "host.example.com,16000,1700000000000".parse()?;
//! // Fences the earlier master, and reads what it left.
//! let region = MasterRegion::open(&root, clock, &server, MasterRegionOptions::default()).await?;
//! region.put_state("load_balancer_on", b"PBUF\x08\x01").await?; // durable now
//! let cells = region.get(STATE_FAMILY, b"load_balancer_on");
//! # Ok(())
//! # }
//! ```
//!
//! # Layers
//!
//! - [`wal`]: write-ahead logs, written with group commit. [`hfile`]: store files. Both stand alone and are of use to
//!   region servers, too.
//! - [`region`]: the region on top of them: takes over from earlier masters, replays, keeps its content in memory, and
//!   bounds its log.
//! - [`region_files`]: store files of tables' regions, as splits and merges handle them.
//! - [`RegionProcedureStore`]: procedures in the region. [`SmallStateError`]'s module: region servers and switches.
//!
//! # Parsing
//!
//! What is read may be damaged. Parsers are functions of bytes without I/O ([`wal::parse_wal`],
//! [`hfile::Reference::parse`], [`region::parse_store_file_list`] and so on); they answer everything with a value or an
//! error that says where, and take memory by what is there, not by what is claimed.

pub mod hfile;
pub mod region;
pub mod region_files;
pub mod wal;

mod compression;
mod cursor;
mod dictionary;
mod error;
mod procedure_store;
mod small_state;

pub use compression::{Compression, DecompressError};
pub use error::{FileError, FileKind, Malformed, ParseFailure};
pub use procedure_store::RegionProcedureStore;
pub use small_state::SmallStateError;

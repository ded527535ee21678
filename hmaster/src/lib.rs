//! An Apache HBase master: library and binary (draft).

mod adapters;
mod error;
mod file_systems;
mod host;
mod master;

pub use error::{BuildError, FileSystemError, HostError, RunError};
pub use hmaster_config::Configuration;
pub use master::{Master, MasterBuilder, MasterHandle};

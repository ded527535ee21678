//! What can be wrong with a data folder.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why the data folder can't be used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Another server uses the folder.
    #[error("{path} is in use by another server")]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds the data of a Java ZooKeeper, which this server can't read. Starting empty
    /// beside it would look like a loss of data.
    #[error("{path} holds the data of a Java ZooKeeper server (version-2), which can't be read here")]
    ForeignData {
        /// The folder.
        path: PathBuf,
    },
    /// The operating system refused something.
    #[error("{operation} {path}: {source}")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// Something that was durable is damaged.
    #[error("{path} is damaged at offset {offset}: {reason}")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where, in bytes from its start.
        offset: u64,
        /// What is wrong there.
        reason: String,
    },
    /// Transactions are missing between what was found and a file.
    #[error("transactions 0x{from:x} to 0x{to:x} before {path} are missing: no log or snapshot has them")]
    Missing {
        /// The first missing one.
        from: i64,
        /// The last missing one.
        to: i64,
        /// The file that follows them.
        path: PathBuf,
    },
}

impl StoreError {
    /// An error of the operating system.
    pub(crate) fn io(operation: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { operation, path: path.to_owned(), source }
    }

    /// Damage.
    pub(crate) fn corrupt(path: &Path, offset: usize, reason: impl Into<String>) -> Self {
        Self::Corrupt { path: path.to_owned(), offset: offset as u64, reason: reason.into() }
    }
}

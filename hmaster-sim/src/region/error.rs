//! What a region's operations can fail with, and as which Java exceptions clients see that.

use std::sync::Arc;

use hmaster_fs::rootdir::RootDirError;
use hmaster_fs::{FsError, FsPath};
use hmaster_store::FileError;
use hmaster_store::hfile::HFileWriteError;
use hmaster_store::wal::LogFailure;
use hmaster_types::{JavaException, class};

use crate::filter::FilterError;
use crate::scan::{ScanError, SpecError};
use crate::store_file::OpenFileError;

/// A read or a write of a region failed.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum RegionError {
    /// The region is closed or closing.
    #[error("{region} is closing")]
    Closing {
        /// Its full name.
        region: String,
    },
    /// The row belongs to another region.
    #[error(
        "Requested row out of range for {operation} on HRegion {region}, startKey='{start}', getEndKey()='{end}', row='{row}'"
    )]
    WrongRegion {
        /// What was tried.
        operation: &'static str,
        /// The region's full name.
        region: String,
        /// Its first row, printable.
        start: String,
        /// The first row after it, printable.
        end: String,
        /// The row, printable.
        row: String,
    },
    /// The table has no such column family.
    #[error("Column family {family} does not exist in region {region} in table {table}")]
    NoSuchFamily {
        /// The family, printable.
        family: String,
        /// The region's full name.
        region: String,
        /// The table.
        table: String,
    },
    /// The request makes no sense; the same one never will.
    #[error("{0}")]
    BadRequest(String),
    /// An argument that Java refuses with `IllegalArgumentException`.
    #[error("{0}")]
    IllegalArgument(String),
    /// More is in memory than may be; a flush is under way.
    #[error("Over memstore limit={limit_bytes}, regionName={region}, memstore size={bytes}")]
    TooBusy {
        /// The region's encoded name.
        region: String,
        /// How much is in memory.
        bytes: u64,
        /// How much may be.
        limit_bytes: u64,
    },
    /// Another request holds the lock of a row.
    #[error("Timed out waiting for lock for row: {row} in region {region}")]
    RowLock {
        /// The row, printable.
        row: String,
        /// The region's encoded name.
        region: String,
    },
    /// The log takes nothing any more: the server must end. Whether the edit is in the log isn't known.
    #[error("write to the log")]
    Log(#[from] LogFailure),
    /// A filter or a scan can't go on.
    #[error(transparent)]
    Scan(Arc<ScanError>),
    /// Files can't be read or written.
    #[error(transparent)]
    Storage(Arc<StorageError>),
}

/// A region's files can't be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StorageError {
    /// The file system failed.
    #[error("{doing}")]
    Fs {
        /// What was being done.
        doing: &'static str,
        /// The operation and the path.
        #[source]
        source: FsError,
    },
    /// The root folder isn't as it should be.
    #[error(transparent)]
    Root(#[from] RootDirError),
    /// A file can't be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A store file can't be written.
    #[error(transparent)]
    Write(#[from] HFileWriteError),
    /// A store file can't be read while it is being rewritten.
    #[error(transparent)]
    Read(#[from] crate::store_file::StoreFileError),
    /// The table keeps its store files in a way that isn't known here.
    #[error("store file tracker {tracker} of {region} isn't supported")]
    Tracker {
        /// What the table says.
        tracker: String,
        /// The region's encoded name.
        region: String,
    },
    /// A store file can't be opened.
    #[error(transparent)]
    Open(#[from] OpenFileError),
    /// Recovered edits can't be replayed.
    #[error("replay {path} at byte {offset}: {reason}")]
    Replay {
        /// The file.
        path: FsPath,
        /// Where in it.
        offset: u64,
        /// What is wrong.
        reason: String,
    },
    /// The log takes nothing any more.
    #[error("write to the log")]
    Log(#[from] LogFailure),
}

/// A region can't be opened.
#[derive(Debug, thiserror::Error)]
#[error("open region {region}")]
pub(crate) struct OpenError {
    /// Its full name.
    pub(crate) region: String,
    /// Why.
    #[source]
    pub(crate) source: StorageError,
}

impl StorageError {
    /// For `map_err` behind operations of the file system.
    pub(super) fn fs(doing: &'static str) -> impl Fn(FsError) -> Self {
        move |source| Self::Fs { doing, source }
    }
}

impl RegionError {
    /// The exception that a client is answered with.
    pub(crate) fn to_java(&self) -> JavaException {
        let class = match self {
            Self::Closing { .. } => class::NOT_SERVING_REGION,
            Self::WrongRegion { .. } => class::WRONG_REGION,
            Self::NoSuchFamily { .. } => class::NO_SUCH_COLUMN_FAMILY,
            Self::BadRequest(_) => class::DO_NOT_RETRY_IO,
            Self::IllegalArgument(_) => class::ILLEGAL_ARGUMENT,
            Self::TooBusy { .. } => class::REGION_TOO_BUSY,
            Self::RowLock { .. } | Self::Storage(_) => class::IO,
            Self::Log(_) => class::REGION_SERVER_ABORTED,
            Self::Scan(error) => match **error {
                ScanError::StoreFile(_) => class::IO,
                ScanError::Filter(_) | ScanError::IncompatibleFilter | ScanError::RowTooBig { .. } => {
                    class::DO_NOT_RETRY_IO
                }
            },
        };
        JavaException::new(class, chain(self))
    }
}

/// The error and all that lies below it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(error) = below {
        text.push_str(": ");
        text.push_str(&error.to_string());
        below = error.source();
    }
    text
}

impl From<ScanError> for RegionError {
    fn from(error: ScanError) -> Self {
        Self::Scan(Arc::new(error))
    }
}

impl From<StorageError> for RegionError {
    fn from(error: StorageError) -> Self {
        Self::Storage(Arc::new(error))
    }
}

impl From<SpecError> for RegionError {
    fn from(error: SpecError) -> Self {
        match error {
            SpecError::Argument(reason) => Self::IllegalArgument(reason),
            SpecError::Filter(FilterError(reason)) => Self::BadRequest(reason),
        }
    }
}

impl From<FilterError> for RegionError {
    fn from(FilterError(reason): FilterError) -> Self {
        Self::BadRequest(reason)
    }
}

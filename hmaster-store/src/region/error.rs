//! Why the region can't be opened.

use hmaster_fs::rootdir::RootDirError;
use hmaster_fs::{FsError, FsPath};

use crate::error::FileError;
use crate::wal::LogFailure;

/// The region can't be opened. What was done so far is found and gone on with by the next that tries.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file system failed.
    #[error("open the master's region: {doing}")]
    Fs {
        /// What was being done.
        doing: &'static str,
        /// What went wrong.
        #[source]
        source: FsError,
    },
    /// A file of the region, or of an earlier master's log, can't be read.
    #[error("open the master's region")]
    File(#[from] FileError),
    /// The table's folder can't be read or made.
    #[error("open the master's region")]
    RootDir(#[from] RootDirError),
    /// The table has several regions.
    #[error("open the master's region: {folder} has {regions} regions")]
    SeveralRegions {
        /// The table's folder.
        folder: FsPath,
        /// How many.
        regions: usize,
    },
    /// Store files are tracked in a way that isn't known here.
    #[error("open the master's region: store file tracker {tracker:?} isn't supported")]
    Tracker {
        /// Its name.
        tracker: String,
    },
    /// The log failed as soon as it was begun.
    #[error("open the master's region")]
    Log(#[from] LogFailure),
}

impl OpenError {
    /// For `map_err` behind operations of the file system.
    pub(super) fn fs(doing: &'static str) -> impl Fn(FsError) -> Self {
        move |source| Self::Fs { doing, source }
    }
}

/// The region has no such family.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the master's region has no family {family:?}")]
pub struct NoSuchFamily {
    /// The family's name.
    pub family: String,
}

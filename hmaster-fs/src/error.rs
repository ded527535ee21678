//! What a file system operation can fail with: which operation, on which path, in which of the ways that
//! callers tell apart, and the cause below.

use std::error::Error;
use std::fmt;
use std::io;

use crate::FsPath;

/// An operation on a file system failed.
#[derive(Debug, thiserror::Error)]
#[error("{operation} {path}: {kind}")]
pub struct FsError {
    /// What was tried.
    pub operation: Operation,
    /// The path that is at fault: of a rename, the one that is missing or in the way.
    pub path: FsPath,
    /// In which way it failed.
    pub kind: FsErrorKind,
    /// What lies below.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

/// The ways to fail that callers tell apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FsErrorKind {
    /// The path, or the folder that it should be in, doesn't exist.
    #[error("not found")]
    NotFound,
    /// Something is there already.
    #[error("already exists")]
    AlreadyExists,
    /// A folder has entries.
    #[error("folder not empty")]
    NotEmpty,
    /// A file stands where a folder is needed.
    #[error("not a folder")]
    NotADirectory,
    /// A folder stands where a file is needed.
    #[error("is a folder")]
    IsADirectory,
    /// Another process has taken the file over; this one must not go on. Final for a writer.
    #[error("fenced: the file is no longer this writer's")]
    Fenced,
    /// The NameNode takes no changes yet.
    #[error("the file system is in safe mode")]
    SafeMode,
    /// Not allowed.
    #[error("permission denied")]
    Permission,
    /// No room on the disk or in the quota.
    #[error("no space left")]
    NoSpace,
    /// A file is longer than its reader is ready to take.
    #[error("{bytes} bytes, at most {bytes_max} expected")]
    TooLarge {
        /// How long it is.
        bytes: u64,
        /// How long it may be.
        bytes_max: u64,
    },
    /// What was read can't be what was written.
    #[error("corrupt: {0}")]
    Corrupt(String),
    /// The request makes no sense, such as renaming a folder into itself.
    #[error("invalid: {0}")]
    Invalid(String),
    /// This file system can't do that.
    #[error("not supported: {0}")]
    Unsupported(String),
    /// What was waited for didn't come in time.
    #[error("timed out: {0}")]
    TimedOut(String),
    /// The file system can't be reached, and nothing was changed.
    #[error("unavailable")]
    Unavailable,
    /// It can't be known whether the operation took effect: the reply was lost, or the disk failed under it.
    #[error("outcome unknown")]
    Unknown,
}

/// What was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names of the methods of FileSystem, Reader and Writer")]
pub enum Operation {
    Status,
    List,
    Open,
    Read,
    Create,
    Write,
    Sync,
    Close,
    Mkdirs,
    Rename,
    Delete,
    SetModified,
    SetPermission,
    RecoverLease,
    SafeMode,
}

impl FsError {
    /// An error without a cause below.
    pub fn new(operation: Operation, path: &FsPath, kind: FsErrorKind) -> Self {
        Self { operation, path: path.clone(), kind, source: None }
    }

    /// An error with the cause below.
    pub fn caused_by(
        operation: Operation,
        path: &FsPath,
        kind: FsErrorKind,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { operation, path: path.clone(), kind, source: Some(source.into()) }
    }

    /// What the operating system answered.
    pub fn from_io(operation: Operation, path: &FsPath, source: io::Error) -> Self {
        let kind = kind_of(operation, &source);
        Self::caused_by(operation, path, kind, source)
    }

    /// True when the path doesn't exist.
    pub fn is_not_found(&self) -> bool {
        self.kind == FsErrorKind::NotFound
    }

    /// True when something is there already.
    pub fn is_already_exists(&self) -> bool {
        self.kind == FsErrorKind::AlreadyExists
    }

    /// True when the same call may succeed later without anybody's doing. After [`FsErrorKind::Unknown`] the
    /// caller must look first at what is there.
    pub fn is_transient(&self) -> bool {
        use FsErrorKind::{SafeMode, TimedOut, Unavailable, Unknown};
        matches!(self.kind, SafeMode | TimedOut(_) | Unavailable | Unknown)
    }
}

/// Turns an absent file into `None`.
pub trait NotFoundAsNone<T> {
    /// `None` for [`FsErrorKind::NotFound`]; other errors stay.
    ///
    /// # Errors
    /// The error, unless it says that the path doesn't exist.
    fn found(self) -> Result<Option<T>, FsError>;
}

impl<T> NotFoundAsNone<T> for Result<T, FsError> {
    fn found(self) -> Result<Option<T>, FsError> {
        match self {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn kind_of(operation: Operation, error: &io::Error) -> FsErrorKind {
    use io::ErrorKind as Io;
    match error.kind() {
        Io::NotFound => FsErrorKind::NotFound,
        Io::AlreadyExists => FsErrorKind::AlreadyExists,
        Io::DirectoryNotEmpty => FsErrorKind::NotEmpty,
        Io::NotADirectory => FsErrorKind::NotADirectory,
        Io::IsADirectory => FsErrorKind::IsADirectory,
        Io::PermissionDenied | Io::ReadOnlyFilesystem => FsErrorKind::Permission,
        Io::StorageFull | Io::QuotaExceeded => FsErrorKind::NoSpace,
        // Nothing can be under a name that is too long.
        Io::InvalidFilename if !operation.makes_names() => FsErrorKind::NotFound,
        Io::InvalidInput | Io::InvalidFilename | Io::CrossesDevices => {
            FsErrorKind::Invalid(error.to_string())
        }
        Io::Unsupported => FsErrorKind::Unsupported(error.to_string()),
        // A failing disk fails reads cleanly; what it did with a change is open.
        _ if operation.changes() => FsErrorKind::Unknown,
        _ => FsErrorKind::Unavailable,
    }
}

impl Operation {
    /// True when the operation changes what is on the file system.
    pub fn changes(self) -> bool {
        !matches!(self, Self::Status | Self::List | Self::Open | Self::Read | Self::SafeMode)
    }

    fn makes_names(self) -> bool {
        matches!(self, Self::Create | Self::Mkdirs | Self::Rename)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Status => "look at",
            Self::List => "list",
            Self::Open => "open",
            Self::Read => "read",
            Self::Create => "create",
            Self::Write => "write",
            Self::Sync => "sync",
            Self::Close => "close",
            Self::Mkdirs => "make folder",
            Self::Rename => "rename",
            Self::Delete => "delete",
            Self::SetModified => "set modification time of",
            Self::SetPermission => "set permission of",
            Self::RecoverLease => "recover lease of",
            Self::SafeMode => "probe safe mode at",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_operation_and_path() {
        let path: FsPath = "/hbase/x".parse().unwrap();
        let error = FsError::from_io(Operation::Open, &path, io::ErrorKind::NotFound.into());
        assert_eq!(error.to_string(), "open /hbase/x: not found");
        assert!(error.source().is_some());
        assert!(Err::<(), _>(error).found().unwrap().is_none());
    }

    #[test]
    fn a_failing_disk_leaves_changes_open() {
        let path = FsPath::root();
        let failed = |operation| FsError::from_io(operation, &path, io::Error::from_raw_os_error(5)).kind;
        assert_eq!(failed(Operation::Read), FsErrorKind::Unavailable);
        assert_eq!(failed(Operation::Sync), FsErrorKind::Unknown);
    }
}

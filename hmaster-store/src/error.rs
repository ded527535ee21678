//! What reading one of HBase's files can fail with: which file, where in it, and why.

use std::borrow::Cow;

use hmaster_fs::{FsError, FsPath};

/// Bytes can't be what they were taken for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at byte {offset}")]
pub struct Malformed {
    /// Where it was noticed, from the file's beginning.
    pub offset: u64,
    /// What is wrong there.
    pub reason: Cow<'static, str>,
}

/// A file can't be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file system failed.
    #[error("read a {kind}")]
    Fs {
        /// What kind of file it is.
        kind: FileKind,
        /// The operation and the path.
        #[source]
        source: FsError,
    },
    /// The file is damaged, or isn't what its name says.
    #[error("{kind} {path}: {malformed}")]
    Malformed {
        /// What kind of file it is.
        kind: FileKind,
        /// Where it is.
        path: FsPath,
        /// What is wrong with it.
        malformed: Malformed,
    },
    /// The file is fine, but uses what can't be read here.
    #[error("{kind} {path}: {feature} isn't supported")]
    Unsupported {
        /// What kind of file it is.
        kind: FileKind,
        /// Where it is.
        path: FsPath,
        /// What it uses.
        feature: Cow<'static, str>,
    },
}

/// The kinds of files that are read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A write-ahead log.
    Wal,
    /// A store file.
    HFile,
    /// A reference to half of a store file, or a link to one.
    Reference,
    /// A list of store files.
    StoreFileList,
    /// A table descriptor.
    TableDescriptor,
    /// A region's description.
    RegionInfo,
}

/// Why a file can't be read, as the parsers say it, who know no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseFailure {
    /// The bytes are damaged.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The bytes use what can't be read here.
    #[error("{0} isn't supported")]
    Unsupported(Cow<'static, str>),
}

impl Malformed {
    /// `reason` at `offset`.
    pub fn new(offset: u64, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { offset, reason: reason.into() }
    }

    /// The same, for bytes that begin at `base` of the file.
    #[must_use]
    pub fn after(self, base: u64) -> Self {
        Self { offset: base.saturating_add(self.offset), ..self }
    }
}

impl ParseFailure {
    /// The same, for bytes that begin at `base` of the file.
    #[must_use]
    pub fn after(self, base: u64) -> Self {
        match self {
            Self::Malformed(malformed) => Self::Malformed(malformed.after(base)),
            unsupported @ Self::Unsupported(_) => unsupported,
        }
    }

    /// The failure of a certain file.
    pub fn of(self, kind: FileKind, path: &FsPath) -> FileError {
        let path = path.clone();
        match self {
            Self::Malformed(malformed) => FileError::Malformed { kind, path, malformed },
            Self::Unsupported(feature) => FileError::Unsupported { kind, path, feature },
        }
    }
}

impl FileKind {
    /// For `map_err` behind operations of the file system.
    pub(crate) fn fs(self) -> impl Fn(FsError) -> FileError {
        move |source| FileError::Fs { kind: self, source }
    }
}

impl std::fmt::Display for FileKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Wal => "WAL",
            Self::HFile => "HFile",
            Self::Reference => "reference",
            Self::StoreFileList => "list of store files",
            Self::TableDescriptor => "table descriptor",
            Self::RegionInfo => "region info",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_file_and_place() {
        let path: FsPath = "/hbase/WALs/a/b.1".parse().unwrap();
        let failure = ParseFailure::from(Malformed::new(3, "not a cell")).after(40);
        let error = failure.of(FileKind::Wal, &path);
        assert_eq!(error.to_string(), "WAL /hbase/WALs/a/b.1: not a cell at byte 43");
        let error = ParseFailure::Unsupported("encryption".into()).after(1).of(FileKind::HFile, &path);
        assert_eq!(error.to_string(), "HFile /hbase/WALs/a/b.1: encryption isn't supported");
    }
}

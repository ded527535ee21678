//! What can be wrong with a root folder.

use std::error::Error;

use hmaster_types::{ParseError, TableName};

use crate::{FsError, FsPath};

/// An operation on the root folder failed.
#[derive(Debug, thiserror::Error)]
pub enum RootDirError {
    /// The file system failed it.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// A file isn't what it should be.
    #[error("read {path}: {what}; its content: {content}")]
    Content {
        /// The file.
        path: FsPath,
        /// What is wrong with it.
        what: String,
        /// The beginning of what is in it, printable.
        content: String,
        /// What decoding said.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// There is data, but nothing says in which version of the layout.
    #[error(
        "{path} is missing or empty, but {meta} exists: is {root} the root folder of a cluster? If so, \
         restore the file ('hbck2 filesystem -fix')"
    )]
    VersionMissing {
        /// The version file.
        path: FsPath,
        /// hbase:meta's region.
        meta: FsPath,
        /// The root folder.
        root: FsPath,
    },
    /// The layout is of another version.
    #[error("{path} says version {found:?}; this master works with version {wanted:?}: upgrade HBase first")]
    OtherVersion {
        /// The version file.
        path: FsPath,
        /// What it says.
        found: String,
        /// What it should say.
        wanted: &'static str,
    },
    /// A file stands where the root folder should be.
    #[error("{root} isn't a folder")]
    RootIsNoFolder {
        /// The configured root folder.
        root: FsPath,
    },
    /// The folder for WALs must not be inside the root folder.
    #[error("the folder for WALs, {wal_root}, is inside the root folder {root}")]
    WalRootInside {
        /// The folder for WALs.
        wal_root: FsPath,
        /// The root folder.
        root: FsPath,
    },
    /// A table's folder has no schema that can be read.
    #[error("no readable schema of table {table} in {folder}")]
    NoDescriptor {
        /// The table.
        table: TableName,
        /// Where its schema should be.
        folder: FsPath,
    },
    /// Ten schema files in a row were written by somebody else meanwhile, or their numbers are used up.
    #[error("write the schema of table {table}: no free sequence number in {folder}")]
    NoFreeSequence {
        /// The table.
        table: TableName,
        /// Where its schema should be.
        folder: FsPath,
    },
    /// Another file of that name was archived before.
    #[error("archive {file}: {archived} is there already, with {archived_bytes} bytes instead of {bytes}")]
    ArchiveClash {
        /// The file to archive.
        file: FsPath,
        /// Its length.
        bytes: u64,
        /// The file in the way.
        archived: FsPath,
        /// That one's length.
        archived_bytes: u64,
    },
    /// A region's sequence numbers would begin again below what was used.
    #[error("record sequence id {wanted} in {folder}: {recorded} is recorded already")]
    SequenceIdFalls {
        /// Where it should be recorded.
        folder: FsPath,
        /// The new one.
        wanted: i64,
        /// The one that is there.
        recorded: i64,
    },
    /// hbase:meta is to be made, but there is one with data.
    #[error(
        "make hbase:meta: {file} holds data of an hbase:meta that nobody knows the location of. Move its \
         folder aside, or repair the location with hbck2"
    )]
    MetaHasData {
        /// A store file.
        file: FsPath,
    },
    /// A name from outside isn't one.
    #[error(transparent)]
    Name(#[from] ParseError),
    /// A namespace is to be deleted that has tables.
    #[error("delete namespace folder {folder}: it contains table folder {entry}")]
    NamespaceNotEmpty {
        /// The namespace's folder.
        folder: FsPath,
        /// One of its entries.
        entry: String,
    },
    /// A path from outside leads elsewhere.
    #[error("{path} isn't a WAL below {root}")]
    NotAWal {
        /// The path.
        path: String,
        /// Where it should be.
        root: FsPath,
    },
}

impl RootDirError {
    /// The content is printed as `Bytes.toStringBinary` does, its first bytes only.
    pub(super) fn content(
        path: &FsPath,
        what: impl Into<String>,
        content: &[u8],
        source: Option<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        const SHOWN_BYTES_MAX: usize = 64;
        let mut shown = hmaster_types::to_string_binary(&content[..content.len().min(SHOWN_BYTES_MAX)]);
        if content.len() > SHOWN_BYTES_MAX {
            shown.push_str(&format!("… ({} bytes)", content.len()));
        }
        Self::Content { path: path.clone(), what: what.into(), content: shown, source }
    }

    /// True when a file or folder isn't there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Fs(error) if error.is_not_found())
    }

    /// True when the same call may succeed later without anybody's doing.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Fs(error) if error.is_transient())
    }
}

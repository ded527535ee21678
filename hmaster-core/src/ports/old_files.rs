//! Files that nobody works with any more: old WALs and the archive of store files. What may be deleted of them is decided
//! in [`crate::cleaners`].
//!
//! Paths are relative to the place they are in, with `/` between names; the empty path is the place itself.

use async_trait::async_trait;

use super::files::FilesError;

/// Where old files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attic {
    /// `oldWALs`.
    Wals,
    /// `archive`.
    StoreFiles,
}

/// A file or folder in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldFile {
    /// Its name in its folder.
    pub name: String,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// When it was last changed, in milliseconds since 1970: for an archived store file, when it was archived.
    pub modified_ms: u64,
}

/// Old files.
#[async_trait]
pub trait OldFiles: Send + Sync {
    /// What is in a folder; nothing when the folder isn't there.
    async fn list(&self, attic: Attic, folder: &str) -> Result<Vec<OldFile>, FilesError>;

    /// Deletes a file, or a folder that must be empty. One that is gone was deleted before.
    async fn delete(&self, attic: Attic, path: &str) -> Result<(), FilesError>;

    /// Whether a file is there, by its path below the root folder.
    async fn is_in_root(&self, path: &str) -> Result<bool, FilesError>;

    /// The names of all store files that snapshots refer to, complete ones and those being taken, as their manifests have
    /// them: names of files, of references, of links.
    async fn snapshot_files(&self) -> Result<Vec<String>, FilesError>;
}

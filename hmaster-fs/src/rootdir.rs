//! HBase's root folder: what is where, and how a master makes, reads and changes it. Counterpart of
//! `MasterFileSystem`, `FSUtils`, `FSTableDescriptors`, `HRegionFileSystem`, `HFileArchiver`, `WALSplitUtil`,
//! and of what `MasterWalManager` and `SplitWALManager` do with folders.
//!
//! Region servers, clients' tools and Java masters read and write the same files, so every name and every
//! byte is HBase's. Where the order of steps differs from Java's, the comment says why; after each step, a
//! Java master finds a state that it can go on from.
//!
//! Everything here can be done again: a call that ended in the middle, in a crash or an error, is repeated,
//! and comes to the same end. Nothing that holds data is deleted without having been archived.
//!
//! # Code map
//!
//! - [`Layout`]: the paths. `content.rs`: the bytes of the small files. Both without I/O.
//! - `bootstrap.rs`: a master begins ([`RootDir::prepare`]); `meta.rs`: hbase:meta's folder on a new cluster.
//! - `descriptors.rs`, `table_info.rs`: schemas. `tables.rs`: namespaces and tables. `regions.rs`,
//!   `sequence_ids.rs`: regions.
//! - `archive.rs`: where store files go instead of being deleted.
//! - `wals.rs`: folders of WALs of servers alive and dead.

mod archive;
mod bootstrap;
mod content;
mod descriptors;
mod error;
mod layout;
mod meta;
#[doc(hidden)]
pub mod parsers;
mod regions;
mod sequence_ids;
mod table_info;
mod tables;
#[cfg(test)]
mod tests;
mod wals;

use std::sync::Arc;

use hmaster_types::Clock;

use crate::{FileSystem, FsPath, FsUri, GuardedFileSystem, Permit};

pub use bootstrap::{PrepareOptions, RootInfo};
pub use content::FILE_SYSTEM_VERSION;
pub use descriptors::TableSchemas;
pub use error::RootDirError;
pub use layout::Layout;
pub use meta::{MetaOptions, meta_descriptor};
pub use regions::FoundRegion;
pub use wals::{WalFolder, WalKind};

/// A root folder in its file system, and the one for WALs, which may be in another. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RootDir {
    fs: Arc<dyn FileSystem>,
    wal_fs: Arc<dyn FileSystem>,
    layout: Layout,
    clock: Arc<dyn Clock>,
}

impl RootDir {
    /// The root folder `root` (`hbase.rootdir`), with WALs in it, too.
    pub fn new(fs: Arc<dyn FileSystem>, root: FsPath, clock: Arc<dyn Clock>) -> Self {
        let wal_fs = Arc::clone(&fs);
        Self { fs, wal_fs, layout: Layout::new(root), clock }
    }

    /// The same, with WALs in `wal_root` (`hbase.wal.dir`) of a file system that may be another.
    ///
    /// # Errors
    /// When `wal_root` is in the same file system and inside the root folder: Java refuses that.
    pub fn with_wals_in(
        mut self,
        wal_fs: Arc<dyn FileSystem>,
        wal_root: FsPath,
    ) -> Result<Self, RootDirError> {
        let same_fs = wal_fs.uri(&wal_root) == self.fs.uri(&wal_root);
        let inside = self.layout.root().contains(&wal_root) && wal_root != *self.layout.root();
        if same_fs && inside {
            let root = self.layout.root().clone();
            return Err(RootDirError::WalRootInside { wal_root, root });
        }
        self.layout = self.layout.with_wal_root(wal_root);
        self.wal_fs = wal_fs;
        Ok(self)
    }

    /// The same, to be changed as long as `permit` is valid.
    #[must_use]
    pub fn guarded(&self, permit: &Arc<dyn Permit>) -> Self {
        let guard = |fs: &Arc<dyn FileSystem>| -> Arc<dyn FileSystem> {
            Arc::new(GuardedFileSystem::new(Arc::clone(fs), Arc::clone(permit)))
        };
        Self { fs: guard(&self.fs), wal_fs: guard(&self.wal_fs), ..self.clone() }
    }

    /// Where everything is.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The file system of the root folder.
    pub fn file_system(&self) -> &Arc<dyn FileSystem> {
        &self.fs
    }

    /// The file system of the WALs.
    pub fn wal_file_system(&self) -> &Arc<dyn FileSystem> {
        &self.wal_fs
    }

    /// The root folder as region servers are told it.
    pub fn uri(&self) -> FsUri {
        self.fs.uri(self.layout.root())
    }

    /// True when WALs are in a folder of their own.
    fn has_own_wal_root(&self) -> bool {
        self.wal_fs.uri(self.layout.wal_root()) != self.uri()
    }
}

//! What reading needs of a store file ([`StoreFile`]), and the ones on disk: `disk.rs`, with a cache of their blocks in
//! `block_cache.rs`. Counterpart of `StoreFileReader`, `HStoreFile` and `LruBlockCache`.

mod block_cache;
mod disk;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use hmaster_types::Cell;

use crate::scan::Target;

pub(crate) use block_cache::BlockCache;
pub(crate) use disk::{DiskFile, OpenFileError, Place};

/// A store file can't be read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(crate) struct StoreFileError(pub(crate) Arc<dyn std::error::Error + Send + Sync>);

/// A sorted file of cells in blocks.
#[async_trait]
pub(crate) trait StoreFile: Send + Sync + fmt::Debug {
    /// How many blocks.
    fn block_count(&self) -> usize;

    /// The block in which to look for a target: the last one that begins before it, or the first one.
    fn find(&self, target: &Target) -> usize;

    /// The cells of a block. `sequential` says that the one before was read, and the next ones may be.
    ///
    /// # Errors
    /// When the file can't be read.
    async fn block(&self, at: usize, sequential: bool) -> Result<Arc<[Cell]>, StoreFileError>;
}

//! A store file in memory, with tiny blocks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use hmaster_types::{Cell, CellOrder};

use crate::scan::Target;
use crate::store_file::{StoreFile, StoreFileError};

#[derive(Debug)]
pub(super) struct FakeFile {
    order: CellOrder,
    blocks: Vec<Arc<[Cell]>>,
    pub(super) reads: AtomicUsize,
}

impl FakeFile {
    pub(super) fn new(mut cells: Vec<Cell>, per_block: usize, order: CellOrder) -> Self {
        cells.sort_by(|a, b| order.compare(a, b));
        let blocks = cells.chunks(per_block).map(Arc::from).collect();
        Self { order, blocks, reads: AtomicUsize::new(0) }
    }
}

#[async_trait]
impl StoreFile for FakeFile {
    fn block_count(&self) -> usize {
        self.blocks.len()
    }

    fn find(&self, target: &Target) -> usize {
        let begins_before = |block: &Arc<[Cell]>| !target.is_reached_by(self.order, &block[0]);
        self.blocks.partition_point(begins_before).saturating_sub(1)
    }

    async fn block(&self, at: usize, _: bool) -> Result<Arc<[Cell]>, StoreFileError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await; // as a real one does
        Ok(self.blocks[at].clone())
    }
}

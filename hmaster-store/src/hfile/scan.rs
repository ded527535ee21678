//! Reads the cells of an HFile in order, all or a range. Counterpart of `HFileScanner` and `HalfStoreFileReader`.
//!
//! Goes from block to block as they lie in the file and passes by those without data; the index is used to find the
//! first one. One block and what was read ahead is all that is in memory.

use std::cmp::Ordering;
use std::vec;

use hmaster_types::{Cell, CellOrder};

use super::encoding;
use super::reader::{HFile, Window};
use crate::error::{FileError, Malformed};

/// Which cells to read.
#[derive(Debug, Clone, Default)]
pub struct ScanRange {
    /// The first key, as a cell; none for the file's first.
    pub from: Option<Cell>,
    /// The first key after the range, as a cell; none for all to the end.
    pub until: Option<Cell>,
}

/// Cells of an HFile that are being read.
#[derive(Debug)]
pub struct HFileScan {
    file: HFile,
    range: ScanRange,
    window: Window,
    /// Where the next block is; none before the first.
    at: Option<u64>,
    cells: vec::IntoIter<Cell>,
    read: u64,
    is_done: bool,
}

impl ScanRange {
    /// All cells.
    pub fn all() -> Self {
        Self::default()
    }

    fn is_all(&self) -> bool {
        self.from.is_none() && self.until.is_none()
    }

    fn begins_after(&self, cell: &Cell, order: CellOrder) -> bool {
        self.from.as_ref().is_some_and(|from| order.compare_keys(cell, from) == Ordering::Less)
    }

    fn ends_before(&self, cell: &Cell, order: CellOrder) -> bool {
        self.until.as_ref().is_some_and(|until| order.compare_keys(cell, until) != Ordering::Less)
    }
}

impl HFileScan {
    pub(super) fn new(file: HFile, range: ScanRange) -> Self {
        let (window, cells) = (Window::default(), Vec::new().into_iter());
        Self { file, range, window, at: None, cells, read: 0, is_done: false }
    }

    /// The next cell, with its sequence id if the file has it. It shares memory with its block.
    ///
    /// # Errors
    /// When the file is damaged here, or can't be read; at the end of a scan of all cells, when there were more or
    /// fewer than the file says.
    pub async fn next(&mut self) -> Result<Option<Cell>, FileError> {
        while !self.is_done {
            for cell in self.cells.by_ref() {
                self.read += 1;
                if self.range.begins_after(&cell, self.file.order()) {
                    continue;
                }
                if self.range.ends_before(&cell, self.file.order()) {
                    self.is_done = true;
                    return Ok(None);
                }
                return Ok(Some(cell));
            }
            self.next_block().await?;
        }
        Ok(None)
    }

    async fn next_block(&mut self) -> Result<(), FileError> {
        let (at, trailer) = (self.next_offset().await?, self.file.trailer());
        let (Some(at), Some(last)) = (at, trailer.last_data_block_offset) else { return self.end() };
        if at > last {
            return self.end();
        }
        let (source, limit) = (self.file.source(), trailer.load_on_open_offset);
        let (block, next) = self.window.block(source, at, limit, trailer).await?;
        self.at = Some(next);
        if block.block_type.is_data() {
            let cells = encoding::decode(&block, self.file.layout());
            self.cells = cells.map_err(|failure| source.failed(failure.after(at)))?.into_iter();
        }
        Ok(())
    }

    async fn next_offset(&mut self) -> Result<Option<u64>, FileError> {
        match (self.at, &self.range.from) {
            (Some(at), _) => Ok(Some(at)),
            (None, Some(from)) => self.file.block_offset(&mut self.window, from).await,
            (None, None) => Ok(self.file.trailer().first_data_block_offset),
        }
    }

    fn end(&mut self) -> Result<(), FileError> {
        self.is_done = true;
        let expected = self.file.trailer().entry_count;
        if self.range.is_all() && self.read != expected {
            let reason = format!("{} cells were found, the trailer says {expected}", self.read);
            let malformed = Malformed::new(self.file.source().length(), reason);
            return Err(self.file.source().failed(malformed.into()));
        }
        Ok(())
    }
}

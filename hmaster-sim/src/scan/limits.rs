//! How much one call for a row may take. Counterpart of `ScannerContext`.

use tokio::time::Instant;

use hmaster_types::Cell;

/// Where a limit may cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// Between rows only.
    Rows,
    /// Also within a row.
    Cells,
}

/// Why a row ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It is complete, or nothing was read.
    Nothing,
    /// Its batch of cells is full, or the answer's size is reached, or time is up, and the row has more cells.
    MidRow,
}

/// Limits, and what was used up of them. They outlast a row: sizes add up over the rows of a call.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// Cells per result.
    pub(crate) batch: Option<usize>,
    /// Bytes per call, of cells and of what they take in memory.
    pub(crate) size_max: Option<u64>,
    pub(crate) size_scope: Scope,
    /// When to return what there is.
    pub(crate) deadline: Option<Instant>,
    pub(crate) time_scope: Scope,
    pub(super) cells: usize,
    pub(super) data_bytes: u64,
    pub(super) heap_bytes: u64,
    pub(super) stop: Stop,
}

/// What Java's `KeyValue` takes beside its bytes.
const CELL_HEAP_OVERHEAD: u64 = 64;

impl Limits {
    /// None at all, except on the cells of a result.
    pub(crate) fn batch_only(batch: Option<usize>) -> Self {
        Self {
            batch,
            size_max: None,
            size_scope: Scope::Rows,
            deadline: None,
            time_scope: Scope::Rows,
            cells: 0,
            data_bytes: 0,
            heap_bytes: 0,
            stop: Stop::Nothing,
        }
    }

    /// Whether the last result may lack cells of its row.
    pub(crate) fn stopped_mid_row(&self) -> bool {
        self.stop == Stop::MidRow
    }

    /// Whether the size is reached, as seen between cells or between rows.
    pub(crate) fn size_reached(&self, at: Scope) -> bool {
        at <= self.size_scope
            && self.size_max.is_some_and(|max| self.data_bytes >= max || self.heap_bytes >= max)
    }

    /// Whether time is up, as seen between cells or between rows.
    pub(crate) fn time_reached(&self, at: Scope) -> bool {
        at <= self.time_scope && self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    pub(super) fn batch_reached(&self) -> bool {
        self.batch.is_some_and(|batch| self.cells >= batch)
    }

    pub(super) fn any_reached(&self, at: Scope) -> bool {
        self.batch_reached() || self.size_reached(at) || self.time_reached(at)
    }

    /// Begins a result.
    pub(super) fn begin_result(&mut self) {
        (self.cells, self.stop) = (0, Stop::Nothing);
    }

    pub(super) fn count(&mut self, cell: &Cell) {
        let bytes = cell.as_bytes().len() as u64;
        self.cells += 1;
        self.data_bytes += bytes;
        self.heap_bytes += bytes + CELL_HEAP_OVERHEAD;
    }

    /// What was used up so far, to go back to with [`Limits::restore`].
    pub(super) fn mark(&self) -> (u64, u64) {
        (self.data_bytes, self.heap_bytes)
    }

    pub(super) fn restore(&mut self, (data_bytes, heap_bytes): (u64, u64)) {
        (self.cells, self.data_bytes, self.heap_bytes) = (0, data_bytes, heap_bytes);
    }
}

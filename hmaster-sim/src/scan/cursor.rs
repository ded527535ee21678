//! A place in one sorted source of cells: a segment of a memstore or a store file. Counterpart of `KeyValueScanner`,
//! `SegmentScanner` and `StoreFileScanner`.
//!
//! A cursor works on a run of cells at hand: a block of a file, or a copy from a segment. Moving within the run is
//! plain code; when the next cell lies elsewhere, the cursor says so ([`Cursor::is_waiting`]), and [`Cursor::load`] fetches it.
//! Cells that the reader may not see yet don't show.

use std::cmp::Ordering;
use std::sync::Arc;

use bytes::Bytes;
use hmaster_types::{Cell, CellOrder};

use super::Target;
use crate::memstore::Segment;
use crate::store_file::{StoreFile, StoreFileError};

/// Cells copied from a segment at once: enough to make the lock cheap, few enough for short scans.
const RUN_CELLS_MAX: usize = 256;
/// Of a run after a seek, fewer: a get reads a row.
const FIRST_RUN_CELLS_MAX: usize = 16;

/// Where cells come from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// Memory.
    Segment(Arc<Segment>),
    /// A store file.
    File(Arc<dyn StoreFile>),
}

/// A place in a source.
#[derive(Debug)]
pub(crate) struct Cursor {
    source: Source,
    order: CellOrder,
    read_point: u64,
    /// Of equal cells, the one from the source of higher rank is newer.
    rank: u64,
    run: Arc<[Cell]>,
    at: usize,
    /// The run's place in a file.
    block: usize,
    state: State,
}

#[derive(Debug, Clone)]
enum State {
    /// At `run[at]`.
    Ready,
    /// Something must be fetched first.
    Waiting(Wanted),
    /// Beyond the last cell, or before the first one.
    Ended,
}

#[derive(Debug, Clone)]
enum Wanted {
    /// The first cell that isn't before it.
    Seek(Target),
    /// What follows the run.
    Next,
    /// The first cell of the row of the last cell before this; of the last row of all without one.
    RowBefore(Option<Target>),
}

impl Cursor {
    /// A cursor that waits to be loaded at `target`.
    pub(crate) fn at(source: Source, order: CellOrder, read_point: u64, rank: u64, target: Target) -> Self {
        Self::waiting(source, order, read_point, rank, Wanted::Seek(target))
    }

    /// A cursor that waits to be loaded at the last row with cells before `target`, or the last row.
    pub(crate) fn at_row_before(
        source: Source,
        order: CellOrder,
        read_point: u64,
        rank: u64,
        target: Option<Target>,
    ) -> Self {
        Self::waiting(source, order, read_point, rank, Wanted::RowBefore(target))
    }

    fn waiting(source: Source, order: CellOrder, read_point: u64, rank: u64, wanted: Wanted) -> Self {
        let (run, state) = (Arc::default(), State::Waiting(wanted));
        let mut cursor = Self { source, order, read_point, rank, run, at: 0, block: 0, state };
        cursor.load_from_memory();
        cursor
    }

    /// The cell that the cursor is at; none while it waits, and at the end.
    pub(crate) fn peek(&self) -> Option<&Cell> {
        match self.state {
            State::Ready => self.run.get(self.at),
            _ => None,
        }
    }

    /// True when [`Cursor::load`] must be called.
    pub(crate) fn is_waiting(&self) -> bool {
        matches!(self.state, State::Waiting(_))
    }

    /// How cells of two cursors come after one another.
    pub(crate) fn compare(&self, a: &Cell, other: &Self, b: &Cell) -> Ordering {
        self.order.compare(a, b).then_with(|| other.rank.cmp(&self.rank))
    }

    /// Moves to the next cell.
    pub(crate) fn advance(&mut self) {
        if matches!(self.state, State::Ready) {
            self.at += 1;
            self.settle();
        }
    }

    /// Moves forward to a target, or stays when it has been reached.
    pub(crate) fn seek(&mut self, target: &Target) {
        let near = match &self.state {
            State::Ready => self.gallop(target),
            // What is waited for wasn't seen yet, and may lie before the target.
            State::Waiting(Wanted::Next) => None,
            State::Waiting(Wanted::Seek(before)) if self.is_nearer(before, target) => None,
            State::Waiting(_) | State::Ended => return,
        };
        if let Some(at) = near {
            self.at = at;
            self.settle();
        } else {
            self.state = State::Waiting(Wanted::Seek(target.clone()));
            self.load_from_memory();
        }
    }

    fn is_nearer(&self, a: &Target, b: &Target) -> bool {
        self.order.compare(&a.to_cell(), &b.to_cell()).is_lt()
    }

    /// Moves back to the first cell of the last row with cells before `target`.
    pub(crate) fn seek_row_before(&mut self, target: &Target) {
        self.state = State::Waiting(Wanted::RowBefore(Some(target.clone())));
        self.load_from_memory();
    }

    /// Fetches what the cursor waits for.
    ///
    /// # Errors
    /// When the file can't be read.
    pub(crate) async fn load(&mut self) -> Result<(), StoreFileError> {
        while let State::Waiting(wanted) = self.state.clone() {
            let Source::File(file) = self.source.clone() else {
                self.load_from_memory();
                return Ok(());
            };
            match wanted {
                Wanted::Next => self.load_block(&*file, self.block + 1, true).await?,
                Wanted::Seek(target) => self.load_target(&*file, &target).await?,
                Wanted::RowBefore(row) => self.load_row_before(&*file, row).await?,
            }
        }
        Ok(())
    }

    /// The place of `target` in the run, from here on; none when it lies behind the run. Near targets are found in
    /// few steps, and most are near.
    fn gallop(&self, target: &Target) -> Option<usize> {
        let rest = &self.run[self.at..];
        let reached = |cell: &Cell| target.is_reached_by(self.order, cell);
        if !rest.last().is_some_and(reached) {
            return None;
        }
        let mut step = 1;
        while step < rest.len() && !reached(&rest[step - 1]) {
            step *= 2;
        }
        let (from, to) = (step / 2, step.min(rest.len()));
        Some(self.at + from + rest[from..to].partition_point(|cell| !reached(cell)))
    }

    /// Skips what the reader may not see; at the end of the run, waits for the next one.
    fn settle(&mut self) {
        while let Some(cell) = self.run.get(self.at) {
            if cell.sequence_id() <= self.read_point {
                self.state = State::Ready;
                return;
            }
            self.at += 1;
        }
        self.state = State::Waiting(Wanted::Next);
        self.load_from_memory();
    }

    fn load_from_memory(&mut self) {
        let (Source::Segment(segment), State::Waiting(wanted)) = (&self.source, &self.state) else { return };
        let run = match wanted {
            Wanted::Seek(target) => segment.read_from(target, self.read_point, FIRST_RUN_CELLS_MAX),
            Wanted::Next => match self.run.last() {
                Some(last) => segment.read_after(last, self.read_point, RUN_CELLS_MAX),
                None => Vec::new(),
            },
            Wanted::RowBefore(target) => match segment.row_before(target.as_ref(), self.read_point) {
                Some(row) => segment.read_from(&Target::Row(row), self.read_point, FIRST_RUN_CELLS_MAX),
                None => Vec::new(),
            },
        };
        self.state = if run.is_empty() { State::Ended } else { State::Ready };
        (self.run, self.at) = (run.into(), 0);
    }

    async fn load_block(
        &mut self,
        file: &dyn StoreFile,
        block: usize,
        sequential: bool,
    ) -> Result<(), StoreFileError> {
        if block >= file.block_count() {
            self.state = State::Ended;
            return Ok(());
        }
        (self.run, self.at, self.block) = (file.block(block, sequential).await?, 0, block);
        self.settle();
        Ok(())
    }

    async fn load_target(&mut self, file: &dyn StoreFile, target: &Target) -> Result<(), StoreFileError> {
        self.load_block(file, file.find(target), false).await?;
        // The block begins before the target; when it ends before it, the next one begins behind it.
        self.at = self.run.partition_point(|cell| !target.is_reached_by(self.order, cell));
        if !matches!(self.state, State::Ended) {
            self.settle();
        }
        Ok(())
    }

    async fn load_row_before(
        &mut self,
        file: &dyn StoreFile,
        before: Option<Target>,
    ) -> Result<(), StoreFileError> {
        let mut before = before;
        loop {
            let Some(row) = self.row_before(file, before.as_ref()).await? else {
                self.state = State::Ended;
                return Ok(());
            };
            let target = Target::Row(row.clone());
            self.load_target(file, &target).await?;
            while matches!(self.state, State::Waiting(_)) {
                self.load_block(file, self.block + 1, true).await?;
            }
            if self.peek().is_some_and(|cell| *cell.row() == *row) {
                return Ok(());
            }
            before = Some(target); // the reader sees none of its cells
        }
    }

    /// The row of the last cell of the file before a target, whether the reader sees it or not.
    async fn row_before(
        &self,
        file: &dyn StoreFile,
        before: Option<&Target>,
    ) -> Result<Option<Bytes>, StoreFileError> {
        let is_before = |cell: &Cell| before.is_none_or(|target| !target.is_reached_by(self.order, cell));
        let mut block =
            before.map_or(file.block_count(), |target| file.block_count().min(file.find(target) + 1));
        while block > 0 {
            block -= 1;
            let run = file.block(block, false).await?;
            let end = run.partition_point(is_before);
            if let Some(cell) = run[..end].last() {
                return Ok(Some(Bytes::copy_from_slice(cell.row())));
            }
        }
        Ok(None)
    }
}

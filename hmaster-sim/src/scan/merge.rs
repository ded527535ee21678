//! Several sources of one store as one sorted run of cells, rows rising or falling. Counterpart of `KeyValueHeap` and
//! `ReversedKeyValueHeap`.
//!
//! Rows falling, the cells within a row still come in their usual order.

use std::cmp::Ordering;

use bytes::Bytes;
use futures_util::future::try_join_all;
use hmaster_types::{Cell, CellOrder};

use super::Target;
use super::cursor::{Cursor, Source};
use crate::store_file::StoreFileError;

/// One sorted run of cells out of several sources.
#[derive(Debug)]
pub(crate) struct Merge {
    order: CellOrder,
    direction: Direction,
    cursors: Vec<Cursor>,
    /// The cursors that have a cell of the current row or later ones, first comes first. Only kept up when `sorted`.
    ready: Vec<usize>,
    sorted: bool,
}

#[derive(Debug)]
enum Direction {
    Rising,
    /// The row that cells come from now.
    Falling(Option<Bytes>),
}

/// What is next.
#[derive(Debug)]
pub(crate) enum Next<'a> {
    Cell(&'a Cell),
    /// [`Merge::load`] must be called first.
    Waiting,
    End,
}

impl Merge {
    /// Rows rising from `start`. Sources that hold newer cells come first.
    pub(crate) fn rising(sources: Vec<Source>, order: CellOrder, read_point: u64, start: &Target) -> Self {
        let cursors = ranked(sources)
            .map(|(source, rank)| Cursor::at(source, order, read_point, rank, start.clone()))
            .collect();
        Self { order, direction: Direction::Rising, cursors, ready: Vec::new(), sorted: false }
    }

    /// Rows falling from the last one with cells before `before`, or from the last one.
    pub(crate) fn falling(
        sources: Vec<Source>,
        order: CellOrder,
        read_point: u64,
        before: Option<&Target>,
    ) -> Self {
        let cursors = ranked(sources)
            .map(|(source, rank)| Cursor::at_row_before(source, order, read_point, rank, before.cloned()))
            .collect();
        Self { order, direction: Direction::Falling(None), cursors, ready: Vec::new(), sorted: false }
    }

    /// What is next.
    pub(crate) fn peek(&mut self) -> Next<'_> {
        while !self.sorted {
            if self.cursors.iter().any(Cursor::is_waiting) {
                return Next::Waiting;
            }
            self.sort();
        }
        match self.ready.first().and_then(|first| self.cursors[*first].peek()) {
            Some(cell) => Next::Cell(cell),
            None => Next::End,
        }
    }

    /// Fetches what sources wait for, all at once.
    ///
    /// # Errors
    /// When a file can't be read.
    pub(crate) async fn load(&mut self) -> Result<(), StoreFileError> {
        try_join_all(self.cursors.iter_mut().filter(|cursor| cursor.is_waiting()).map(Cursor::load)).await?;
        Ok(())
    }

    /// Leaves the cell that is next.
    pub(crate) fn advance(&mut self) {
        let Some(first) = self.ready.first().copied().filter(|_| self.sorted) else { return };
        self.cursors[first].advance();
        if self.cursors[first].is_waiting() || matches!(self.direction, Direction::Falling(_)) {
            self.sorted = false;
        } else if self.cursors[first].peek().is_none() {
            self.ready.remove(0);
        } else {
            self.sink_first();
        }
    }

    /// Moves to a target that isn't behind; rows falling, one within the current row.
    pub(crate) fn seek(&mut self, target: &Target) {
        let row = match &self.direction {
            Direction::Rising => None,
            Direction::Falling(row) => Some(row.as_deref().unwrap_or_default()),
        };
        for cursor in &mut self.cursors {
            let in_row = row.is_none_or(|row| cursor.peek().is_some_and(|cell| cell.row() == row));
            if in_row {
                cursor.seek(target);
            }
        }
        self.sorted = false;
    }

    /// Leaves a row.
    pub(crate) fn skip_row(&mut self, row: &Bytes) {
        match self.direction {
            Direction::Rising => self.seek(&Target::AfterRow(row.clone())),
            Direction::Falling(_) => self.fall_below(&Target::Row(row.clone())),
        }
    }

    /// Moves towards a hint of a filter's; at least to the next cell, if the hint isn't ahead.
    pub(crate) fn seek_hint(&mut self, at: &Cell, hint: &Cell) {
        match self.direction {
            Direction::Rising if self.order.compare(hint, at).is_gt() => {
                self.seek(&Target::Key(hint.clone()));
            }
            Direction::Rising => self.advance(),
            Direction::Falling(_) => match self.order.compare_rows(hint.row(), at.row()) {
                Ordering::Less => self.fall_to(hint.row(), at.row()),
                Ordering::Equal if self.order.compare(hint, at).is_gt() => {
                    self.seek(&Target::Key(hint.clone()));
                }
                _ => self.advance(),
            },
        }
    }

    /// Goes to the last row that isn't after `row`, and is before `current`.
    fn fall_to(&mut self, row: &[u8], current: &[u8]) {
        self.fall_below(&if self.order.compare_rows(row, current).is_lt() {
            Target::AfterRow(Bytes::copy_from_slice(row))
        } else {
            Target::Row(Bytes::copy_from_slice(current))
        });
    }

    fn fall_below(&mut self, target: &Target) {
        for cursor in &mut self.cursors {
            // One that waits or has ended may have passed its row's last cell: rows before it are left.
            if cursor.peek().is_none_or(|cell| target.is_reached_by(self.order, cell)) {
                cursor.seek_row_before(target);
            }
        }
        self.direction = Direction::Falling(None);
        self.sorted = false;
    }

    /// Moves the first cursor behind those whose cells come before its own.
    fn sink_first(&mut self) {
        let mut at = 0;
        while at + 1 < self.ready.len() && self.compare(self.ready[at + 1], self.ready[at]).is_lt() {
            self.ready.swap(at, at + 1);
            at += 1;
        }
    }

    fn compare(&self, a: usize, b: usize) -> Ordering {
        let (a, b) = (&self.cursors[a], &self.cursors[b]);
        match (a.peek(), b.peek()) {
            (Some(cell), Some(other)) => a.compare(cell, b, other),
            (cell, other) => other.is_some().cmp(&cell.is_some()), // those without come last
        }
    }

    /// Finds the cursors that count now, and their order. All are loaded.
    fn sort(&mut self) {
        let row = match &mut self.direction {
            Direction::Rising => None,
            Direction::Falling(row) => {
                let rows = self.cursors.iter().filter_map(Cursor::peek).map(Cell::row);
                let current = match row.take() {
                    Some(row) => row,
                    None => match rows.clone().max_by(|a, b| self.order.compare_rows(a, b)) {
                        Some(last) => Bytes::copy_from_slice(last),
                        None => return self.end(),
                    },
                };
                if !rows.clone().any(|row| *row == *current) {
                    return self.fall_below(&Target::Row(current)); // all its cells were given
                }
                Some(row.insert(current).clone())
            }
        };
        let counts = |cell: &Cell| row.as_ref().is_none_or(|row| *cell.row() == **row);
        let mut ready = std::mem::take(&mut self.ready);
        ready.clear();
        ready.extend((0..self.cursors.len()).filter(|i| self.cursors[*i].peek().is_some_and(counts)));
        ready.sort_unstable_by(|a, b| self.compare(*a, *b));
        (self.ready, self.sorted) = (ready, true);
    }

    fn end(&mut self) {
        self.ready.clear();
        self.sorted = true;
    }
}

/// The first source is the newest.
fn ranked(sources: Vec<Source>) -> impl Iterator<Item = (Source, u64)> {
    let newest = sources.len() as u64;
    sources.into_iter().enumerate().map(move |(i, source)| (source, newest - i as u64))
}

//! Cells in memory, sorted. Counterpart of `Segment`, `CellSet` and `DefaultMemStore`.
//!
//! A segment takes new cells until it is sealed for a flush. Readers copy a run of cells at a time under a short lock;
//! since cells are shared buffers, that copies pointers. Which cells a reader may see is decided by their sequence ids,
//! so a reader needs no further protection from writers.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64};

use bytes::Bytes;
use hmaster_types::{Cell, CellOrder};
use parking_lot::RwLock;

use crate::scan::Target;

/// What one cell takes beside its bytes: its place in the tree, the handle of its buffer, and its share of the buffer's
/// own overhead. Java's counts about as much.
const CELL_OVERHEAD_BYTES: u64 = 112;

/// Sorted cells in memory.
#[derive(Debug)]
pub(crate) struct Segment {
    cells: RwLock<Cells>,
    data_bytes: AtomicU64,
    count: AtomicU64,
    /// The timestamp of the oldest put.
    earliest_put: AtomicI64,
    /// The lowest sequence id.
    oldest_sequence: AtomicU64,
    has_tags: AtomicBool,
}

/// A cell that sorts as user tables do, or as hbase:meta does.
#[derive(Debug)]
struct Sorted<const META: bool>(Cell);

#[derive(Debug)]
enum Cells {
    User(BTreeSet<Sorted<false>>),
    Meta(BTreeSet<Sorted<true>>),
}

impl<const META: bool> Sorted<META> {
    const ORDER: CellOrder = if META { CellOrder::Meta } else { CellOrder::User };
}

impl<const META: bool> Ord for Sorted<META> {
    fn cmp(&self, other: &Self) -> Ordering {
        Self::ORDER.compare(&self.0, &other.0)
    }
}

impl<const META: bool> PartialOrd for Sorted<META> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<const META: bool> PartialEq for Sorted<META> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<const META: bool> Eq for Sorted<META> {}

impl Segment {
    /// An empty segment.
    pub(crate) fn new(order: CellOrder) -> Self {
        let cells = match order {
            CellOrder::User => Cells::User(BTreeSet::new()),
            CellOrder::Meta => Cells::Meta(BTreeSet::new()),
        };
        Self {
            cells: RwLock::new(cells),
            data_bytes: AtomicU64::new(0),
            count: AtomicU64::new(0),
            earliest_put: AtomicI64::new(i64::MAX),
            oldest_sequence: AtomicU64::new(u64::MAX),
            has_tags: AtomicBool::new(false),
        }
    }

    /// Adds cells with their sequence ids. One that equals another in all but its value takes its place.
    pub(crate) fn add(&self, cells: impl IntoIterator<Item = Cell>) {
        let (mut bytes, mut count) = (0i64, 0i64);
        let mut sorted = self.cells.write();
        for cell in cells {
            if !cell.cell_type().is_delete() {
                self.earliest_put.fetch_min(cell.timestamp(), Relaxed);
            }
            self.oldest_sequence.fetch_min(cell.sequence_id(), Relaxed);
            if !cell.tags().is_empty() {
                self.has_tags.store(true, Relaxed);
            }
            bytes += cell.as_bytes().len() as i64;
            let replaced = match &mut *sorted {
                Cells::User(set) => set.replace(Sorted(cell)).map(|old| old.0),
                Cells::Meta(set) => set.replace(Sorted(cell)).map(|old| old.0),
            };
            match replaced {
                Some(old) => bytes -= old.as_bytes().len() as i64,
                None => count += 1,
            }
        }
        self.data_bytes.fetch_add(bytes as u64, Relaxed); // two's complement: may fall
        self.count.fetch_add(count as u64, Relaxed);
    }

    /// How many cells.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Relaxed)
    }

    /// How many bytes all cells have.
    pub(crate) fn data_bytes(&self) -> u64 {
        self.data_bytes.load(Relaxed)
    }

    /// About how much memory they take.
    pub(crate) fn heap_bytes(&self) -> u64 {
        self.data_bytes() + self.count() * CELL_OVERHEAD_BYTES
    }

    /// The timestamp of the oldest put; `i64::MAX` without any.
    pub(crate) fn earliest_put(&self) -> i64 {
        self.earliest_put.load(Relaxed)
    }

    /// The lowest sequence id of any cell; none without cells.
    pub(crate) fn oldest_sequence(&self) -> Option<u64> {
        Some(self.oldest_sequence.load(Relaxed)).filter(|sequence| *sequence != u64::MAX)
    }

    /// Whether some cell has tags.
    pub(crate) fn has_tags(&self) -> bool {
        self.has_tags.load(Relaxed)
    }

    /// Up to `max` cells from `target` on that a reader at `read_point` sees; none at the end.
    pub(crate) fn read_from(&self, target: &Target, read_point: u64, max: usize) -> Vec<Cell> {
        let from = target.to_cell();
        let bound = match target {
            Target::AfterKey(_) => Bound::Excluded(from),
            _ => Bound::Included(from),
        };
        self.read(bound, read_point, max)
    }

    /// The same, from after a cell on.
    pub(crate) fn read_after(&self, cell: &Cell, read_point: u64, max: usize) -> Vec<Cell> {
        self.read(Bound::Excluded(cell.clone()), read_point, max)
    }

    /// The row of the last cell before `target`, or of the last one of all, of those that a reader at `read_point` sees.
    pub(crate) fn row_before(&self, target: Option<&Target>, read_point: u64) -> Option<Bytes> {
        self.last(target.map_or(Bound::Unbounded, |target| Bound::Excluded(target.to_cell())), read_point)
    }

    fn read(&self, from: Bound<Cell>, read_point: u64, max: usize) -> Vec<Cell> {
        fn run<const META: bool>(
            set: &BTreeSet<Sorted<META>>,
            from: Bound<Cell>,
            read_point: u64,
            max: usize,
        ) -> Vec<Cell> {
            let visible = |cell: &&Cell| cell.sequence_id() <= read_point;
            let range = set.range((from.map(Sorted), Bound::Unbounded));
            range.map(|sorted| &sorted.0).filter(visible).take(max).cloned().collect()
        }
        match &*self.cells.read() {
            Cells::User(set) => run(set, from, read_point, max),
            Cells::Meta(set) => run(set, from, read_point, max),
        }
    }

    fn last(&self, until: Bound<Cell>, read_point: u64) -> Option<Bytes> {
        fn find<const META: bool>(
            set: &BTreeSet<Sorted<META>>,
            until: Bound<Cell>,
            read_point: u64,
        ) -> Option<Bytes> {
            let mut range = set.range((Bound::Unbounded, until.map(Sorted))).rev().map(|sorted| &sorted.0);
            let cell = range.find(|cell| cell.sequence_id() <= read_point)?;
            Some(Bytes::copy_from_slice(cell.row()))
        }
        match &*self.cells.read() {
            Cells::User(set) => find(set, until, read_point),
            Cells::Meta(set) => find(set, until, read_point),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(row: &str, qualifier: &str, sequence_id: u64) -> Cell {
        Cell::put(row.as_bytes(), b"f", qualifier.as_bytes(), 1, b"v").unwrap().with_sequence_id(sequence_id)
    }

    fn segment() -> Segment {
        let segment = Segment::new(CellOrder::User);
        segment.add([cell("b", "x", 2), cell("a", "x", 1), cell("b", "y", 5), cell("c", "x", 9)]);
        segment
    }

    #[test]
    fn readers_see_what_was_written_before_them() {
        let rows = |read_point| {
            let cells = segment().read_from(&Target::Row(Bytes::new()), read_point, 9);
            cells.iter().map(Cell::sequence_id).collect::<Vec<_>>()
        };
        assert_eq!((rows(0), rows(2), rows(9)), (vec![], vec![1, 2], vec![1, 2, 5, 9]));
    }

    #[test]
    fn runs_follow_one_another() {
        let segment = segment();
        let first = segment.read_from(&Target::Row(Bytes::from_static(b"b")), 9, 1);
        assert_eq!(first, [cell("b", "x", 2)]);
        assert_eq!(segment.read_after(&first[0], 9, 1), [cell("b", "y", 5)]);
        assert_eq!(segment.read_from(&Target::AfterRow(Bytes::from_static(b"b")), 9, 9), [cell("c", "x", 9)]);
    }

    #[test]
    fn rows_backwards() {
        let segment = segment();
        let before = |row: &'static str, read_point| {
            segment.row_before(Some(&Target::Row(Bytes::from_static(row.as_bytes()))), read_point)
        };
        assert_eq!(segment.row_before(None, 9).unwrap(), "c");
        assert_eq!(segment.row_before(None, 4).unwrap(), "b");
        assert_eq!(before("c", 9).unwrap(), "b");
        assert_eq!(before("b\0", 1).unwrap(), "a");
        assert_eq!(before("a", 9), None);
        assert_eq!(segment.row_before(Some(&Target::AfterRow(Bytes::from_static(b"a"))), 9).unwrap(), "a");
    }

    #[test]
    fn a_twin_takes_the_place() {
        let segment = segment();
        let (count, bytes) = (segment.count(), segment.data_bytes());
        let twin = Cell::put(b"a", b"f", b"x", 1, b"longer").unwrap().with_sequence_id(1);
        segment.add([twin.clone()]);
        assert_eq!((segment.count(), segment.data_bytes()), (count, bytes + 5));
        assert_eq!(segment.read_from(&Target::Row(Bytes::new()), 1, 1)[0].value(), b"longer");
        assert!(segment.heap_bytes() > segment.data_bytes());
    }
}

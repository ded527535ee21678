//! Timestamps for edits that come without one. Counterpart of `HRegion.updateCellTimestamps`.
//!
//! Java takes the clock as it is. Then a put is invisible when the clock of an earlier master was ahead, or when it
//! comes in the same millisecond as a delete of the same row. Here timestamps never fall, and a put after a delete of
//! its row gets a later one, which is the only case that runs ahead of the clock.

use std::collections::HashSet;

use hmaster_types::Cell;

/// A timestamp that is further ahead of the clock than this was made by no clock, and isn't followed.
const AHEAD_MS_MAX: i64 = 24 * 3600 * 1000;

#[derive(Debug, Default)]
pub(super) struct Stamper {
    last: i64,
    /// Rows that were deleted at `last`.
    deleted: HashSet<Box<[u8]>>,
}

impl Stamper {
    /// Timestamps from now on are greater than `newest`: there may be deletes with that one.
    pub(super) fn after(newest: i64) -> Self {
        Self { last: newest.saturating_add(1), deleted: HashSet::new() }
    }

    /// The newest timestamp that is taken for one that a clock made, at a time.
    pub(super) fn limit(now_ms: u64) -> i64 {
        to_timestamp(now_ms).saturating_add(AHEAD_MS_MAX)
    }

    /// Gives cells without a timestamp theirs.
    pub(super) fn stamp(&mut self, cells: &mut [Cell], now_ms: u64) {
        self.advance_to(to_timestamp(now_ms));
        let limit = Self::limit(now_ms);
        for cell in cells {
            let is_delete = cell.cell_type().is_delete();
            if cell.timestamp() == Cell::LATEST_TIMESTAMP {
                if !is_delete && self.deleted.contains(cell.row()) {
                    self.advance_to(self.last + 1);
                }
                *cell = cell.with_timestamp(self.last);
            } else if cell.timestamp() <= limit {
                self.advance_to(cell.timestamp());
            }
            if is_delete && cell.timestamp() == self.last {
                self.deleted.insert(cell.row().into());
            }
        }
    }

    fn advance_to(&mut self, timestamp: i64) {
        if timestamp > self.last {
            self.last = timestamp;
            self.deleted.clear();
        }
    }
}

fn to_timestamp(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX - 1)
}

#[cfg(test)]
mod tests {
    use hmaster_types::{CellParts, CellType};

    use super::*;

    fn cell(cell_type: CellType, row: &[u8], timestamp: i64) -> Cell {
        let parts = CellParts { row, family: b"f", qualifier: b"", timestamp, cell_type, value: b"" };
        Cell::new(parts).unwrap()
    }

    fn stamped(stamper: &mut Stamper, cells: &[Cell], now_ms: u64) -> Vec<i64> {
        let mut cells = cells.to_vec();
        stamper.stamp(&mut cells, now_ms);
        cells.iter().map(Cell::timestamp).collect()
    }

    #[test]
    fn timestamps_never_fall() {
        let mut stamper = Stamper::after(49);
        let put = cell(CellType::Put, b"a", Cell::LATEST_TIMESTAMP);
        let times = [40, 60, 55, 61].map(|now| stamped(&mut stamper, std::slice::from_ref(&put), now)[0]);
        assert_eq!(times, [50, 60, 60, 61]);
    }

    #[test]
    fn a_put_comes_after_the_delete_of_its_row() {
        let mut stamper = Stamper::after(-1);
        let now = Cell::LATEST_TIMESTAMP;
        let cells = [
            cell(CellType::Put, b"a", now),
            cell(CellType::DeleteFamily, b"a", now),
            cell(CellType::Put, b"b", now),
            cell(CellType::Put, b"a", now),
            cell(CellType::Put, b"a", now),
        ];
        assert_eq!(stamped(&mut stamper, &cells, 100), [100, 100, 100, 101, 101]);
        assert_eq!(stamped(&mut stamper, &cells[..2], 100), [101, 101]);
        assert_eq!(stamped(&mut stamper, &cells[3..4], 100), [102]);
    }

    #[test]
    fn given_timestamps_are_kept_and_followed() {
        let mut stamper = Stamper::after(-1);
        let given = [
            cell(CellType::Put, b"a", 7),
            cell(CellType::DeleteColumn, b"a", 150),
            cell(CellType::Put, b"a", Cell::LATEST_TIMESTAMP),
            cell(CellType::Put, b"a", i64::MAX - 1),
            cell(CellType::Put, b"a", Cell::LATEST_TIMESTAMP),
        ];
        assert_eq!(stamped(&mut stamper, &given, 100), [7, 150, 151, i64::MAX - 1, 151]);
    }
}

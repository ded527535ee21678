//! The region's content in memory: what readers see, and the deletes that must still be remembered. Counterpart of
//! `MemStore`, and of the rules of `ScanQueryMatcher` about what is visible.
//!
//! Unlike Java's, it holds what is in store files, too, and nothing that is hidden: a put that a newer one or a delete
//! hides goes at once. So it is as large as the live data, however long the log is. What that costs: a `Delete` of
//! the newest version alone doesn't bring back an older one beyond the family's number of versions; Java's own
//! masters never write such deletes to this region.
//!
//! A delete stays as long as what it hides may be in a log or a store file; see [`MemStore::forget_deletes`].

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hasher as _};
use std::ops::Bound;

use bytes::Bytes;
use hmaster_types::{Cell, CellOrder, CellType};

/// A family's settings, and which of its edits are in store files.
#[derive(Debug, Clone, Default)]
pub(super) struct FamilyInfo {
    /// How many versions of a cell are kept, at least 1.
    pub(super) versions_max: usize,
    /// Edits up to this one are in store files; 0 when there is none.
    pub(super) stored_sequence_id: u64,
    /// Rows of which there are cells in store files.
    pub(super) stored_rows: StoredRows,
}

/// A set of rows. It may say that a row is in it that isn't, but hardly ever does: it keeps a hash of each.
#[derive(Debug, Clone, Default)]
pub(super) struct StoredRows(HashSet<u64>);

#[derive(Debug, Default)]
pub(super) struct MemStore {
    families: BTreeMap<Bytes, Family>,
}

#[derive(Debug, Default)]
struct Family {
    info: FamilyInfo,
    rows: BTreeMap<Box<[u8]>, Row>,
}

/// The cells of one row and family, sorted.
type Row = Vec<Cell>;

/// A place between rows.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    family: Bytes,
    /// The last row before the place; none at the family's beginning.
    row: Option<Box<[u8]>>,
}

/// A row key with its cells.
pub type RowCells = (Bytes, Vec<Cell>);

impl MemStore {
    pub(super) fn new(families: impl IntoIterator<Item = (Bytes, FamilyInfo)>) -> Self {
        let family = |(name, info)| (name, Family { info, rows: BTreeMap::new() });
        Self { families: families.into_iter().map(family).collect() }
    }

    pub(super) fn family(&self, name: &[u8]) -> Option<&FamilyInfo> {
        self.families.get(name).map(|family| &family.info)
    }

    /// The visible cells of a row, the newest of each column first.
    pub(super) fn get(&self, family: &[u8], row: &[u8]) -> Vec<Cell> {
        let row = self.families.get(family).and_then(|family| family.rows.get(row));
        row.map(|cells| puts(cells)).unwrap_or_default()
    }

    /// The visible rows of a family from a place on, at most `limit`.
    pub(super) fn scan(&self, family: &[u8], from: Bound<&[u8]>, limit: usize) -> Vec<RowCells> {
        let Some(family) = self.families.get(family) else { return Vec::new() };
        let rows = family.rows.range::<[u8], _>((from, Bound::Unbounded));
        let visible = rows.map(|(row, cells)| (row, puts(cells))).filter(|(_, cells)| !cells.is_empty());
        visible.take(limit).map(|(row, cells)| (Bytes::copy_from_slice(row), cells)).collect()
    }

    /// The last visible row of a family.
    pub(super) fn last_row(&self, family: &[u8]) -> Option<Bytes> {
        let rows = self.families.get(family)?.rows.iter().rev();
        let mut visible = rows.filter(|(_, cells)| cells.iter().any(|cell| !cell.cell_type().is_delete()));
        visible.next().map(|(row, _)| Bytes::copy_from_slice(row))
    }

    /// Applies a cell of a store file.
    pub(super) fn apply_stored(&mut self, cell: Cell) {
        if let Some(family) = self.families.get_mut(cell.family()) {
            family.info.stored_rows.insert(cell.row());
        }
        self.apply(cell);
    }

    /// Whether a delete hides the put.
    pub(super) fn hides(&self, put: &Cell) -> bool {
        let row = self.families.get(put.family()).and_then(|family| family.rows.get(put.row()));
        row.is_some_and(|cells| is_hidden(put, cells))
    }

    /// Applies an edit; in any order, the outcome is the same. False when there is no such family.
    pub(super) fn apply(&mut self, cell: Cell) -> bool {
        let Some(family) = self.families.get_mut(cell.family()) else { return false };
        let versions_max = family.info.versions_max;
        let is_delete = cell.cell_type().is_delete();
        match family.rows.get_mut(cell.row()) {
            Some(cells) if is_delete => apply_delete(cells, cell),
            Some(cells) => apply_put(cells, cell, versions_max),
            None => drop(family.rows.insert(cell.row().into(), vec![cell])),
        }
        true
    }

    /// How many cells there are, deletes included.
    pub(super) fn len(&self) -> usize {
        self.families.values().flat_map(|family| family.rows.values()).map(Vec::len).sum()
    }

    /// The newest timestamp, not counting those beyond `limit`, which no clock has made.
    pub(super) fn newest_timestamp(&self, limit: i64) -> i64 {
        let cells = self.families.values().flat_map(|family| family.rows.values()).flatten();
        cells.map(Cell::timestamp).filter(|timestamp| *timestamp <= limit).max().unwrap_or(0)
    }

    /// Takes cells that a new log must begin with, about `bytes_max` of them, and moves `place` behind them: what
    /// isn't in store files, and deletes where a store file may have the row. Empty at the end.
    pub(super) fn to_log(&self, place: &mut Place, bytes_max: usize) -> Vec<Cell> {
        let (mut taken, mut bytes) = (Vec::new(), 0);
        for (name, family) in self.families.range(place.family.clone()..) {
            if *name != place.family {
                *place = Place { family: name.clone(), row: None };
            }
            let from = place.row.clone().map_or(Bound::Unbounded, Bound::Excluded);
            for (row, cells) in family.rows.range((from, Bound::Unbounded)) {
                if bytes >= bytes_max {
                    return taken;
                }
                let needed = |cell: &&Cell| family.info.must_be_logged(cell);
                for cell in cells.iter().filter(needed) {
                    bytes += cell.as_bytes().len();
                    taken.push(cell.clone());
                }
                place.row = Some(row.clone());
            }
        }
        taken
    }

    /// Drops deletes up to a sequence id that no store file needs: logs that may have had what they hide are gone.
    pub(super) fn forget_deletes(&mut self, sequence_id: u64) {
        for family in self.families.values_mut() {
            let info = &family.info;
            family.rows.retain(|_, cells| {
                cells.retain(|cell| {
                    let is_old_delete = cell.cell_type().is_delete() && cell.sequence_id() <= sequence_id;
                    !is_old_delete || info.may_be_stored(cell.row())
                });
                !cells.is_empty()
            });
        }
    }
}

impl FamilyInfo {
    fn must_be_logged(&self, cell: &Cell) -> bool {
        let is_stored = cell.sequence_id() <= self.stored_sequence_id;
        !is_stored && (!cell.cell_type().is_delete() || self.may_be_stored(cell.row()))
    }

    fn may_be_stored(&self, row: &[u8]) -> bool {
        self.stored_rows.contains(row)
    }
}

impl StoredRows {
    fn insert(&mut self, row: &[u8]) {
        self.0.insert(hash(row));
    }

    fn contains(&self, row: &[u8]) -> bool {
        !self.0.is_empty() && self.0.contains(&hash(row))
    }
}

fn hash(row: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(row);
    hasher.finish()
}

fn puts(cells: &[Cell]) -> Vec<Cell> {
    cells.iter().filter(|cell| !cell.cell_type().is_delete()).cloned().collect()
}

fn apply_put(cells: &mut Row, put: Cell, versions_max: usize) {
    if is_hidden(&put, cells) {
        return;
    }
    let at = insert(cells, put);
    let is_same_column =
        |cell: &Cell, other: &Cell| !cell.cell_type().is_delete() && cell.qualifier() == other.qualifier();
    let put = cells[at].clone();
    let mut versions = 0;
    cells.retain(|cell| {
        versions += usize::from(is_same_column(cell, &put));
        !is_same_column(cell, &put) || versions <= versions_max
    });
}

/// A delete takes what it hides, and older deletes that hid no more than it does.
fn apply_delete(cells: &mut Row, delete: Cell) {
    cells.retain(|cell| !hides(&delete, cell) || cell.cell_type().is_delete() && is_same_key(cell, &delete));
    let is_covered = |cell: &Cell| hides(cell, &delete) && !is_same_key(cell, &delete);
    if !cells.iter().any(is_covered) {
        insert(cells, delete);
    }
}

fn is_same_key(a: &Cell, b: &Cell) -> bool {
    CellOrder::User.compare_keys(a, b).is_eq()
}

/// Puts a cell in its place, unless the place has a later edit with the same key; where it is.
fn insert(cells: &mut Row, cell: Cell) -> usize {
    match cells.binary_search_by(|other| CellOrder::User.compare_keys(other, &cell)) {
        Ok(at) => {
            if cells[at].sequence_id() <= cell.sequence_id() {
                cells[at] = cell;
            }
            at
        }
        Err(at) => {
            cells.insert(at, cell);
            at
        }
    }
}

fn is_hidden(put: &Cell, cells: &[Cell]) -> bool {
    cells.iter().any(|cell| cell.cell_type().is_delete() && hides(cell, put))
}

/// Whether a delete hides a put of its row, or makes another delete needless.
fn hides(delete: &Cell, other: &Cell) -> bool {
    let same_column = delete.qualifier() == other.qualifier();
    let not_newer = other.timestamp() <= delete.timestamp();
    let same_version = other.timestamp() == delete.timestamp();
    match (delete.cell_type(), other.cell_type()) {
        (CellType::DeleteFamily, _) => not_newer,
        (CellType::DeleteColumn, CellType::Put | CellType::Delete | CellType::DeleteColumn) => {
            same_column && not_newer
        }
        (CellType::DeleteFamilyVersion, CellType::Put | CellType::Delete | CellType::DeleteFamilyVersion) => {
            same_version
        }
        (CellType::Delete, CellType::Put | CellType::Delete) => same_column && same_version,
        _ => false,
    }
}

#[cfg(test)]
mod tests;

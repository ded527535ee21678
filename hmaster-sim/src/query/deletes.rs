//! The deletes of a row that were met so far. Counterpart of `ScanDeleteTracker`.
//!
//! Deletes sort before what they delete: those of families first, in the empty column, then those of each column
//! before its puts. So it is enough to remember the family's, and the one of the current column.

use std::collections::BTreeSet;

use hmaster_types::{Cell, CellType};

/// What deletes a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deleted {
    /// A delete of the whole family: everything older is deleted, too.
    Family,
    /// A delete of the whole column: everything older in it is deleted, too.
    Column,
    /// A delete of this version alone.
    Version,
}

/// The deletes of a row that were met so far.
#[derive(Debug, Default)]
pub(crate) struct Deletes {
    family: Option<i64>,
    family_versions: BTreeSet<i64>,
    column: Option<Cell>,
}

impl Deletes {
    /// Begins a row.
    pub(super) fn reset(&mut self) {
        (self.family, self.column) = (None, None);
        self.family_versions.clear();
    }

    /// True when nothing can be deleted.
    pub(super) fn is_empty(&self) -> bool {
        self.family.is_none() && self.column.is_none() && self.family_versions.is_empty()
    }

    /// A delete was met.
    pub(super) fn add(&mut self, delete: &Cell) {
        let (timestamp, kind) = (delete.timestamp(), delete.cell_type());
        if self.family.is_some_and(|family| timestamp <= family) {
            return;
        }
        match kind {
            CellType::DeleteFamily => self.family = Some(timestamp),
            CellType::DeleteFamilyVersion => {
                self.family_versions.insert(timestamp);
            }
            _ if self.is_weaker(delete) => {}
            _ => self.column = Some(delete.clone()),
        }
    }

    /// A delete of one version after one of the whole column, which is newer.
    fn is_weaker(&self, delete: &Cell) -> bool {
        self.column.as_ref().is_some_and(|known| {
            (delete.cell_type() as u8) < (known.cell_type() as u8) && known.qualifier() == delete.qualifier()
        })
    }

    /// What deletes a put, if anything does.
    pub(super) fn of(&mut self, put: &Cell) -> Option<Deleted> {
        let timestamp = put.timestamp();
        if self.family.is_some_and(|family| timestamp <= family) {
            return Some(Deleted::Family);
        }
        if self.family_versions.contains(&timestamp) {
            return Some(Deleted::Version);
        }
        let delete = self.column.as_ref()?;
        let same_column = delete.qualifier() == put.qualifier();
        match delete.cell_type() {
            CellType::DeleteColumn if same_column => return Some(Deleted::Column),
            _ if same_column && delete.timestamp() == timestamp => return Some(Deleted::Version),
            _ => self.column = None, // it is behind us
        }
        None
    }
}

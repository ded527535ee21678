//! Which cells of a store a flush or a compaction writes. Counterpart of `MinorCompactionScanQueryMatcher`,
//! `MajorCompactionScanQueryMatcher` and `IncludeAllCompactionQueryMatcher`.

use std::collections::BTreeSet;

use hmaster_types::Cell;

use super::columns::Versions;
use super::user::check_age;
use super::{MatchCode, Tracker};
use crate::schema::{FamilySchema, KeepDeletedCells};

/// How much may be dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CompactionKind {
    /// Some files, or a memstore: a delete may hide what is elsewhere, and stays.
    Minor,
    /// All files of a store: deletes go.
    Major,
}

/// What a compaction goes by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CompactionTerms {
    /// How much may be dropped.
    pub(crate) kind: CompactionKind,
    /// Some reader may not see edits with higher sequence ids, which thus hide nothing.
    pub(crate) smallest_read_point: u64,
    /// The oldest timestamp of all puts.
    pub(crate) earliest_put: i64,
    /// Deletes younger than this many milliseconds stay (`hbase.hstore.time.to.purge.deletes`).
    pub(crate) purge_deletes_after_ms: i64,
    /// Wall-clock time in milliseconds.
    pub(crate) now_ms: i64,
}

/// Decides about each cell of a store.
#[derive(Debug)]
pub(crate) struct CompactionMatcher {
    tracker: Tracker,
    terms: CompactionTerms,
    keep_deleted_cells: KeepDeletedCells,
    oldest_unexpired: i64,
    keeps_all: bool,
}

impl CompactionMatcher {
    /// A matcher for one compaction of one store.
    pub(crate) fn new(family: &FamilySchema, terms: CompactionTerms) -> Self {
        let (min, max) = (family.min_versions, family.max_versions);
        let oldest_unexpired = family.oldest_unexpired(terms.now_ms);
        let (versions, all) = (Versions { min, max, oldest_unexpired }, BTreeSet::new());
        let tracker = if family.new_version_behavior {
            Tracker::new_version(&all, versions, max)
        } else {
            Tracker::classic(&all, versions)
        };
        // By that rule, what is elsewhere decides what is hidden here.
        let keeps_all = family.new_version_behavior && terms.kind == CompactionKind::Minor;
        let keep_deleted_cells = family.keep_deleted_cells;
        Self { tracker, terms, keep_deleted_cells, oldest_unexpired, keeps_all }
    }

    /// Begins a row.
    pub(crate) fn begin_row(&mut self) {
        self.tracker.reset();
    }

    /// Decides about the next cell of the row. Codes that seek mean that cells up to there are dropped.
    pub(crate) fn decide(&mut self, cell: &Cell) -> MatchCode {
        if self.keeps_all {
            return MatchCode::Include;
        }
        if let Some(code) = check_age(&mut self.tracker, cell, self.terms.now_ms) {
            return code;
        }
        let unseen = cell.sequence_id() > self.terms.smallest_read_point;
        let decided = if !cell.cell_type().is_delete() {
            self.tracker.check_deleted(cell)
        } else if unseen {
            Some(MatchCode::Include) // it may hide nothing yet
        } else {
            self.meet_delete(cell)
        };
        decided.unwrap_or_else(|| self.tracker.check_versions(cell, unseen))
    }

    fn meet_delete(&mut self, delete: &Cell) -> Option<MatchCode> {
        let expired = delete.timestamp() < self.oldest_unexpired;
        let hides = match self.keep_deleted_cells {
            KeepDeletedCells::False => true,
            KeepDeletedCells::Ttl => expired,
            KeepDeletedCells::True => false,
        };
        if hides {
            self.tracker.add_delete(delete);
        }
        match self.terms.kind {
            CompactionKind::Minor => Some(MatchCode::Include),
            CompactionKind::Major => self.drop_delete(delete, hides),
        }
    }

    /// None when the delete is to be counted like a put.
    fn drop_delete(&mut self, delete: &Cell, hides: bool) -> Option<MatchCode> {
        let CompactionTerms { purge_deletes_after_ms, now_ms, earliest_put, .. } = self.terms;
        let timestamp = delete.timestamp();
        let young = now_ms.saturating_sub(timestamp) <= purge_deletes_after_ms;
        if purge_deletes_after_ms > 0 && young {
            Some(MatchCode::Include)
        } else if hides {
            Some(MatchCode::Skip)
        } else if timestamp < earliest_put {
            Some(self.tracker.next_row_or_column(delete)) // nothing is left that it could hide
        } else {
            None
        }
    }
}

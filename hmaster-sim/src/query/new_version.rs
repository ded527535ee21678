//! The rule of `NEW_VERSION_BEHAVIOR`: what a delete hides, and which versions count, is decided by the order of
//! writing and not of timestamps alone. Counterpart of `NewVersionBehaviorTracker`.
//!
//! Deletes of whole columns and families cut the time of writing into spans. Each span counts the puts that a reader
//! would have seen at its end; a put that found the span full of newer timestamps was masked then, and stays so.
//!
//! Differs from Java in that the empty column obeys, too: there, its puts escape both deletes and counting.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;
use hmaster_types::{Cell, CellType};

use super::MatchCode;
use super::columns::Versions;

type SequenceId = u64;

/// The span after the last delete ends never.
const NEVER: SequenceId = SequenceId::MAX;

/// What was written between two deletes of a whole column or family.
#[derive(Debug, Clone)]
struct Span {
    /// The delete at the span's end hides timestamps up to this one.
    deletes_up_to: Option<i64>,
    /// Deletes of single versions in the span: timestamp to when.
    version_deletes: HashMap<i64, BTreeSet<SequenceId>>,
    /// Puts that were visible, counted separately up to each delete of a version, and up to the span's end.
    visible: BTreeMap<SequenceId, BTreeSet<SequenceId>>,
}

/// Columns, versions and deletes of a row.
#[derive(Debug)]
pub(crate) struct NewVersionTracker {
    versions: Versions,
    result_max: u32,
    columns: Vec<Bytes>,
    at: usize,
    count: u32,
    family_spans: BTreeMap<SequenceId, Span>,
    column_spans: BTreeMap<SequenceId, Span>,
    last: Option<Cell>,
    in_column: bool,
}

impl Span {
    fn until(deletes_up_to: Option<i64>) -> Self {
        let visible = BTreeMap::from([(NEVER, BTreeSet::new())]);
        Self { deletes_up_to, version_deletes: HashMap::new(), visible }
    }

    /// Puts written before the delete may be masked by what was visible then; those after it start a new count.
    fn delete_version(&mut self, timestamp: i64, when: SequenceId) {
        self.version_deletes.entry(timestamp).or_default().insert(when);
        let next = self.visible.range(when..).next().map(|(_, puts)| puts);
        let before = next.map(|puts| puts.range(..when).copied().collect()).unwrap_or_default();
        self.visible.insert(when, before);
    }

    /// When the version with this timestamp, written at `written`, was deleted.
    fn version_deleted(&self, timestamp: i64, written: SequenceId) -> Option<SequenceId> {
        self.version_deletes.get(&timestamp)?.range(written..).next().copied()
    }
}

impl NewVersionTracker {
    pub(super) fn new(qualifiers: &BTreeSet<Bytes>, versions: Versions, result_max: u32) -> Self {
        let mut tracker = Self {
            versions,
            result_max,
            columns: qualifiers.iter().cloned().collect(),
            at: 0,
            count: 0,
            family_spans: BTreeMap::new(),
            column_spans: BTreeMap::new(),
            last: None,
            in_column: false,
        };
        tracker.reset();
        tracker
    }

    pub(super) fn reset(&mut self) {
        (self.at, self.count, self.last, self.in_column) = (0, 0, None, false);
        self.column_spans.clear();
        self.family_spans = BTreeMap::from([(NEVER, Span::until(None))]);
    }

    pub(super) fn done(&self) -> bool {
        !self.columns.is_empty() && self.at >= self.columns.len()
    }

    pub(super) fn hint(&self) -> Option<&Bytes> {
        self.columns.get(self.at)
    }

    pub(super) fn add_delete(&mut self, delete: &Cell) {
        let (timestamp, when) = (delete.timestamp(), delete.sequence_id());
        let kind = delete.cell_type();
        let of_family = matches!(kind, CellType::DeleteFamily | CellType::DeleteFamilyVersion);
        if !of_family {
            self.enter_column(delete);
            self.last = Some(delete.clone());
        }
        let spans = if of_family { &mut self.family_spans } else { &mut self.column_spans };
        match kind {
            CellType::DeleteFamily | CellType::DeleteColumn => {
                spans.insert(when, Span::until(Some(timestamp)));
            }
            _ => {
                if let Some((_, span)) = spans.range_mut(when..).next() {
                    span.delete_version(timestamp, when);
                }
            }
        }
    }

    /// Whether a put is deleted, or was beyond the versions that are kept when it was written.
    pub(super) fn is_hidden(&mut self, put: &Cell) -> bool {
        let (timestamp, written) = (put.timestamp(), put.sequence_id());
        let duplicate_of = self.enter_put(put);
        for span in self.column_spans.range_mut(written..).map(|(_, span)| span) {
            let deleted = span.version_deleted(timestamp, written);
            let until = duplicate_of.unwrap_or(NEVER).min(deleted.unwrap_or(NEVER)).max(written);
            for (_, visible) in span.visible.range_mut(written..=until) {
                if visible.len() >= self.versions.max as usize {
                    return true;
                }
                visible.insert(written);
            }
            if deleted.is_some() || span.deletes_up_to.is_some_and(|up_to| timestamp <= up_to) {
                return true;
            }
        }
        duplicate_of.is_some()
    }

    pub(super) fn check_column(&mut self, cell: &Cell) -> MatchCode {
        if self.columns.is_empty() {
            return MatchCode::Include;
        }
        while let Some(column) = self.columns.get(self.at) {
            match cell.qualifier().cmp(column) {
                std::cmp::Ordering::Less => return MatchCode::SeekNextColumn,
                std::cmp::Ordering::Equal => return MatchCode::Include,
                std::cmp::Ordering::Greater => self.at += 1,
            }
        }
        MatchCode::SeekNextRow
    }

    /// Masked versions are gone already: this is about time to live, and how many are read.
    pub(super) fn check_versions(&mut self, timestamp: i64) -> MatchCode {
        self.count += 1;
        let expired = timestamp < self.versions.oldest_unexpired;
        let max = if expired { self.result_max.min(self.versions.min) } else { self.result_max };
        match self.count.cmp(&max) {
            std::cmp::Ordering::Less => MatchCode::Include,
            std::cmp::Ordering::Equal => MatchCode::IncludeAndSeekNextColumn,
            std::cmp::Ordering::Greater => MatchCode::SeekNextColumn,
        }
    }

    /// Begins a column, with the family's deletes.
    fn enter_column(&mut self, cell: &Cell) {
        let same = self.last.as_ref().is_some_and(|last| last.qualifier() == cell.qualifier());
        if self.in_column && same {
            return;
        }
        self.column_spans = self.family_spans.clone();
        (self.in_column, self.count, self.last) = (true, 0, None);
    }

    /// When the put of the same timestamp was written that hides this one, if there is such.
    fn enter_put(&mut self, put: &Cell) -> Option<SequenceId> {
        self.enter_column(put);
        let twin = self.last.as_ref().filter(|last| {
            !last.cell_type().is_delete()
                && last.cell_type() == put.cell_type()
                && last.timestamp() == put.timestamp()
        });
        let hidden_by = twin.map(Cell::sequence_id);
        if hidden_by.is_none() {
            self.last = Some(put.clone());
        }
        hidden_by
    }
}

//! Several filters together. Counterpart of `FilterList`, `FilterListWithAND` and `FilterListWithOR`.

use std::cmp::Ordering;

use hmaster_types::{Cell, CellOrder};

use super::ReturnCode as R;
use super::{Answer, Filter, ReturnCode};

/// All must let pass.
#[derive(Debug)]
pub(super) struct AllOf {
    filters: Vec<Box<dyn Filter>>,
    /// Which of them asked for a seek at the last cell.
    seeking: Vec<usize>,
    reversed: bool,
}

/// One must let pass.
#[derive(Debug)]
pub(super) struct OneOf {
    members: Vec<Member>,
    reversed: bool,
}

#[derive(Debug)]
struct Member {
    filter: Box<dyn Filter>,
    included: bool,
    /// What it said last, and about which cell, when it wanted to go farther than the list let it.
    waits: Option<(ReturnCode, Cell)>,
}

impl AllOf {
    pub(super) fn new(filters: Vec<Box<dyn Filter>>) -> Self {
        Self { filters, seeking: Vec::new(), reversed: false }
    }

    /// The farthest step that any of two takes, kept only if both keep it.
    fn merge(so_far: R, next: R) -> R {
        match (so_far, next) {
            (R::SeekUsingHint, _) | (_, R::SeekUsingHint) => R::SeekUsingHint,
            (so_far, R::Include) => so_far,
            (_, R::NextRow) => R::NextRow,
            (a, b) => {
                let keep = keeps(a) && keeps(b);
                step(keep, reach(a).max(reach(b)))
            }
        }
    }

    /// Those after the first that leaves the cell out may know a farther place to go on.
    fn ask_for_hints(&mut self, from: usize, cell: &Cell) -> Answer<()> {
        for (i, filter) in self.filters.iter_mut().enumerate().skip(from) {
            if filter.is_hinting() && filter.filter_cell(cell)? == R::SeekUsingHint {
                self.seeking.push(i);
            }
        }
        Ok(())
    }
}

/// 0 for the next cell, 1 for the next column, 2 for the next row.
fn reach(code: R) -> u8 {
    match code {
        R::Include | R::Skip | R::SeekUsingHint => 0,
        R::IncludeAndNextColumn | R::NextColumn => 1,
        R::IncludeAndNextRow | R::NextRow => 2,
    }
}

fn keeps(code: R) -> bool {
    matches!(code, R::Include | R::IncludeAndNextColumn | R::IncludeAndNextRow)
}

fn step(keep: bool, reach: u8) -> R {
    match (keep, reach) {
        (true, 0) => R::Include,
        (true, 1) => R::IncludeAndNextColumn,
        (true, _) => R::IncludeAndNextRow,
        (false, 0) => R::Skip,
        (false, 1) => R::NextColumn,
        (false, _) => R::NextRow,
    }
}

/// Hints compare as user cells do, whatever the table, as in Java. Within a row, cells come in their usual order even
/// when rows fall: Java forgets that, and its lists lose cells behind a hint within a row.
fn compare_hints(a: &Cell, b: &Cell, reversed: bool) -> Ordering {
    let rows = a.row().cmp(b.row());
    let rows = if reversed { rows.reverse() } else { rows };
    rows.then_with(|| CellOrder::User.compare(a, b))
}

impl Filter for AllOf {
    fn reset(&mut self) {
        self.filters.iter_mut().for_each(|filter| filter.reset());
        self.seeking.clear();
    }

    fn filter_all_remaining(&self) -> bool {
        self.filters.iter().any(|filter| filter.filter_all_remaining())
    }

    fn filter_row_key(&mut self, first: &Cell) -> Answer<bool> {
        let (mut out, mut hinting_passed) = (false, false);
        for filter in &mut self.filters {
            if filter.filter_all_remaining() {
                return Ok(true);
            }
            let filtered = filter.filter_row_key(first)?;
            out |= filtered;
            hinting_passed |= !filtered && filter.is_hinting();
        }
        // A hint may lead farther than to the next row.
        Ok(out && !hinting_passed)
    }

    fn filter_cell(&mut self, cell: &Cell) -> Answer<ReturnCode> {
        self.seeking.clear();
        let mut code = R::Include;
        for i in 0..self.filters.len() {
            let filter = &mut self.filters[i];
            if filter.filter_all_remaining() {
                code = R::NextRow;
            } else {
                let answer = filter.filter_cell(cell)?;
                if answer == R::SeekUsingHint {
                    self.seeking.push(i);
                }
                code = Self::merge(code, answer);
            }
            if !keeps(code) {
                self.ask_for_hints(i + 1, cell)?;
                break;
            }
        }
        Ok(if self.seeking.is_empty() { code } else { R::SeekUsingHint })
    }

    fn transform(&mut self, cell: Cell) -> Cell {
        self.filters.iter_mut().fold(cell, |cell, filter| filter.transform(cell))
    }

    fn filter_row_cells(&mut self, cells: &mut Vec<Cell>) {
        self.filters.iter_mut().for_each(|filter| filter.filter_row_cells(cells));
    }

    fn has_filter_row(&self) -> bool {
        self.filters.iter().any(|filter| filter.has_filter_row())
    }

    fn filter_row(&mut self) -> bool {
        self.filters.iter_mut().any(|filter| filter.filter_row())
    }

    /// The farthest hint: up to there, one of the filters leaves everything out.
    fn next_cell_hint(&mut self, cell: &Cell) -> Option<Cell> {
        let mut farthest: Option<Cell> = None;
        for i in &self.seeking {
            let filter = &mut self.filters[*i];
            let hint = if filter.filter_all_remaining() { None } else { filter.next_cell_hint(cell) };
            farthest = match (farthest, hint) {
                (Some(a), Some(b)) if compare_hints(&a, &b, self.reversed).is_lt() => Some(b),
                (a, b) => a.or(b),
            };
        }
        farthest
    }

    fn set_reversed(&mut self, reversed: bool) {
        self.reversed = reversed;
        self.filters.iter_mut().for_each(|filter| filter.set_reversed(reversed));
    }
}

impl OneOf {
    pub(super) fn new(filters: Vec<Box<dyn Filter>>) -> Self {
        let member = |filter| Member { filter, included: false, waits: None };
        Self { members: filters.into_iter().map(member).collect(), reversed: false }
    }

    /// The nearest step that any of two takes, kept if any keeps it.
    fn merge(so_far: R, next: R) -> R {
        match (so_far, next) {
            (R::SeekUsingHint, R::SeekUsingHint) => R::SeekUsingHint,
            // No step at all, for one that is kept: the others' columns and rows aren't over.
            (R::SeekUsingHint | R::Skip, b) if keeps(b) => R::Include,
            (a, R::SeekUsingHint | R::Skip) if keeps(a) => R::Include,
            (R::SeekUsingHint | R::Skip, _) | (_, R::SeekUsingHint | R::Skip) => R::Skip,
            (a, b) => step(keeps(a) || keeps(b), reach(a).min(reach(b))),
        }
    }
}

impl Member {
    /// What it still says about this cell from what it said before; none when it must be asked.
    fn still_says(&mut self, cell: &Cell, reversed: bool) -> Option<ReturnCode> {
        let (code, at) = self.waits.as_ref()?;
        match code {
            R::Include | R::Skip => None,
            R::SeekUsingHint => {
                let hint = self.filter.next_cell_hint(at)?;
                compare_hints(cell, &hint, reversed).is_lt().then_some(R::SeekUsingHint)
            }
            R::NextColumn | R::IncludeAndNextColumn => {
                let same = at.family() == cell.family() && at.qualifier() == cell.qualifier();
                same.then_some(R::NextColumn)
            }
            R::NextRow | R::IncludeAndNextRow => (at.family() == cell.family()).then_some(R::NextRow),
        }
    }
}

impl Filter for OneOf {
    fn reset(&mut self) {
        for member in &mut self.members {
            member.filter.reset();
            (member.included, member.waits) = (false, None);
        }
    }

    fn filter_all_remaining(&self) -> bool {
        !self.members.is_empty() && self.members.iter().all(|member| member.filter.filter_all_remaining())
    }

    fn filter_row_key(&mut self, first: &Cell) -> Answer<bool> {
        let mut out = !self.members.is_empty();
        for Member { filter, .. } in &mut self.members {
            // Every one is asked: some take note of the row.
            out &= filter.filter_all_remaining() || filter.filter_row_key(first)?;
        }
        Ok(out)
    }

    fn filter_cell(&mut self, cell: &Cell) -> Answer<ReturnCode> {
        if self.members.is_empty() {
            return Ok(R::Include);
        }
        let mut merged = None;
        for member in &mut self.members {
            member.included = false;
            if member.filter.filter_all_remaining() {
                continue;
            }
            let code = match member.still_says(cell, self.reversed) {
                Some(code) => code,
                None => member.filter.filter_cell(cell)?,
            };
            member.included = keeps(code);
            let waits = !matches!(code, R::Include | R::Skip);
            member.waits = waits.then(|| (code, cell.clone()));
            merged = Some(merged.map_or(code, |so_far| Self::merge(so_far, code)));
        }
        Ok(merged.unwrap_or(R::Skip))
    }

    fn transform(&mut self, cell: Cell) -> Cell {
        let including = self.members.iter_mut().filter(|member| member.included);
        including.fold(cell, |cell, member| member.filter.transform(cell))
    }

    fn filter_row_cells(&mut self, cells: &mut Vec<Cell>) {
        self.members.iter_mut().for_each(|member| member.filter.filter_row_cells(cells));
    }

    fn has_filter_row(&self) -> bool {
        self.members.iter().any(|member| member.filter.has_filter_row())
    }

    fn filter_row(&mut self) -> bool {
        !self.members.is_empty() && self.members.iter_mut().all(|member| member.filter.filter_row())
    }

    /// The nearest hint: from there on, one of the filters may let pass. None when one has none.
    fn next_cell_hint(&mut self, cell: &Cell) -> Option<Cell> {
        let mut nearest: Option<Cell> = None;
        for Member { filter, .. } in &mut self.members {
            if filter.filter_all_remaining() {
                continue;
            }
            let hint = filter.next_cell_hint(cell)?;
            nearest = match nearest {
                Some(so_far) if compare_hints(&so_far, &hint, self.reversed).is_le() => Some(so_far),
                _ => Some(hint),
            };
        }
        nearest
    }

    fn set_reversed(&mut self, reversed: bool) {
        self.reversed = reversed;
        self.members.iter_mut().for_each(|member| member.filter.set_reversed(reversed));
    }
}

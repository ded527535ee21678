//! FuzzyRowFilter: rows that match one of several patterns of fixed and free bytes.

use bytes::Bytes;
use hmaster_types::Cell;

use super::{Answer, Filter, FilterError, ReturnCode, first_on_row};

/// Rows that match one of several patterns.
#[derive(Debug)]
pub(super) struct FuzzyRowFilter {
    patterns: Vec<Pattern>,
    reversed: bool,
    out: bool,
    done: bool,
}

/// For each byte from the row's first on: the byte that must stand there, or none for any. A row may be shorter.
#[derive(Debug)]
struct Pattern(Vec<Option<u8>>);

impl FuzzyRowFilter {
    /// `v2` says how free bytes are marked in masks that a client prepared: 2 or 0; -1 marks fixed ones. Masks as users
    /// write them have 0 for fixed and 1 for free bytes.
    pub(super) fn new(pairs: &[(Bytes, Bytes)], v2: bool) -> Answer<Self> {
        let patterns =
            pairs.iter().map(|(key, mask)| Pattern::new(key, mask, v2)).collect::<Answer<Vec<_>>>()?;
        Ok(Self { patterns, reversed: false, out: false, done: false })
    }
}

impl Filter for FuzzyRowFilter {
    fn reset(&mut self) {
        self.out = false;
    }

    fn filter_all_remaining(&self) -> bool {
        self.done
    }

    fn filter_cell(&mut self, cell: &Cell) -> Answer<ReturnCode> {
        if self.patterns.iter().any(|pattern| pattern.matches(cell.row())) {
            return Ok(ReturnCode::Include);
        }
        self.out = true;
        Ok(ReturnCode::SeekUsingHint)
    }

    fn filter_row(&mut self) -> bool {
        self.out
    }

    fn next_cell_hint(&mut self, cell: &Cell) -> Option<Cell> {
        let row = cell.row();
        let next = if self.reversed {
            self.patterns.iter().filter_map(|pattern| pattern.bound_before(row)).max()
        } else {
            self.patterns.iter().filter_map(|pattern| pattern.next_after(row)).min()
        };
        self.done = next.is_none();
        first_on_row(&next?)
    }

    fn is_hinting(&self) -> bool {
        true
    }

    fn set_reversed(&mut self, reversed: bool) {
        self.reversed = reversed;
    }
}

impl Pattern {
    fn new(key: &[u8], mask: &[u8], v2: bool) -> Answer<Self> {
        if key.len() != mask.len() {
            return Err(FilterError(format!(
                "Fuzzy pair lengths do not match: {} {}",
                key.escape_ascii(),
                mask.escape_ascii()
            )));
        }
        let free_mark = if v2 { 2 } else { 0 };
        let prepared = mask.iter().all(|mark| *mark == 0xff || *mark == free_mark);
        let is_free = |mark: u8| if prepared { mark == free_mark } else { mark == 1 };
        let byte = |(key, mark): (&u8, &u8)| (!is_free(*mark)).then_some(*key);
        Ok(Self(key.iter().zip(mask).map(byte).collect()))
    }

    fn fits(&self, at: usize, byte: u8) -> bool {
        self.0.get(at).copied().flatten().is_none_or(|fixed| fixed == byte)
    }

    fn matches(&self, row: &[u8]) -> bool {
        row.iter().enumerate().all(|(at, byte)| self.fits(at, *byte))
    }

    /// How many of the row's first bytes fit.
    fn fitting(&self, row: &[u8]) -> usize {
        row.iter().enumerate().take_while(|(at, byte)| self.fits(*at, **byte)).count()
    }

    /// The first row after `row` that matches: it shares as much as can be with `row`, and then is greater by one byte.
    fn next_after(&self, row: &[u8]) -> Option<Vec<u8>> {
        let fitting = self.fitting(row);
        if fitting == row.len() {
            let byte = self.0.get(row.len()).copied().flatten().unwrap_or(0);
            return Some([row, &[byte]].concat());
        }
        (0..=fitting).rev().find_map(|at| {
            let byte = match self.0.get(at).copied().flatten() {
                Some(fixed) => Some(fixed).filter(|fixed| *fixed > row[at]),
                None => row[at].checked_add(1),
            };
            byte.map(|byte| [&row[..at], &[byte]].concat())
        })
    }

    /// A row not after `row`, such that no row between the two matches; none when no row before `row` does.
    fn bound_before(&self, row: &[u8]) -> Option<Vec<u8>> {
        let fitting = self.fitting(row);
        let last = fitting.min(row.len().checked_sub(1)?);
        (0..=last).rev().find_map(|at| {
            let below = match self.0.get(at).copied().flatten() {
                Some(fixed) => Some(fixed).filter(|fixed| *fixed < row[at]),
                None => row[at].checked_sub(1),
            };
            match below {
                // All that begins with row[..at] and this byte comes before that with the byte after it.
                Some(byte) => Some([&row[..at], &[byte + 1]].concat()),
                // The shorter row itself.
                None => (at > 0).then(|| row[..at].to_vec()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern(text.bytes().map(|byte| (byte != b'?').then_some(byte)).collect())
    }

    /// All rows of up to three of three letters.
    fn rows() -> Vec<Vec<u8>> {
        let letters = [b"a", b"b", b"c"];
        let mut rows = vec![vec![]];
        for length in 0..3 {
            for row in rows.clone().iter().filter(|row| row.len() == length) {
                rows.extend(letters.map(|letter| [row, &letter[..]].concat()));
            }
        }
        rows.sort();
        rows
    }

    #[test]
    fn hints_skip_no_row_that_matches_and_make_progress() {
        let (rows, mut hinted) = (rows(), 0);
        for text in ["b", "?b", "a?c", "???", "cc?", "?a?b", "bbb", "c?a"] {
            let pattern = pattern(text);
            for row in rows.iter().filter(|row| !pattern.matches(row)) {
                let after: Vec<_> = rows.iter().filter(|r| *r > row && pattern.matches(r)).collect();
                let before: Vec<_> = rows.iter().filter(|r| *r < row && pattern.matches(r)).collect();
                let next = pattern.next_after(row);
                assert!(next.as_ref().is_none_or(|next| next > row));
                assert!(
                    after.iter().all(|r| next.as_ref().is_some_and(|next| *next <= **r)),
                    "{text} {row:?}"
                );
                let bound = pattern.bound_before(row);
                assert!(bound.as_ref().is_none_or(|bound| bound <= row));
                let shorter = |r: &&&Vec<u8>| !r.is_empty();
                assert!(
                    before.iter().filter(shorter).all(|r| bound.as_ref().is_some_and(|bound| *bound >= **r)),
                    "{text} {row:?} {bound:?}"
                );
                hinted += usize::from(next.is_some());
            }
        }
        assert!(hinted > 50);
    }

    #[test]
    fn masks_of_all_kinds() {
        let key = Bytes::from_static(b"abc");
        for (mask, v2) in
            [(&[0u8, 1, 0], true), (&[0, 1, 0], false), (&[0xff, 2, 0xff], true), (&[0xff, 0, 0xff], false)]
        {
            let pattern = Pattern::new(&key, mask, v2).unwrap();
            assert_eq!(pattern.0, [Some(b'a'), None, Some(b'c')], "{mask:?}");
        }
        assert!(Pattern::new(&key, &[0], true).is_err());
    }
}

//! Cuts what is long into pages.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::reply::Query;

/// Rows of a page, unless `rows` says otherwise.
const ROWS: usize = 100;
/// Rows that may be asked for.
const ROWS_MAX: usize = 1000;

/// What stays as it is in a parameter.
const IN_PARAMETER: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A parameter isn't what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: expected {expected}")]
pub(crate) struct BadParameter {
    pub(crate) name: &'static str,
    pub(crate) expected: &'static str,
}

/// Which page is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paging {
    /// From 1.
    number: usize,
    rows: usize,
}

impl Paging {
    /// The first page, with a number of rows.
    pub(crate) fn first(rows: usize) -> Self {
        Self { number: 1, rows }
    }

    /// From `page` and `rows`.
    pub(crate) fn of(query: &Query<'_>) -> Result<Self, BadParameter> {
        let number = |name: &'static str, default: usize, max: usize, expected| match query.text(name) {
            None => Ok(default),
            Some(text) => match text.parse::<usize>() {
                Ok(number) if (1..=max).contains(&number) => Ok(number),
                _ => Err(BadParameter { name, expected }),
            },
        };
        Ok(Self {
            number: number("page", 1, usize::MAX / ROWS_MAX, "the number of a page, from 1")?,
            rows: number("rows", ROWS, ROWS_MAX, "rows of a page, from 1 to 1000")?,
        })
    }

    /// Begins to collect the rows of this page.
    pub(crate) fn collect<T>(self) -> Cut<T> {
        Cut { paging: self, rows: Vec::new(), total: 0 }
    }

    /// The rows of this page out of all.
    pub(crate) fn cut<S, T>(self, all: impl IntoIterator<Item = S>, mut row: impl FnMut(S) -> T) -> Cut<T> {
        let mut cut = self.collect();
        for one in all {
            cut.offer(|| row(one));
        }
        cut
    }
}

/// The rows of one page, and how many there are in all.
#[derive(Debug, Clone)]
pub(crate) struct Cut<T> {
    paging: Paging,
    /// The rows of the page.
    pub(crate) rows: Vec<T>,
    /// Rows of all pages.
    pub(crate) total: usize,
}

impl<T> Cut<T> {
    /// Counts a row, and makes it if it is on the page.
    pub(crate) fn offer(&mut self, row: impl FnOnce() -> T) {
        let first = (self.paging.number - 1) * self.paging.rows;
        if self.total >= first && self.rows.len() < self.paging.rows {
            self.rows.push(row());
        }
        self.total += 1;
    }

    /// Whether all rows are here.
    pub(crate) fn is_all(&self) -> bool {
        self.rows.len() == self.total
    }

    /// Draws other rows.
    pub(crate) fn map<U>(self, row: impl FnMut(T) -> U) -> Cut<U> {
        Cut { paging: self.paging, rows: self.rows.into_iter().map(row).collect(), total: self.total }
    }

    /// The ways to other pages; `parameters` are kept.
    pub(crate) fn links(&self, path: &str, parameters: &[(&str, &str)]) -> Links {
        let last = self.total.div_ceil(self.paging.rows).max(1);
        let number = self.paging.number;
        let mut kept: Vec<_> = parameters.iter().filter(|(_, value)| !value.is_empty()).copied().collect();
        let rows = self.paging.rows.to_string();
        if self.paging.rows != ROWS {
            kept.push(("rows", &rows));
        }
        let link = |to: usize| link(path, kept.iter().copied().chain([("page", &*to.to_string())]));
        Links {
            number,
            last,
            previous: (number > 1).then(|| link((number - 1).min(last))),
            next: (number < last).then(|| link(number + 1)),
        }
    }
}

/// Ways to other pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Links {
    pub(crate) number: usize,
    pub(crate) last: usize,
    pub(crate) previous: Option<String>,
    pub(crate) next: Option<String>,
}

/// A path with parameters.
pub(crate) fn link<'a>(path: &str, parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = path.to_owned();
    for (at, (name, value)) in parameters.into_iter().enumerate() {
        out.push(if at == 0 { '?' } else { '&' });
        out.push_str(name);
        out.push('=');
        out.extend(utf8_percent_encode(value, IN_PARAMETER));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paging(query: &str) -> Result<Paging, BadParameter> {
        Paging::of(&Query::parse(query))
    }

    #[test]
    fn only_the_page_s_rows_are_made() {
        let mut made = 0;
        let cut = paging("page=3&rows=10").unwrap().cut(0..1_000_000, |row| {
            made += 1;
            row
        });
        assert_eq!((cut.rows.first(), cut.rows.len(), cut.total, made), (Some(&20), 10, 1_000_000, 10));
        let links = cut.links("/x", &[("filter", "a&b <é>"), ("none", "")]);
        assert_eq!(links.previous.unwrap(), "/x?filter=a%26b%20%3C%C3%A9%3E&rows=10&page=2");
        assert_eq!((links.number, links.last, links.next.is_some()), (3, 100_000, true));
    }

    #[test]
    fn a_page_beyond_the_last_leads_back() {
        let cut = paging("page=9").unwrap().cut(0..150, |row| row);
        assert!(cut.rows.is_empty() && !cut.is_all());
        let links = cut.links("/x", &[]);
        assert_eq!((links.previous.as_deref(), links.next), (Some("/x?page=2"), None));
        assert!(paging("").unwrap().cut(0..0, |row| row).is_all());
    }

    #[test]
    fn bad_numbers_are_named() {
        let cases = [
            "page=0",
            "page=-1",
            "page=x",
            "page=18446744073709551615",
            "page=99999999999999999999",
            "rows=0",
            "rows=1001",
        ];
        for query in cases {
            let error = paging(query).unwrap_err();
            assert!(query.starts_with(error.name), "{query}: {error}");
        }
        assert_eq!(paging("page=&rows="), paging(""));
    }
}

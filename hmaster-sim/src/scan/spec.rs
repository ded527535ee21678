//! What is asked for. Counterpart of `Scan` and `Get`, and of their conversions in `ProtobufUtil`.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use hmaster_protocol::pb;
use hmaster_types::{Cell, Chance, to_string_binary};

use crate::filter::{self, Filter, FilterError};
use crate::query::TimeRange;

/// What is asked for.
#[derive(Debug)]
pub(crate) struct ScanSpec {
    pub(crate) start: Bytes,
    pub(crate) start_inclusive: bool,
    /// Empty for no end.
    pub(crate) stop: Bytes,
    pub(crate) stop_inclusive: bool,
    pub(crate) reversed: bool,
    /// Families, each with columns, or without for all. No family for all.
    pub(crate) families: BTreeMap<Bytes, BTreeSet<Bytes>>,
    pub(crate) max_versions: u32,
    pub(crate) time_range: TimeRange,
    pub(crate) family_time_ranges: BTreeMap<Bytes, TimeRange>,
    pub(crate) filter: Option<Box<dyn Filter>>,
    /// Cells per result.
    pub(crate) batch: Option<usize>,
    /// Cells of a row and family, and how many of them are left out first.
    pub(crate) store_limit: Option<u32>,
    pub(crate) store_offset: u32,
    /// Also deletes, and what is deleted.
    pub(crate) raw: bool,
    /// Also what isn't acknowledged yet.
    pub(crate) uncommitted: bool,
    /// Bytes per answer.
    pub(crate) size_max: Option<u64>,
    /// What an earlier part of the same scan saw.
    pub(crate) read_point: Option<u64>,
    /// Tell where the scan is, even when nothing was found.
    pub(crate) needs_cursor: bool,
}

/// What is asked for makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SpecError {
    /// An argument is out of its range.
    #[error("{0}")]
    Argument(String),
    /// The filter can't be had.
    #[error(transparent)]
    Filter(#[from] FilterError),
}

const RAW: &str = "_raw_";
const ISOLATION_LEVEL: &str = "_isolationlevel_";

impl ScanSpec {
    /// All cells of a range of rows.
    pub(crate) fn range(start: Bytes, stop: Bytes) -> Self {
        Self {
            start,
            start_inclusive: true,
            stop,
            stop_inclusive: false,
            reversed: false,
            families: BTreeMap::new(),
            max_versions: 1,
            time_range: TimeRange::ALL,
            family_time_ranges: BTreeMap::new(),
            filter: None,
            batch: None,
            store_limit: None,
            store_offset: 0,
            raw: false,
            uncommitted: false,
            size_max: None,
            read_point: None,
            needs_cursor: false,
        }
    }

    /// All cells of a row.
    pub(crate) fn row(row: Bytes) -> Self {
        Self { stop_inclusive: true, ..Self::range(row.clone(), row) }
    }

    /// What a client's get asks for.
    ///
    /// # Errors
    /// When it makes no sense.
    pub(crate) fn from_get(get: &pb::Get, chance: &Chance) -> Result<Self, SpecError> {
        check_row(&get.row)?;
        if get.closest_row_before() {
            return Err(SpecError::Argument(
                "getClosestRowBefore isn't supported any more; use a reversed scan".into(),
            ));
        }
        Ok(Self {
            families: families(&get.column),
            max_versions: versions(get.max_versions())?,
            time_range: time_range(get.time_range.as_ref())?,
            family_time_ranges: family_time_ranges(&get.cf_time_range)?,
            filter: get.filter.as_ref().map(|message| filter::parse(message, chance)).transpose()?,
            store_limit: get.store_limit,
            store_offset: get.store_offset.unwrap_or(0),
            uncommitted: is_uncommitted(&get.attribute),
            ..Self::row(get.row.clone())
        })
    }

    /// What a client's scan asks for.
    ///
    /// # Errors
    /// When it makes no sense.
    pub(crate) fn from_scan(scan: &pb::Scan, chance: &Chance) -> Result<Self, SpecError> {
        let start = scan.start_row.clone().unwrap_or_default();
        let stop = scan.stop_row.clone().unwrap_or_default();
        for row in [&start, &stop] {
            check_length(row)?;
        }
        let reversed = scan.reversed();
        let mut parsed = scan.filter.as_ref().map(|message| filter::parse(message, chance)).transpose()?;
        if let Some(filter) = parsed.as_mut().filter(|_| reversed) {
            filter.set_reversed(true);
        }
        if parsed.as_ref().is_some_and(|filter| filter.has_filter_row()) && scan.batch_size() > 0 {
            return Err(SpecError::Argument(
                "Cannot set batch on a scan using a filter that returns true for filter.hasFilterRow".into(),
            ));
        }
        let raw = attribute(&scan.attribute, RAW).is_some_and(|value| value.last().is_some_and(|b| *b != 0));
        let families = families(&scan.column);
        if raw && families.values().any(|columns| !columns.is_empty()) {
            return Err(SpecError::Argument("Cannot specify any column for a raw scan".into()));
        }
        Ok(Self {
            start_inclusive: scan.include_start_row(),
            // Scans of older clients for a single row name it twice.
            stop_inclusive: scan.include_stop_row.unwrap_or(!start.is_empty() && start == stop),
            reversed,
            families,
            max_versions: versions(scan.max_versions())?,
            time_range: time_range(scan.time_range.as_ref())?,
            family_time_ranges: family_time_ranges(&scan.cf_time_range)?,
            filter: parsed,
            batch: usize::try_from(scan.batch_size()).ok().filter(|batch| *batch > 0),
            store_limit: scan.store_limit,
            store_offset: scan.store_offset.unwrap_or(0),
            raw,
            uncommitted: is_uncommitted(&scan.attribute),
            size_max: scan.max_result_size.filter(|size| *size > 0 && *size <= i64::MAX as u64),
            read_point: Some(scan.mvcc_read_point()).filter(|point| *point > 0),
            needs_cursor: scan.need_cursor_result(),
            ..Self::range(start, stop)
        })
    }

    /// The timestamps asked for of a family.
    pub(crate) fn time_range_of(&self, family: &[u8]) -> TimeRange {
        self.family_time_ranges.get(family).copied().unwrap_or(self.time_range)
    }
}

/// A row key that a cell may have.
pub(crate) fn check_row(row: &[u8]) -> Result<(), SpecError> {
    if row.is_empty() {
        return Err(SpecError::Argument("Row length 0 is invalid".into()));
    }
    check_length(row)
}

fn check_length(row: &[u8]) -> Result<(), SpecError> {
    if row.len() > Cell::ROW_BYTES_MAX {
        let begin = to_string_binary(&row[..32]);
        let reason =
            format!("Row length {} is > {} (it begins with {begin})", row.len(), Cell::ROW_BYTES_MAX);
        return Err(SpecError::Argument(reason));
    }
    Ok(())
}

/// Naming a family without columns asks for all of them.
fn families(columns: &[pb::Column]) -> BTreeMap<Bytes, BTreeSet<Bytes>> {
    let mut families: BTreeMap<Bytes, BTreeSet<Bytes>> = BTreeMap::new();
    for column in columns {
        let known = families.contains_key(&column.family);
        let qualifiers = families.entry(column.family.clone()).or_default();
        if column.qualifier.is_empty() {
            qualifiers.clear();
        } else if !known || !qualifiers.is_empty() {
            qualifiers.extend(column.qualifier.iter().cloned());
        }
    }
    families
}

fn versions(versions: u32) -> Result<u32, SpecError> {
    match versions {
        0 => Err(SpecError::Argument("maxVersions must be positive".into())),
        versions => Ok(versions),
    }
}

/// A range of timestamps, as messages have it: both ends may be missing.
pub(crate) fn time_range(range: Option<&pb::TimeRange>) -> Result<TimeRange, SpecError> {
    let Some(range) = range else { return Ok(TimeRange::ALL) };
    let stamp = |value: Option<u64>, otherwise: i64| value.map_or(otherwise, |value| value as i64);
    TimeRange::new(stamp(range.from, 0), stamp(range.to, i64::MAX)).map_err(SpecError::Argument)
}

fn family_time_ranges(ranges: &[pb::ColumnFamilyTimeRange]) -> Result<BTreeMap<Bytes, TimeRange>, SpecError> {
    let range = |range: &pb::ColumnFamilyTimeRange| {
        Ok((range.column_family.clone(), time_range(Some(&range.time_range))?))
    };
    ranges.iter().map(range).collect()
}

/// The value of an attribute of an operation.
pub(crate) fn attribute<'a>(attributes: &'a [pb::NameBytesPair], name: &str) -> Option<&'a Bytes> {
    attributes.iter().find(|pair| pair.name == name)?.value.as_ref()
}

fn is_uncommitted(attributes: &[pb::NameBytesPair]) -> bool {
    const READ_UNCOMMITTED: u8 = 2;
    attribute(attributes, ISOLATION_LEVEL).is_some_and(|level| **level == [READ_UNCOMMITTED])
}

//! Rows, put together from the stores of a region. Counterpart of `RegionScannerImpl` and `ReversedRegionScannerImpl`.
//!
//! Differs from Java in that all families are read together: families that a filter doesn't need aren't left for
//! later, which changes how much is read and not what is found.

use std::cmp::Ordering;
use std::sync::Arc;
use std::sync::atomic::{self, AtomicU64};

use bytes::Bytes;
use hmaster_types::{Cell, CellOrder};

use super::cursor::Source;
use super::limits::{Limits, Scope, Stop};
use super::merge::{Merge, Next};
use super::store_scanner::{Step, StoreScanner};
use super::{ScanSpec, Target};
use crate::filter::{Filter, FilterError};
use crate::query::{UserMatcher, UserQuery};
use crate::schema::FamilySchema;
use crate::store_file::StoreFileError;

/// A scan of a region under way.
#[derive(Debug)]
pub(crate) struct RegionScanner {
    stores: Vec<StoreScanner>,
    filter: Option<Box<dyn Filter>>,
    order: CellOrder,
    reversed: bool,
    stop: Bytes,
    stop_inclusive: bool,
    row_bytes_max: u64,
    /// Where the scan last looked.
    last_row: Option<Bytes>,
    /// Rows that the filter left out are counted here.
    filtered: Option<Arc<AtomicU64>>,
    counts: Counts,
}

/// What a scan went through. Counterpart of `ServerSideScanMetrics`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Rows that were looked at.
    pub(crate) rows_scanned: u64,
    /// Those of them that the filter left out.
    pub(crate) rows_filtered: u64,
}

/// A store to be scanned: its schema, and where its cells are, the newest first.
#[derive(Debug)]
pub(crate) struct StoreSources<'a> {
    pub(crate) family: &'a FamilySchema,
    pub(crate) sources: Vec<Source>,
}

/// A scan can't go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScanError {
    /// A file can't be read.
    #[error("read a store file")]
    StoreFile(#[from] StoreFileError),
    /// The filter can't go on.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// The filter needs whole rows, and a limit cut one.
    #[error(
        "Filter whose hasFilterRow() returns true is incompatible with scans that must stop mid-row because of a limit"
    )]
    IncompatibleFilter,
    /// A row is larger than may be read at once.
    #[error("Max row size allowed: {bytes_max}, but the row is bigger than that, the row info: {row}")]
    RowTooBig {
        /// `hbase.table.max.rowsize`.
        bytes_max: u64,
        /// The row, printable.
        row: String,
    },
}

impl RegionScanner {
    /// A scan of `stores`, sorted by family, that sees what was written up to `read_point`.
    pub(crate) fn new(
        mut spec: ScanSpec,
        stores: Vec<StoreSources<'_>>,
        order: CellOrder,
        read_point: u64,
        now_ms: i64,
        row_bytes_max: u64,
    ) -> Self {
        let filter = spec.filter.take();
        let scanner =
            |store: StoreSources<'_>| store_scanner(&spec, store, filter.is_some(), read_point, now_ms);
        let stores = stores.into_iter().map(scanner).collect();
        let ScanSpec { stop, stop_inclusive, reversed, .. } = spec;
        let (last_row, filtered, counts) = (None, None, Counts::default());
        Self {
            stores,
            filter,
            order,
            reversed,
            stop,
            stop_inclusive,
            row_bytes_max,
            last_row,
            filtered,
            counts,
        }
    }

    /// Counts the rows that the filter leaves out.
    pub(crate) fn counting_filtered(self, counter: &Arc<AtomicU64>) -> Self {
        Self { filtered: Some(Arc::clone(counter)), ..self }
    }

    /// The next result: cells of one row. `false` says that there is none after it; it may be empty itself, also when
    /// time is up.
    ///
    /// # Errors
    /// When the scan can't go on.
    pub(crate) async fn next(
        &mut self,
        cells: &mut Vec<Cell>,
        limits: &mut Limits,
    ) -> Result<bool, ScanError> {
        limits.begin_result();
        let more = self.next_row(cells, limits).await?;
        if !limits.stopped_mid_row()
            && let Some(filter) = &mut self.filter
        {
            filter.reset();
        }
        Ok(more && !self.is_filter_done())
    }

    /// True when the filter lets nothing more pass.
    pub(crate) fn is_filter_done(&self) -> bool {
        self.filter.as_ref().is_some_and(|filter| filter.filter_all_remaining())
    }

    /// What the scan went through since this was last asked.
    pub(crate) fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// The row where the scan last looked.
    pub(crate) fn last_row(&self) -> Option<&Bytes> {
        self.last_row.as_ref()
    }

    async fn next_row(&mut self, cells: &mut Vec<Cell>, limits: &mut Limits) -> Result<bool, ScanError> {
        let mark = limits.mark();
        let whole_rows = self.filter.as_ref().is_some_and(|filter| filter.has_filter_row());
        if whole_rows {
            (limits.size_scope, limits.time_scope) = (Scope::Rows, Scope::Rows);
        }
        let scope = if whole_rows { Scope::Rows } else { Scope::Cells };
        loop {
            limits.restore(mark);
            let Some(first) = self.peek().await?.filter(|first| !self.is_beyond(first.row())) else {
                return Ok(false);
            };
            let row = self.remember(first.row());
            if limits.time_reached(Scope::Cells) {
                return Ok(true);
            }
            if self.filters_row_key(&first)? {
                if self.is_filter_done() {
                    // As in Java, which takes it for filtered and not for scanned.
                    self.counts.rows_filtered += 1;
                    return Ok(false);
                }
                self.counts.rows_scanned += 1;
                self.leave_row(&row);
            } else {
                self.read_row(&row, cells, limits).await?;
                if limits.stopped_mid_row() {
                    return if whole_rows { Err(ScanError::IncompatibleFilter) } else { Ok(true) };
                }
                self.filter_row(cells, limits, mark);
                self.counts.rows_scanned += 1;
                if !cells.is_empty() {
                    let next = self.peek().await?;
                    return Ok(next.is_some_and(|next| !self.is_beyond(next.row())));
                }
                self.leave_row(&row);
            }
            if limits.any_reached(scope) {
                return Ok(true); // the caller gets a turn, though nothing was found
            }
        }
    }

    /// Reads the rest of a row, as far as the limits go.
    async fn read_row(
        &mut self,
        row: &Bytes,
        cells: &mut Vec<Cell>,
        limits: &mut Limits,
    ) -> Result<(), ScanError> {
        let mut bytes = 0u64;
        for i in 0..self.stores.len() {
            loop {
                let cell = match self.stores[i].step(row, self.filter.as_deref_mut())? {
                    Step::Cell(cell) => cell,
                    Step::RowDone => break,
                    Step::Waiting => {
                        self.stores[i].load().await?;
                        continue;
                    }
                    Step::Pause => {
                        tokio::task::yield_now().await;
                        if self.time_is_up(row, limits).await? {
                            return Ok(());
                        }
                        continue;
                    }
                };
                bytes += cell.as_bytes().len() as u64;
                self.check_row_size(row, bytes)?;
                limits.count(&cell);
                cells.push(cell);
                if self.limit_cuts(row, limits).await? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Whether a limit is reached while the row may have more cells.
    async fn limit_cuts(&mut self, row: &Bytes, limits: &mut Limits) -> Result<bool, ScanError> {
        if !limits.batch_reached() && !limits.size_reached(Scope::Cells) {
            return Ok(false);
        }
        self.stop_if_in_row(row, limits).await
    }

    async fn time_is_up(&mut self, row: &Bytes, limits: &mut Limits) -> Result<bool, ScanError> {
        Ok(limits.time_reached(Scope::Cells) && self.stop_if_in_row(row, limits).await?)
    }

    async fn stop_if_in_row(&mut self, row: &Bytes, limits: &mut Limits) -> Result<bool, ScanError> {
        let in_row = self.peek().await?.is_some_and(|next| next.row() == &**row);
        if in_row {
            limits.stop = Stop::MidRow;
        }
        Ok(in_row)
    }

    fn check_row_size(&self, row: &Bytes, bytes: u64) -> Result<(), ScanError> {
        if bytes <= self.row_bytes_max {
            return Ok(());
        }
        let row = hmaster_types::to_string_binary(row);
        Err(ScanError::RowTooBig { bytes_max: self.row_bytes_max, row })
    }

    /// Lets the filter decide about the whole row. What is left counts.
    fn filter_row(&mut self, cells: &mut Vec<Cell>, limits: &mut Limits, mark: (u64, u64)) {
        let Some(filter) = &mut self.filter else { return };
        if filter.has_filter_row() {
            filter.filter_row_cells(cells);
        }
        if !cells.is_empty() && filter.filter_row() {
            cells.clear();
        }
        limits.restore(mark);
        cells.iter().for_each(|cell| limits.count(cell));
    }

    fn filters_row_key(&mut self, first: &Cell) -> Result<bool, ScanError> {
        match &mut self.filter {
            Some(filter) => Ok(filter.filter_all_remaining() || filter.filter_row_key(first)?),
            None => Ok(false),
        }
    }

    fn leave_row(&mut self, row: &Bytes) {
        for store in &mut self.stores {
            store.skip_row(row);
        }
        if let Some(filter) = &mut self.filter {
            filter.reset();
            self.counts.rows_filtered += 1;
            if let Some(filtered) = &self.filtered {
                filtered.fetch_add(1, atomic::Ordering::Relaxed);
            }
        }
    }

    /// The first cell of what comes next in any store.
    async fn peek(&mut self) -> Result<Option<Cell>, ScanError> {
        let (order, reversed) = (self.order, self.reversed);
        let mut first: Option<Cell> = None;
        for store in &mut self.stores {
            while matches!(store.peek(), Next::Waiting) {
                store.load().await?;
            }
            let Next::Cell(cell) = store.peek() else { continue };
            let comes_first = first.as_ref().is_none_or(|first| {
                let rows = order.compare_rows(cell.row(), first.row());
                // Stores are sorted by family: of one row, the first store's cell comes first.
                if reversed { rows == Ordering::Greater } else { rows == Ordering::Less }
            });
            if comes_first {
                first = Some(cell.clone());
            }
        }
        Ok(first)
    }

    fn is_beyond(&self, row: &[u8]) -> bool {
        if self.stop.is_empty() {
            return false;
        }
        match self.order.compare_rows(row, &self.stop) {
            Ordering::Equal => !self.stop_inclusive,
            Ordering::Less => self.reversed,
            Ordering::Greater => !self.reversed,
        }
    }

    fn remember(&mut self, row: &[u8]) -> Bytes {
        match &self.last_row {
            Some(known) if **known == *row => known.clone(),
            _ => self.last_row.insert(Bytes::copy_from_slice(row)).clone(),
        }
    }
}

fn store_scanner(
    spec: &ScanSpec,
    store: StoreSources<'_>,
    filtered: bool,
    read_point: u64,
    now_ms: i64,
) -> StoreScanner {
    let StoreSources { family, sources } = store;
    let none = std::collections::BTreeSet::new();
    let query = UserQuery {
        family,
        qualifiers: spec.families.get(&family.name).unwrap_or(&none),
        max_versions: spec.max_versions,
        time_range: spec.time_range_of(&family.name),
        raw: spec.raw,
        filtered,
        now_ms,
    };
    let start = || match spec.start_inclusive {
        true => Target::Row(spec.start.clone()),
        false => Target::AfterRow(spec.start.clone()),
    };
    let merge = match (spec.reversed, spec.start.is_empty()) {
        (false, true) => Merge::rising(sources, family.order, read_point, &Target::Row(Bytes::new())),
        (false, false) => Merge::rising(sources, family.order, read_point, &start()),
        (true, true) => Merge::falling(sources, family.order, read_point, None),
        (true, false) => {
            let row = spec.start.clone();
            let before = if spec.start_inclusive { Target::AfterRow(row) } else { Target::Row(row) };
            Merge::falling(sources, family.order, read_point, Some(&before))
        }
    };
    StoreScanner::new(merge, UserMatcher::new(&query), spec.store_offset, spec.store_limit)
}

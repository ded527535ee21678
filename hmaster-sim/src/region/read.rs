//! Gets and scans of a region. Counterpart of `HRegion.get` and `getScanner`.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use hmaster_types::{Cell, to_string_binary};

use super::{Region, RegionError};
use crate::scan::{Limits, RegionScanner, ScanSpec, StoreSources};

impl Region {
    /// The cells of a row.
    ///
    /// # Errors
    /// When the row isn't in the region, the request makes no sense, or files can't be read.
    pub(crate) async fn get(&self, spec: ScanSpec) -> Result<Vec<Cell>, RegionError> {
        self.check_row(&spec.start, "Get")?;
        let mut scanner = self.scanner(spec)?;
        let mut cells = Vec::new();
        scanner.next(&mut cells, &mut Limits::batch_only(None)).await?;
        Ok(cells)
    }

    /// Begins a scan, which sees what was acknowledged before, and nothing later. It reads nothing yet. It holds what it
    /// reads: drop it when the region is closed.
    ///
    /// # Errors
    /// When the request makes no sense, or the region is closing.
    pub(crate) fn scanner(&self, spec: ScanSpec) -> Result<RegionScanner, RegionError> {
        if self.is_closing() {
            return Err(self.closing());
        }
        self.0.reads.fetch_add(1, Ordering::Relaxed);
        self.scanner_within(spec)
    }

    /// What a scan that begins now would see.
    pub(crate) fn read_point(&self) -> u64 {
        self.0.stores.read_point()
    }

    /// The same for a request under way, which a closing region waits for.
    pub(super) fn scanner_within(&self, spec: ScanSpec) -> Result<RegionScanner, RegionError> {
        let stores = &self.0.stores;
        for family in spec.families.keys() {
            self.store_of(family)?;
        }
        let one_row =
            (spec.start == spec.stop && spec.start_inclusive && spec.stop_inclusive).then_some(&spec.start);
        let snapshot = stores.snapshot(one_row.map(|row| &**row).filter(|row| !row.is_empty()));
        let wanted = |name: &Bytes| spec.families.is_empty() || spec.families.contains_key(name);
        let sources =
            stores.families().iter().zip(snapshot.sources).filter(|(family, _)| wanted(&family.name));
        let sources = sources.map(|(family, sources)| StoreSources { family, sources }).collect();
        let read_point = spec.read_point.map_or(snapshot.read_point, |asked| asked.min(snapshot.read_point));
        let now_ms = self.0.files.clock.now_ms() as i64;
        let (order, row_bytes_max) = (stores.order(), self.0.options.row_bytes_max);
        let scanner = RegionScanner::new(spec, sources, order, read_point, now_ms, row_bytes_max);
        Ok(scanner.counting_filtered(&self.0.filtered))
    }

    /// The cells of a row, for a request under way.
    pub(super) async fn get_within(&self, spec: ScanSpec) -> Result<Vec<Cell>, RegionError> {
        let mut cells = Vec::new();
        self.scanner_within(spec)?.next(&mut cells, &mut Limits::batch_only(None)).await?;
        Ok(cells)
    }

    /// The number of a family's store.
    pub(super) fn store_of(&self, family: &[u8]) -> Result<usize, RegionError> {
        self.0.stores.number(family).ok_or_else(|| RegionError::NoSuchFamily {
            family: to_string_binary(family),
            region: self.0.info.name().to_string(),
            table: self.0.info.table().to_string(),
        })
    }

    pub(super) fn check_row(&self, row: &[u8], operation: &'static str) -> Result<(), RegionError> {
        let info = &self.0.info;
        if info.contains_row(row) {
            return Ok(());
        }
        Err(RegionError::WrongRegion {
            operation,
            region: info.name().to_string(),
            start: to_string_binary(info.start_key()),
            end: to_string_binary(info.end_key()),
            row: to_string_binary(row),
        })
    }
}

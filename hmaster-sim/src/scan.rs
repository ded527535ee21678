//! Reading: from a scan's parameters to rows. Counterpart of `RegionScannerImpl`, `StoreScanner`, `KeyValueHeap` and
//! `ScannerContext`.
//!
//! [`Cursor`](cursor::Cursor)s stand in segments and store files; a [`Merge`](merge::Merge) makes one run of the cursors
//! of a store; a [`StoreScanner`](store_scanner::StoreScanner) picks the cells that the scan sees; the [`RegionScanner`] puts
//! rows together from all stores, with filters and [`Limits`].
//!
//! All of that is plain code that says when a block of a file is missing. Only [`RegionScanner`] waits, for those blocks,
//! and at times to let others run.

mod cursor;
mod limits;
mod merge;
mod region_scanner;
mod spec;
mod store_scanner;
mod target;

#[cfg(test)]
mod tests;

pub(crate) use cursor::Source;
pub(crate) use limits::{Limits, Scope};
pub(crate) use merge::{Merge, Next};
pub(crate) use region_scanner::{Counts, RegionScanner, ScanError, StoreSources};
pub(crate) use spec::{ScanSpec, SpecError, attribute, check_row, time_range};
pub(crate) use target::Target;

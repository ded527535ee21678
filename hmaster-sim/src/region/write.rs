//! Changes of rows. Counterpart of `HRegion.batchMutate`, `mutateRowsWithLocks` and `checkAndMutate`.
//!
//! All take the same way: lock the rows, work out the cells, log them as one entry, wait until that is durable and
//! applied. What is locked stays so until then, even if the client has given up waiting.

mod combine;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use hmaster_types::{Cell, CellParts, CellType, Nonce, attribute};
use tokio::sync::RwLockReadGuard;

use super::locks::Mode;
use super::mutation::{Test, value_passes};
use super::{CellsByStore, Checked, Condition, Mutation, MutationKind, Region, RegionError, RowGuards};
use crate::cell_tags;
use crate::log::{Edit, Held};
use crate::nonces::NonceGuard;
use crate::scan::ScanSpec;

/// Puts and deletes that are logged as one entry: about this many bytes, lest other entries wait for long.
const ENTRY_BYTES: usize = 4 << 20;

/// What an answer to a mutation is: the new values of increments and appends, where the client wants them.
type Answer = Result<Option<Vec<Cell>>, RegionError>;

impl Region {
    /// Changes rows, each for itself. The answers, in order, are the new values of increments and appends; what is
    /// answered is durable, and visible.
    pub(crate) async fn mutate(&self, mutations: Vec<Mutation>, nonce_group: u64) -> Vec<Answer> {
        let _request = match self.begin_write(mutations.len()).await {
            Ok(request) => request,
            Err(error) => return mutations.iter().map(|_| Err(error.clone())).collect(),
        };
        let mut answers = Vec::with_capacity(mutations.len());
        let (mut run, mut bytes) = (Vec::new(), 0);
        for mutation in mutations {
            if mutation.reads() || bytes > ENTRY_BYTES {
                self.write_run(std::mem::take(&mut run), &mut answers).await;
                bytes = 0;
            }
            if mutation.reads() {
                answers.push(self.combine(mutation, nonce_group).await);
            } else {
                bytes += mutation.cells.iter().map(|cell| cell.as_bytes().len()).sum::<usize>();
                run.push(mutation);
            }
        }
        self.write_run(run, &mut answers).await;
        answers
    }

    /// Changes rows of this region all at once, or none, if all conditions hold. Counterpart of `mutateRow`,
    /// `mutateRowsWithLocks`, and of what `MultiRowMutationEndpoint` does with conditions.
    ///
    /// # Errors
    /// When it can't be done; nothing was changed then, unless the log has failed.
    pub(crate) async fn mutate_rows(
        &self,
        conditions: Vec<Condition>,
        mutations: Vec<Mutation>,
        nonce_group: u64,
    ) -> Result<Checked, RegionError> {
        let _request = self.begin_write(mutations.len()).await?;
        mutations.iter().try_for_each(|mutation| self.check(mutation))?;
        let nonce = match self.begin_nonce(nonce_group, &mutations).await {
            Begun::Before => return self.what_was_done(&mutations).await,
            Begun::Now(nonce) => nonce,
        };
        let rows = conditions.iter().map(|condition| &condition.row);
        let rows: Vec<Bytes> = rows.chain(mutations.iter().map(|mutation| &mutation.row)).cloned().collect();
        let guards = self.lock(rows, Mode::Alone).await?;
        let mut newest = 0;
        for condition in conditions {
            self.check_row(&condition.row, "row lock")?;
            match self.holds(condition).await? {
                Some(timestamp) => newest = newest.max(timestamp),
                None => return Ok(Checked { success: false, cells: None }),
            }
        }
        let now_ms = self.now_ms().max(newest);
        let (mut cells, mut results) = (Vec::new(), None::<Vec<Cell>>);
        for mutation in &mutations {
            if mutation.reads() {
                let combined = self.combined(mutation, now_ms).await?;
                if mutation.returns_result {
                    results.get_or_insert_default().extend(combined.iter().cloned());
                }
                cells.extend(combined);
            } else {
                cells.extend(self.stamped(mutation, now_ms).await?);
            }
        }
        let mark = mutations.iter().map(|mutation| mutation.nonce).find(|nonce| *nonce != 0).unwrap_or(0);
        let held = Held { rows: Some(Arc::new(guards)), nonce };
        self.write(cells, (nonce_group, mark), held).await?;
        Ok(Checked { success: true, cells: results })
    }

    /// Changes a row if a condition on it holds.
    ///
    /// # Errors
    /// When it can't be done; nothing was changed then, unless the log has failed.
    pub(crate) async fn check_and_mutate(
        &self,
        condition: Condition,
        mutations: Vec<Mutation>,
        nonce_group: u64,
    ) -> Result<Checked, RegionError> {
        if mutations.iter().any(|mutation| mutation.row != condition.row) {
            return Err(RegionError::BadRequest("Action's getRow must match".into()));
        }
        self.mutate_rows(vec![condition], mutations, nonce_group).await
    }

    /// Puts and deletes, each for itself, logged together.
    async fn write_run(&self, run: Vec<Mutation>, answers: &mut Vec<Answer>) {
        if run.is_empty() {
            return;
        }
        let checked: Vec<Result<(), RegionError>> = run.iter().map(|mutation| self.check(mutation)).collect();
        let fit =
            run.iter().zip(&checked).filter(|(_, checked)| checked.is_ok()).map(|(mutation, _)| mutation);
        let fit: Vec<&Mutation> = fit.collect();
        let written = if fit.is_empty() { Ok(()) } else { self.write_all(&fit).await };
        answers
            .extend(checked.into_iter().map(|checked| checked.and_then(|()| written.clone()).map(|()| None)));
    }

    async fn write_all(&self, mutations: &[&Mutation]) -> Result<(), RegionError> {
        let rows: Vec<Bytes> = mutations.iter().map(|mutation| mutation.row.clone()).collect();
        let guards = self.lock(rows, Mode::Shared).await?;
        let (now_ms, mut cells) = (self.now_ms(), Vec::new());
        for mutation in mutations {
            cells.extend(self.stamped(mutation, now_ms).await?);
        }
        let held = Held { rows: Some(Arc::new(guards)), nonce: None };
        self.write(cells, (0, 0), held).await
    }

    /// Logs cells and waits until they are durable and applied.
    async fn write(&self, cells: Vec<Cell>, nonce: (u64, u64), held: Held) -> Result<(), RegionError> {
        if cells.is_empty() {
            return Ok(());
        }
        let mut by_store = CellsByStore::new();
        for cell in &cells {
            let store = self.store_of(cell.family())?;
            match by_store.iter_mut().find(|(number, _)| *number == store) {
                Some((_, cells)) => cells.push(cell.clone()),
                None => by_store.push((store, vec![cell.clone()])),
            }
        }
        let (stores, region) = (Some(Arc::clone(&self.0.stores)), self.weak());
        let edit = Edit { stores, region, cells: by_store, held };
        self.0.log.append(cells, nonce, edit).await?;
        Ok(())
    }

    /// Begins a request that writes: the region waits for it before it is closed.
    async fn begin_write(&self, mutations: usize) -> Result<RwLockReadGuard<'_, ()>, RegionError> {
        let inner = &*self.0;
        if self.is_closing() {
            return Err(self.closing());
        }
        let request = inner.requests.read().await;
        if self.is_closing() {
            return Err(self.closing());
        }
        if self.is_replica() || inner.table.parsed::<bool>(attribute::READONLY) == Some(true) {
            return Err(RegionError::BadRequest("region is read only".into()));
        }
        self.check_memory()?;
        inner.writes.fetch_add(mutations as u64, Ordering::Relaxed);
        Ok(request)
    }

    /// hbase:meta is never too busy: everything else depends on it.
    fn check_memory(&self) -> Result<(), RegionError> {
        let options = &self.0.options;
        let limit_bytes = options.memstore_flush_bytes.saturating_mul(options.memstore_block_multiplier);
        let bytes = self.0.stores.memstore_bytes();
        let is_full = bytes > limit_bytes || self.0.log.server().is_full();
        if self.0.info.is_meta() || !is_full {
            return Ok(());
        }
        self.want_flush();
        self.wake_chores();
        Err(RegionError::TooBusy { region: self.0.info.encoded_name().to_string(), bytes, limit_bytes })
    }

    /// Whether a mutation may be written here at all.
    fn check(&self, mutation: &Mutation) -> Result<(), RegionError> {
        self.check_row(&mutation.row, "row lock")?;
        let bytes_max = self.0.options.cell_bytes_max;
        for cell in &mutation.cells {
            self.store_of(cell.family())?;
            self.check_size(cell, bytes_max)?;
        }
        Ok(())
    }

    fn check_size(&self, cell: &Cell, bytes_max: u64) -> Result<(), RegionError> {
        let bytes = cell.as_bytes().len() as u64;
        if bytes_max == 0 || bytes <= bytes_max {
            return Ok(());
        }
        let region = self.0.info.name();
        let reason = format!("Cell with size {bytes} exceeds limit of {bytes_max} bytes in region {region}");
        Err(RegionError::BadRequest(reason))
    }

    async fn lock(&self, rows: Vec<Bytes>, mode: Mode) -> Result<RowGuards, RegionError> {
        let wait = Duration::from_millis(self.0.options.row_lock_wait_ms);
        self.0.locks.lock(rows, mode, wait, &self.0.info.encoded_name().to_string()).await
    }

    /// The cells of a put or delete as they are written.
    async fn stamped(&self, mutation: &Mutation, now_ms: i64) -> Result<Vec<Cell>, RegionError> {
        if mutation.kind == MutationKind::Delete {
            return self.stamped_delete(mutation, now_ms).await;
        }
        mutation.cells.iter().map(|cell| with_ttl(&at(cell, now_ms), mutation.ttl_ms)).collect()
    }

    async fn stamped_delete(&self, mutation: &Mutation, now_ms: i64) -> Result<Vec<Cell>, RegionError> {
        if mutation.cells.is_empty() {
            return self.delete_row(mutation, now_ms);
        }
        let (mut cells, mut seen) = (Vec::new(), Vec::<(&[u8], &[u8])>::new());
        for cell in &mutation.cells {
            let newest = cell.timestamp() == Cell::LATEST_TIMESTAMP && cell.cell_type() == CellType::Delete;
            let timestamp = if newest {
                // Of several deletes of one column, each takes one version more.
                seen.push((cell.family(), cell.qualifier()));
                let count =
                    seen.iter().filter(|column| **column == (cell.family(), cell.qualifier())).count();
                self.nth_version(cell, count).await?.unwrap_or(now_ms)
            } else {
                at(cell, now_ms).timestamp()
            };
            cells.push(cell.with_timestamp(timestamp));
        }
        Ok(cells)
    }

    /// Deletes of all families.
    fn delete_row(&self, mutation: &Mutation, now_ms: i64) -> Result<Vec<Cell>, RegionError> {
        let latest = mutation.timestamp == Cell::LATEST_TIMESTAMP;
        let timestamp = if latest { now_ms } else { mutation.timestamp };
        let delete = |family: &[u8]| {
            let (row, cell_type) = (&*mutation.row, CellType::DeleteFamily);
            let parts = CellParts { row, family, qualifier: b"", timestamp, cell_type, value: b"" };
            Cell::new(parts).map_err(|error| RegionError::BadRequest(error.to_string()))
        };
        self.0.stores.families().iter().map(|family| delete(&family.name)).collect()
    }

    /// The timestamp of the n-th newest version of a column, counted from 1.
    async fn nth_version(&self, cell: &Cell, n: usize) -> Result<Option<i64>, RegionError> {
        let column = (Bytes::copy_from_slice(cell.family()), Bytes::copy_from_slice(cell.qualifier()));
        let spec = ScanSpec {
            families: [(column.0, [column.1].into())].into(),
            max_versions: u32::try_from(n).unwrap_or(u32::MAX),
            ..ScanSpec::row(Bytes::copy_from_slice(cell.row()))
        };
        let versions = self.get_within(spec).await?;
        Ok(versions.get(n - 1).map(Cell::timestamp))
    }

    /// The timestamp of what a condition looked at, if it holds; what is written then must not be older.
    async fn holds(&self, condition: Condition) -> Result<Option<i64>, RegionError> {
        let Condition { row, test, time_range } = condition;
        let spec = ScanSpec { time_range, ..ScanSpec::row(row) };
        let (spec, expected) = match test {
            Test::Value { family, qualifier, op, value } => {
                self.store_of(&family)?;
                (ScanSpec { families: [(family, [qualifier].into())].into(), ..spec }, Some((op, value)))
            }
            Test::Filter(filter) => (ScanSpec { filter, ..spec }, None),
        };
        let cells = self.get_within(spec).await?;
        let holds = match expected {
            Some((op, value)) => value_passes(op, &value, cells.first().map(Cell::value))?,
            None => !cells.is_empty(),
        };
        Ok(holds.then(|| cells.first().map_or(0, Cell::timestamp)))
    }

    async fn begin_nonce(&self, group: u64, mutations: &[Mutation]) -> Begun {
        let marks = mutations.iter().filter(|mutation| mutation.reads());
        let Some(nonce) = marks.filter_map(|mutation| Nonce::new(group, mutation.nonce)).next() else {
            return Begun::Now(None);
        };
        match self.0.log.server().nonces().begin(nonce).await {
            Some(guard) => Begun::Now(Some(guard)),
            None => Begun::Before,
        }
    }

    /// A client repeats what was done: it gets to know what is there now.
    async fn what_was_done(&self, mutations: &[Mutation]) -> Result<Checked, RegionError> {
        let mut cells = None::<Vec<Cell>>;
        for mutation in mutations.iter().filter(|mutation| mutation.reads() && mutation.returns_result) {
            cells.get_or_insert_default().extend(self.current(mutation).await?);
        }
        Ok(Checked { success: true, cells })
    }

    fn now_ms(&self) -> i64 {
        self.0.files.clock.now_ms() as i64
    }
}

/// Whether an operation with a nonce is to be done.
enum Begun {
    Now(Option<NonceGuard>),
    /// It was done before.
    Before,
}

/// The cell with the server's time, unless it has one.
fn at(cell: &Cell, now_ms: i64) -> Cell {
    if cell.timestamp() == Cell::LATEST_TIMESTAMP { cell.with_timestamp(now_ms) } else { cell.clone() }
}

fn with_ttl(cell: &Cell, ttl_ms: Option<i64>) -> Result<Cell, RegionError> {
    let Some(ttl_ms) = ttl_ms else { return Ok(cell.clone()) };
    cell_tags::with_ttl_ms(cell, ttl_ms).map_err(|error| RegionError::BadRequest(error.to_string()))
}

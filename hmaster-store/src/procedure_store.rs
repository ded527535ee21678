//! Procedures in the master's region. Counterpart of `RegionProcedureStore`.
//!
//! A procedure is a row of family `proc`: its id, big endian, and in column `d` the message. A deleted one has an empty
//! value, so that the highest id ever given stays known; [`RegionProcedureStore::cleanup`] deletes such rows, all but
//! the last.

use std::ops::Bound;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use futures_util::future::{self, BoxFuture};
use hmaster_procedure::{Loaded, ProcedureStore, StoreError, StoreOp};
use hmaster_protocol::{decode, pb};
use hmaster_types::{Cell, CellParts, CellType, ParseError, ProcId};
use prost::Message as _;
use tracing::{debug, warn};

use crate::region::{MasterRegion, PROC_FAMILY, RowCells};

const QUALIFIER: &[u8] = b"d";
/// Rows that are looked at, or deleted, at once: few enough not to keep others waiting.
const CLEANUP_ROWS: usize = 1000;

/// Procedures in a master's region. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RegionProcedureStore(Arc<MasterRegion>);

impl RegionProcedureStore {
    /// The procedures in `region`.
    pub fn new(region: Arc<MasterRegion>) -> Self {
        Self(region)
    }

    /// Rows after `row` whose procedures were deleted, and the row to go on from; none at the end.
    fn deleted_after(&self, row: Option<&[u8]>, last: &[u8]) -> Option<(Vec<Cell>, Vec<u8>)> {
        let from = row.map_or(Bound::Unbounded, Bound::Excluded);
        let rows = self.0.scan(PROC_FAMILY, from, CLEANUP_ROWS);
        let next = rows.last()?.0.to_vec();
        let is_deleted = |row: &RowCells| row.0 != *last && value(row).is_some_and(|value| value.is_empty());
        let deletes = rows.iter().filter(|row| is_deleted(row)).filter_map(|(row, _)| delete(row).ok());
        Some((deletes.collect(), next))
    }
}

#[async_trait]
impl ProcedureStore for RegionProcedureStore {
    fn submit(&self, batch: Vec<StoreOp>) -> BoxFuture<'static, Result<(), StoreError>> {
        let cells: Result<Vec<Cell>, ParseError> = batch.iter().map(put).collect();
        let cells = match cells {
            Ok(cells) => cells,
            Err(error) => return future::ready(Err(failed("write a batch", error))).boxed(),
        };
        match self.0.submit(cells) {
            Ok(durable) => async move {
                let done = durable.wait().await;
                done.map(drop).map_err(|failure| failed("write a batch", failure))
            }
            .boxed(),
            Err(error) => future::ready(Err(failed("write a batch", error))).boxed(),
        }
    }

    async fn load(&self) -> Result<Loaded, StoreError> {
        loaded(self.0.rows(PROC_FAMILY))
    }

    /// Looks at all rows; deletes are queued, and a failure shows with the next batch.
    fn cleanup(&self) {
        let Some(last) = self.0.last_row(PROC_FAMILY) else { return };
        let mut row: Option<Vec<u8>> = None;
        while let Some((deletes, next)) = self.deleted_after(row.as_deref(), &last) {
            if !deletes.is_empty()
                && let Err(error) = self.0.submit(deletes)
            {
                warn!(%error, "deleted procedures can't be forgotten");
                return;
            }
            row = Some(next);
        }
    }
}

/// The procedures in rows of family `proc`.
pub(crate) fn loaded(rows: Vec<RowCells>) -> Result<Loaded, StoreError> {
    let mut loaded = Loaded::default();
    for row in rows {
        let Some(value) = value(&row) else { continue };
        let id = row_id(&row.0).map_err(|error| failed("load", error))?;
        loaded.max_proc_id = loaded.max_proc_id.max(id.0);
        if !value.is_empty() {
            let record = decode::<pb::Procedure>(value);
            loaded.records.push(record.map_err(|error| StoreError {
                reason: format!("the row of procedure {id}"),
                ..failed("load", error)
            })?);
        }
    }
    debug!(records = loaded.records.len(), max = loaded.max_proc_id, "loaded procedures");
    Ok(loaded)
}

/// A procedure's cell, which is empty for a deleted one.
fn put(op: &StoreOp) -> Result<Cell, ParseError> {
    let row = op.id().0.to_be_bytes();
    let value = match op {
        StoreOp::Put(record) => record.encode_to_vec(),
        StoreOp::Delete(_) => Vec::new(),
    };
    Cell::put(&row, PROC_FAMILY, QUALIFIER, Cell::LATEST_TIMESTAMP, &value)
}

fn delete(row: &[u8]) -> Result<Cell, ParseError> {
    Cell::new(CellParts {
        row,
        family: PROC_FAMILY,
        qualifier: b"",
        timestamp: Cell::LATEST_TIMESTAMP,
        cell_type: CellType::DeleteFamily,
        value: b"",
    })
}

fn value((_, cells): &RowCells) -> Option<bytes::Bytes> {
    cells.iter().find(|cell| cell.qualifier() == QUALIFIER).map(Cell::value_bytes)
}

fn row_id(row: &[u8]) -> Result<ProcId, ParseError> {
    let id = row.try_into().map(u64::from_be_bytes);
    id.map(ProcId).map_err(|_| ParseError::new("procedure's row", row, "isn't eight bytes"))
}

fn failed(operation: &'static str, error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError { operation, reason: error.to_string(), source: Some(Arc::new(error)) }
}

//! Increments and appends: what is written depends on what is there. Counterpart of `HRegion.reckonDeltas`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use hmaster_types::{Cell, Nonce};

use super::{Answer, with_ttl};
use crate::cell_tags;
use crate::log::Held;
use crate::region::locks::Mode;
use crate::region::{Mutation, MutationKind, Region, RegionError};
use crate::scan::ScanSpec;

impl Region {
    /// Does one increment or append.
    pub(super) async fn combine(&self, mutation: Mutation, nonce_group: u64) -> Answer {
        self.check(&mutation)?;
        let nonce = match Nonce::new(nonce_group, mutation.nonce) {
            None => None,
            Some(nonce) => match self.0.log.server().nonces().begin(nonce).await {
                Some(guard) => Some(guard),
                None if mutation.returns_result => return self.current(&mutation).await.map(Some),
                None => return Ok(None),
            },
        };
        let rows = Some(Arc::new(self.lock(vec![mutation.row.clone()], Mode::Alone).await?));
        let cells = self.combined(&mutation, self.now_ms()).await?;
        let answer = mutation.returns_result.then(|| cells.clone());
        self.write(cells, (nonce_group, mutation.nonce), Held { rows, nonce }).await?;
        Ok(answer)
    }

    /// What is there in the columns of an increment or append.
    pub(super) async fn current(&self, mutation: &Mutation) -> Result<Vec<Cell>, RegionError> {
        let mut families = BTreeMap::<Bytes, BTreeSet<Bytes>>::new();
        for cell in &mutation.cells {
            let columns = families.entry(Bytes::copy_from_slice(cell.family())).or_default();
            columns.insert(Bytes::copy_from_slice(cell.qualifier()));
        }
        let time_range = mutation.time_range;
        self.get_within(ScanSpec { families, time_range, ..ScanSpec::row(mutation.row.clone()) }).await
    }

    /// The new values.
    pub(super) async fn combined(&self, mutation: &Mutation, now_ms: i64) -> Result<Vec<Cell>, RegionError> {
        let current = self.current(mutation).await?;
        let mut deltas: Vec<&Cell> = mutation.cells.iter().collect();
        let order = self.0.stores.order();
        deltas.sort_by(|a, b| order.compare(a, b));
        let new = |delta: &Cell| {
            let is_same =
                |cell: &&Cell| (cell.family(), cell.qualifier()) == (delta.family(), delta.qualifier());
            let cell = combine(mutation, delta, current.iter().find(is_same), now_ms)?;
            self.check_size(&cell, self.0.options.cell_bytes_max)?;
            Ok(cell)
        };
        deltas.into_iter().map(new).collect()
    }
}

fn combine(
    mutation: &Mutation,
    delta: &Cell,
    current: Option<&Cell>,
    now_ms: i64,
) -> Result<Cell, RegionError> {
    let Some(current) = current else {
        if mutation.kind == MutationKind::Increment {
            number(delta)?;
        }
        return with_ttl(&super::at(delta, now_ms), mutation.ttl_ms);
    };
    let value = match mutation.kind {
        MutationKind::Increment => number(current)?.wrapping_add(number(delta)?).to_be_bytes().to_vec(),
        _ => [current.value(), delta.value()].concat(),
    };
    // Never older than what it replaces, whatever the clock says.
    let timestamp = now_ms.max(current.timestamp().saturating_add(1));
    let bad = |error: hmaster_types::ParseError| RegionError::BadRequest(error.to_string());
    let cell = Cell::put(delta.row(), delta.family(), delta.qualifier(), timestamp, &value).map_err(bad)?;
    let tags = [delta.tags(), current.tags()].concat();
    with_ttl(&cell_tags::with_tags(&cell, &tags).map_err(bad)?, mutation.ttl_ms)
}

fn number(cell: &Cell) -> Result<i64, RegionError> {
    let value = cell.value();
    let bytes: [u8; 8] = value.try_into().map_err(|_| {
        RegionError::BadRequest(format!("Field is not a long, it's {} bytes wide", value.len()))
    })?;
    Ok(i64::from_be_bytes(bytes))
}

//! What was acknowledged is there: every row of every table that wasn't deleted, read where hbase:meta says it is.

use std::collections::{BTreeMap, BTreeSet};

use hmaster_protocol::meta::MetaReader;
use hmaster_types::{Cell, CellOrder, EncodedName, TableName};

use crate::testing::root::RegionFolder;
use crate::testing::state::State;

pub(super) fn check(state: &State) -> Vec<String> {
    let live = live_regions(state);
    let mut found = Vec::new();
    for ((table, row), written) in &state.truth.rows {
        let Some(is) = read(state, &live, table, row) else { continue };
        if is < written.acknowledged || is > written.tried {
            let row = hmaster_types::to_string_binary(row);
            found.push(format!("row {row} of {table} has {is}, {written:?}"));
        }
    }
    found
}

/// All rows of a table with their values.
pub(in crate::testing) fn rows(state: &State, table: &TableName) -> BTreeMap<Vec<u8>, u64> {
    let live = live_regions(state);
    let folders = state.root.tables.get(table).into_iter().flat_map(|folder| folder.regions.values());
    let mut cells = Vec::new();
    for folder in folders.filter(|folder| live.contains(&folder.info.encoded_name())) {
        cells.extend(cells_of(state, folder).into_iter().filter(|cell| folder.info.contains_row(cell.row())));
    }
    let rows: BTreeSet<Vec<u8>> = cells.iter().map(|cell| cell.row().to_vec()).collect();
    rows.into_iter().filter_map(|row| Some((row.clone(), read(state, &live, table, &row)?))).collect()
}

fn cells_of(state: &State, folder: &RegionFolder) -> Vec<Cell> {
    let cells = match state.carrier(folder.info.encoded_name()) {
        Some(carrier) => state.servers[carrier].cells(&state.root, &folder.info),
        None => state.root.cells(&folder.info),
    };
    cells.unwrap_or_default()
}

/// The regions that clients find. The parents of splits and merges still have files, which nobody reads.
fn live_regions(state: &State) -> BTreeSet<EncodedName> {
    let mut reader = MetaReader::new();
    let rows = state.meta_rows().unwrap_or_default();
    let regions = rows.iter().filter_map(|cells| reader.region_row(cells).ok().flatten());
    let live = regions.filter(|row| !row.region.is_split_parent());
    live.map(|row| row.region.encoded_name()).collect()
}

/// A row's value, 0 without; none when the table is gone.
fn read(state: &State, live: &BTreeSet<EncodedName>, table: &TableName, row: &[u8]) -> Option<u64> {
    let regions = &state.root.tables.get(table)?.regions;
    let mut cells = Vec::new();
    let holds =
        |info: &hmaster_types::RegionInfo| info.contains_row(row) && live.contains(&info.encoded_name());
    for folder in regions.values().filter(|folder| holds(&folder.info)) {
        cells.extend(cells_of(state, folder).into_iter().filter(|cell| cell.row() == row));
    }
    let rows = super::super::rows::visible(cells, CellOrder::User);
    let value = rows.first().and_then(|row| row.first()).map(|cell| cell.value().try_into());
    Some(value.and_then(Result::ok).map_or(0, u64::from_be_bytes))
}

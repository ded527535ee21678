//! What was acknowledged is there: every row of every table that wasn't deleted.

use hmaster_types::{CellOrder, TableName};

use crate::testing::state::State;

pub(super) fn check(state: &State) -> Vec<String> {
    let mut found = Vec::new();
    for ((table, row), written) in &state.truth.rows {
        let Some(is) = read(state, table, row) else { continue };
        if is < written.acknowledged || is > written.tried {
            let row = hmaster_types::to_string_binary(row);
            found.push(format!("row {row} of {table} has {is}, {written:?}"));
        }
    }
    found
}

/// A row's value, 0 without; none when the table is gone.
fn read(state: &State, table: &TableName, row: &[u8]) -> Option<u64> {
    let regions = &state.root.tables.get(table)?.regions;
    let mut cells = Vec::new();
    for folder in regions.values().filter(|folder| folder.info.contains_row(row)) {
        let own = match state.carrier(folder.info.encoded_name()) {
            Some(carrier) => state.servers[carrier].cells(&state.root, &folder.info),
            None => state.root.cells(&folder.info),
        };
        cells.extend(own.into_iter().flatten().filter(|cell| cell.row() == row));
    }
    let rows = super::super::rows::visible(cells, CellOrder::User);
    let value = rows.first().and_then(|row| row.first()).map(|cell| cell.value().try_into());
    Some(value.and_then(Result::ok).map_or(0, u64::from_be_bytes))
}

//! No region is lost, none overlaps another, there are no holes; what should be open is open where hbase:meta says.

use hmaster_protocol::meta::{MetaReader, MetaRow};
use hmaster_types::{RegionState, TableName, TableState};

use crate::testing::state::State;

pub(super) fn check(state: &State) -> Vec<String> {
    let Some(rows) = state.meta_rows() else { return vec!["hbase:meta is open nowhere".into()] };
    let mut reader = MetaReader::new();
    let (mut regions, mut tables, mut found) = (Vec::new(), Vec::new(), Vec::new());
    for cells in &rows {
        match (reader.region_row(cells), reader.table_state(cells)) {
            (Ok(Some(row)), _) => regions.push(row),
            (Ok(None), Ok(Some(table))) => tables.push(table),
            (Ok(None), Ok(None)) => found.push(format!("a row of nothing: {:?}", cells.first())),
            (Err(error), _) | (_, Err(error)) => found.push(error.to_string()),
        }
    }
    for (table, table_state) in &tables {
        let mut own: Vec<_> = regions.iter().filter(|row| row.region.table() == table).collect();
        own.retain(|row| !row.region.is_split_parent());
        found.extend(check_keys(table, &own));
        for row in own {
            found.extend(check_region(state, row, *table_state));
        }
    }
    let has_state = |table: &TableName| tables.iter().any(|(other, _)| other == table);
    for row in regions.iter().filter(|row| !has_state(row.region.table())) {
        found.push(format!("{} is of a table that doesn't exist", row.region));
    }
    for table in state.root.tables.keys().filter(|table| !table.is_meta() && !has_state(table)) {
        found.push(format!("{table} has a folder but doesn't exist"));
    }
    found
}

fn check_keys(table: &TableName, regions: &[&MetaRow]) -> Vec<String> {
    let mut ranges: Vec<_> =
        regions.iter().map(|row| (row.region.start_key(), row.region.end_key())).collect();
    ranges.sort();
    let mut next: Option<&[u8]> = Some(b"");
    let mut found = Vec::new();
    for (start, end) in ranges {
        if next != Some(start) {
            let (next, start) =
                (next.map(hmaster_types::to_string_binary), hmaster_types::to_string_binary(start));
            found.push(format!("{table}: a hole or an overlap between {next:?} and {start:?}"));
        }
        next = (!end.is_empty()).then_some(end);
    }
    if next.is_some() {
        found.push(format!("{table}: a hole at the end"));
    }
    found
}

fn check_region(state: &State, row: &MetaRow, table: TableState) -> Vec<String> {
    let mut found = Vec::new();
    if state.root.region(&row.region).is_none() {
        found.push(format!("{} has no folder", row.region));
    }
    let replicas =
        state.root.tables.get(row.region.table()).map_or(1, |table| table.schema.region_replication());
    for id in 0..replicas {
        let region = row.region.with_replica(id);
        let shown = row.replicas.iter().find(|replica| replica.id == id);
        let carrier = state.carrier(region.encoded_name());
        let shown_state = shown.and_then(|replica| replica.state);
        match table {
            TableState::Enabled => {
                let place = shown.and_then(|replica| replica.open_on.as_ref());
                if shown_state != Some(RegionState::Open) || place != carrier || carrier.is_none() {
                    found.push(format!("{region} should be open: {shown:?}, open on {carrier:?}"));
                }
            }
            TableState::Disabled => {
                let closed = [None, Some(RegionState::Closed), Some(RegionState::Offline)];
                if !closed.contains(&shown_state) || carrier.is_some() {
                    found.push(format!("{region} should be closed: {shown:?}, open on {carrier:?}"));
                }
            }
            TableState::Enabling | TableState::Disabling => {
                found.push(format!("{region}: its table is still {table}"));
            }
        }
    }
    found
}

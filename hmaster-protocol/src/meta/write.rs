//! From nouns to cells.

use bytes::Bytes;
use hmaster_types::{Cell, CellParts, CellType, RegionInfo, RegionState, ServerName, TableName, TableState};

use super::read::parents_value;
use super::{
    BARRIER_FAMILY, CATALOG_FAMILY, MERGE, PARENT, REGION_INFO, SEQ_NUM, SERVER, SPLIT_A, SPLIT_B,
    START_CODE, STATE, TABLE_STATE, TARGET, column,
};
use crate::{pb, pbuf_encode};

/// Family of tables' states.
pub const TABLE_FAMILY: &[u8] = b"table";

/// A new daughter or merged region has never been opened; its first sequence number is this.
const FIRST_SEQ_NUM: i64 = 1;

/// What is to change in one row: puts and delete markers, all stamped by the caller's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetaRowMutation {
    /// Row key.
    pub row: Bytes,
    /// Cells to put.
    pub puts: Vec<Cell>,
    /// Delete markers.
    pub deletes: Vec<Cell>,
}

impl MetaRowMutation {
    fn new(row: &[u8]) -> Self {
        Self { row: Bytes::copy_from_slice(row), puts: Vec::new(), deletes: Vec::new() }
    }

    fn of_region(region: &RegionInfo) -> Self {
        Self::new(region.meta_row().as_bytes())
    }

    fn put(&mut self, family: &[u8], qualifier: &[u8], timestamp: i64, value: &[u8]) {
        self.push(family, qualifier, timestamp, CellType::Put, value);
    }

    fn delete(&mut self, cell_type: CellType, family: &[u8], qualifier: &[u8], timestamp: i64) {
        self.push(family, qualifier, timestamp, cell_type, &[]);
    }

    fn push(&mut self, family: &[u8], qualifier: &[u8], timestamp: i64, cell_type: CellType, value: &[u8]) {
        let parts = CellParts { row: &self.row, family, qualifier, timestamp, cell_type, value };
        // A start key has at most 32 kB because a region server would not have taken it otherwise, and the rest is short.
        let cell = Cell::new(parts).expect("names of regions fit into cells");
        if cell_type == CellType::Put { self.puts.push(cell) } else { self.deletes.push(cell) }
    }

    fn put_region_info(&mut self, region: &RegionInfo, timestamp: i64) {
        let value = pbuf_encode(&pb::RegionInfo::from(&region.with_replica(0)));
        self.put(CATALOG_FAMILY, REGION_INFO, timestamp, &value);
    }

    fn put_place(&mut self, replica: u16, server: &ServerName, open_seq_num: i64, timestamp: i64) {
        let address = server.address().to_string();
        self.put(CATALOG_FAMILY, &column(SERVER, replica), timestamp, address.as_bytes());
        let start = server.start_code().0.to_be_bytes();
        self.put(CATALOG_FAMILY, &column(START_CODE, replica), timestamp, &start);
        self.put(CATALOG_FAMILY, &column(SEQ_NUM, replica), timestamp, &open_seq_num.to_be_bytes());
    }

    /// A replica without a place has empty cells, so that clients see that it exists.
    fn put_no_place(&mut self, replica: u16, timestamp: i64) {
        for name in [SERVER, START_CODE, SEQ_NUM] {
            self.put(CATALOG_FAMILY, &column(name, replica), timestamp, &[]);
        }
    }

    fn put_state(&mut self, replica: u16, state: RegionState, timestamp: i64) {
        self.put(CATALOG_FAMILY, &column(STATE, replica), timestamp, state.name().as_bytes());
    }

    fn put_barrier(&mut self, seq_num: i64, timestamp: i64) {
        self.put(BARRIER_FAMILY, SEQ_NUM.as_bytes(), timestamp, &seq_num.to_be_bytes());
    }
}

/// State and place of one replica of a region. `server` is where it is open, or where it is to go; `barrier` says that
/// its edits are replicated, so that its sequence number must be remembered.
pub fn put_region(
    region: &RegionInfo,
    state: RegionState,
    server: Option<&ServerName>,
    open_seq_num: i64,
    barrier: bool,
    timestamp: i64,
) -> MetaRowMutation {
    let replica = region.replica_id();
    let mut row = MetaRowMutation::of_region(region);
    if replica == 0 {
        row.put_region_info(region, timestamp);
    }
    match (state, server) {
        (RegionState::Open, Some(server)) => {
            row.put_place(replica, server, open_seq_num, timestamp);
            if barrier && replica == 0 {
                row.put_barrier(open_seq_num, timestamp);
            }
        }
        (_, Some(server)) => {
            row.put(CATALOG_FAMILY, &column(TARGET, replica), timestamp, server.as_str().as_bytes());
        }
        (_, None) => {}
    }
    row.put_state(replica, state, timestamp);
    row
}

/// A new region that is to be opened, and its replicas. Its state is CLOSED: one without state would be assigned by
/// whichever master comes next, even if its table is never finished.
pub fn add_region(region: &RegionInfo, replicas: u16, timestamp: i64) -> MetaRowMutation {
    let mut row = MetaRowMutation::of_region(region);
    row.put_region_info(region, timestamp);
    row.put_state(0, RegionState::Closed, timestamp);
    (1..replicas).for_each(|replica| row.put_no_place(replica, timestamp));
    row
}

/// Takes a region and its replicas out of hbase:meta.
pub fn delete_region(region: &RegionInfo, timestamp: i64) -> MetaRowMutation {
    let mut row = MetaRowMutation::of_region(region);
    row.delete(CellType::DeleteFamily, CATALOG_FAMILY, &[], timestamp);
    row
}

/// Takes a whole row out of hbase:meta, whatever is in it.
pub fn delete_row(row: &[u8], timestamp: i64) -> MetaRowMutation {
    let mut row = MetaRowMutation::new(row);
    for family in [CATALOG_FAMILY, TABLE_FAMILY, BARRIER_FAMILY] {
        row.delete(CellType::DeleteFamily, family, &[], timestamp);
    }
    row
}

/// Records up to where edits of a closed region of a replicated table go.
pub fn put_barrier(region: &RegionInfo, seq_num: i64, timestamp: i64) -> MetaRowMutation {
    let mut row = MetaRowMutation::of_region(region);
    row.put_barrier(seq_num, timestamp);
    row
}

/// The rows of a table's regions: the first one, and the first one after them.
pub fn table_rows(table: &TableName) -> (Bytes, Bytes) {
    // Rows sort by table name first. The name with a blank sorts right after it, since no name has a smaller character.
    let name = table.as_str();
    (Bytes::from(format!("{name},,")), Bytes::from(format!("{name} ,,")))
}

/// Takes replicas with these numbers out of a region's row.
pub fn delete_replicas(
    region: &RegionInfo,
    replicas: std::ops::Range<u16>,
    timestamp: i64,
) -> MetaRowMutation {
    let mut row = MetaRowMutation::of_region(region);
    for replica in replicas {
        for name in [SERVER, SEQ_NUM, START_CODE, TARGET, STATE] {
            row.delete(CellType::DeleteColumn, CATALOG_FAMILY, &column(name, replica), timestamp);
        }
    }
    row
}

/// Records a table's state.
pub fn put_table_state(table: &TableName, state: TableState, timestamp: i64) -> MetaRowMutation {
    let mut row = MetaRowMutation::new(table.as_bytes());
    let value = prost::Message::encode_to_vec(&pb::TableState::from(state));
    row.put(TABLE_FAMILY, TABLE_STATE, timestamp, &value);
    row
}

/// Takes a table's state out of hbase:meta: the table is gone.
pub fn delete_table_state(table: &TableName, timestamp: i64) -> MetaRowMutation {
    let mut row = MetaRowMutation::new(table.as_bytes());
    row.delete(CellType::DeleteFamily, TABLE_FAMILY, &[], timestamp);
    row
}

/// Marks a region as split into these. Counterpart of `MetaTableAccessor.addSplitsToParent`.
pub fn put_daughters(parent: &RegionInfo, daughters: [&RegionInfo; 2], timestamp: i64) -> MetaRowMutation {
    let gone = parent.to_builder().split(true).offline(true).build();
    let mut row = MetaRowMutation::of_region(parent);
    row.put_region_info(&gone, timestamp);
    for (qualifier, daughter) in [(SPLIT_A, daughters[0]), (SPLIT_B, daughters[1])] {
        row.put(CATALOG_FAMILY, qualifier, timestamp, &pbuf_encode(&pb::RegionInfo::from(daughter)));
    }
    row
}

/// The point of no return of a split: to be applied as one.
pub fn split_region(
    parent: &RegionInfo,
    parent_open_seq_num: i64,
    daughters: [&RegionInfo; 2],
    replicas: u16,
    barrier: bool,
    timestamp: i64,
) -> Vec<MetaRowMutation> {
    let mut row = put_daughters(parent, daughters, timestamp);
    if barrier {
        row.put_barrier(parent_open_seq_num, timestamp);
    }
    let born = |daughter: &RegionInfo| {
        let mut row = add_region(daughter, replicas, timestamp);
        row.put(CATALOG_FAMILY, SEQ_NUM.as_bytes(), timestamp, &FIRST_SEQ_NUM.to_be_bytes());
        if barrier {
            row.put(BARRIER_FAMILY, PARENT, timestamp, &parents_value(std::slice::from_ref(parent)));
        }
        row
    };
    vec![row, born(daughters[0]), born(daughters[1])]
}

/// The point of no return of a merge: to be applied as one. `parents` come with the sequence numbers they were opened
/// with last.
pub fn merge_regions(
    merged: &RegionInfo,
    server: Option<&ServerName>,
    parents: &[(RegionInfo, i64)],
    replicas: u16,
    barrier: bool,
    timestamp: i64,
) -> Vec<MetaRowMutation> {
    let mut rows = Vec::with_capacity(parents.len() + 1);
    for (parent, open_seq_num) in parents {
        let mut row = delete_region(parent, timestamp);
        if barrier {
            row.put_barrier(*open_seq_num, timestamp);
        }
        rows.push(row);
    }
    let mut row = add_region(merged, replicas, timestamp);
    for (i, (parent, _)) in parents.iter().enumerate() {
        let qualifier = [MERGE, format!("{i:04}").as_bytes()].concat();
        row.put(CATALOG_FAMILY, &qualifier, timestamp, &pbuf_encode(&pb::RegionInfo::from(parent)));
    }
    if let Some(server) = server {
        row.put_place(0, server, FIRST_SEQ_NUM, timestamp);
    }
    if barrier {
        let parents: Vec<_> = parents.iter().map(|(parent, _)| parent.clone()).collect();
        row.put(BARRIER_FAMILY, PARENT, timestamp, &parents_value(&parents));
    }
    rows.push(row);
    rows
}

/// Forgets what a region was merged from: the files of its parents are no longer needed.
pub fn delete_merge_qualifiers(merged: &RegionInfo, count: usize, timestamp: i64) -> MetaRowMutation {
    let mut row = MetaRowMutation::of_region(merged);
    for i in 0..count {
        let qualifier = [MERGE, format!("{i:04}").as_bytes()].concat();
        row.delete(CellType::DeleteColumn, CATALOG_FAMILY, &qualifier, timestamp);
    }
    row
}

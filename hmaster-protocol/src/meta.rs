//! Rows of hbase:meta, as cells and as nouns. Counterpart of `MetaTableAccessor`, `CatalogFamilyFormat` and the encoding
//! half of `RegionStateStore`.
//!
//! A row of a region holds the region itself and, for each replica under columns with the replica's number, its state, its
//! target and where it was open last. A table's state is a row of its own. The master's own store has rows of the same
//! form for the regions of hbase:meta.

mod read;
mod write;

use bytes::Bytes;
use hmaster_types::{RegionInfo, RegionState, ServerName};

pub use read::{MetaError, MetaReader};
pub use write::{
    MetaRowMutation, TABLE_FAMILY, add_region, delete_merge_qualifiers, delete_region, delete_replicas,
    delete_row, delete_table_state, merge_regions, put_barrier, put_daughters, put_region, put_table_state,
    split_region, table_rows,
};

/// Family of everything about regions.
pub const CATALOG_FAMILY: &[u8] = b"info";
/// Family of the sequence numbers at which regions of replicated tables were opened.
pub const BARRIER_FAMILY: &[u8] = b"rep_barrier";

const REGION_INFO: &[u8] = b"regioninfo";
const SERVER: &str = "server";
const START_CODE: &str = "serverstartcode";
const SEQ_NUM: &str = "seqnumDuringOpen";
const TARGET: &str = "sn";
const STATE: &str = "state";
const SPLIT_A: &[u8] = b"splitA";
const SPLIT_B: &[u8] = b"splitB";
const MERGE: &[u8] = b"merge";
const PARENT: &[u8] = b"parent";
const TABLE_STATE: &[u8] = b"state";

/// A region's row.
#[derive(Debug, Clone)]
pub struct MetaRow {
    /// The region, the default replica of it.
    pub region: RegionInfo,
    /// What is said of each replica of which anything is said.
    pub replicas: Vec<MetaReplica>,
    /// The daughters, for a region that was split.
    pub daughters: Option<(RegionInfo, RegionInfo)>,
    /// The regions it was merged from, as long as their files are needed.
    pub merged_from: Vec<RegionInfo>,
    /// The latest timestamp in the row.
    pub newest_ms: i64,
}

/// One replica of a region, as its row says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetaReplica {
    /// Which replica.
    pub id: u16,
    /// Its state; none counts as OFFLINE.
    pub state: Option<RegionState>,
    /// Where it is or was to be: `info:sn`.
    pub target: Option<ServerName>,
    /// Where it was open last: `info:server` and `info:serverstartcode`.
    pub open_on: Option<ServerName>,
    /// The sequence number it was opened with last.
    pub open_seq_num: Option<i64>,
}

impl MetaReplica {
    /// Where the master looks for it: the target if one is recorded, as Java does.
    pub fn location(&self) -> Option<&ServerName> {
        self.target.as_ref().or(self.open_on.as_ref())
    }
}

/// The column of a replica: `server`, and `server_0001` for replica 1.
fn column(name: &str, replica: u16) -> Bytes {
    match replica {
        0 => Bytes::copy_from_slice(name.as_bytes()),
        replica => Bytes::from(format!("{name}_{replica:04X}")),
    }
}

#[cfg(test)]
mod tests;

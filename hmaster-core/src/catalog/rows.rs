//! Everything that hbase:meta says, read in one pass at start-up.

use std::collections::BTreeSet;

use hmaster_protocol::meta::{CATALOG_FAMILY, MetaReader, MetaRow, TABLE_FAMILY};
use hmaster_types::{EncodedName, RegionInfo, RegionState, SeqNum, TableName, TableState};

use super::{Catalog, CatalogError};
use crate::assignment::RegionRecord;

/// What hbase:meta says.
#[derive(Debug, Default)]
pub struct LoadedMeta {
    /// All regions with their replicas.
    pub regions: Vec<RegionRecord>,
    /// All tables that have a state.
    pub tables: Vec<(TableName, TableState)>,
    /// The regions that have taken the place of others: daughters of those that were split, and those that were merged.
    pub made: BTreeSet<EncodedName>,
    /// Rows that can't be read, with the reason. They are left alone.
    pub unreadable: Vec<String>,
}

impl Catalog {
    /// Reads all of hbase:meta, and takes note of the latest timestamp in it.
    ///
    /// # Errors
    /// When a region server refuses for good, or the master stops.
    pub async fn load(&self) -> Result<LoadedMeta, CatalogError> {
        let mut loaded = LoadedMeta::default();
        let mut reader = MetaReader::new();
        self.scan(b"", b"", &[CATALOG_FAMILY, TABLE_FAMILY], |cells| {
            match reader.region_row(&cells) {
                Ok(Some(row)) => {
                    self.clock.seen(row.newest_ms);
                    loaded.made.extend(made(&row));
                    loaded.regions.extend(records(&row));
                }
                Ok(None) => match reader.table_state(&cells) {
                    Ok(state) => {
                        cells.iter().for_each(|cell| self.clock.seen(cell.timestamp()));
                        loaded.tables.extend(state);
                    }
                    Err(error) => loaded.unreadable.push(error.to_string()),
                },
                Err(error) => loaded.unreadable.push(error.to_string()),
            }
            Ok(())
        })
        .await?;
        Ok(loaded)
    }
}

/// The regions that a row says have taken the place of others.
fn made(row: &MetaRow) -> impl Iterator<Item = EncodedName> {
    let daughters = row.daughters.iter().filter(|_| row.region.is_split_parent()).flat_map(|(a, b)| [a, b]);
    let merged = (!row.merged_from.is_empty()).then_some(&row.region);
    daughters.chain(merged).map(RegionInfo::encoded_name).collect::<Vec<_>>().into_iter()
}

/// What a row says of each of a region's replicas. Counterpart of `RegionMetaLoadingVisitor`.
pub fn records(row: &MetaRow) -> Vec<RegionRecord> {
    let record = |replica: &hmaster_protocol::meta::MetaReplica| RegionRecord {
        info: row.region.with_replica(replica.id),
        // Java takes a row without state for OFFLINE. A split parent keeps the CLOSED it had.
        state: replica.state.unwrap_or(RegionState::Offline),
        location: replica.location().cloned(),
        last_host: replica.open_on.clone(),
        open_seq_num: replica.open_seq_num.map_or(SeqNum::NONE, SeqNum),
    };
    let mut records: Vec<_> = row.replicas.iter().map(record).collect();
    if !row.replicas.iter().any(|replica| replica.id == 0) {
        // Something is known of the region at least: that it exists.
        records.push(RegionRecord::new(row.region.clone(), RegionState::Offline));
    }
    records
}

//! A table with any number of regions, brought into being at once: its rows in hbase:meta say that each region is open on
//! a server, and the servers take the regions as open.
//!
//! For the time between two masters: what a master finds afterwards is what a cluster has that has been running for long,
//! and no master had to open a region for it. Writing a million rows takes seconds, opening a million regions doesn't.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hmaster_protocol::meta::{MetaRowMutation, put_region, put_table_state};
use hmaster_types::{
    ColumnFamilyDescriptor, RegionInfo, RegionState, ServerName, TableDescriptor, TableName, TableState,
};

use crate::SwarmError;
use crate::client::{Client, WRITES_AT_ONCE};
use crate::light::{Common, LightRegion};
use crate::swarm::Swarm;

/// Rows that are made at a time.
const ROWS_MAX: usize = 5_000;

/// A table of light regions.
pub(crate) fn schema(table: &TableName) -> TableDescriptor {
    TableDescriptor::builder(table.clone()).family(ColumnFamilyDescriptor::builder("f").build()).build()
}

/// Where a table of so many regions is split.
pub(crate) fn split_keys(regions: usize) -> Vec<bytes::Bytes> {
    (1..regions).map(|index| format!("{index:08}").into()).collect()
}

/// The regions of such a table.
pub(crate) fn regions(table: &TableName, count: usize, region_id: u64) -> Vec<RegionInfo> {
    let keys = split_keys(count);
    let key = |index: Option<usize>| index.and_then(|index| keys.get(index)).cloned().unwrap_or_default();
    let region = |index: usize| {
        RegionInfo::builder(table.clone())
            .start_key(key(index.checked_sub(1)).to_vec())
            .end_key(key(Some(index)).to_vec())
            .region_id(region_id)
            .build()
    };
    (0..count).map(region).collect()
}

/// Brings a table into being on the servers of a swarm. No master may be active.
pub(crate) async fn preload(
    swarm: &Swarm,
    client: &Client,
    table: &TableName,
    count: usize,
    with_folders: bool,
) -> Result<(), SwarmError> {
    let common = swarm.common();
    let now = common.clock.now_ms();
    let regions = regions(table, count, now);
    match with_folders {
        true => common.root.create_table(&schema(table), &regions).await?,
        false => common.root.write_table_descriptor(&schema(table)).await?,
    }
    let timestamp = i64::try_from(now).unwrap_or(i64::MAX);
    let servers = swarm.names();
    let open_on = |index: usize| &servers[index % servers.len()];
    let placed: Vec<(RegionInfo, u64)> =
        regions.into_iter().map(|region| (region, common.next_sequence_id())).collect();
    let pages = placed.chunks(ROWS_MAX).enumerate().map(|(page, some)| {
        let row = |(index, (region, sequence_id)): (usize, &(RegionInfo, u64))| {
            row(region, open_on(page * ROWS_MAX + index), *sequence_id, timestamp)
        };
        some.iter().enumerate().map(row).collect::<Vec<_>>()
    });
    let writes = pages.map(|rows| async move { client.put_meta(swarm.meta(), &rows).await });
    stream::iter(writes).buffer_unordered(WRITES_AT_ONCE).try_collect::<Vec<()>>().await?;
    client.put_meta(swarm.meta(), &[put_table_state(table, TableState::Enabled, timestamp)]).await?;
    adopt(swarm, common, placed);
    Ok(())
}

fn row(region: &RegionInfo, server: &ServerName, sequence_id: u64, timestamp: i64) -> MetaRowMutation {
    let sequence_id = i64::try_from(sequence_id).unwrap_or(i64::MAX);
    put_region(region, RegionState::Open, Some(server), sequence_id, false, timestamp)
}

fn adopt(swarm: &Swarm, common: &Common, placed: Vec<(RegionInfo, u64)>) {
    let servers = swarm.servers();
    let mut by_server: Vec<Vec<(RegionInfo, LightRegion)>> = servers.iter().map(|_| Vec::new()).collect();
    let count = by_server.len();
    for (index, (region, sequence_id)) in placed.into_iter().enumerate() {
        by_server[index % count].push((region.clone(), LightRegion::new(region, sequence_id)));
    }
    for (server, regions) in servers.iter().zip(by_server) {
        server.adopt(regions);
    }
    common.tally.touch();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_follow_one_another_from_end_to_end() {
        let table: TableName = "t".parse().unwrap();
        for count in [1, 2, 1000] {
            let regions = regions(&table, count, 7);
            assert_eq!(regions.len(), count);
            assert!(regions[0].start_key().is_empty() && regions[count - 1].end_key().is_empty());
            assert!(regions.windows(2).all(|pair| pair[0].end_key() == pair[1].start_key()));
            assert!(regions.is_sorted());
        }
    }
}

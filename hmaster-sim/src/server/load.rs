//! What a region server reports of itself. Counterpart of `buildServerLoad` and `createRegionLoad` of `HRegionServer`.

use hmaster_protocol::pb;

use super::state::Server;
use crate::region::Region;

/// Between two reports.
#[derive(Debug, Clone, Copy)]
pub struct Period {
    /// When the one before was made.
    pub start_ms: u64,
    /// When this one is made.
    pub end_ms: u64,
    /// Calls in it.
    pub requests: u64,
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// The load of a server with rows and of all its regions.
pub(crate) fn of_rows(server: &Server, period: Period) -> pb::ServerLoad {
    let regions = server.regions.all();
    let memory: u64 = regions.iter().map(|region| region.load().memstore_bytes).sum();
    let load = of_server(period, server.requests.total(), memory);
    let region_loads = regions.iter().map(|region| region_load(region)).collect();
    pb::ServerLoad { region_loads, coprocessors: coprocessors(&regions), ..load }
}

/// The load of a server without its regions.
pub fn of_server(period: Period, requests_total: u64, memory_bytes: u64) -> pb::ServerLoad {
    let seconds = (period.end_ms.saturating_sub(period.start_ms)).div_ceil(1000).max(1);
    pb::ServerLoad {
        number_of_requests: Some(period.requests / seconds),
        total_number_of_requests: Some(requests_total),
        used_heap_mb: Some(rounded(memory_bytes, MIB)),
        max_heap_mb: Some(rounded(memory_bytes_max(), MIB)),
        report_start_time: Some(period.start_ms),
        report_end_time: Some(period.end_ms),
        // Java has -1 for no pages, and writes it as the unsigned number that looks so.
        info_server_port: Some(u32::MAX),
        ..Default::default()
    }
}

/// Rows may take all the memory there is. Clients tell by this number that a server has reported.
fn memory_bytes_max() -> u64 {
    let system = rustix::system::sysinfo();
    u64::from(system.mem_unit).saturating_mul(system.totalram)
}

/// hbase:meta is served with the endpoint that its schema names, whatever else a schema names isn't there.
fn coprocessors(regions: &[std::sync::Arc<Region>]) -> Vec<pb::Coprocessor> {
    let carries_meta = regions.iter().any(|region| region.info().is_meta());
    let endpoint = || pb::Coprocessor { name: "MultiRowMutationEndpoint".into() };
    carries_meta.then(endpoint).into_iter().collect()
}

/// The load of a region.
pub(crate) fn region_load(region: &Region) -> pb::RegionLoad {
    let load = region.load();
    let unknown = |id: Option<u64>| id.unwrap_or(u64::MAX); // -1
    let by_store = load
        .flushed_by_family
        .iter()
        .map(|(family, id)| pb::StoreSequenceId { family_name: family.clone(), sequence_id: unknown(*id) });
    pb::RegionLoad {
        region_specifier: (&region.info().name()).into(),
        stores: Some(load.stores),
        storefiles: Some(load.store_files),
        store_uncompressed_size_mb: Some(rounded(load.store_file_uncompressed_bytes, MIB)),
        storefile_size_mb: Some(rounded(load.store_file_bytes, MIB)),
        mem_store_size_mb: Some(rounded(load.memstore_bytes, MIB)),
        storefile_index_size_kb: Some(rounded(load.store_file_index_bytes, KIB).into()),
        read_requests_count: Some(load.read_requests),
        write_requests_count: Some(load.write_requests),
        filtered_read_requests_count: Some(load.filtered_read_requests),
        total_compacting_k_vs: Some(0),
        current_compacted_k_vs: Some(0),
        root_index_size_kb: Some(rounded(load.store_file_index_bytes, KIB)),
        total_static_index_size_kb: Some(rounded(load.store_file_index_bytes, KIB)),
        total_static_bloom_size_kb: Some(0),
        complete_sequence_id: Some(unknown(load.flushed_sequence_id)),
        store_complete_sequence_id: by_store.collect(),
        data_locality: Some(0.0),
        data_locality_for_ssd: Some(0.0),
        blocks_local_weight: Some(0),
        blocks_local_with_ssd_weight: Some(0),
        blocks_total_weight: Some(0),
        last_major_compaction_ts: Some(load.last_major_compaction_ms),
        store_ref_count: Some(0),
        max_compacted_store_file_ref_count: Some(0),
        compaction_state: Some(pb::region_load::CompactionState::None.into()),
        region_size_mb: Some(rounded(load.store_file_bytes, MIB)),
        current_region_cached_ratio: Some(0.0),
    }
}

/// In units, downwards, but 1 for anything that is there: 0 would read as no data at all.
fn rounded(bytes: u64, unit: u64) -> u32 {
    match bytes {
        0 => 0,
        bytes => u32::try_from((bytes / unit).max(1)).unwrap_or(u32::MAX >> 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_is_more_than_nothing() {
        assert_eq!([0, 1, MIB, 3 * MIB + 1].map(|bytes| rounded(bytes, MIB)), [0, 1, 1, 3]);
    }

    #[test]
    fn a_server_without_rows_has_memory() {
        assert!(memory_bytes_max() > 64 * MIB);
    }
}

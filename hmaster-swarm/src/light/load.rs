//! What a light server reports of itself.

use hmaster_protocol::pb;
use hmaster_sim::carrier::{Period, of_server};

use super::{Light, LightRegion};

/// The load of a server and of all its regions.
pub(super) fn of(light: &Light, period: Period) -> pb::ServerLoad {
    let region_loads = light.regions().iter().map(|region| of_region(region)).collect();
    // What nobody asks for isn't counted.
    pb::ServerLoad { region_loads, ..of_server(period, 0, 0) }
}

/// A region that has one store, with nothing in it.
pub(super) fn of_region(region: &LightRegion) -> pb::RegionLoad {
    pb::RegionLoad {
        region_specifier: (&region.info.name()).into(),
        stores: Some(1),
        storefiles: Some(0),
        store_uncompressed_size_mb: Some(0),
        storefile_size_mb: Some(0),
        mem_store_size_mb: Some(0),
        storefile_index_size_kb: Some(0),
        read_requests_count: Some(0),
        write_requests_count: Some(0),
        filtered_read_requests_count: Some(0),
        total_compacting_k_vs: Some(0),
        current_compacted_k_vs: Some(0),
        root_index_size_kb: Some(0),
        total_static_index_size_kb: Some(0),
        total_static_bloom_size_kb: Some(0),
        // Nothing was flushed: -1.
        complete_sequence_id: Some(u64::MAX),
        data_locality: Some(0.0),
        data_locality_for_ssd: Some(0.0),
        blocks_local_weight: Some(0),
        blocks_local_with_ssd_weight: Some(0),
        blocks_total_weight: Some(0),
        last_major_compaction_ts: Some(0),
        store_ref_count: Some(0),
        max_compacted_store_file_ref_count: Some(0),
        compaction_state: Some(pb::region_load::CompactionState::None.into()),
        region_size_mb: Some(0),
        current_region_cached_ratio: Some(0.0),
        ..Default::default()
    }
}

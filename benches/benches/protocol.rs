//! What checking costs on top of decoding: a region server's report with a thousand regions, which a master gets from
//! every server every three seconds.

use bytes::Bytes;
use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use hmaster_protocol::{check_message, decode, decode_slice, pb};
use prost::Message as _;

const REGIONS: u64 = 1000;

fn main() {
    divan::main();
}

/// A load as a region server fills it in, all numbers of ordinary size.
fn server_load() -> Vec<u8> {
    let load = pb::ServerLoad {
        total_number_of_requests: Some(123_456_789),
        used_heap_mb: Some(8_000),
        max_heap_mb: Some(16_000),
        region_loads: (0..REGIONS).map(region_load).collect(),
        report_start_time: Some(1_700_000_000_000),
        report_end_time: Some(1_700_000_003_000),
        info_server_port: Some(16030),
        ..Default::default()
    };
    load.encode_to_vec()
}

fn region_load(index: u64) -> pb::RegionLoad {
    let name = format!("ns:table,row-{index:08},1700000000000.{index:032x}.");
    pb::RegionLoad {
        region_specifier: pb::RegionSpecifier {
            r#type: pb::region_specifier::RegionSpecifierType::RegionName.into(),
            value: name.into(),
        },
        stores: Some(1),
        storefiles: Some(4),
        store_uncompressed_size_mb: Some(9_000),
        storefile_size_mb: Some(4_000),
        mem_store_size_mb: Some(60),
        read_requests_count: Some(1_000_000 + index),
        write_requests_count: Some(2_000_000 + index),
        complete_sequence_id: Some(300_000 + index),
        data_locality: Some(0.98),
        last_major_compaction_ts: Some(1_700_000_000_000),
        store_complete_sequence_id: vec![pb::StoreSequenceId {
            family_name: "f".into(),
            sequence_id: 300_000 + index,
        }],
        store_ref_count: Some(0),
        compaction_state: Some(pb::region_load::CompactionState::None.into()),
        region_size_mb: Some(4_000),
        ..Default::default()
    }
}

/// prost alone, which takes what lacks required fields.
#[divan::bench]
fn prost_decode(bencher: Bencher<'_, '_>) {
    let bytes = Bytes::from(server_load());
    bencher
        .counter(BytesCount::new(bytes.len()))
        .bench(|| pb::ServerLoad::decode(black_box(bytes.clone())).expect("it was encoded"));
}

/// The check alone.
#[divan::bench]
fn check(bencher: Bencher<'_, '_>) {
    let bytes = server_load();
    bencher
        .counter(BytesCount::new(bytes.len()))
        .bench(|| check_message::<pb::ServerLoad>(black_box(&bytes)).expect("it was encoded"));
}

/// What the master does.
#[divan::bench]
fn check_and_decode(bencher: Bencher<'_, '_>) {
    let bytes = Bytes::from(server_load());
    bencher
        .counter(BytesCount::new(bytes.len()))
        .bench(|| decode::<pb::ServerLoad>(black_box(bytes.clone())).expect("it was encoded"));
}

/// The same with copies of all byte fields.
#[divan::bench]
fn check_and_decode_slice(bencher: Bencher<'_, '_>) {
    let bytes = server_load();
    bencher
        .counter(BytesCount::new(bytes.len()))
        .bench(|| decode_slice::<pb::ServerLoad>(black_box(&bytes)).expect("it was encoded"));
}

#[divan::bench]
fn encode(bencher: Bencher<'_, '_>) {
    let load = decode_slice::<pb::ServerLoad>(&server_load()).expect("it was encoded");
    bencher.bench(|| black_box(&load).encode_to_vec());
}

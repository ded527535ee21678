//! Inputs that hmaster can write itself, right and wrong ones. Those that Java wrote (names that begin with `java`)
//! were taken from the folders of other tests: WALs and HFiles of a Java master, in all encodings.

use hmaster_protocol::meta::{add_region, put_table_state};
use hmaster_protocol::{pb, pbuf_encode};
use hmaster_types::{Cell, Chance, ColumnFamilyDescriptor, RegionInfo, TableDescriptor, TableState};
use hmaster_zk::codec::Payload as _;
use hmaster_zk::{ClusterId, MasterSession, SessionCredentials, SessionId, envelope};
use prost::Message as _;

use super::targets::cell_block;

/// Target, file, content.
pub(crate) fn all() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let mut all = vec![
        ("wal", "bad-magic", b"PWAX\x00".to_vec()),
        ("wal", "bad-length", b"PWAL\xff\xff\xff\xff\x07".to_vec()),
        ("hfile", "bad-empty", Vec::new()),
        ("hfile", "bad-trailer", vec![0xff; 4096]),
        ("reference", "bad-length", b"PBUF\x0a\xff\xff\xff\xff\x0f".to_vec()),
        ("store_file_list", "bad-length", vec![0x7f, 0xff, 0xff, 0xff, 1, 2, 3]),
        ("site_xml", "bad-include", site("<include href='/etc/passwd'/>")),
        ("site_xml", "bad-entities", b"<!DOCTYPE a [<!ENTITY b 'c'>]><configuration/>".to_vec()),
        ("site_xml", "full", site(PROPERTIES)),
        ("procedure_row", "bad-length", vec![0xff, 0xff, 0xff, 0xff, 0x0f]),
        ("meta_row", "bad-length", vec![0x7f, 0xff, 0xff, 0xff]),
        ("zk_request", "bad-multi", [&[1, 0, 0, 0, 1, 0, 0, 0, 14][..], &[0; 4]].concat()),
        ("zk_payload", "bad-envelope", vec![0, 0xff, 0x7f, 0xff, 0xff, 0xff]),
        ("rpc", "bad-preamble", b"\0HBaX\0\x50".to_vec()),
    ];
    all.extend(store_files());
    all.extend(rpc());
    all.extend(zk());
    all.extend(rows());
    all.extend(root_files());
    all.extend(messages());
    all
}

const PROPERTIES: &str = "<property><name> hbase.rootdir </name><value>hdfs://nn:8020/hbase</value></property>
<property><name>a</name><value>${b}-${a}</value><final>true</final><description>&lt;x&gt;</description></property>
<property name='old' value='1'/>";

fn site(inside: &str) -> Vec<u8> {
    format!("<?xml version=\"1.0\"?>\n<configuration>{inside}</configuration>\n").into()
}

fn store_files() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    // The first place of row r, as Java writes it.
    let splitkey = [&b"\0\x01r\0"[..], &[0x7f], &[0xff; 7], &[0xff]].concat().into();
    let reference = pb::Reference { splitkey, range: 1 };
    let entry = |name: &str| pb::StoreFileEntry { name: name.into(), size: 5 };
    let store_file = vec![entry("0123456789abcdef"), entry("fedcba")];
    let list =
        pb::StoreFileList { timestamp: 1_700_000_000_000, store_file, version: Some(1) }.encode_to_vec();
    let checksum = crc32fast::hash(&list).to_be_bytes();
    let length = (list.len() as u32).to_be_bytes();
    vec![
        ("reference", "bottom", pbuf_encode(&reference).to_vec()),
        ("store_file_list", "two", [&length[..], &list, &checksum].concat()),
        ("store_file_list", "bad-checksum", [&length[..], &list, &[0; 4]].concat()),
    ]
}

fn with_kind(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    [&[kind][..], &parts.concat()].concat()
}

fn rpc() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let connection = pb::ConnectionHeader {
        user_info: Some(pb::UserInformation { effective_user: "someone".into(), real_user: None }),
        service_name: Some("MasterService".into()),
        cell_block_codec_class: Some("org.apache.hadoop.hbase.codec.KeyValueCodec".into()),
        ..Default::default()
    };
    let cells = cell_block(&[cell(b"r", b"f", b"q", b"v")]);
    let meta = || Some(pb::CellBlockMeta { length: Some(cells.len() as u32) });
    let request = pb::RequestHeader {
        call_id: Some(7),
        method_name: Some("GetClusterStatus".into()),
        request_param: Some(true),
        cell_block_meta: meta(),
        timeout: Some(60_000),
        ..Default::default()
    };
    let param = pb::GetClusterStatusRequest::default().encode_length_delimited_to_vec();
    let response = pb::ResponseHeader { call_id: Some(7), cell_block_meta: meta(), ..Default::default() };
    let exception = pb::ExceptionResponse {
        exception_class_name: Some("org.apache.hadoop.hbase.PleaseHoldException".into()),
        stack_trace: Some("x".into()),
        do_not_retry: Some(false),
        ..Default::default()
    };
    let failure = pb::ResponseHeader { call_id: Some(8), exception: Some(exception), ..Default::default() };
    vec![
        ("rpc", "preamble", b"\0HBas\0\x50".to_vec()),
        ("rpc", "connection", with_kind(1, &[&connection.encode_to_vec()])),
        ("rpc", "request", with_kind(2, &[&request.encode_length_delimited_to_vec(), &param, &cells])),
        ("rpc", "bad-request", with_kind(2, &[&request.encode_length_delimited_to_vec(), &param])),
        ("rpc", "response", with_kind(3, &[&response.encode_length_delimited_to_vec(), &param, &cells])),
        ("rpc", "failure", with_kind(3, &[&failure.encode_length_delimited_to_vec()])),
        ("rpc", "cells", with_kind(4, &[&cells, &cells])),
    ]
}

fn zk() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let connect =
        [&[0; 16][..], &40_000i32.to_be_bytes(), &[0; 8], &16i32.to_be_bytes(), &[0; 16], &[0]].concat();
    let path = |path: &str| [&(path.len() as u32).to_be_bytes(), path.as_bytes()].concat();
    let head = |op: i32| [&1i32.to_be_bytes()[..], &op.to_be_bytes()].concat();
    let acl = [&1i32.to_be_bytes()[..], &31i32.to_be_bytes(), &path("world"), &path("anyone")].concat();
    let create = [&path("/hbase/rs")[..], &path("data"), &acl, &0i32.to_be_bytes()].concat();
    let id = ClusterId("0123-4567".to_owned()).encode();
    let server =
        pb::ServerName { host_name: "h".into(), port: Some(16000), start_code: Some(1_700_000_000_000) };
    let master = pb::Master { master: server.clone(), info_port: Some(16010), ..Default::default() };
    let location = pb::MetaRegionServer { server, rpc_version: Some(0), state: Some(4) };
    let credentials = SessionCredentials { id: SessionId(7), password: vec![1; 16] };
    let address = Some(([127, 0, 0, 1], 16000).into());
    let session = MasterSession { server: "h,16000,17".parse().unwrap(), credentials, address };
    let switch = pb::LoadBalancerState { balancer_on: Some(true) };
    let wrapped = |payload: &[u8]| envelope::wrap(b"master:16000", &Chance::seeded(1), payload);
    vec![
        ("zk_request", "connect", with_kind(0, &[&connect])),
        ("zk_request", "create", with_kind(1, &[&head(1), &create])),
        ("zk_request", "exists", with_kind(1, &[&head(3), &path("/hbase"), &[1]])),
        ("zk_request", "ping", with_kind(1, &[&head(11)])),
        ("zk_payload", "cluster-id", with_kind(0, &[&wrapped(&id)])),
        ("zk_payload", "meta", with_kind(2, &[&wrapped(&pbuf_encode(&location))])),
        ("zk_payload", "master", with_kind(3, &[&wrapped(&pbuf_encode(&master))])),
        ("zk_payload", "session", with_kind(6, &[&wrapped(&session.encode())])),
        ("zk_payload", "bad-session", with_kind(6, &[b"HMSN\x01\0\0\0\0\0\0\0\x07\xff\xff"])),
        ("zk_payload", "switch", with_kind(5, &[&pbuf_encode(&switch)])),
    ]
}

fn schema() -> TableDescriptor {
    let table = "ns:table".parse().unwrap();
    TableDescriptor::builder(table).family(ColumnFamilyDescriptor::builder(&b"f"[..]).build()).build()
}

fn region() -> RegionInfo {
    RegionInfo::builder("ns:table".parse().unwrap()).start_key(&b"a"[..]).region_id(17).build()
}

fn root_files() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let version = pb::HBaseVersionFileContent { version: "8".into() };
    let id = pb::ClusterId { cluster_id: "0123-4567".into() };
    let of_region = pb::RegionInfo::from(&region()).encode_length_delimited_to_vec();
    let of_table = pbuf_encode(&pb::TableSchema::from(&schema()));
    vec![
        ("root_file", "version", with_kind(0, &[&pbuf_encode(&version)])),
        ("root_file", "old-version", with_kind(0, &[b"\0\x018"])),
        ("root_file", "bad-version", with_kind(0, &[b"\xff\xff8"])),
        ("root_file", "id", with_kind(1, &[&pbuf_encode(&id)])),
        ("root_file", "bad-id", with_kind(1, &[b"PBUF\x0a\xff\xff\xff\xff\x0f"])),
        ("root_file", "region", with_kind(2, &[b"PBUF", &of_region])),
        ("root_file", "bad-region", with_kind(2, &[b"PBUF\xff\xff\xff\xff\x0f"])),
        ("root_file", "schema", with_kind(3, &[&of_table])),
        ("root_file", "bad-schema", with_kind(3, &[&of_table[4..]])),
    ]
}

fn messages() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let create = pb::CreateTableRequest {
        table_schema: (&schema()).into(),
        split_keys: vec![b"a"[..].into(), b"b"[..].into()],
        ..Default::default()
    };
    let server = pb::ServerName { host_name: "h".into(), port: Some(16020), start_code: Some(17) };
    let report =
        pb::RegionServerReportRequest { server: server.clone(), load: Some(pb::ServerLoad::default()) };
    let transition = pb::RegionStateTransition {
        region_info: vec![(&region()).into()],
        open_seq_num: Some(5),
        proc_id: vec![7],
        ..Default::default()
    };
    let transitions = pb::ReportRegionStateTransitionRequest { server, transition: vec![transition] };
    vec![
        ("message", "schema", with_kind(0, &[&pb::TableSchema::from(&schema()).encode_to_vec()])),
        ("message", "bad-schema", with_kind(0, &[&[0x0a, 0x7f, 1]])),
        ("message", "region", with_kind(1, &[&pb::RegionInfo::from(&region()).encode_to_vec()])),
        ("message", "bad-region", with_kind(1, &[])),
        ("message", "create", with_kind(2, &[&create.encode_to_vec()])),
        ("message", "report", with_kind(3, &[&report.encode_to_vec()])),
        ("message", "bad-report", with_kind(3, &[&[0xff; 12]])),
        ("message", "transitions", with_kind(4, &[&transitions.encode_to_vec()])),
        ("message", "orders", with_kind(5, &[&pb::ExecuteProceduresRequest::default().encode_to_vec()])),
    ]
}

fn cell(row: &[u8], family: &[u8], qualifier: &[u8], value: &[u8]) -> Cell {
    Cell::put(row, family, qualifier, 1_700_000_000_000, value).unwrap()
}

fn rows() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let table = "ns:table".parse().unwrap();
    let region = RegionInfo::builder(table).start_key(&b"a"[..]).end_key(&b"b"[..]).region_id(17).build();
    let mut added = add_region(&region, 3, 1_700_000_000_000).puts;
    for (qualifier, value) in
        [("server", "h:16020"), ("sn", "h,16020,17"), ("state", "OPENING"), ("state_0001", "OPEN")]
    {
        added.push(cell(region.meta_row().as_bytes(), b"info", qualifier.as_bytes(), value.as_bytes()));
    }
    added.push(cell(region.meta_row().as_bytes(), b"info", b"serverstartcode", &17u64.to_be_bytes()));
    added.push(cell(region.meta_row().as_bytes(), b"info", b"seqnumDuringOpen", &3u64.to_be_bytes()));
    let state = put_table_state(region.table(), TableState::Disabling, 5);
    let procedure = |id: u64, parent: Option<u64>| {
        let mut record = pb::Procedure {
            class_name: "org.apache.hadoop.hbase.master.procedure.CreateTableProcedure".into(),
            proc_id: id,
            parent_id: parent,
            submitted_time: 1,
            last_update: 2,
            stack_id: vec![id as u32 - 1],
            state_message: vec![pb::Any {
                type_url: "type.googleapis.com/hbase.pb.StateMachineProcedureData".into(),
                value: pb::StateMachineProcedureData { state: vec![1, 2] }.encode_to_vec().into(),
            }],
            ..Default::default()
        };
        record.set_state(pb::ProcedureState::Runnable);
        record.encode_length_delimited_to_vec()
    };
    vec![
        ("meta_row", "region", cell_block(&added)),
        ("meta_row", "table", cell_block(&state.puts)),
        ("procedure_row", "one", procedure(1, None)),
        (
            "procedure_row",
            "family",
            [procedure(1, None), procedure(2, Some(1)), procedure(3, Some(2))].concat(),
        ),
        ("procedure_row", "orphans", [procedure(5, Some(4)), procedure(5, Some(3))].concat()),
    ]
}

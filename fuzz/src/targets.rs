//! The functions. Each says whether its parser took the bytes for what they were meant to be, so that the tests can
//! tell that a corpus has both. Where there are several parsers for one edge, the first byte chooses.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use hmaster_fs::memory::{MemoryDisk, MemoryOptions};
use hmaster_fs::rootdir::parsers as root_parsers;
use hmaster_fs::{CreateOptions, FileSystem as _, FsPath};
use hmaster_procedure::{Environment, LoadPlan, Loaded, Registry, StateReader};
use hmaster_protocol::meta::MetaReader;
use hmaster_protocol::{HBaseMessage, decode_delimited, decode_slice, pb};
use hmaster_rpc::wire::cell_block::decode_cell_block;
use hmaster_rpc::wire::connection_header::ConnectionInfo;
use hmaster_rpc::wire::preamble::Preamble;
use hmaster_rpc::wire::request::Request;
use hmaster_rpc::wire::response::Response;
use hmaster_store::hfile::{HFile, Reference, ScanRange};
use hmaster_store::region::parse_store_file_list;
use hmaster_store::wal::parse_wal;
use hmaster_types::{Cell, Chance, ManualClock, RegionInfo, ServerName, TableDescriptor};
use hmaster_zk::codec::Payload;
use hmaster_zk::{
    ClusterId, ClusterUp, MasterInfo, MasterSession, MetaLocation, RegionServerInfo, SwitchKind, envelope,
};
use hmaster_zk_server::parsers;

/// A target: whether the bytes were accepted.
pub type Target = fn(&[u8]) -> bool;

/// All targets by name.
pub const ALL: [(&str, Target); 12] = [
    ("wal", wal),
    ("hfile", hfile),
    ("reference", reference),
    ("store_file_list", store_file_list),
    ("rpc", rpc),
    ("zk_payload", zk_payload),
    ("zk_request", zk_request),
    ("site_xml", site_xml),
    ("meta_row", meta_row),
    ("procedure_row", procedure_row),
    ("root_file", root_file),
    ("message", message),
];

/// A write-ahead log.
pub fn wal(data: &[u8]) -> bool {
    parse_wal(&Bytes::copy_from_slice(data)).is_ok_and(|(entries, _)| !entries.is_empty())
}

/// A store file: opened, and read to its end.
pub fn hfile(data: &[u8]) -> bool {
    thread_local! {
        static RUNTIME: RefCell<tokio::runtime::Runtime> = RefCell::new(
            tokio::runtime::Builder::new_current_thread().build().expect("a runtime without I/O"),
        );
    }
    RUNTIME.with_borrow(|runtime| runtime.block_on(read_hfile(Bytes::copy_from_slice(data))))
}

async fn read_hfile(content: Bytes) -> bool {
    let disk = MemoryDisk::new(MemoryOptions::default(), Arc::new(ManualClock::at(1)), Chance::seeded(1));
    let (fs, path) = (disk.client("reader"), FsPath::root().join("0123456789abcdef"));
    fs.write_whole(&path, content, CreateOptions::new()).await.expect("a disk without faults");
    let Ok(file) = HFile::open(&fs, &path).await else { return false };
    let _ = file.info().compacted_files();
    let mut scan = file.scan(ScanRange::all());
    loop {
        match scan.next().await {
            Ok(Some(_)) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

/// A reference to half of a store file.
pub fn reference(data: &[u8]) -> bool {
    Reference::parse(data).is_ok()
}

/// A list of store files.
pub fn store_file_list(data: &[u8]) -> bool {
    parse_store_file_list(data).is_ok_and(|list| list.is_some())
}

/// What comes over a connection of HBase's RPC: preamble, connection header, request, response, cell block.
pub fn rpc(data: &[u8]) -> bool {
    let Some((kind, data)) = data.split_first() else { return false };
    let frame = Bytes::copy_from_slice(data);
    match kind % 5 {
        0 => data.first_chunk().is_some_and(|bytes| Preamble::parse(*bytes).is_ok()),
        1 => ConnectionInfo::parse(frame).is_ok(),
        2 => Request::parse(frame).is_ok_and(|request| request.body.is_ok()),
        3 => Response::parse(frame).is_ok_and(|response| response.outcome.is_ok()),
        _ => decode_cell_block(frame).is_ok(),
    }
}

/// The data of a znode: its envelope, and what is in it.
pub fn zk_payload(data: &[u8]) -> bool {
    fn is<P: Payload>(payload: &[u8]) -> bool {
        P::decode(payload).is_ok()
    }
    let Some((kind, data)) = data.split_first() else { return false };
    let Ok(payload) = envelope::unwrap(&Bytes::copy_from_slice(data)) else { return false };
    match kind % 7 {
        0 => is::<ClusterId>(&payload),
        1 => is::<ClusterUp>(&payload),
        2 => is::<MetaLocation>(&payload),
        3 => is::<MasterInfo>(&payload),
        4 => is::<RegionServerInfo>(&payload),
        5 => SwitchKind::Balancer.decode(&payload).is_ok(),
        _ => is::<MasterSession>(&payload),
    }
}

/// What the embedded ZooKeeper reads from its clients and its log.
pub fn zk_request(data: &[u8]) -> bool {
    let Some((kind, data)) = data.split_first() else { return false };
    match kind % 3 {
        0 => parsers::connect_request(data),
        1 => parsers::request(data),
        _ => parsers::transaction(data),
    }
}

/// A configuration file.
pub fn site_xml(data: &[u8]) -> bool {
    let file = Arc::from(Path::new("hbase-site.xml"));
    std::str::from_utf8(data).is_ok_and(|text| hmaster_config::parse_str(text, &file).is_ok())
}

/// The small files of the root folder: version, cluster id, region, schema.
pub fn root_file(data: &[u8]) -> bool {
    let Some((kind, file)) = data.split_first() else { return false };
    match kind % 4 {
        0 => root_parsers::version(file),
        1 => root_parsers::cluster_id(file),
        2 => root_parsers::region_info(file),
        _ => root_parsers::table_schema(file),
    }
}

/// Messages that clients and region servers send, with what is made of them.
pub fn message(data: &[u8]) -> bool {
    fn read<M: HBaseMessage>(bytes: &[u8]) -> Option<M> {
        decode_slice(bytes).ok()
    }
    let Some((kind, bytes)) = data.split_first() else { return false };
    match kind % 6 {
        0 => read::<pb::TableSchema>(bytes).is_some_and(|schema| TableDescriptor::try_from(&schema).is_ok()),
        1 => read::<pb::RegionInfo>(bytes).is_some_and(|region| RegionInfo::try_from(&region).is_ok()),
        2 => read::<pb::CreateTableRequest>(bytes)
            .is_some_and(|request| TableDescriptor::try_from(&request.table_schema).is_ok()),
        3 => read::<pb::RegionServerReportRequest>(bytes)
            .is_some_and(|report| ServerName::try_from(&report.server).is_ok()),
        4 => read::<pb::ReportRegionStateTransitionRequest>(bytes).is_some_and(|report| {
            report.transition.iter().all(|transition| {
                transition.region_info.iter().all(|region| RegionInfo::try_from(region).is_ok())
            })
        }),
        _ => read::<pb::ExecuteProceduresRequest>(bytes).is_some(),
    }
}

/// A row of hbase:meta: cells, each with its length before it.
pub fn meta_row(data: &[u8]) -> bool {
    let Ok(cells) = decode_cell_block(Bytes::copy_from_slice(data)) else { return false };
    let mut reader = MetaReader::new();
    let (region, state) = (reader.region_row(&cells), reader.table_state(&cells));
    matches!((region, state), (Ok(region), Ok(state)) if region.is_some() || state.is_some())
}

#[derive(Debug)]
struct Nowhere;

impl Environment for Nowhere {
    type Event = ();
    type Message = ();
}

/// Rows of the procedure store, one after the other, each with its length before it.
pub fn procedure_row(data: &[u8]) -> bool {
    let (mut rest, mut records) = (Bytes::copy_from_slice(data), Vec::new());
    while !rest.is_empty() {
        let Ok((record, behind)) = decode_delimited::<pb::Procedure>(rest) else { return false };
        let mut reader = StateReader::new(&record);
        while reader.has_more() {
            let _ = reader.read::<pb::StateMachineProcedureData>();
        }
        records.push(record);
        rest = behind;
    }
    let max_proc_id = records.iter().map(|record| record.proc_id).max().unwrap_or(0);
    let mut plan = LoadPlan::<Nowhere>::new(Loaded { records, max_proc_id }, &Registry::new());
    let problems: Vec<_> = plan.problems().map(|problem| problem.id).collect();
    for id in problems {
        let _ = plan.discard(id) || plan.bypass(id) || plan.set_aside(id);
    }
    max_proc_id > 0
}

/// Cells as [`meta_row`] takes them.
pub fn cell_block(cells: &[Cell]) -> Vec<u8> {
    let with_length =
        |cell: &Cell| [&(cell.as_bytes().len() as u32).to_be_bytes(), &cell.as_bytes()[..]].concat();
    cells.iter().flat_map(with_length).collect()
}

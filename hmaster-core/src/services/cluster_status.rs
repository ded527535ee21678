//! The state of the cluster. Counterpart of `HMaster.getClusterMetrics` and `ClusterMetricsBuilder`.
//!
//! What region servers report is by far the largest part of it. It is kept as it came, and is copied once, as bytes, into
//! the answer; it is never decoded here.

use std::collections::BTreeSet;

use bytes::{Bytes, BytesMut};
use hmaster_protocol::{DecodeError, decode, pb, pb::Option as Part};
use hmaster_types::{JavaException, RegionState, ServerName, TableName, class};
use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};

use super::{ClusterView, MasterServices};
use crate::assignment::RegionNode;
use crate::environment::MasterEnv;
use crate::progress::Stage;
use crate::switches::Switch;

/// The release of HBase that this master takes the place of: clients and tools such as HBCK2 ask for it to know what they
/// can ask for.
pub const HBASE_VERSION: &str = "2.6.4";

/// Fields of the messages that are put together by hand.
const CLUSTER_STATUS: u32 = 1; // of GetClusterStatusResponse
const LIVE_SERVERS: u32 = 2; // of ClusterStatus
const SERVER: u32 = 1; // of LiveServerInfo
const SERVER_LOAD: u32 = 2; // of LiveServerInfo

/// What is asked for; without options, everything.
struct Parts(BTreeSet<Part>);

impl Parts {
    fn new(request: &pb::GetClusterStatusRequest) -> Self {
        Self(request.options().collect())
    }

    fn has(&self, part: Part) -> bool {
        self.0.is_empty() || self.0.contains(&part)
    }
}

/// The answer, encoded.
pub(super) fn get(
    services: &MasterServices,
    request: &pb::GetClusterStatusRequest,
) -> Result<Bytes, JavaException> {
    let env = services.role.active()?;
    let parts = Parts::new(request);
    let status = small_parts(&env, &*services.view, &parts).encode_to_vec();
    // Tasks of region servers are in their loads.
    let with_loads = parts.has(Part::LiveServers) || parts.has(Part::Tasks);
    let loads: Vec<_> = if with_loads { env.servers.online() } else { Vec::new() };
    let loads: Vec<_> =
        loads.into_iter().map(|(server, online)| LiveServer::new(&server, online.load)).collect();
    Ok(assemble(&status, &loads))
}

/// The answer as a message, for callers within the process.
pub(super) fn get_decoded(
    services: &MasterServices,
    request: &pb::GetClusterStatusRequest,
) -> Result<pb::GetClusterStatusResponse, JavaException> {
    let corrupt =
        |error: DecodeError| JavaException::new(class::IO, format!("status of the cluster: {error}"));
    decode(get(services, request)?).map_err(corrupt)
}

/// Everything but the loads.
fn small_parts(env: &MasterEnv, view: &dyn ClusterView, parts: &Parts) -> pb::ClusterStatus {
    let mut status = pb::ClusterStatus { master_info_port: Some(0), ..Default::default() };
    if parts.has(Part::HbaseVersion) {
        status.hbase_version = Some(pb::HBaseVersionFileContent { version: HBASE_VERSION.into() });
    }
    if parts.has(Part::ClusterId) {
        status.cluster_id = view.cluster_id().map(|cluster_id| pb::ClusterId { cluster_id });
    }
    if parts.has(Part::Master) {
        status.master = Some((&env.identity.server).into());
    }
    if parts.has(Part::BackupMasters) {
        status.backup_masters = view.backup_masters().iter().map(|master| (&master.server).into()).collect();
    }
    if parts.has(Part::DeadServers) {
        status.dead_servers = env.servers.dead().iter().map(|(server, _)| server.into()).collect();
    }
    if parts.has(Part::UnknownServers) {
        status.unknown_servers = unknown_servers(env).iter().map(Into::into).collect();
    }
    if parts.has(Part::ServersName) {
        status.servers_name = env.servers.online().iter().map(|(server, _)| server.into()).collect();
    }
    if parts.has(Part::RegionsInTransition) {
        status.regions_in_transition = env.regions.in_transition().iter().map(in_transition).collect();
    }
    if parts.has(Part::BalancerOn) {
        status.balancer_on = Some(env.switches.is_on(Switch::Balancer));
    }
    if parts.has(Part::MasterInfoPort) {
        status.master_info_port = Some(env.identity.info_port.into());
    }
    if parts.has(Part::TableToRegionsCount) && env.conditions.is_initialized() {
        let tables = env.schemas.all();
        status.table_region_states_count = tables.iter().map(|schema| counts(env, schema.name())).collect();
    }
    if parts.has(Part::Tasks) {
        status.master_tasks = tasks(env);
    }
    status
}

/// Servers that regions should be on and that nobody has heard of.
fn unknown_servers(env: &MasterEnv) -> Vec<ServerName> {
    let dead: BTreeSet<_> = env.servers.dead().into_iter().map(|(server, _)| server).collect();
    let mut servers = env.regions.servers();
    servers.retain(|server| !env.servers.is_online(server) && !dead.contains(server));
    servers
}

fn in_transition(node: &RegionNode) -> pb::RegionInTransition {
    pb::RegionInTransition {
        spec: (&node.info().name()).into(),
        region_state: pb::RegionState {
            region_info: node.info().into(),
            state: pb::region_state::State::from(node.state()).into(),
            stamp: Some(node.last_update_ms()),
        },
    }
}

/// A disabled table counts as having no regions, as in Java.
fn counts(env: &MasterEnv, table: &TableName) -> pb::TableRegionStatesCount {
    let mut counts = pb::RegionStatesCount::default();
    if !env.tables.is_disabled(table) {
        env.regions.for_each_of_table(table, |node| {
            counts.total_regions += 1;
            match node.state() {
                RegionState::Open => counts.open_regions += 1,
                _ if node.is_split() => counts.split_regions += 1,
                RegionState::Closed => counts.closed_regions += 1,
                _ => {}
            }
        });
        counts.regions_in_transition = counts.total_regions - counts.open_regions - counts.split_regions;
    }
    pb::TableRegionStatesCount { table_name: table.into(), region_states_count: counts }
}

/// The stages of the start, as long as they are news.
fn tasks(env: &MasterEnv) -> Vec<pb::ServerTask> {
    let (now_ms, kept_ms) = (env.clock.now_ms(), env.options.status.task_expiration.as_millis() as u64);
    let is_news = |stage: &Stage| stage.ended_ms.is_none_or(|ended| now_ms.saturating_sub(ended) < kept_ms);
    let task = |stage: Stage| pb::ServerTask {
        description: "Master startup".into(),
        status: stage.name.into(),
        state: match stage.ended_ms {
            Some(_) => pb::server_task::State::Complete,
            None => pb::server_task::State::Running,
        }
        .into(),
        start_time: Some(stage.began_ms),
        completion_time: stage.ended_ms,
    };
    env.progress.stages().into_iter().filter(is_news).map(task).collect()
}

/// A server with what it reported last, still apart.
struct LiveServer {
    server: Vec<u8>,
    load: Bytes,
}

impl LiveServer {
    fn new(server: &ServerName, load: Bytes) -> Self {
        Self { server: pb::ServerName::from(server).encode_to_vec(), load }
    }

    /// Length of the `LiveServerInfo`.
    fn len(&self) -> usize {
        field_len(SERVER, self.server.len()) + field_len(SERVER_LOAD, self.load.len())
    }

    fn put(&self, into: &mut BytesMut) {
        put_key(LIVE_SERVERS, self.len(), into);
        put_key(SERVER, self.server.len(), into);
        into.extend_from_slice(&self.server);
        put_key(SERVER_LOAD, self.load.len(), into);
        into.extend_from_slice(&self.load);
    }
}

/// A `GetClusterStatusResponse` of a `ClusterStatus` without live servers, and these. The fields of a message may come in
/// any order.
fn assemble(status: &[u8], servers: &[LiveServer]) -> Bytes {
    let live: usize = servers.iter().map(|server| field_len(LIVE_SERVERS, server.len())).sum();
    let len = status.len() + live;
    let mut response = BytesMut::with_capacity(field_len(CLUSTER_STATUS, len));
    put_key(CLUSTER_STATUS, len, &mut response);
    response.extend_from_slice(status);
    servers.iter().for_each(|server| server.put(&mut response));
    response.freeze()
}

/// Bytes of a field with key, length and content.
fn field_len(field: u32, len: usize) -> usize {
    key_len(field) + encoded_len_varint(len as u64) + len
}

fn put_key(field: u32, len: usize, into: &mut BytesMut) {
    encode_key(field, WireType::LengthDelimited, into);
    encode_varint(len as u64, into);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_assembled_answer_is_the_message() {
        let load = pb::ServerLoad { max_heap_mb: Some(7), info_server_port: Some(8), ..Default::default() };
        let servers: Vec<ServerName> = ["a,1,1", "b,2,2"].map(|name| name.parse().unwrap()).into();
        let status = pb::ClusterStatus { balancer_on: Some(true), ..Default::default() };
        let loads = [Bytes::from(load.encode_to_vec()), Bytes::new()];
        let live: Vec<_> =
            servers.iter().zip(loads).map(|(server, load)| LiveServer::new(server, load)).collect();
        let bytes = assemble(&status.encode_to_vec(), &live);
        let decoded: pb::GetClusterStatusResponse = decode(bytes).unwrap();
        let info = |at: usize, load: pb::ServerLoad| pb::LiveServerInfo {
            server: (&servers[at]).into(),
            server_load: load,
        };
        let live_servers = vec![info(0, load), info(1, pb::ServerLoad::default())];
        assert_eq!(decoded.cluster_status, pb::ClusterStatus { live_servers, ..status });
    }
}

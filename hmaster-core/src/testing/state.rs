//! The state of a world: what is on disk, in ZooKeeper and in the memory of processes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use hmaster_procedure::MemoryStore;
use hmaster_types::{
    ActiveTime, CellOrder, EncodedName, NamespaceDescriptor, ProcId, RegionInfo, RegionState, ServerName,
    TableName, TableState,
};

use super::faults::Faults;
use super::invariants::Truth;
use super::master::MasterProcess;
use super::root::Root;
use super::server::Server;
use crate::assignment::RegionRecord;
use crate::environment::Bug;

/// Everything that a lock guards.
#[derive(Debug, Default)]
pub struct State {
    /// The root folder.
    pub root: Root,
    /// ZooKeeper.
    pub znodes: Znodes,
    /// The master's own store, apart from procedures.
    pub store: Store,
    /// Region servers by name, those of the past included.
    pub(super) servers: BTreeMap<ServerName, Server>,
    /// What goes wrong.
    pub faults: Faults,
    /// Bugs that are put back.
    pub bugs: Vec<Bug>,
    /// What clients were told, and what was found to be wrong.
    pub truth: Truth,
    pub(super) effects: Effects,
    pub(super) active: Option<Arc<MasterProcess>>,
    pub(super) masters: u64,
}

/// ZooKeeper's content, as far as it matters.
#[derive(Debug, Clone, Default)]
pub struct Znodes {
    /// `rs`.
    pub region_servers: BTreeSet<ServerName>,
    /// `draining`.
    pub draining: BTreeSet<ServerName>,
    /// `running`.
    pub running: Option<u64>,
    /// `hbaseid`.
    pub cluster_id: Option<String>,
    /// `meta-region-server` and its kin.
    pub meta: BTreeMap<u16, (Option<ServerName>, RegionState)>,
    /// `table`.
    pub tables: BTreeMap<TableName, TableState>,
    /// `namespace`.
    pub namespaces: BTreeMap<String, NamespaceDescriptor>,
    /// Switches of old masters.
    pub switches: BTreeMap<String, Bytes>,
    /// Replication peers.
    pub peers: BTreeSet<String>,
    /// WALs in replication queues.
    pub queued_wals: BTreeSet<String>,
}

/// The master's own store.
#[derive(Debug, Clone, Default)]
pub struct Store {
    /// hbase:meta's regions.
    pub meta: Vec<RegionRecord>,
    /// Servers that aren't fully recovered.
    pub servers: BTreeSet<ServerName>,
    /// Switches and other small records.
    pub states: BTreeMap<String, Bytes>,
    /// Procedures.
    pub procedures: MemoryStore,
    /// When the last master became active.
    pub active_time: ActiveTime,
    /// The master that opened it last: nobody else can write to it.
    pub(super) owner: u64,
}

/// What masters have made durable or have sent, counted from when somebody began to count.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// The master dies after so many more.
    pub(super) until_crash: Option<usize>,
    /// Instead of dying it asks this procedure to give up, and dies after so many changes from then on.
    pub(super) abort: Option<(ProcId, usize)>,
    /// It has asked.
    pub(super) has_aborted: bool,
    /// What they were.
    pub(super) log: Vec<String>,
}

impl State {
    pub(super) fn has_bug(&self, bug: Bug) -> bool {
        self.bugs.contains(&bug)
    }

    /// The server that has a region open and serves it, if one does.
    pub fn carrier(&self, region: EncodedName) -> Option<&ServerName> {
        let serves = |server: &&Server| {
            server.is_up && server.regions.get(&region).is_some_and(|region| region.is_online)
        };
        self.servers.values().find(serves).map(|server| &server.name)
    }

    /// The region servers that run.
    pub fn servers_up(&self) -> Vec<ServerName> {
        self.servers.values().filter(|server| server.is_up).map(|server| server.name.clone()).collect()
    }

    /// The regions that a server has, with whether it serves them yet.
    pub fn regions_on(&self, server: &ServerName) -> Vec<(RegionInfo, bool)> {
        let regions = self.servers.get(server).into_iter().flat_map(|server| server.regions.values());
        regions.map(|region| (region.info.clone(), region.is_online)).collect()
    }

    /// A server serves a region, as after a report that was acknowledged.
    pub fn force_online(&mut self, server: &ServerName, region: EncodedName) {
        if let Some(region) = self.server_mut(server).regions.get_mut(&region) {
            region.is_online = true;
        }
    }

    /// The rows of hbase:meta as whoever carries it would answer; none while nobody does.
    pub fn meta_rows(&self) -> Option<Vec<Vec<hmaster_types::Cell>>> {
        let carrier = self.carrier(EncodedName::META)?;
        let cells = self.servers[carrier].cells(&self.root, &RegionInfo::meta()).ok()?;
        Some(super::rows::visible(cells, CellOrder::Meta))
    }
}

//! A snapshot of a cluster: which regions are where and what they carry. Counterpart of `BalancerClusterState`, of the
//! part that doesn't change while a plan is made; the other part is [`crate::State`].
//!
//! Everything is by index: servers in the order of their names, as Java has them. Servers that must give up their
//! regions (drained, lost) come after those that may hold regions, so that an index tells them apart and no cost
//! function ever sees them.

mod builder;
mod capacity;
mod copies;
mod locality;
mod what_if;

use hmaster_types::{ServerName, TableName, to_string_binary};

pub use builder::{ClusterBuilder, rack_by_host_name};
pub use capacity::CapacityRules;
pub use copies::Copies;
pub use locality::Locality;
pub use what_if::WhatIf;

use crate::cost::LOADS;

/// A region by its place in the snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(pub u32);

/// A server by its place in the snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Server(pub u32);

/// A table by its place in the snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table(pub u32);

/// A cluster at one moment. About 120 bytes a region, of which the name is half.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Those that may hold regions, sorted, then those that may not.
    servers: Vec<ServerInfo>,
    usable: usize,
    hosts: usize,
    racks: Vec<String>,
    tables: Vec<TableName>,
    table: Vec<u32>,
    home: Vec<u32>,
    load: Vec<[f64; LOADS]>,
    names: Names,
    copies: Option<Copies>,
    locality: Option<Locality>,
}

/// What is known of a server.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerInfo {
    /// Its name.
    pub name: ServerName,
    /// Its host, counted from 0 among hosts of usable servers.
    pub host: u32,
    /// Its rack, likewise.
    pub rack: u32,
    /// Regions it can hold, for the heterogeneous cost function; 0 when nobody said, and then it counts no cost, as
    /// Java's doesn't without its file of rules.
    pub capacity: u32,
}

/// Full names of regions, end to end.
#[derive(Debug, Clone, Default)]
struct Names {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Cluster {
    /// Servers that may hold regions.
    pub fn server_count(&self) -> usize {
        self.usable
    }

    /// Regions, wherever they are.
    pub fn region_count(&self) -> usize {
        self.home.len()
    }

    /// Tables with a region.
    pub fn table_count(&self) -> usize {
        self.tables.len()
    }

    /// Hosts of usable servers.
    pub fn host_count(&self) -> usize {
        self.hosts
    }

    /// Racks of usable servers.
    pub fn rack_count(&self) -> usize {
        self.racks.len()
    }

    /// All regions.
    pub fn regions(&self) -> impl ExactSizeIterator<Item = Region> + use<> {
        (0..self.home.len() as u32).map(Region)
    }

    /// The servers that may hold regions.
    pub fn servers(&self) -> impl ExactSizeIterator<Item = Server> + use<> {
        (0..self.usable as u32).map(Server)
    }

    /// A server, also one that may not hold regions.
    pub fn server(&self, server: Server) -> &ServerInfo {
        &self.servers[server.0 as usize]
    }

    /// True for a server that may hold regions.
    pub fn is_usable(&self, server: Server) -> bool {
        (server.0 as usize) < self.usable
    }

    /// The name of a rack.
    pub fn rack(&self, rack: u32) -> &str {
        &self.racks[rack as usize]
    }

    /// The name of a table.
    pub fn table_name(&self, table: Table) -> &TableName {
        &self.tables[table.0 as usize]
    }

    /// The table of a region.
    pub fn table(&self, region: Region) -> Table {
        Table(self.table[region.0 as usize])
    }

    /// Where a region is now.
    pub fn home(&self, region: Region) -> Server {
        Server(self.home[region.0 as usize])
    }

    /// Growth of reads, writes and memstore per status, and the mean size of store files in MB.
    pub fn load(&self, region: Region) -> &[f64; LOADS] {
        &self.load[region.0 as usize]
    }

    /// The full name of a region.
    pub fn region_name(&self, region: Region) -> &[u8] {
        self.names.get(region.0 as usize)
    }

    /// The full name of a region as text.
    pub fn region_text(&self, region: Region) -> String {
        to_string_binary(self.region_name(region))
    }

    /// Replicas, when some region has more than one.
    pub fn copies(&self) -> Option<&Copies> {
        self.copies.as_ref()
    }

    /// Where the blocks of store files are, when that is known.
    pub fn locality(&self) -> Option<&Locality> {
        self.locality.as_ref()
    }

    /// The server with this name, usable or not.
    pub fn find_server(&self, name: &ServerName) -> Option<Server> {
        let usable = self.servers[..self.usable].binary_search_by(|info| info.name.cmp(name)).ok();
        let found = usable.or_else(|| self.servers.iter().position(|info| info.name == *name));
        found.map(|at| Server(at as u32))
    }

    /// Says which racks the servers that may hold regions are on. Where blocks are is forgotten.
    pub fn set_racks(&mut self, rack: impl Fn(&ServerName) -> String) {
        self.locality = None;
        let mut racks: Vec<String> = Vec::new();
        let mut known: std::collections::HashMap<String, u32> = std::collections::HashMap::new();
        for server in &mut self.servers[..self.usable] {
            let name = rack(&server.name);
            let next = racks.len() as u32;
            server.rack = *known.entry(name).or_insert_with_key(|name| {
                racks.push(name.clone());
                next
            });
        }
        self.racks = racks;
    }

    pub(crate) fn homes(&self) -> &[u32] {
        &self.home
    }

    pub(crate) fn table_indexes(&self) -> &[u32] {
        &self.table
    }

    pub(crate) fn loads(&self) -> &[[f64; LOADS]] {
        &self.load
    }

    pub(crate) fn server_infos(&self) -> &[ServerInfo] {
        &self.servers
    }
}

impl Names {
    fn get(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        &self.bytes[start..self.ends[at] as usize]
    }
}

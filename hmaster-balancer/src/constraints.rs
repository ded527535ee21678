//! What must hold in every plan, whatever it costs.
//!
//! Given as names and sets ([`Constraints`]), compiled to [`Rules`] that the search can ask quickly: which servers a
//! region may be on, and which regions may not move at all. What can't be kept is named, not dropped. People write them
//! down as a [`ConstraintsText`].

mod isolate;
mod text;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use hmaster_types::{ServerName, TableName};

use crate::cluster::{Cluster, Region, Server};
use isolate::Isolated;

pub use text::ConstraintsText;

/// Constraints of a plan. Draining and lost servers are none: the cluster has them as servers that may not hold regions
/// ([`crate::WhatIf`]).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Constraints {
    /// Region server groups: their servers hold only their tables, and their tables are only there.
    pub groups: Vec<Group>,
    /// Servers that are left to system tables (those of the namespace hbase), if any are named.
    pub system_servers: BTreeSet<ServerName>,
    /// Servers per table name that its regions must not be on.
    pub forbidden: BTreeMap<String, BTreeSet<ServerName>>,
    /// Servers per table name that its regions must be on: favoured nodes.
    pub favoured: BTreeMap<String, BTreeSet<ServerName>>,
    /// Full names of regions that stay where they are.
    pub pinned: BTreeSet<Vec<u8>>,
    /// hbase:meta has its servers to itself. Counterpart of 3.x's `isolateMetaTable`.
    pub isolate_meta: bool,
    /// System tables have their servers to themselves. Counterpart of 3.x's `isolateSystemTables`.
    pub isolate_system: bool,
    /// Replicas of one region are apart even where their cost functions have no weight. Counterpart of 3.x's
    /// `distributeReplicas`.
    pub apart: bool,
    /// Moves in all.
    pub moves_max: Option<usize>,
    /// Moves of regions of one table.
    pub moves_per_table_max: Option<usize>,
    /// Moves from or to one server.
    pub moves_per_server_max: Option<usize>,
    /// What was asked for and isn't there, such as a server of a group; told of with the plan.
    pub absent: Vec<Broken>,
}

/// A region server group.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its servers.
    pub servers: BTreeSet<ServerName>,
    /// Names of its tables.
    pub tables: BTreeSet<String>,
}

/// A constraint that the plan couldn't keep, or that can't be kept at all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Broken {
    /// Which.
    pub constraint: String,
    /// Where and why.
    pub reason: String,
}

/// Constraints of one cluster, by index.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    domains: Vec<Domain>,
    /// Per table.
    domain_of_table: Vec<u32>,
    domain_of_region: Vec<u32>,
    pinned: Vec<bool>,
    servers: usize,
    pub(crate) impossible: Vec<Broken>,
}

#[derive(Debug, Clone)]
struct Domain {
    allowed: Vec<bool>,
    size: usize,
}

impl Constraints {
    /// True when nothing but the cost decides.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// True when the number of moves is bounded.
    pub fn has_caps(&self) -> bool {
        self.moves_max.is_some() || self.moves_per_table_max.is_some() || self.moves_per_server_max.is_some()
    }

    pub(crate) fn compile(&self, cluster: &Cluster) -> Rules {
        let mut rules = Rules {
            domains: Vec::new(),
            domain_of_table: Vec::new(),
            domain_of_region: Vec::new(),
            pinned: Vec::new(),
            servers: cluster.server_count(),
            impossible: Vec::new(),
        };
        let mut known: HashMap<Vec<bool>, u32> = HashMap::new();
        rules.enter(&mut known, vec![true; cluster.server_count()]);
        if !self.is_empty() {
            rules.impossible.clone_from(&self.absent);
            let tables = 0..cluster.table_count() as u32;
            let mut allowed: Vec<Vec<bool>> = tables
                .map(|table| self.servers_for(cluster, crate::Table(table), &mut rules.impossible))
                .collect();
            Isolated::choose(self, cluster, &allowed, &mut rules.impossible).apply(cluster, &mut allowed);
            for allowed in allowed {
                let domain = rules.enter(&mut known, allowed);
                rules.domain_of_table.push(domain);
            }
            rules.pin(cluster, &self.pinned);
        }
        if rules.domains.len() > 1 {
            rules.domain_of_region =
                cluster.table_indexes().iter().map(|&table| rules.domain_of_table[table as usize]).collect();
        }
        rules
    }

    fn servers_for(&self, cluster: &Cluster, table: crate::Table, impossible: &mut Vec<Broken>) -> Vec<bool> {
        let table = self.of_table(cluster.table_name(table));
        let allowed: Vec<bool> =
            cluster.servers().map(|server| table.allows(&cluster.server(server).name)).collect();
        if !allowed.contains(&true) {
            let text = &table.name;
            let constraint = match table.group {
                Some(group) => format!("group {}", group.name),
                None => "servers of tables".to_owned(),
            };
            impossible.push(Broken { constraint, reason: format!("no usable server may hold table {text}") });
        }
        allowed
    }
}

/// What is asked of the servers of one table.
struct OfTable<'a> {
    all: &'a Constraints,
    name: String,
    is_system: bool,
    group: Option<&'a Group>,
    forbidden: Option<&'a BTreeSet<ServerName>>,
    favoured: Option<&'a BTreeSet<ServerName>>,
}

impl Constraints {
    /// Which of `servers` regions of a table may be on, as far as it doesn't matter what else is there.
    pub fn servers_of_table<'a>(
        &self,
        table: &TableName,
        servers: impl IntoIterator<Item = &'a ServerName>,
    ) -> Vec<ServerName> {
        let table = self.of_table(table);
        servers.into_iter().filter(|server| table.allows(server)).cloned().collect()
    }

    fn of_table(&self, table: &TableName) -> OfTable<'_> {
        let name = table.to_string();
        OfTable {
            all: self,
            is_system: table.is_system(),
            group: self.groups.iter().find(|group| group.tables.contains(&name)),
            forbidden: self.forbidden.get(&name),
            favoured: self.favoured.get(&name),
            name,
        }
    }
}

impl OfTable<'_> {
    fn allows(&self, server: &ServerName) -> bool {
        let system_servers = &self.all.system_servers;
        let in_group = match self.group {
            Some(group) => group.servers.contains(server),
            None => !self.all.groups.iter().any(|group| group.servers.contains(server)),
        };
        in_group
            && (system_servers.is_empty() || self.is_system == system_servers.contains(server))
            && self.forbidden.is_none_or(|servers| !servers.contains(server))
            && self.favoured.is_none_or(|servers| servers.contains(server))
    }
}

impl Rules {
    fn enter(&mut self, known: &mut HashMap<Vec<bool>, u32>, allowed: Vec<bool>) -> u32 {
        let next = self.domains.len() as u32;
        let id = *known.entry(allowed.clone()).or_insert(next);
        if id == next {
            let size = allowed.iter().filter(|&&allowed| allowed).count();
            self.domains.push(Domain { allowed, size });
        }
        id
    }

    fn pin(&mut self, cluster: &Cluster, pinned: &BTreeSet<Vec<u8>>) {
        if pinned.is_empty() {
            return;
        }
        self.pinned = cluster.regions().map(|region| pinned.contains(cluster.region_name(region))).collect();
        for Region(region) in cluster.regions() {
            let home = cluster.home(Region(region));
            if self.pinned[region as usize] && !cluster.is_usable(home) {
                self.pinned[region as usize] = false;
                let server = &cluster.server(home).name;
                let reason = format!(
                    "{} is on {server}, which may not hold regions",
                    cluster.region_text(Region(region))
                );
                self.impossible.push(Broken { constraint: "pinned region".to_owned(), reason });
            }
        }
    }

    pub(crate) fn domain_count(&self) -> usize {
        self.domains.len()
    }

    pub(crate) fn domain(&self, region: u32) -> u32 {
        self.domain_of_region.get(region as usize).copied().unwrap_or(0)
    }

    pub(crate) fn domain_size(&self, domain: u32) -> usize {
        self.domains[domain as usize].size
    }

    /// The servers of a domain, in order.
    pub(crate) fn servers_of(&self, domain: u32) -> Vec<u32> {
        let allowed = &self.domains[domain as usize].allowed;
        (0..self.servers as u32).filter(|&s| allowed[s as usize]).collect()
    }

    #[inline]
    pub(crate) fn is_pinned(&self, region: u32) -> bool {
        !self.pinned.is_empty() && self.pinned[region as usize]
    }

    /// Why a region can't go anywhere, if it can't.
    pub(crate) fn what_holds(&self, region: Region) -> Option<&'static str> {
        if self.is_pinned(region.0) {
            Some("it is pinned")
        } else if self.domain_size(self.domain(region.0)) < 2 && self.servers > 1 {
            Some("no other server may have its table")
        } else {
            None
        }
    }

    /// True when the region may be on the server.
    #[inline]
    pub(crate) fn allows(&self, region: u32, server: u32) -> bool {
        self.domains.len() == 1 || self.domains[self.domain(region) as usize].allowed[server as usize]
    }

    /// True when the region may go to the server.
    #[inline]
    pub(crate) fn may_move(&self, region: u32, server: u32) -> bool {
        !self.is_pinned(region) && self.allows(region, server)
    }

    /// Regions that are where they may not be.
    pub(crate) fn misplaced(&self, cluster: &Cluster, at: &[u32]) -> Vec<(Region, Server)> {
        if self.domains.len() == 1 {
            return Vec::new();
        }
        let wrong = |(region, &server): (usize, &u32)| {
            let usable = (server as usize) < cluster.server_count();
            (usable && !self.allows(region as u32, server)).then_some((Region(region as u32), Server(server)))
        };
        at.iter().enumerate().filter_map(wrong).collect()
    }
}

//! Which servers regions may be placed on, by the balancer's constraints: what the balancer would move away at once isn't
//! put there first. Counterpart of `RSGroupBasedLoadBalancer`'s part in assignment.
//!
//! A region has to be somewhere: where constraints leave no server, they are passed over, and the log and the balancer's
//! next plan say so.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use hmaster_balancer::Constraints;
use hmaster_types::{RegionInfo, ServerName, TableName};

use crate::environment::MasterEnv;

/// Constraints as they are when some regions are placed.
pub(super) struct Allowed<'a> {
    servers: &'a [ServerName],
    constraints: Constraints,
    /// Servers that are left to hbase:meta.
    meta_homes: BTreeSet<ServerName>,
    /// Servers that are left to system tables.
    system_homes: BTreeSet<ServerName>,
}

impl<'a> Allowed<'a> {
    pub(super) async fn new(env: &MasterEnv, servers: &'a [ServerName]) -> Self {
        let constraints = env.placement_constraints(servers).await;
        let homes = |is_wished: bool, is_resident: fn(&TableName) -> bool| match is_wished {
            true => homes(env, servers, is_resident),
            false => BTreeSet::new(),
        };
        let meta_homes = homes(constraints.isolate_meta, TableName::is_meta);
        let system_homes = homes(constraints.isolate_system, TableName::is_system);
        Self { servers, constraints, meta_homes, system_homes }
    }

    /// Parts `items` by the servers that their tables may be on.
    pub(super) fn by_servers<T>(
        &self,
        items: Vec<T>,
        table: impl Fn(&T) -> &TableName,
    ) -> Vec<(Vec<ServerName>, Vec<T>)> {
        if self.constraints.is_empty() {
            return vec![(self.servers.to_vec(), items)];
        }
        let mut known: HashMap<TableName, Vec<ServerName>> = HashMap::new();
        let mut parts: BTreeMap<Vec<ServerName>, Vec<T>> = BTreeMap::new();
        for item in items {
            let table = table(&item);
            let servers = match known.get(table) {
                Some(servers) => servers.clone(),
                None => known.entry(table.clone()).or_insert_with(|| self.of_table(table)).clone(),
            };
            parts.entry(servers).or_default().push(item);
        }
        parts.into_iter().collect()
    }

    /// Whether the very server that is wished for can have regions and isn't among `allowed`.
    pub(super) fn is_beyond(&self, wish: Option<&ServerName>, allowed: &[ServerName]) -> bool {
        wish.is_some_and(|server| !allowed.contains(server) && self.servers.contains(server))
    }

    fn of_table(&self, table: &TableName) -> Vec<ServerName> {
        let allowed = self.constraints.servers_of_table(table, self.servers);
        if allowed.is_empty() {
            tracing::warn!(%table, "no server may have regions of this table; they go wherever there is one");
            return self.servers.to_vec();
        }
        let is_taken = |server: &&ServerName| {
            (!table.is_meta() && self.meta_homes.contains(server))
                || (!table.is_system() && self.system_homes.contains(server))
        };
        let free: Vec<_> = allowed.iter().filter(|server| !is_taken(server)).cloned().collect();
        if free.is_empty() { allowed } else { free }
    }
}

/// Servers that have regions of tables for which `is_resident` holds.
fn homes(
    env: &MasterEnv,
    servers: &[ServerName],
    is_resident: fn(&TableName) -> bool,
) -> BTreeSet<ServerName> {
    let has_one = |server: &&ServerName| {
        let regions: Vec<RegionInfo> = env.regions.server_regions(server);
        regions.iter().any(|region| is_resident(region.table()))
    };
    servers.iter().filter(has_one).cloned().collect()
}

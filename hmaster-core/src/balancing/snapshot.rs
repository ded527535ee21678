//! What the balancer gets to see. Counterpart of `RegionStates.getAssignmentsForBalancer`.
//!
//! Regions that are open or opening, of tables that aren't disabled, on servers that may have regions; with the loads
//! that were remembered. Everything is sorted by name, so that one state of the cluster is one snapshot.

use std::collections::{BTreeMap, BTreeSet};

use hmaster_balancer::{Cluster, ClusterBuilder, Config, Constraints, LOADS};
use hmaster_types::{JavaException, RegionInfo, RegionState, ServerName, TableName, class};

use super::settings;
use super::sources::Outside;
use crate::environment::MasterEnv;

/// A cluster to balance.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) cluster: Cluster,
    /// By the cluster's indexes.
    pub(super) regions: Vec<RegionInfo>,
    pub(super) config: Config,
    pub(super) constraints: Constraints,
}

impl MasterEnv {
    /// The whole cluster; or each table by itself, where that is wished for.
    pub(super) fn snapshots(
        &self,
        config: &Config,
        outside: &Outside,
    ) -> Result<Vec<Snapshot>, JavaException> {
        let servers = self.servers.assignable();
        if servers.is_empty() {
            return Ok(Vec::new());
        }
        let usable: BTreeSet<&ServerName> = servers.iter().collect();
        let mut groups: BTreeMap<Option<TableName>, Vec<(ServerName, RegionInfo)>> = BTreeMap::new();
        self.regions.for_each(|node| {
            let table = node.info().table();
            let Some(server) = node.location().filter(|server| usable.contains(server)) else { return };
            if node.is_in(&[RegionState::Open, RegionState::Opening]) && !self.tables.is_disabled(table) {
                let group = config.by_table.then(|| table.clone());
                groups.entry(group).or_default().push((server.clone(), node.info().clone()));
            }
        });
        let constraints = self.constraints(&servers);
        groups
            .into_values()
            .map(|group| self.snapshot(group, &servers, (config, &constraints), outside))
            .collect()
    }

    fn snapshot(
        &self,
        mut group: Vec<(ServerName, RegionInfo)>,
        servers: &[ServerName],
        (config, constraints): (&Config, &Constraints),
        outside: &Outside,
    ) -> Result<Snapshot, JavaException> {
        group.sort();
        let bad =
            |error: hmaster_balancer::BalancerError| JavaException::new(class::HBASE_IO, error.to_string());
        let mut builder = ClusterBuilder::new(servers, &[], |server| outside.rack(server));
        builder.reserve(group.len());
        let history = self.balancing.history.lock();
        for (server, region) in &group {
            let name = region.name();
            let load = history.loads_of(name.as_bytes()).unwrap_or([0.0; LOADS]);
            let Some(at) = builder.server(server) else { continue };
            builder.region(name.as_bytes(), at, load).map_err(bad)?;
        }
        let mut cluster = builder.build().map_err(bad)?;
        if let Some(rules) = &outside.capacity {
            cluster.set_capacities(rules, config.capacity_default);
        }
        let mut constraints = constraints.clone();
        if let Some(text) = &outside.constraints {
            text.add_to(&mut constraints, &cluster);
        }
        let regions = group.into_iter().map(|(_, region)| region).collect();
        Ok(Snapshot { cluster, regions, config: config.clone(), constraints })
    }

    /// What the settings ask for; and system tables stay on servers of the newest version.
    fn constraints(&self, servers: &[ServerName]) -> Constraints {
        let mut constraints = settings::constraints(&self.online.get());
        for table in self.regions.tables().into_iter().filter(TableName::is_system) {
            let region = RegionInfo::builder(table.clone()).build();
            let old: BTreeSet<_> =
                servers.iter().filter(|server| !self.may_carry(server, &region)).cloned().collect();
            if !old.is_empty() {
                constraints.forbidden.insert(table.to_string(), old);
            }
        }
        constraints
    }

    /// Hour of the day in UTC; Java takes that of its time zone.
    pub(super) fn hour(&self) -> u8 {
        (self.clock.now_ms() / 3_600_000 % 24) as u8
    }
}

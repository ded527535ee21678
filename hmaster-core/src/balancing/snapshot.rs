//! What the balancer gets to see. Counterpart of `RegionStates.getAssignmentsForBalancer`.
//!
//! Regions that are open or opening, of tables that aren't disabled, on servers that may have regions; with the loads
//! that were remembered. Everything is sorted by name, so that one state of the cluster is one snapshot.

use std::collections::{BTreeMap, BTreeSet};

use hmaster_balancer::{Cluster, ClusterBuilder, Config, Constraints, LOADS};
use hmaster_types::{JavaException, RegionInfo, RegionState, ServerName, TableName, class};

use super::settings;
use crate::environment::MasterEnv;

/// The rack of all servers: topology scripts aren't run.
const RACK: &str = "/default-rack";

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
    pub(super) fn snapshots(&self) -> Result<Vec<Snapshot>, JavaException> {
        let config = settings::config(&self.online.get()).at_hour(self.hour());
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
        groups.into_values().map(|group| self.snapshot(group, &servers, &config, &constraints)).collect()
    }

    fn snapshot(
        &self,
        mut group: Vec<(ServerName, RegionInfo)>,
        servers: &[ServerName],
        config: &Config,
        constraints: &Constraints,
    ) -> Result<Snapshot, JavaException> {
        group.sort();
        let bad =
            |error: hmaster_balancer::BalancerError| JavaException::new(class::HBASE_IO, error.to_string());
        let mut builder = ClusterBuilder::new(servers, &[], |_| RACK.to_owned());
        builder.reserve(group.len());
        let history = self.balancing.history.lock();
        for (server, region) in &group {
            let name = region.name();
            let load = history.loads_of(name.as_bytes()).unwrap_or([0.0; LOADS]);
            let Some(at) = builder.server(server) else { continue };
            builder.region(name.as_bytes(), at, load).map_err(bad)?;
        }
        let cluster = builder.build().map_err(bad)?;
        let regions = group.into_iter().map(|(_, region)| region).collect();
        Ok(Snapshot { cluster, regions, config: config.clone(), constraints: constraints.clone() })
    }

    /// System tables stay on servers of the newest version.
    fn constraints(&self, servers: &[ServerName]) -> Constraints {
        let mut constraints = Constraints::default();
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
    fn hour(&self) -> u8 {
        (self.clock.now_ms() / 3_600_000 % 24) as u8
    }
}

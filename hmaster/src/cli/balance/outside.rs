//! Racks and capacities by the files and scripts that settings name, as the master has them. Without such settings racks
//! are told from names of hosts.

use std::collections::HashMap;

use anyhow::{Context as _, anyhow};
use hmaster::SystemSources;
use hmaster_balancer::{CapacityRules, Cluster, Config, Function, rack_by_host_name};
use hmaster_core::balancing::sources::BalancerSources as _;
use hmaster_types::ServerName;

/// Keys that say how racks are found out.
const RACK_KEYS: [&str; 2] = ["net.topology.script.file.name", "net.topology.table.file.name"];
/// What a script that fails leaves, as in Java.
const UNKNOWN_RACK: &str = "Unknown Rack";
const CAPACITY_FILE: &str = "hbase.master.balancer.heterogeneousRegionCountRulesFile";

/// What was found out.
pub(super) struct Outside {
    /// By host; None without a setting.
    racks: Option<HashMap<String, String>>,
    capacity: Option<CapacityRules>,
}

impl Outside {
    pub(super) fn ask(
        cluster: &Cluster,
        config: &Config,
        set: &dyn Fn(&str) -> Option<String>,
    ) -> anyhow::Result<Self> {
        let sources = SystemSources::new(None, set);
        let is_set = RACK_KEYS.iter().any(|key| set(key).is_some_and(|value| !value.trim().is_empty()));
        let rules = set(CAPACITY_FILE).filter(|_| config.weight(Function::Heterogeneous) > 0.0);
        let runtime = super::super::runtime()?;
        let racks = if is_set {
            let names = cluster.servers().map(|server| cluster.server(server).name.host().to_owned());
            let hosts: Vec<String> = names.collect();
            let racks = runtime.block_on(sources.racks(&hosts));
            if let Some(at) = racks.iter().position(|rack| rack == UNKNOWN_RACK) {
                anyhow::bail!("{} or {} doesn't tell the rack of {}", RACK_KEYS[0], RACK_KEYS[1], hosts[at]);
            }
            Some(hosts.into_iter().zip(racks).collect())
        } else {
            None
        };
        let capacity = match rules {
            None => None,
            Some(path) => {
                let text = runtime.block_on(sources.text(&path));
                let rules =
                    CapacityRules::new(&text.map_err(|reason| anyhow!(reason)).context(CAPACITY_FILE)?);
                if let Some(skipped) = rules.skipped.first() {
                    anyhow::bail!("{path}, {skipped}");
                }
                Some(rules)
            }
        };
        Ok(Self { racks, capacity })
    }

    pub(super) fn rack(&self, server: &ServerName) -> String {
        let known = self.racks.as_ref().and_then(|racks| racks.get(server.host()));
        known.cloned().unwrap_or_else(|| rack_by_host_name(server))
    }

    pub(super) fn apply(&self, cluster: &mut Cluster, config: &Config) {
        if self.racks.is_some() {
            cluster.set_racks(|server| self.rack(server));
        }
        if let Some(rules) = &self.capacity {
            cluster.set_capacities(rules, config.capacity_default);
        }
    }
}

//! What the balancer reads itself: costs, limits and lengths of its search, passed through as they are written.

use std::collections::BTreeMap;

use crate::option::{Group, OptionInfo, Reader};

/// Prefixes of keys that are the balancer's own, or say which rack a server is on.
const PREFIXES: [&str; 6] = [
    "hbase.master.balancer.",
    "hbase.master.loadbalance.",
    "hbase.regions.slop",
    "hbase.offpeak.",
    "hbase.util.ip.to.rack.determiner",
    "net.topology.",
];

/// Settings by key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BalancerSettings(BTreeMap<String, String>);

impl BalancerSettings {
    /// The value of a key that is set.
    pub fn get(&self, key: &str) -> Option<String> {
        self.0.get(key).cloned()
    }

    /// Sets a key, as a test would.
    pub fn set(&mut self, key: &str, value: &str) {
        self.0.insert(key.to_owned(), value.to_owned());
    }
}

impl Group for BalancerSettings {
    const TABLE: &'static [OptionInfo] = &[];

    fn read(reader: &mut Reader<'_>) -> Self {
        Self(reader.passed_through(|key| PREFIXES.iter().any(|prefix| key.starts_with(prefix))))
    }
}

#[cfg(test)]
mod tests {
    use crate::environment::Environment;
    use crate::options::Options;
    use crate::raw::Builder;

    #[test]
    fn costs_are_passed_through() {
        let set = "hbase.master.balancer.stochastic.moveCost=3".parse().unwrap();
        let raw = Builder::new(Environment::default()).overrides(&[set]).build();
        let settings = Options::read(&raw).0.balancer_settings;
        assert_eq!(settings.get("hbase.master.balancer.stochastic.moveCost").as_deref(), Some("3"));
        assert_eq!(settings.get("hbase.master.balancer.stochastic.readRequestCost"), None);
        assert_eq!(settings.get("hbase.rootdir"), None);
    }
}

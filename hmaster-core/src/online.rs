//! Settings that change while a master runs, by the shell's `update_config`. Counterpart of `ConfigurationManager` and of
//! those `ConfigurationObserver`s of `HMaster` that this master has.
//!
//! A master begins with [`Options`] and keeps most of them as they are: addresses, folders, ZooKeeper, periods of chores,
//! bounds of queues. What [`is_online`] names is asked for anew whenever it is used, so that a change holds from the next
//! run of the balancer or the cleaners, the next table that is made, the next region server that starts.
//!
//! Differs from Java in these:
//! - A value that can't be used is refused and nothing changes; Java logs it, with some of the values in force.
//! - The plugins of cleaners and their times to live change, too. Java reads those once.
//! - Java's master hands the new configuration to its RPC server, normalizer and coprocessors; here they need a restart, and
//!   so does how many loads of a region the balancer remembers.

use std::sync::Arc;

use arc_swap::ArcSwap;
use hmaster_config::Options;

use crate::balancing;
use crate::cleaners::chain::{self, UnknownPlugin};

/// Keys that hold from the moment they are read again.
const KEYS: [&str; 26] = [
    // The balancer.
    "hbase.regions.slop",
    "hbase.master.loadbalance.bytable",
    "hbase.master.balancer.uselocality",
    "hbase.master.balancer.heterogeneousRegionCountDefault",
    "hbase.master.balancer.decision.buffer.enabled",
    "hbase.master.balancer.decision.queue.size",
    "hbase.master.balancer.rejection.buffer.enabled",
    "hbase.master.balancer.rejection.queue.size",
    // The cleaners.
    "hbase.master.logcleaner.plugins",
    "hbase.master.logcleaner.ttl",
    "hbase.master.hfilecleaner.plugins",
    "hbase.master.hfilecleaner.ttl",
    "hbase.master.procedurewalcleaner.ttl",
    "hbase.master.local.store.walcleaner.ttl",
    "hbase.master.local.store.hfilecleaner.ttl",
    "hbase.master.hfile.cleaner.custom.paths",
    // Region servers that start.
    "hbase.master.reject.decommissioned.hosts",
    // Tables that are made, altered and flushed.
    "hbase.table.sanity.checks",
    "hbase.master.check.compression",
    "hbase.hregion.max.filesize",
    "hbase.hregion.max.filesize.limit",
    "hbase.hregion.memstore.flush.size",
    "hbase.hregion.memstore.flush.size.limit",
    "hbase.hstore.defaultengine.compactionpolicy.class",
    "hbase.hstore.blockingStoreFiles",
    "hbase.flush.procedure.enabled",
];

/// And all that begin so.
const PREFIXES: [&str; 2] = ["hbase.master.balancer.stochastic.", "hbase.offpeak."];

/// Except this: the balancer's memory is made once.
const SAMPLES_MAX: &str = "hbase.master.balancer.stochastic.numRegionLoadsToRemember";

/// Whether a key can change while a master runs.
pub fn is_online(key: &str) -> bool {
    let begins = || PREFIXES.iter().any(|prefix| key.starts_with(prefix));
    key != SAMPLES_MAX && (KEYS.contains(&key) || begins())
}

/// Why options can't be used.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// A cleaner is asked for that isn't there.
    #[error(transparent)]
    Cleaner(#[from] UnknownPlugin),
    /// The balancer can't read a setting.
    #[error("the balancer's settings")]
    Balancer(#[from] hmaster_balancer::BalancerError),
}

/// The options in force, shared by a process's reigns and by whoever changes them.
#[derive(Debug)]
pub struct OnlineOptions(ArcSwap<Options>);

impl OnlineOptions {
    /// Those that a process begins with.
    pub fn new(options: Options) -> Self {
        Self(ArcSwap::from_pointee(options))
    }

    /// Those in force at the moment.
    pub fn get(&self) -> Arc<Options> {
        self.0.load_full()
    }

    /// Puts others in force, which differ in nothing but what [`is_online`].
    ///
    /// # Errors
    /// When they can't be used; those before stay.
    pub fn change(&self, options: Options) -> Result<(), Unfit> {
        chain::check(&options.cleaners)?;
        balancing::check(&options)?;
        self.0.store(Arc::new(options));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_online_by_name_or_by_how_they_begin() {
        for (key, online) in [
            ("hbase.master.balancer.stochastic.regionCountCost", true),
            ("hbase.offpeak.start.hour", true),
            ("hbase.regions.slop", true),
            (SAMPLES_MAX, false),
            ("hbase.balancer.period", false),
            ("hbase.master.loadbalancer.class", false),
            ("hbase.rootdir", false),
            ("", false),
        ] {
            assert_eq!(is_online(key), online, "{key}");
        }
    }

    #[test]
    fn each_key_is_one_that_the_master_knows() {
        let table: Vec<&str> = Options::table().flat_map(|option| option.keys.iter().copied()).collect();
        let balancers =
            ["hbase.master.balancer.uselocality", "hbase.master.balancer.heterogeneousRegionCountDefault"];
        for key in KEYS {
            assert!(table.contains(&key) || balancers.contains(&key), "{key}");
        }
    }

    #[test]
    fn what_cannot_be_used_changes_nothing() {
        let online = OnlineOptions::new(Options::default());
        let mut plugin = Options::default();
        plugin.cleaners.wal_plugins.push("org.example.Keeper".into());
        let error = online.change(plugin).unwrap_err().to_string();
        assert!(error.contains("hbase.master.logcleaner.plugins") && error.contains("Keeper"), "{error}");
        let mut weight = Options::default();
        weight.balancer_settings.set("hbase.master.balancer.stochastic.moveCost", "much");
        assert!(matches!(online.change(weight), Err(Unfit::Balancer(_))));
        assert_eq!(*online.get(), Options::default());
        let mut slop = Options::default();
        slop.balancer_settings.set("hbase.regions.slop", "0.5");
        online.change(slop.clone()).unwrap();
        assert_eq!(*online.get(), slop);
    }
}

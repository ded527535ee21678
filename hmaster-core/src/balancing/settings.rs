//! The balancer's settings, from the master's.

use hmaster_balancer::{BalancerError, Config, Constraints, Function};
use hmaster_config::Options;
use hmaster_procedure::simple_class_name;

/// Simple class names of balancers whose plans are made here.
const STOCHASTIC: &str = "StochasticLoadBalancer";
const SIMPLE: &str = "SimpleLoadBalancer";

/// The settings as they are written, for the balancer that plans here.
pub(super) fn read(options: &Options) -> Result<Config, BalancerError> {
    Config::from_settings(|key| options.balancer_settings.get(key))
}

/// The settings; the defaults, and a word in the log, where they can't be read.
pub(super) fn config(options: &Options) -> Config {
    let config = read(options).unwrap_or_else(|error| {
        tracing::error!(%error, "the balancer works with its defaults");
        Config::default()
    });
    match simple_class_name(&options.balancer.class) {
        STOCHASTIC => config,
        SIMPLE => counts_only(config),
        class => {
            tracing::warn!(class, "not a balancer of this master, which balances as {STOCHASTIC}");
            config
        }
    }
}

/// The constraints of HBase 3 that have a key of their own: its `BalancerConditionals`.
pub(super) fn constraints(options: &Options) -> Constraints {
    let is_on = |name: &str| {
        let key = format!("hbase.master.balancer.stochastic.conditionals.{name}");
        match options.balancer_settings.get(&key).map(|text| text.trim().to_ascii_lowercase()).as_deref() {
            None | Some("false" | "") => false,
            Some("true") => true,
            Some(value) => {
                tracing::error!(key, value, "neither true nor false; taken for true, which forbids more");
                true
            }
        }
    };
    Constraints {
        isolate_meta: is_on("isolateMetaTable"),
        isolate_system: is_on("isolateSystemTables"),
        apart: is_on("distributeReplicas"),
        ..Constraints::default()
    }
}

/// SimpleLoadBalancer looks at numbers of regions only, in all and by table.
fn counts_only(mut config: Config) -> Config {
    for function in Function::ALL {
        let counts = [Function::RegionCount, Function::TableSkew, Function::Move];
        if !counts.contains(&function) {
            config.weights[function.index()] = 0.0;
        }
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_and_bad_ones_leave_the_defaults() {
        let mut options = Options::default();
        let key = "hbase.master.balancer.stochastic.readRequestCost";
        options.balancer_settings.set(key, "3");
        assert_eq!(config(&options).weight(Function::Read), 3.0);
        options.balancer_settings.set(key, "many");
        assert_eq!(config(&options), Config::default());
        options.balancer.class = format!("org.apache.hadoop.hbase.master.balancer.{SIMPLE}");
        assert_eq!(config(&options).weight(Function::Read), 0.0);
        assert_eq!(config(&options).weight(Function::RegionCount), 500.0);
    }

    #[test]
    fn keys_of_hbase_3_are_constraints() {
        let mut options = Options::default();
        assert!(constraints(&options).is_empty());
        for (name, value) in
            [("isolateMetaTable", "true"), ("isolateSystemTables", "yes"), ("distributeReplicas", "False")]
        {
            let key = format!("hbase.master.balancer.stochastic.conditionals.{name}");
            options.balancer_settings.set(&key, value);
        }
        let made = constraints(&options);
        assert_eq!((made.isolate_meta, made.isolate_system, made.apart), (true, true, false));
    }
}

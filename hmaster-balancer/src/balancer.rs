//! The balancer: a cluster and a budget in, a plan out.

use crate::budget::{Budget, Meter};
use crate::cluster::Cluster;
use crate::config::Config;
use crate::constraints::Constraints;
use crate::search::{self, Milestone};
use crate::state::State;

/// Makes plans.
#[derive(Debug, Clone, Default)]
pub struct Balancer {
    config: Config,
    constraints: Constraints,
}

impl Balancer {
    /// With these settings and no constraints.
    pub fn new(config: Config) -> Self {
        Self { config, constraints: Constraints::default() }
    }

    /// Searches.
    pub fn search<'c>(&self, cluster: &'c Cluster, budget: Budget<'_>) -> (State<'c>, Vec<Milestone>) {
        let rules = self.constraints.compile(cluster);
        let mut meter = Meter::new(budget);
        let mut state = State::new(cluster, &self.config);
        let way = search::search(&mut state, &self.config, &rules, &mut meter, budget.seed);
        (state, way)
    }
}

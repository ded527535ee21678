//! The balancer: a cluster and a budget in, a plan out. Counterpart of `StochasticLoadBalancer.balanceTable`.

use crate::bounds::Bounds;
use crate::budget::{Budget, Meter};
use crate::cluster::{Cluster, Region, Server};
use crate::config::Config;
use crate::constraints::{Broken, Constraints, Rules};
use crate::cost::Function;
use crate::cost::custom::CustomCost;
use crate::need::{Verdict, needs_balance};
use crate::plan::{Judgement, Move, Plan, keep_caps};
use crate::search;
use crate::state::State;

/// How a plan is searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// Straight for it: targets, then exchanges.
    #[default]
    Targets,
    /// Java's random walk, for comparison.
    Walk,
}

/// Makes plans.
#[derive(Debug, Clone, Default)]
pub struct Balancer {
    config: Config,
    method: Method,
    constraints: Constraints,
}

impl Balancer {
    /// With these settings and no constraints.
    pub fn new(config: Config) -> Self {
        Self { config, method: Method::default(), constraints: Constraints::default() }
    }

    /// Searches in this way.
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// Keeps these in every plan.
    #[must_use]
    pub fn constraints(mut self, constraints: Constraints) -> Self {
        self.constraints = constraints;
        self
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Makes a plan, if the rules of [`needs_balance`] want one. Never costs more than what is, unless a constraint
    /// asks for it.
    pub fn plan(&self, cluster: &Cluster, budget: Budget<'_>) -> Plan {
        self.plan_with(cluster, budget, &mut [])
    }

    /// As [`Self::plan`], with cost functions of the user's own. Their costs count in the search; [`Plan::after`] and
    /// the bounds tell of HBase's functions only.
    pub fn plan_with(&self, cluster: &Cluster, budget: Budget<'_>, own: &mut [Box<dyn CustomCost>]) -> Plan {
        let config = &self.effective_config();
        let start = State::new(cluster, config);
        let rules = self.constraints.compile(cluster);
        let mut verdict = needs_balance(&start, config);
        let misplaced = rules.misplaced(cluster, start.places()).len();
        if misplaced > 0 && !verdict.is_needed() {
            verdict = Verdict::Balance(format!("{misplaced} regions are where a constraint forbids them"));
        }
        let wanted = verdict.is_needed() || !own.is_empty();
        let mut meter = Meter::new(if own.is_empty() { budget } else { budget.half() });
        let (mut end, mut way) = (start.clone(), Vec::new());
        let mut candidates = 0;
        if wanted {
            let search = match self.method {
                Method::Targets => search::search,
                Method::Walk => search::walk,
            };
            way = search(&mut end, config, &rules, &mut meter, budget.seed);
            candidates = meter.spent();
            if !own.is_empty() {
                let rest =
                    Budget { candidates_max: budget.candidates_max.saturating_sub(candidates), ..budget };
                let mut meter = Meter::new(rest);
                search::descend_own(&mut end, &rules, &mut meter, budget.seed, own);
                candidates += meter.spent();
            }
            self.cap(&start, &mut end, &rules);
        }
        let moves = moves(cluster, &end);
        let after = State::with_places(cluster, config, end.into_places());
        Plan {
            verdict,
            moves,
            before: Judgement::of(&start),
            after: Judgement::of(&after),
            bounds: Bounds::new(&start, &after),
            broken: broken(&rules, &after),
            way,
            candidates,
            rules,
        }
    }

    /// The settings, with weights for what must hold whatever the settings say.
    fn effective_config(&self) -> Config {
        let mut config = self.config.clone();
        if self.constraints.apart {
            for function in [Function::ReplicaHost, Function::ReplicaRack] {
                let weight = &mut config.weights[function.index()];
                *weight = weight.max(function.weight_default());
            }
        }
        config
    }

    /// Keeps the number of moves within its bounds, HBase's own among them.
    fn cap<'c>(&self, start: &State<'c>, end: &mut State<'c>, rules: &Rules) {
        let all = self.constraints.moves_max.unwrap_or(usize::MAX).min(start.moved_max() as usize);
        if self.constraints.has_caps() || end.moved() as usize > all {
            *end = keep_caps(start, end, rules, &self.constraints, all);
        }
    }
}

/// What differs from where regions are, in the order of regions.
fn moves(cluster: &Cluster, end: &State<'_>) -> Vec<Move> {
    let moved = |region: Region| {
        let (from, to) = (cluster.home(region), end.at(region));
        (from != to).then_some(Move { region, from, to })
    };
    cluster.regions().filter_map(moved).collect()
}

/// Names what the places don't keep.
fn broken(rules: &Rules, end: &State<'_>) -> Vec<Broken> {
    let cluster = end.cluster();
    let name = |server: Server| &cluster.server(server).name;
    let mut broken = rules.impossible.clone();
    for (region, server) in rules.misplaced(cluster, end.places()) {
        let reason = format!("{} stays on {}", cluster.region_text(region), name(server));
        broken.push(Broken { constraint: "servers of tables".to_owned(), reason });
    }
    for region in cluster.regions().filter(|&region| !cluster.is_usable(end.at(region))) {
        let reason = format!("{} stays on {}", cluster.region_text(region), name(end.at(region)));
        broken.push(Broken { constraint: "draining or lost server".to_owned(), reason });
    }
    if let Some(copies) = cluster.copies() {
        let apart = cluster.host_count() >= copies.replicas_max();
        for region in cluster.regions().filter(|&r| !copies.is_primary(r.0) && cluster.is_usable(end.at(r))) {
            if apart && end.copies_near(region.0, end.at(region).0).0 > 0 {
                let reason = format!(
                    "{} is beside another replica on {}",
                    cluster.region_text(region),
                    name(end.at(region))
                );
                broken.push(Broken { constraint: "replicas apart".to_owned(), reason });
            }
        }
    }
    broken
}

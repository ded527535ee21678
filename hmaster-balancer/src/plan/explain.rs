//! Why a region moves, and why another stays.

use super::Plan;
use crate::cluster::{Cluster, Region, Server};
use crate::config::Config;
use crate::cost::{Function, PerFunction};
use crate::state::{Action, State};

/// Why a region moves.
#[derive(Debug, Clone, PartialEq)]
pub struct MoveReason {
    /// What each function would cost more, times its weight, if this move alone weren't made.
    pub improves: PerFunction,
    /// The server that would be next best, and what it would cost more.
    pub next_best: Option<(Server, f64)>,
}

/// Why a region stays.
#[derive(Debug, Clone, PartialEq)]
pub struct StayReason {
    /// The cheapest thing to do with it: a move to any server, or an exchange with any region of its table that was
    /// looked at.
    pub cheapest: Option<Action>,
    /// What that would cost more; below 0 when the search ended before it got to it.
    pub costs: f64,
    /// Which function stands in the way most.
    pub because: Option<Function>,
}

/// Partners of its table that are looked at for a region that stays.
const PARTNERS_MAX: usize = 256;

impl Plan {
    /// Explains one of the plan's moves. `end` is the cluster with the plan applied ([`Plan::apply`]).
    pub fn why_moved(&self, end: &State<'_>, region: Region) -> Option<MoveReason> {
        let found = self.moves.binary_search_by_key(&region, |m| m.region).ok()?;
        let planned = &self.moves[found];
        let cluster = end.cluster();
        let elsewhere = cluster.servers().filter(|&s| s != planned.to && s != planned.from);
        let others = elsewhere.map(|s| (s, end.change_of(Action::Move(region, s))));
        let next_best = others.min_by(|a, b| a.1.total_cmp(&b.1));
        let improves = if cluster.is_usable(planned.from) {
            changes(end, Action::Move(region, planned.from))
        } else {
            [0.0; Function::COUNT]
        };
        Some(MoveReason { improves, next_best })
    }

    /// Explains why a region isn't moved.
    pub fn why_stayed(&self, end: &State<'_>, region: Region) -> StayReason {
        let cluster = end.cluster();
        let here = end.at(region);
        let moves = cluster.servers().filter(|&s| s != here).map(|s| Action::Move(region, s));
        let step = (cluster.region_count() / PARTNERS_MAX).max(1);
        let same_table = |r: &Region| {
            cluster.table(*r) == cluster.table(region) && end.at(*r) != here && cluster.is_usable(end.at(*r))
        };
        let swaps = cluster.regions().step_by(step).filter(same_table).map(|r| Action::Swap(region, r));
        let judged = moves.chain(swaps).map(|action| (action, end.change_of(action)));
        let Some((action, costs)) = judged.min_by(|a, b| a.1.total_cmp(&b.1)) else {
            return StayReason { cheapest: None, costs: 0.0, because: None };
        };
        let changes = changes(end, action);
        let worst =
            Function::ALL.into_iter().max_by(|a, b| changes[a.index()].total_cmp(&changes[b.index()]));
        StayReason { cheapest: Some(action), costs, because: worst.filter(|f| changes[f.index()] > 0.0) }
    }

    /// Regions with the most load on the servers with the most load that stay where they are: those whose staying asks
    /// for a reason.
    pub fn hot_stayers(&self, cluster: &Cluster, config: &Config, count: usize) -> Vec<Region> {
        let end = self.apply(cluster, config);
        let share = |load: &[f64; crate::LOADS]| -> f64 {
            (0..crate::LOADS).map(|f| load[f] / end.loads().skews[f].mean.max(f64::MIN_POSITIVE)).sum()
        };
        let mut servers: Vec<Server> = cluster.servers().collect();
        servers.sort_by(|a, b| share(end.load(*b)).total_cmp(&share(end.load(*a))));
        servers.truncate(count.max(1));
        let mut stayers: Vec<Region> = cluster
            .regions()
            .filter(|&r| end.at(r) == cluster.home(r) && servers.contains(&end.at(r)))
            .collect();
        stayers.sort_by(|a, b| share(cluster.load(*b)).total_cmp(&share(cluster.load(*a))));
        stayers.truncate(count);
        stayers
    }
}

/// Weighted change of each function.
fn changes(state: &State<'_>, action: Action) -> PerFunction {
    let mut after = state.clone();
    after.apply(action);
    let mut changes = [0.0; Function::COUNT];
    for f in Function::ALL {
        changes[f.index()] = state.weight(f) * (after.costs()[f.index()] - state.costs()[f.index()]);
    }
    changes
}

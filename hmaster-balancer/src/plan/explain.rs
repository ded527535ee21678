//! Why a region moves, and why another stays.
//!
//! Both are asked of the cluster with the plan applied: what would it cost to do without this one move, or to do one
//! more? The state is changed and changed back for that, so it is borrowed mutably.

use std::fmt::Write as _;

use super::Plan;
use crate::cluster::{Cluster, Region, Server};
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
    /// The constraint that leaves it no other place.
    pub held: Option<&'static str>,
}

impl MoveReason {
    /// The functions that the move improves, most first.
    pub fn improved(&self) -> Vec<(Function, f64)> {
        let gains = Function::ALL.into_iter().map(|f| (f, self.improves[f.index()]));
        let mut gains: Vec<_> = gains.filter(|(_, gain)| *gain > 1e-12).collect();
        gains.sort_by(|a, b| b.1.total_cmp(&a.1));
        gains
    }

    /// In one line.
    pub fn text(&self, cluster: &Cluster) -> String {
        let mut text = String::from("improves:");
        for (function, gain) in self.improved() {
            // Writing to a string doesn't fail.
            let _ = write!(text, " {} by {gain:.3e}", function.java_class());
        }
        if let Some((server, costs)) = self.next_best {
            let _ = write!(text, " , next best: {} at {costs:+.3e}", cluster.server(server).name);
        }
        text
    }
}

impl StayReason {
    /// In one line.
    pub fn text(&self) -> String {
        match (self.held, self.because) {
            (Some(held), _) => held.to_owned(),
            (None, _) if self.cheapest.is_none() => "there is no other place for it".to_owned(),
            (None, Some(function)) if self.costs >= 0.0 => {
                format!(
                    "anything else costs {:+.3e} or more, most of it {}",
                    self.costs,
                    function.java_class()
                )
            }
            (None, _) if self.costs >= 0.0 => "nothing else is better".to_owned(),
            (None, _) => format!("the search ended before it found a change of {:+.3e}", self.costs),
        }
    }
}

/// Times the mean from which on a load makes a server hot.
const HOT: f64 = 1.1;
/// Partners of its table that are looked at for a region that stays.
const PARTNERS_MAX: usize = 256;

impl Plan {
    /// Explains one of the plan's moves. `end` is the cluster with the plan applied ([`Plan::apply`]).
    pub fn why_moved(&self, end: &mut State<'_>, region: Region) -> Option<MoveReason> {
        let found = self.moves.binary_search_by_key(&region, |m| m.region).ok()?;
        let planned = &self.moves[found];
        let cluster = end.cluster();
        let is_other =
            |s: &Server| *s != planned.to && *s != planned.from && self.rules.may_move(region.0, s.0);
        let elsewhere = cluster.servers().filter(is_other);
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
    pub fn why_stayed(&self, end: &mut State<'_>, region: Region) -> StayReason {
        let cluster = end.cluster();
        let here = end.at(region);
        if let Some(held) = self.rules.what_holds(region) {
            return StayReason { cheapest: None, costs: 0.0, because: None, held: Some(held) };
        }
        let may = |region: Region, to: Server| self.rules.may_move(region.0, to.0);
        let others = cluster.servers().filter(|&s| s != here && may(region, s));
        let moves = others.map(|s| Action::Move(region, s));
        let step = (cluster.region_count() / PARTNERS_MAX).max(1);
        let same_table = |r: &Region| {
            let there = end.at(*r);
            cluster.table(*r) == cluster.table(region)
                && there != here
                && cluster.is_usable(there)
                && may(region, there)
                && may(*r, here)
        };
        let swaps = cluster.regions().step_by(step).filter(same_table).map(|r| Action::Swap(region, r));
        let judged = moves.chain(swaps).map(|action| (action, end.change_of(action)));
        let Some((action, costs)) = judged.min_by(|a, b| a.1.total_cmp(&b.1)) else {
            return StayReason { cheapest: None, costs: 0.0, because: None, held: None };
        };
        let changes = changes(end, action);
        let worst =
            Function::ALL.into_iter().max_by(|a, b| changes[a.index()].total_cmp(&changes[b.index()]));
        let because = worst.filter(|f| changes[f.index()] > 0.0);
        StayReason { cheapest: Some(action), costs, because, held: None }
    }

    /// Regions that stay on hot servers, those with the most load first: those whose staying asks for a reason. A server
    /// is hot when a load that counts is a tenth above the mean, or else when none has more.
    pub fn hot_stayers(&self, end: &State<'_>, count: usize) -> Vec<Region> {
        let cluster = end.cluster();
        let mean = end.loads().skews.map(|skew| skew.mean.max(f64::MIN_POSITIVE));
        let counted: Vec<usize> =
            (0..crate::LOADS).filter(|&f| end.weight(Function::OF_LOADS[f]) > 0.0).collect();
        let share = |load: &[f64; crate::LOADS]| counted.iter().map(|&f| load[f] / mean[f]).sum::<f64>();
        let is_hot = |s: Server| counted.iter().any(|&f| end.load(s)[f] > HOT * mean[f]);
        let mut hot: Vec<bool> = cluster.servers().map(is_hot).collect();
        let hottest = cluster.servers().max_by(|a, b| share(end.load(*a)).total_cmp(&share(end.load(*b))));
        if let Some(hottest) = hottest.filter(|_| !hot.contains(&true)) {
            hot[hottest.0 as usize] = true;
        }
        let is_stayer = |r: &Region| {
            end.at(*r) == cluster.home(*r) && hot.get(end.at(*r).0 as usize).copied().unwrap_or(false)
        };
        let mut stayers: Vec<Region> = cluster.regions().filter(is_stayer).collect();
        stayers.sort_by(|a, b| share(cluster.load(*b)).total_cmp(&share(cluster.load(*a))));
        stayers.truncate(count);
        stayers
    }
}

/// Weighted change of each function.
fn changes(state: &mut State<'_>, action: Action) -> PerFunction {
    let (before, back) = (*state.costs(), state.inverse(action));
    state.apply(action);
    let mut changes = [0.0; Function::COUNT];
    for f in Function::ALL {
        changes[f.index()] = state.weight(f) * (state.costs()[f.index()] - before[f.index()]);
    }
    state.apply(back);
    changes
}

//! A plan: what to move, what it brings, how good it could be, and why.

mod caps;
mod explain;
mod file;
mod record;

use crate::bounds::Bounds;
use crate::cluster::{Cluster, Region, Server};
use crate::config::Config;
use crate::constraints::{Broken, Rules};
use crate::cost::PerFunction;
use crate::need::Verdict;
use crate::search::Milestone;
use crate::state::State;

pub(crate) use caps::keep_caps;
pub use explain::{MoveReason, StayReason};
pub use file::read_plan;
pub use record::{BalancerDecision, BalancerRejection};

/// A region that goes from one server to another. Counterpart of `RegionPlan`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// Which.
    pub region: Region,
    /// From where.
    pub from: Server,
    /// To where.
    pub to: Server,
}

/// Costs of all functions, without weights, and their weighted mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judgement {
    /// Per function.
    pub costs: PerFunction,
    /// Weighted sum.
    pub total: f64,
    /// Weighted mean.
    pub imbalance: f64,
}

impl Judgement {
    /// Of a state.
    pub fn of(state: &State<'_>) -> Self {
        Self { costs: *state.costs(), total: state.total(), imbalance: state.imbalance() }
    }
}

/// What a balancer proposes.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Whether anything was to be done.
    pub verdict: Verdict,
    /// In the order of regions.
    pub moves: Vec<Move>,
    /// Costs of the cluster as it is.
    pub before: Judgement,
    /// Costs once the moves are made.
    pub after: Judgement,
    /// How good any plan can be.
    pub bounds: Bounds,
    /// Constraints that this plan doesn't keep, or that can't be kept.
    pub broken: Vec<Broken>,
    /// The way there.
    pub way: Vec<Milestone>,
    /// Candidates looked at.
    pub candidates: u64,
    /// What was allowed.
    pub(crate) rules: Rules,
}

impl Plan {
    /// The cluster with the moves made.
    pub fn apply<'c>(&self, cluster: &'c Cluster, config: &Config) -> State<'c> {
        let mut at = cluster.homes().to_vec();
        self.moves.iter().for_each(|m| at[m.region.0 as usize] = m.to.0);
        State::with_places(cluster, config, at)
    }

    /// What is left between this plan and the proven bound.
    pub fn gap(&self) -> f64 {
        (self.after.imbalance - self.bounds.cost).max(0.0)
    }

    /// Moves in an order in which no server holds many more regions on the way than it does at the end: by turns from
    /// the servers that give most, to those that have least.
    pub fn ordered(&self, state: &State<'_>) -> Vec<Move> {
        let mut counts: Vec<i64> = state.counts().iter().map(|&n| i64::from(n)).collect();
        let usable = counts.len() as u32;
        let mut waiting: Vec<Vec<Move>> = vec![Vec::new(); counts.len()];
        for m in self.moves.iter().rev() {
            waiting[m.to.0 as usize].push(*m);
        }
        let mut queue: std::collections::BTreeSet<(i64, u32)> = (0..usable)
            .filter(|&s| !waiting[s as usize].is_empty())
            .map(|s| (counts[s as usize], s))
            .collect();
        let mut ordered = Vec::with_capacity(self.moves.len());
        while let Some((_, to)) = queue.pop_first() {
            let Some(next) = waiting[to as usize].pop() else { continue };
            counts[to as usize] += 1;
            if next.from.0 < usable {
                let from = next.from.0;
                let was = queue.remove(&(counts[from as usize], from));
                counts[from as usize] -= 1;
                if was {
                    queue.insert((counts[from as usize], from));
                }
            }
            if !waiting[to as usize].is_empty() {
                queue.insert((counts[to as usize], to));
            }
            ordered.push(next);
        }
        ordered
    }
}

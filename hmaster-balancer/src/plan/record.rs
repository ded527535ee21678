//! What the master keeps of a run of the balancer, for `get_balancer_decisions` and `get_balancer_rejections`.
//! Counterparts of `BalancerDecision` and `BalancerRejection`.

use std::fmt::Write as _;

use super::{Judgement, Plan};
use crate::cluster::Cluster;
use crate::config::Config;
use crate::cost::Function;
use crate::need::Verdict;
use crate::state::State;

/// Servers times moves up to which each move of a record is explained: a second of work.
const EXPLAINED_WORK_MAX: usize = 10_000_000;

/// A plan that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct BalancerDecision {
    /// Weighted costs before, by function.
    pub initial_function_costs: String,
    /// Weighted costs after, by function.
    pub final_function_costs: String,
    /// Weighted sum before.
    pub init_total_cost: f64,
    /// Weighted sum after.
    pub computed_total_cost: f64,
    /// Candidates looked at.
    pub computed_steps: u64,
    /// One line per move: Java's, and what the move improves behind it.
    pub region_plans: Vec<String>,
}

/// A plan that was not made, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalancerRejection {
    /// Which rule said so.
    pub reason: String,
    /// Cost and multiplier of each function.
    pub cost_func_info: Vec<String>,
}

impl Plan {
    /// The record of this plan; None when there is nothing to move.
    pub fn decision(&self, cluster: &Cluster, config: &Config) -> Option<BalancerDecision> {
        if self.moves.is_empty() {
            return None;
        }
        let explained = self.moves.len() * cluster.server_count() <= EXPLAINED_WORK_MAX;
        let mut end = explained.then(|| self.apply(cluster, config));
        let region_plans = self.moves.iter().map(|m| {
            let name = |server| &cluster.server(server).name;
            let mut line = format!(
                "table: {} , region: {} , source: {} , destination: {}",
                cluster.table_name(cluster.table(m.region)),
                cluster.region_text(m.region),
                name(m.from),
                name(m.to)
            );
            if let Some(reason) = end.as_mut().and_then(|end| self.why_moved(end, m.region)) {
                // Writing to a string doesn't fail.
                let _ = write!(line, " , {}", reason.text(cluster));
            }
            line
        });
        Some(BalancerDecision {
            initial_function_costs: function_costs(&self.before, config),
            final_function_costs: function_costs(&self.after, config),
            init_total_cost: self.before.total,
            computed_total_cost: self.after.total,
            computed_steps: self.candidates,
            region_plans: region_plans.collect(),
        })
    }

    /// The record of doing nothing; None when there is something to move. A plan may have been wanted, and nothing
    /// better been found.
    pub fn rejection(&self, cluster: &Cluster, config: &Config) -> Option<BalancerRejection> {
        if !self.moves.is_empty() {
            return None;
        }
        let reason = match &self.verdict {
            Verdict::Leave(reason) => reason.clone(),
            Verdict::Balance(reason) => format!("nothing better was found, although {reason}"),
        };
        let cost_func_info = crate::need::cost_infos(&State::new(cluster, config));
        Some(BalancerRejection { reason, cost_func_info })
    }
}

fn function_costs(judgement: &Judgement, config: &Config) -> String {
    let mut text = String::new();
    for function in Function::ALL {
        let cost = f64::from(config.weight(function)) * judgement.costs[function.index()];
        if cost > 0.0 {
            // Writing to a string doesn't fail.
            let _ = write!(text, " {} : {cost};", function.java_class());
        }
    }
    text
}

//! What runs of the balancer have decided, for the shell's `get_balancer_decisions` and `get_balancer_rejections`.
//! Counterpart of `BalancerDecisionQueueService` and `BalancerRejectionQueueService`; kept only when asked for, as there.

use std::collections::VecDeque;

use hmaster_balancer::Plan;
use hmaster_config::Options;
use hmaster_protocol::pb;
use parking_lot::Mutex;

use super::snapshot::Snapshot;

/// Moves in one record; a plan with more becomes several.
const MOVES_PER_RECORD: usize = 15;

/// The last decisions and rejections.
#[derive(Debug, Default)]
pub(crate) struct Records {
    decisions: Ring<pb::BalancerDecision>,
    rejections: Ring<pb::BalancerRejection>,
}

/// The last so many of something.
#[derive(Debug)]
struct Ring<T>(Mutex<VecDeque<T>>);

impl Records {
    /// Keeps what a plan says, as much of it as is wished for at the moment.
    pub(super) fn keep(&self, plan: &Plan, snapshot: &Snapshot, options: &Options) {
        let (cluster, config) = (&snapshot.cluster, &snapshot.config);
        let (balancer, status) = (&options.balancer, &options.status);
        if balancer.remember_rejections
            && let Some(rejection) = plan.rejection(cluster, config)
        {
            let (reason, cost_func_info) = (rejection.reason, rejection.cost_func_info);
            let rejection = pb::BalancerRejection { reason, cost_func_info };
            self.rejections.push(rejection, status.balancer_rejections_max as usize);
        }
        if !balancer.remember_decisions {
            return;
        }
        let Some(decision) = plan.decision(cluster, config) else { return };
        for moves in decision.region_plans.chunks(MOVES_PER_RECORD) {
            let record = pb::BalancerDecision {
                initial_function_costs: decision.initial_function_costs.clone(),
                final_function_costs: decision.final_function_costs.clone(),
                init_total_cost: decision.init_total_cost,
                computed_total_cost: decision.computed_total_cost,
                computed_steps: decision.computed_steps,
                region_plans: moves.to_vec(),
            };
            self.decisions.push(record, status.balancer_decisions_max as usize);
        }
    }

    /// The newest decisions first.
    pub(crate) fn decisions(&self, limit: Option<u32>) -> Vec<pb::BalancerDecision> {
        self.decisions.newest(limit)
    }

    /// The newest rejections first.
    pub(crate) fn rejections(&self, limit: Option<u32>) -> Vec<pb::BalancerRejection> {
        self.rejections.newest(limit)
    }
}

impl<T> Default for Ring<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Ring<T> {
    fn push(&self, record: T, records_max: usize) {
        let mut records = self.0.lock();
        records.push_back(record);
        while records.len() > records_max {
            records.pop_front();
        }
    }

    fn newest(&self, limit: Option<u32>) -> Vec<T> {
        let limit = limit.map_or(usize::MAX, |limit| limit as usize);
        self.0.lock().iter().rev().take(limit).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_come_first_and_the_oldest_go() {
        let ring = Ring::default();
        (0..5).for_each(|n| ring.push(n, 3));
        assert_eq!(ring.newest(None), [4, 3, 2]);
        assert_eq!(ring.newest(Some(1)), [4]);
        ring.push(5, 1);
        assert_eq!(ring.newest(None), [5], "the ring has become shorter");
    }
}

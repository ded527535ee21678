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
#[derive(Debug)]
pub(crate) struct Records {
    decisions: Ring<pb::BalancerDecision>,
    rejections: Ring<pb::BalancerRejection>,
}

/// The last so many of something.
#[derive(Debug)]
struct Ring<T> {
    /// 0 keeps nothing.
    records_max: usize,
    records: Mutex<VecDeque<T>>,
}

impl Records {
    pub(super) fn new(options: &Options) -> Self {
        let (balancer, status) = (&options.balancer, &options.status);
        let kept = |is_on: bool, max: u64| if is_on { max as usize } else { 0 };
        Self {
            decisions: Ring::new(kept(balancer.remember_decisions, u64::from(status.balancer_decisions_max))),
            rejections: Ring::new(kept(
                balancer.remember_rejections,
                u64::from(status.balancer_rejections_max),
            )),
        }
    }

    /// Keeps what a plan says.
    pub(super) fn keep(&self, plan: &Plan, snapshot: &Snapshot) {
        let (cluster, config) = (&snapshot.cluster, &snapshot.config);
        if let Some(rejection) = plan.rejection(cluster, config).filter(|_| self.rejections.records_max > 0) {
            let (reason, cost_func_info) = (rejection.reason, rejection.cost_func_info);
            self.rejections.push(pb::BalancerRejection { reason, cost_func_info });
        }
        if self.decisions.records_max == 0 {
            return;
        }
        let Some(decision) = plan.decision(cluster, config) else { return };
        for moves in decision.region_plans.chunks(MOVES_PER_RECORD) {
            self.decisions.push(pb::BalancerDecision {
                initial_function_costs: decision.initial_function_costs.clone(),
                final_function_costs: decision.final_function_costs.clone(),
                init_total_cost: decision.init_total_cost,
                computed_total_cost: decision.computed_total_cost,
                computed_steps: decision.computed_steps,
                region_plans: moves.to_vec(),
            });
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

impl<T: Clone> Ring<T> {
    fn new(records_max: usize) -> Self {
        Self { records_max, records: Mutex::new(VecDeque::new()) }
    }

    fn push(&self, record: T) {
        let mut records = self.records.lock();
        if records.len() >= self.records_max {
            records.pop_front();
        }
        records.push_back(record);
    }

    fn newest(&self, limit: Option<u32>) -> Vec<T> {
        let limit = limit.map_or(usize::MAX, |limit| limit as usize);
        self.records.lock().iter().rev().take(limit).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_come_first_and_the_oldest_go() {
        let ring = Ring::new(3);
        (0..5).for_each(|n| ring.push(n));
        assert_eq!(ring.newest(None), [4, 3, 2]);
        assert_eq!(ring.newest(Some(1)), [4]);
    }
}

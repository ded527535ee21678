//! Costs from the sums that a [`State`] keeps.

use super::State;
use super::what::replica_cost;
use crate::cost::Function;
use crate::cost::array::Counts;

/// What a plan with too many moves costs, as in Java.
const TOO_MANY_MOVES: f64 = 1_000_000.0;

/// The sum of the weights of the functions that are needed, single as in Java.
pub fn sum_of_multipliers(state: &State<'_>) -> f64 {
    let sum = Function::ALL.iter().filter(|&&f| state.is_needed(f)).map(|&f| state.weights[f.index()] as f32);
    f64::from(sum.sum::<f32>())
}

impl State<'_> {
    /// The weighted mean of the costs: what Java logs, and compares with `minCostNeedBalance`.
    pub fn imbalance(&self) -> f64 {
        let sum = sum_of_multipliers(self);
        if sum > 0.0 { self.total() / sum } else { 0.0 }
    }

    /// Costs of replicas on hosts and racks, also when these functions have no weight: needsBalance asks.
    pub(crate) fn replica_costs(&self) -> (f64, f64) {
        self.replicas.as_ref().map_or((0.0, 0.0), |r| {
            (replica_cost(r.on_hosts, r.on_hosts_max), replica_cost(r.on_racks, r.on_racks_max))
        })
    }

    #[inline]
    pub(super) fn cost_of_moved(&self, moved: u64) -> f64 {
        if moved > self.moved_max { TOO_MANY_MOVES } else { (moved as f64 * self.moved_scale).min(1.0) }
    }

    /// Regions above what a server with `count` regions should hold, in relation to what it can.
    pub(super) fn over_capacity(&self, server: u32, count: u32) -> f64 {
        let limit = f64::from(self.cluster.server_infos()[server as usize].capacity);
        let target = self.at.len() as f64 / self.capacity;
        if limit <= 0.0 || f64::from(count) / limit <= target {
            return 0.0;
        }
        // Math.round: halves go up.
        (f64::from(count) - (limit * target + 0.5).floor()) / limit
    }

    pub(super) fn refresh_costs(&mut self) {
        for function in Function::ALL {
            let cost = if self.needed[function.index()] { self.work_out(function) } else { 0.0 };
            self.costs[function.index()] = cost;
        }
    }

    fn work_out(&self, function: Function) -> f64 {
        let load = |f: usize| self.loads.skews[f].cost(self.loads.squares[f]);
        match function {
            Function::RegionCount => self.count_skew.cost(),
            Function::PrimaryCount => self.primary_skew.as_ref().map_or(0.0, Counts::cost),
            Function::Move => self.cost_of_moved(self.moved),
            Function::ServerLocality => 1.0 - self.local,
            Function::RackLocality => 1.0 - self.rack_local,
            Function::TableSkew => self.table_costs.iter().sum(),
            Function::ReplicaHost => self.replica_costs().0,
            Function::ReplicaRack => self.replica_costs().1,
            Function::Read => load(0),
            Function::Write => load(1),
            Function::MemStore => load(2),
            Function::StoreFile => load(3),
            Function::Heterogeneous => {
                let over = |(s, &n): (usize, &u32)| self.over_capacity(s as u32, n);
                self.counts.iter().enumerate().map(over).sum::<f64>() / self.counts.len() as f64
            }
        }
    }

    /// The local shares, from scratch.
    pub(super) fn sum_locality(&mut self) {
        let Some(locality) = self.cluster.locality() else { return };
        let infos = self.cluster.server_infos();
        let usable = self.counts.len();
        let (mut servers, mut racks) = (0.0, 0.0);
        for (region, &server) in self.at.iter().enumerate().filter(|(_, server)| (**server as usize) < usable)
        {
            servers += locality.on_server(region as u32, server);
            racks += locality.on_rack(region as u32, infos[server as usize].rack);
        }
        let share = |sum: f64, best: f64| if best > 0.0 { sum / best } else { 1.0 };
        self.local = share(servers, locality.best_on_servers);
        self.rack_local = share(racks, locality.best_on_racks);
    }
}

//! The four loads per server and how uneven they are. Counterpart of `CostFromRegionLoadFunction`.

use crate::LOADS;
use crate::cluster::Cluster;
use crate::cost::array::Skew;

/// Changes after which the squares are summed anew, at least.
const CHANGES_MAX: usize = 4096;
/// When the squares have shrunk to this share of what they were, they are summed anew: what was lost by rounding was
/// small against the old, not the new.
const SHRUNK: f64 = 1.0 / 16.0;

/// Load per server and squares around the mean.
#[derive(Debug, Clone)]
pub(crate) struct Loads {
    pub(crate) of_server: Vec<[f64; LOADS]>,
    pub(crate) skews: [Skew; LOADS],
    pub(crate) squares: [f64; LOADS],
    squares_then: [f64; LOADS],
    changes: usize,
}

impl Loads {
    pub(super) fn new(cluster: &Cluster, at: &[u32]) -> Self {
        let servers = cluster.server_count();
        let (mut of_server, mut total) = (vec![[0.0; LOADS]; servers], [0.0; LOADS]);
        for (load, &server) in cluster.loads().iter().zip(at) {
            for f in 0..LOADS {
                total[f] += load[f];
            }
            if let Some(sum) = of_server.get_mut(server as usize) {
                for f in 0..LOADS {
                    sum[f] += load[f];
                }
            }
        }
        let skews = total.map(|total| Skew::new(total, servers));
        let zero = [0.0; LOADS];
        let mut loads = Self { of_server, skews, squares: zero, squares_then: zero, changes: 0 };
        loads.refresh();
        loads
    }

    /// Sums the squares anew.
    pub(crate) fn refresh(&mut self) {
        let mean = self.skews.map(|skew| skew.mean);
        let mut squares = [0.0; LOADS];
        for load in &self.of_server {
            for f in 0..LOADS {
                squares[f] += (load[f] - mean[f]) * (load[f] - mean[f]);
            }
        }
        self.squares = squares;
        self.squares_then = squares;
        self.changes = 0;
    }

    /// Squares after `load` goes from one server to another.
    #[inline]
    pub(super) fn squares_after(&self, load: &[f64; LOADS], from: u32, to: u32) -> [f64; LOADS] {
        let (from, to) = (&self.of_server[from as usize], &self.of_server[to as usize]);
        let mut squares = self.squares;
        for f in 0..LOADS {
            squares[f] += 2.0 * load[f] * (to[f] - from[f] + load[f]);
        }
        squares
    }

    /// Costs for given squares.
    #[inline]
    pub(super) fn costs_at(&self, squares: &[f64; LOADS]) -> [f64; LOADS] {
        let mut costs = [0.0; LOADS];
        for f in 0..LOADS {
            costs[f] = self.skews[f].cost(squares[f]);
        }
        costs
    }

    pub(super) fn shift(&mut self, load: &[f64; LOADS], from: u32, to: u32) {
        self.squares = self.squares_after(load, from, to);
        for (f, load) in load.iter().enumerate() {
            self.of_server[from as usize][f] -= load;
            self.of_server[to as usize][f] += load;
        }
        self.changes += 1;
        let shrunk = (0..LOADS).any(|f| self.squares[f] < self.squares_then[f] * SHRUNK);
        if shrunk || self.changes > CHANGES_MAX.max(self.of_server.len()) {
            self.refresh();
        }
    }

    pub(super) fn place(&mut self, load: &[f64; LOADS], to: u32) {
        for (f, load) in load.iter().enumerate() {
            let before = self.of_server[to as usize][f] - self.skews[f].mean;
            self.squares[f] += load * (2.0 * before + load);
            self.of_server[to as usize][f] += load;
        }
    }
}

//! Cost functions of a user's own. Counterpart of `hbase.master.balancer.stochastic.additionalCostFunctions`.

use crate::{Cluster, Region, Server};

/// A cost function that the balancer doesn't know by itself.
///
/// It is asked for its cost often, so it should keep what it needs up to date in [`Self::moved`].
pub trait CustomCost: Send {
    /// For reports.
    fn name(&self) -> &str;

    /// Its weight in the sum.
    fn multiplier(&self) -> f32;

    /// False when this cluster can't be judged by it, as for a cluster without what it looks at.
    fn is_needed(&self, _cluster: &Cluster) -> bool {
        true
    }

    /// Starts on a cluster. `at` says where each region is.
    fn prepare(&mut self, cluster: &Cluster, at: &[Server]);

    /// A region has gone from one server to another. A swap is two of these.
    fn moved(&mut self, cluster: &Cluster, region: Region, from: Server, to: Server);

    /// The cost now; 0 is perfect, and 1 the worst by custom.
    fn cost(&self) -> f64;
}

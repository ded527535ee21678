//! Loads in units that are handy to compare: the mean of a server is 1 for each.

use crate::LOADS;
use crate::cluster::Cluster;
use crate::cost::Function;
use crate::state::State;

/// Units, and what a unit of imbalance costs.
#[derive(Debug, Clone)]
pub(crate) struct View {
    /// Multiplies a load.
    pub(crate) scale: [f64; LOADS],
    /// Mean load per server in these units: 1, or 0 when there is no such load.
    pub(crate) mean: [f32; LOADS],
    /// Cost per squared unit, as it is now.
    pub(crate) slopes: [f32; LOADS],
}

impl View {
    pub(crate) fn new(state: &State<'_>) -> Self {
        let means = state.loads().skews.map(|skew| skew.mean);
        let scale = means.map(|mean| if mean > 0.0 { 1.0 / mean } else { 0.0 });
        let mean = means.map(|mean| if mean > 0.0 { 1.0 } else { 0.0 });
        let mut view = Self { scale, mean, slopes: [0.0; LOADS] };
        view.look(state);
        view
    }

    /// Takes the slopes of the costs at the state's present squares. A cost grows like the root of the squares, so
    /// what this says of a change is never less than the change.
    pub(crate) fn look(&mut self, state: &State<'_>) {
        let loads = state.loads();
        for (f, function) in Function::OF_LOADS.into_iter().enumerate() {
            let (skew, unit) = (&loads.skews[f], loads.skews[f].mean);
            // Perfectly level loads would have endless slopes.
            let floor = (unit * 1e-6).powi(2);
            let slope = skew.slope(loads.squares[f].max(floor)) * unit * unit;
            self.slopes[f] = (state.weight(function) * slope) as f32;
        }
    }

    /// Takes the slopes at the squares that dealing by chance would leave: what matters while most are on their way.
    pub(crate) fn look_ahead(&mut self, state: &State<'_>) {
        let mut chance = [0.0_f64; LOADS];
        for load in state.cluster().loads() {
            (0..LOADS).for_each(|f| chance[f] += load[f] * load[f]);
        }
        let loads = state.loads();
        for (f, function) in Function::OF_LOADS.into_iter().enumerate() {
            let (skew, unit) = (&loads.skews[f], loads.skews[f].mean);
            let slope = skew.slope(chance[f].min(loads.squares[f]).max((unit * 1e-6).powi(2)));
            self.slopes[f] = (state.weight(function) * slope * unit * unit) as f32;
        }
    }

    /// The loads of a region.
    #[inline]
    pub(crate) fn of(&self, cluster: &Cluster, region: u32) -> [f32; LOADS] {
        let load = &cluster.loads()[region as usize];
        std::array::from_fn(|f| (load[f] * self.scale[f]) as f32)
    }

    /// The largest of a region's loads that count.
    pub(crate) fn size(&self, cluster: &Cluster, region: u32) -> f32 {
        let load = self.of(cluster, region);
        (0..LOADS).filter(|&f| self.slopes[f] > 0.0).map(|f| load[f]).fold(0.0, f32::max)
    }

    /// True when a replica that `counts` is on the server's host, or on its rack while there are enough racks.
    pub(crate) fn conflicts(
        &self,
        cluster: &Cluster,
        at: &[u32],
        region: u32,
        server: u32,
        counts: impl Fn(u32) -> bool,
    ) -> bool {
        let Some(copies) = cluster.copies() else { return false };
        let group = copies.group(region);
        if copies.orphans() == Some(group) {
            return false;
        }
        let infos = cluster.server_infos();
        let by_rack = cluster.rack_count() >= copies.replicas_max();
        let here = &infos[server as usize];
        copies.members(group).iter().any(|&other| {
            let there = at[other as usize] as usize;
            other != region
                && there < cluster.server_count()
                && (infos[there].host == here.host || (by_rack && infos[there].rack == here.rack))
                && counts(other)
        })
    }
}

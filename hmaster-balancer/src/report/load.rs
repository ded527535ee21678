//! Load per server as bars.

use crate::cluster::Cluster;
use crate::state::State;

/// What is shown per server: a title and a value each.
pub(super) fn measures() -> [(&'static str, usize); 5] {
    [("regions", usize::MAX), ("reads", 0), ("writes", 1), ("memstore growth", 2), ("store files", 3)]
}

/// Values of one measure for all servers.
pub(super) fn values(cluster: &Cluster, state: &State<'_>, measure: usize) -> Vec<f64> {
    let value = |server| match state.load(server).get(measure) {
        Some(load) => *load,
        None => f64::from(state.count(server)),
    };
    cluster.servers().map(value).collect()
}

/// Values in `bars` groups of neighbours in order of size: each bar is a group's largest.
pub(super) fn ranked(mut values: Vec<f64>, bars: usize) -> Vec<f64> {
    values.sort_by(|a, b| b.total_cmp(a));
    let size = values.len().div_ceil(bars.max(1)).max(1);
    values.chunks(size).map(|group| group[0]).collect()
}

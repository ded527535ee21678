//! Whether there is anything to do. Counterpart of `StochasticLoadBalancer.needsBalance`, rule by rule.

use crate::config::Config;
use crate::cost::Function;
use crate::cost::array::scale;
use crate::state::{State, sum_of_multipliers};

/// Whether to balance, and which rule says so.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// A plan is wanted, for this reason.
    Balance(String),
    /// No plan is wanted, for this reason.
    Leave(String),
}

impl Verdict {
    /// True when a plan is wanted.
    pub fn is_needed(&self) -> bool {
        matches!(self, Self::Balance(_))
    }

    /// The rule that decided.
    pub fn reason(&self) -> &str {
        match self {
            Self::Balance(reason) | Self::Leave(reason) => reason,
        }
    }
}

/// Asks Java's rules in Java's order. Regions on servers that may not hold any come before all of them.
pub fn needs_balance(state: &State<'_>, config: &Config) -> Verdict {
    let cluster = state.cluster();
    let servers = cluster.server_count();
    let homeless = state.places().iter().filter(|&&server| server as usize >= servers).count();
    if homeless > 0 {
        return Verdict::Balance(format!("{homeless} regions are on servers that may not hold regions"));
    }
    if servers < 2 {
        return Verdict::Leave(format!("The number of RegionServers {servers} < MIN_SERVER_BALANCE(2)"));
    }
    if let Some(reason) = colocated(state) {
        return Verdict::Balance(reason);
    }
    let counts = state.counts();
    let (least, most) =
        (counts.iter().min().copied().unwrap_or(0), counts.iter().max().copied().unwrap_or(0));
    if least == 0 && most > 1 {
        return Verdict::Balance("cluster has idle server(s)".to_owned());
    }
    if is_sloppy(cluster.region_count(), servers, least, most, config.slop) {
        return Verdict::Balance(format!("cluster has sloppy server(s): {least} to {most} regions"));
    }
    let (total, sum) = (state.total(), sum_of_multipliers(state));
    let threshold = config.min_cost_need_balance;
    // Java divides by the sum as it is; without any weight nothing is comparable, and nothing is done.
    let imbalance = if sum > 0.0 { total / sum } else { 0.0 };
    if sum > 0.0 && imbalance >= f64::from(threshold) {
        return Verdict::Balance(format!("weighted average imbalance={imbalance} >= threshold({threshold})"));
    }
    Verdict::Leave(if total <= 0.0 {
        format!("(cost1*multiplier1)+(cost2*multiplier2)+...+(costn*multipliern) = {total} <= 0")
    } else {
        format!(
            "[(cost1*multiplier1)+(cost2*multiplier2)+...+(costn*multipliern)]/sumMultiplier = {imbalance} <= \
             minCostNeedBalance({threshold})"
        )
    })
}

/// Replicas together although there are hosts, or racks, enough.
fn colocated(state: &State<'_>) -> Option<String> {
    let cluster = state.cluster();
    let replicas = cluster.copies()?.replicas_max();
    let (host, rack) = state.replica_costs();
    let counts = |cost: f64| scale(0.0, 1.0, cost) > 0.0;
    if cluster.host_count() >= replicas && counts(host) {
        return Some("at least one server hosts replicas of the same region".to_owned());
    }
    let racks = cluster.rack_count() >= replicas && counts(rack);
    racks.then(|| "at least one rack hosts replicas of the same region".to_owned())
}

/// Java computes this in single precision: with a mean of 100 and a slop of 0.2 up to 121 regions are fine.
fn is_sloppy(regions: usize, servers: usize, least: u32, most: u32, slop: f32) -> bool {
    if slop < 0.0 {
        return false;
    }
    let average = regions as f32 / servers as f32;
    let ceiling = (average * (1.0 + slop)).ceil() as i64;
    let floor = (average * (1.0 - slop)).floor() as i64;
    i64::from(most) > ceiling || i64::from(least) < floor
}

/// Costs as Java writes them into a rejection.
pub(crate) fn cost_infos(state: &State<'_>) -> Vec<String> {
    let needed = Function::ALL.into_iter().filter(|&f| state.is_needed(f));
    needed
        .map(|f| {
            let class = f.java_class();
            let (cost, weight) = (state.costs()[f.index()], state.weight(f));
            format!("org.apache.hadoop.hbase.master.balancer.{class} cost:{cost} multiplier:{weight:?}")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slop_is_single_precision() {
        assert!(!is_sloppy(1000, 10, 100, 121, 0.2), "100 × 1.2f is a little above 120");
        assert!(is_sloppy(1000, 10, 100, 122, 0.2));
        assert!(is_sloppy(1000, 10, 78, 100, 0.2));
        assert!(!is_sloppy(1000, 10, 0, 1000, -1.0));
    }
}

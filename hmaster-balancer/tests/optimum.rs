//! Plans and bounds beside the best of all plans, which tiny clusters allow to look for one by one.

#![expect(clippy::unwrap_used, reason = "what is unwrapped here is what the test has made")]

use hmaster_balancer::{
    Action, Balancer, Budget, Cluster, ClusterBuilder, Config, Function, PerFunction, Server, State,
    rack_by_host_name,
};
use hmaster_types::{ServerName, StartCode};

/// Regions anywhere, with loads of which some are much larger than others.
fn tiny(seed: u64, servers: usize, regions: u32, replicas: u32, racks: usize) -> Cluster {
    let mut rng = fastrand::Rng::with_seed(seed);
    let name = |s: usize| format!("s{s}-r{:02}.example.org", s % racks);
    let names: Vec<ServerName> =
        (0..servers).map(|s| ServerName::new(&name(s), 1, StartCode(1)).unwrap()).collect();
    let mut builder = ClusterBuilder::new(&names, &[], rack_by_host_name);
    for region in 0..regions {
        for replica in 0..replicas {
            let id = if replica == 0 { String::new() } else { format!("_{replica:04X}") };
            let name = format!("t{},k{region:03},7{id}.x.", region % 2);
            let load = std::array::from_fn(|_| f64::from(rng.u32(..30)).powi(3));
            builder.region(name.as_bytes(), Server(rng.u32(..servers as u32)), load).unwrap();
        }
    }
    builder.build().unwrap()
}

/// The least cost of all places, of each function and in all, and of the plans with the fewest moves that are level.
struct Best {
    imbalance: f64,
    per_function: PerFunction,
    /// Places by cost of counts and tables with the fewest moves for it.
    level: Vec<([f64; 2], u64)>,
}

fn best(cluster: &Cluster, config: &Config) -> Best {
    let (regions, servers) = (cluster.region_count(), cluster.server_count() as u32);
    let mut state = State::new(cluster, config);
    let mut best =
        Best { imbalance: f64::INFINITY, per_function: [f64::INFINITY; Function::COUNT], level: Vec::new() };
    for number in 0..u64::from(servers).pow(regions as u32) {
        let mut rest = number;
        for region in cluster.regions() {
            let to = Server((rest % u64::from(servers)) as u32);
            rest /= u64::from(servers);
            if state.at(region) != to {
                state.apply(Action::Move(region, to));
            }
        }
        let costs = state.costs();
        best.imbalance = best.imbalance.min(state.imbalance());
        best.per_function.iter_mut().zip(costs).for_each(|(least, cost)| *least = least.min(*cost));
        best.level.push((
            [costs[Function::RegionCount.index()], costs[Function::TableSkew.index()]],
            state.moved(),
        ));
    }
    best
}

fn eager() -> Config {
    Config { min_cost_need_balance: 0.0, slop: 0.0, ..Config::default() }
}

fn compare(cluster: &Cluster, seed: u64) -> f64 {
    let best = best(cluster, &eager());
    let plan = Balancer::new(eager()).plan(cluster, Budget::candidates(20_000, seed));
    let (bounds, found) = (&plan.bounds, plan.after.imbalance);
    assert!(bounds.cost <= best.imbalance + 1e-9, "seed {seed}: {} above {}", bounds.cost, best.imbalance);
    assert!(found >= best.imbalance - 1e-9, "seed {seed}: {found} below the least, {}", best.imbalance);
    for function in Function::ALL {
        let (bound, least) = (bounds.per_function[function.index()], best.per_function[function.index()]);
        assert!(bound <= least + 1e-9, "seed {seed}: {function:?} {bound} above {least}");
    }
    let level = [Function::RegionCount, Function::TableSkew].map(|f| plan.after.costs[f.index()] + 1e-9);
    let as_level = best.level.iter().filter(|(costs, _)| costs[0] <= level[0] && costs[1] <= level[1]);
    let fewest = as_level.map(|(_, moves)| *moves).min().unwrap();
    assert!(bounds.moves_min <= fewest, "seed {seed}: {} moves, not {fewest}", bounds.moves_min);
    found / best.imbalance.max(1e-12)
}

#[test]
fn no_plan_is_below_the_bound_and_most_are_the_best() {
    let ratios: Vec<f64> = (0..24).map(|seed| compare(&tiny(seed, 3, 8, 1, 1), seed)).collect();
    let best = ratios.iter().filter(|ratio| **ratio < 1.0 + 1e-9).count();
    assert!(best * 10 >= ratios.len() * 8, "{best} of {}: {ratios:?}", ratios.len());
    assert!(ratios.iter().all(|ratio| *ratio < 1.05), "{ratios:?}");
}

#[test]
fn bounds_hold_with_replicas_and_racks() {
    for seed in 0..12 {
        compare(&tiny(seed, 4, 3, 2, 2), seed);
    }
}

#[test]
fn bounds_hold_for_more_servers_than_regions() {
    for seed in 0..8 {
        compare(&tiny(seed, 6, 4, 1, 3), seed);
    }
}

#[test]
fn what_is_in_the_way_adds_up() {
    let cluster = tiny(3, 3, 8, 1, 1);
    let plan = Balancer::new(eager()).plan(&cluster, Budget::candidates(20_000, 1));
    let gaps: f64 = plan.bounds.gaps(&plan.apply(&cluster, &eager())).iter().map(|(_, gap)| gap).sum();
    assert!(gaps >= plan.gap() - 1e-9 && gaps <= plan.after.imbalance + 1e-9, "{gaps} of {}", plan.gap());
}

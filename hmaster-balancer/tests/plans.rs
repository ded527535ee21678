//! What must hold for every plan, on clusters made by chance.

#![expect(clippy::unwrap_used, reason = "what is unwrapped here is what the test has made")]

use std::collections::BTreeSet;

use hmaster_balancer::{
    Action, Balancer, Budget, Cluster, ClusterBuilder, Config, Constraints, CustomCost, Function, Group,
    Method, Plan, Region, Server, State, WhatIf, rack_by_host_name, read_plan,
};
use hmaster_types::{ServerName, StartCode};
use proptest::prelude::*;

/// A cluster made from a seed.
#[derive(Debug, Clone, Copy)]
struct Made {
    seed: u64,
    servers: usize,
    regions: usize,
    tables: usize,
    replicas: usize,
    racks: usize,
    per_host: usize,
}

impl Made {
    fn plain(seed: u64, servers: usize, regions: usize, tables: usize) -> Self {
        Self { seed, servers, regions, tables, replicas: 1, racks: 1, per_host: 1 }
    }

    /// The cluster, with `word` in the names of servers and tables. Regions are anywhere.
    fn build(self, word: &str) -> Cluster {
        let mut rng = fastrand::Rng::with_seed(self.seed);
        let names: Vec<ServerName> = (0..self.servers)
            .map(|s| {
                let host = s / self.per_host;
                let name = format!("{word}{host:04}-r{:02}.example.org", host % self.racks);
                ServerName::new(&name, 16020 + (s % self.per_host) as u16, StartCode(1)).unwrap()
            })
            .collect();
        let mut builder = ClusterBuilder::new(&names, &[], rack_by_host_name);
        for region in 0..self.regions {
            let table = region % self.tables;
            for replica in 0..self.replicas {
                let id = if replica == 0 { String::new() } else { format!("_{replica:04X}") };
                let name = format!("{word}{table:03},k{region:06},7{id}.x.");
                let load = std::array::from_fn(|_| f64::from(rng.u32(..1000)).powi(2).floor());
                builder.region(name.as_bytes(), Server(rng.u32(..self.servers as u32)), load).unwrap();
            }
        }
        for server in 0..self.servers as u32 {
            builder.capacity(Server(server), 20 + server);
        }
        builder.build().unwrap()
    }
}

fn made() -> impl Strategy<Value = Made> {
    (any::<u64>(), 2..12_usize, 1..80_usize, 1..5_usize, 1..4_usize, 1..4_usize, 1..3_usize).prop_map(
        |(seed, servers, regions, tables, replicas, racks, per_host)| Made {
            seed,
            servers,
            regions,
            tables,
            replicas,
            racks,
            per_host,
        },
    )
}

fn eager() -> Config {
    Config { min_cost_need_balance: 0.0, ..Config::default() }
}

fn plan(cluster: &Cluster, seed: u64) -> Plan {
    Balancer::new(eager()).plan(cluster, Budget::candidates(40_000, seed))
}

fn action(state: &State<'_>, rng: &mut fastrand::Rng) -> Option<Action> {
    let cluster = state.cluster();
    let (a, b) =
        (Region(rng.u32(..cluster.region_count() as u32)), Region(rng.u32(..cluster.region_count() as u32)));
    let to = Server(rng.u32(..cluster.server_count() as u32));
    match rng.bool() {
        true if state.at(a) != to => Some(Action::Move(a, to)),
        false if state.at(a) != state.at(b) => Some(Action::Swap(a, b)),
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn incremental_is_from_scratch(made in made()) {
        let cluster = made.build("s");
        let mut config = eager();
        config.weights[Function::Heterogeneous.index()] = 500.0;
        let mut state = State::new(&cluster, &config);
        let mut rng = fastrand::Rng::with_seed(made.seed);
        for _ in 0..200 {
            let Some(action) = action(&state, &mut rng) else { continue };
            let (before, change) = (state.total(), state.change_of(action));
            state.apply(action);
            let scale = before.abs().max(1.0);
            prop_assert!((before + change - state.total()).abs() < 1e-9 * scale, "{action:?}");
        }
        let fresh = State::with_places(&cluster, &config, state.places().to_vec());
        for function in Function::ALL {
            let (kept, new) = (state.costs()[function.index()], fresh.costs()[function.index()]);
            prop_assert!((kept - new).abs() < 1e-9, "{function:?}: {kept} against {new}");
        }
    }

    #[test]
    fn a_plan_never_costs_more_and_is_within_its_bounds(made in made()) {
        let cluster = made.build("s");
        let plan = plan(&cluster, made.seed);
        prop_assert!(plan.after.total <= plan.before.total + 1e-9);
        prop_assert!(plan.bounds.cost <= plan.after.imbalance + 1e-9, "{} {}", plan.bounds.cost, plan.after.imbalance);
        prop_assert!(plan.bounds.moves_min as usize <= plan.moves.len());
        let applied = plan.apply(&cluster, &eager());
        prop_assert_eq!(applied.total(), plan.after.total);
        let mut ordered = plan.ordered(&State::new(&cluster, &eager()));
        ordered.sort_by_key(|m| m.region);
        prop_assert_eq!(ordered, plan.moves);
    }

    #[test]
    fn one_seed_one_plan_whatever_the_names(made in made()) {
        let (cluster, renamed) = (made.build("s"), made.build("t"));
        let first = plan(&cluster, made.seed);
        prop_assert_eq!(&first.moves, &plan(&cluster, made.seed).moves);
        prop_assert_eq!(&first.moves, &plan(&renamed, made.seed).moves);
        prop_assert_eq!(read_plan(&first.to_text(&cluster), &cluster).unwrap(), first.moves);
    }

    #[test]
    fn constraints_are_kept(made in made(), moves_max in 0..20_usize) {
        let cluster = made.build("s");
        let server = |at: usize| cluster.server(Server(at as u32)).name.clone();
        let pinned: BTreeSet<Vec<u8>> =
            cluster.regions().step_by(3).map(|region| cluster.region_name(region).to_vec()).collect();
        let constraints = Constraints { pinned: pinned.clone(), moves_max: Some(moves_max), ..Constraints::default() };
        let plan = Balancer::new(eager()).constraints(constraints).plan(&cluster, Budget::candidates(50_000, 1));
        prop_assert!(plan.moves.len() <= moves_max);
        prop_assert!(plan.moves.iter().all(|m| !pinned.contains(cluster.region_name(m.region))));
        let table = cluster.table_name(cluster.table(Region(0))).to_string();
        let group = Group { name: "g".into(), servers: [server(0)].into(), tables: [table.clone()].into() };
        let constraints = Constraints { groups: vec![group], ..Constraints::default() };
        let plan = Balancer::new(eager()).constraints(constraints).plan(&cluster, Budget::candidates(50_000, 1));
        let end = plan.apply(&cluster, &eager());
        for region in cluster.regions() {
            let mine = cluster.table_name(cluster.table(region)).to_string() == table;
            prop_assert_eq!(mine, end.at(region) == Server(0));
        }
    }
}

#[test]
fn a_search_that_is_stopped_at_once_has_something() {
    let cluster = Made::plain(4, 10, 400, 4).build("s");
    let stop = || true;
    let budget = Budget { stop: Some(&stop), ..Budget::candidates(1_000_000, 1) };
    let stopped = Balancer::new(eager()).plan(&cluster, budget);
    assert!(!stopped.moves.is_empty());
    assert!(stopped.after.total < stopped.before.total);
    let all = plan(&cluster, 1);
    assert!(all.after.total < stopped.after.total);
}

#[test]
fn the_walk_goes_down_and_is_left_behind() {
    let cluster = Made { replicas: 2, racks: 2, ..Made::plain(9, 8, 200, 3) }.build("s");
    let balancer = Balancer::new(eager()).method(Method::Walk);
    let walked = balancer.plan(&cluster, Budget::candidates(50_000, 1));
    assert!(walked.after.total < walked.before.total);
    assert_eq!(walked.moves, balancer.plan(&cluster, Budget::candidates(50_000, 1)).moves);
    assert!(walked.way.windows(2).all(|pair| pair[1].cost <= pair[0].cost + 1e-12));
    let plain = Made::plain(9, 8, 400, 3).build("s");
    let straight = Balancer::new(eager()).plan(&plain, Budget::candidates(50_000, 1));
    let walked = balancer.plan(&plain, Budget::candidates(50_000, 1));
    let costs = |plan: &Plan| (plan.after.total, plan.moves.len(), plan.after.costs);
    assert!(straight.after.total < walked.after.total, "{:?} {:?}", costs(&straight), costs(&walked));
}

#[test]
fn level_counts_with_the_fewest_moves() {
    let cluster = Made::plain(3, 10, 500, 5).build("s");
    let plan = plan(&cluster, 1);
    let cost = |f: Function| plan.after.costs[f.index()];
    assert_eq!((cost(Function::RegionCount), cost(Function::TableSkew)), (0.0, 0.0));
    let extra = plan.moves.len() as f64 / plan.bounds.moves_min as f64;
    assert!(extra < 1.2, "{} moves where {} suffice", plan.moves.len(), plan.bounds.moves_min);
}

#[test]
fn a_planted_optimum_is_found_again() {
    for seed in 0..20 {
        let cluster = planted(seed, 12);
        let found = plan(&cluster, seed);
        assert!(found.moves.len() <= 12, "seed {seed}: {} moves", found.moves.len());
        let left: f64 = found.after.total - 7.0 * found.moves.len() as f64 / cluster.region_count() as f64;
        assert!(left.abs() < 1e-9, "seed {seed}: {left} left");
    }
}

/// A perfect cluster in which `moves` regions have gone elsewhere.
fn planted(seed: u64, moves: usize) -> Cluster {
    let mut rng = fastrand::Rng::with_seed(seed);
    let names: Vec<ServerName> =
        (0..8).map(|s| ServerName::new(&format!("s{s}"), 1, StartCode(1)).unwrap()).collect();
    let mut builder = ClusterBuilder::new(&names, &[], rack_by_host_name);
    let mut away: BTreeSet<u32> = BTreeSet::new();
    while away.len() < moves {
        away.insert(rng.u32(..400));
    }
    for region in 0..400_u32 {
        let home = region % 8;
        let at = if away.contains(&region) { (home + 1 + rng.u32(..7)) % 8 } else { home };
        let name = format!("t{},k{region:06},7.x.", region / 8 % 5);
        builder.region(name.as_bytes(), Server(at), [100.0, 50.0, 3.0, 2000.0]).unwrap();
    }
    builder.build().unwrap()
}

#[test]
fn replicas_come_apart() {
    let made = Made { replicas: 3, racks: 4, ..Made::plain(5, 12, 120, 3) };
    let plan = plan(&made.build("s"), 1);
    assert_eq!(plan.after.costs[Function::ReplicaHost.index()], 0.0);
    assert_eq!(plan.after.costs[Function::ReplicaRack.index()], 0.0);
    assert!(plan.broken.is_empty(), "{:?}", plan.broken);
}

#[test]
fn a_drained_server_gives_everything_up() {
    let cluster = Made::plain(6, 6, 60, 2).build("s");
    let drained = cluster.server(Server(2)).name.clone();
    let change = WhatIf { retire: [drained.clone()].into(), ..WhatIf::default() };
    let cluster = cluster.with(&change, rack_by_host_name).unwrap();
    let plan = Balancer::new(Config::default()).plan(&cluster, Budget::candidates(10_000, 1));
    assert!(plan.verdict.is_needed(), "draining comes before all rules");
    let end = plan.apply(&cluster, &Config::default());
    assert!(cluster.regions().all(|region| cluster.is_usable(end.at(region))));
    assert!(plan.broken.is_empty());
    let unknown = WhatIf { retire: ["x,1,1".parse().unwrap()].into(), ..WhatIf::default() };
    assert!(cluster.with(&unknown, rack_by_host_name).unwrap_err().to_string().contains("x,1,1"));
}

#[test]
fn what_cannot_be_kept_is_named() {
    let cluster = Made::plain(7, 4, 20, 2).build("s");
    let table = cluster.table_name(cluster.table(Region(0))).to_string();
    let group = Group { name: "g".into(), servers: BTreeSet::new(), tables: [table].into() };
    let constraints = Constraints { groups: vec![group], ..Constraints::default() };
    let plan = Balancer::new(eager()).constraints(constraints).plan(&cluster, Budget::candidates(10_000, 1));
    assert!(plan.broken.iter().any(|b| b.constraint == "group g"), "{:?}", plan.broken);
}

#[test]
fn doing_nothing_is_explained_and_so_is_a_move() {
    let level = planted(1, 0);
    let balancer = Balancer::new(Config::default());
    let nothing = balancer.plan(&level, Budget::candidates(1000, 1));
    assert!(nothing.moves.is_empty());
    let rejection = nothing.rejection(&level, balancer.config()).unwrap();
    assert!(rejection.reason.contains("<= 0"), "{}", rejection.reason);
    assert!(rejection.cost_func_info.iter().any(|info| info.contains("TableSkewCostFunction")));
    let cluster = planted(1, 5);
    let plan = plan(&cluster, 1);
    let mut end = plan.apply(&cluster, &eager());
    let first = plan.moves[0];
    let reason = plan.why_moved(&mut end, first.region).unwrap();
    assert!(reason.improves[Function::RegionCount.index()] > 0.0);
    assert!(reason.next_best.is_some_and(|(server, costs)| server != first.to && costs > 0.0));
    let stays = cluster.regions().find(|&r| end.at(r) == cluster.home(r)).unwrap();
    assert!(plan.why_stayed(&mut end, stays).costs > 0.0);
    assert_eq!(plan.decision(&cluster, &eager()).unwrap().region_plans.len(), plan.moves.len());
}

/// Wants one region on one server.
struct Wish(Region, Server, bool);

impl CustomCost for Wish {
    fn name(&self) -> &str {
        "wish"
    }

    fn multiplier(&self) -> f32 {
        1e6
    }

    fn prepare(&mut self, _: &Cluster, at: &[Server]) {
        self.2 = at[self.0.0 as usize] == self.1;
    }

    fn moved(&mut self, _: &Cluster, region: Region, _: Server, to: Server) {
        if region == self.0 {
            self.2 = to == self.1;
        }
    }

    fn cost(&self) -> f64 {
        f64::from(u8::from(!self.2))
    }
}

#[test]
fn own_cost_functions_count() {
    let cluster = planted(2, 0);
    let mut own: Vec<Box<dyn CustomCost>> = vec![Box::new(Wish(Region(0), Server(5), false))];
    let plan =
        Balancer::new(Config::default()).plan_with(&cluster, Budget::candidates(4_000_000, 3), &mut own);
    assert_eq!(plan.apply(&cluster, &Config::default()).at(Region(0)), Server(5));
}

//! Constraints that are written down hold in plans, and what can't be kept is named.

#![expect(clippy::unwrap_used, reason = "what is unwrapped here is what the test has made")]

use std::collections::BTreeSet;

use hmaster_balancer::{
    Balancer, Budget, Cluster, ClusterBuilder, Config, Constraints, ConstraintsText, Function, Plan, Region,
    Server, rack_by_host_name,
};
use hmaster_types::{ServerName, StartCode};

/// Six servers on three racks; 60 regions of two tables, two replicas of a third, and the system tables, all anywhere.
fn cluster(seed: u64) -> Cluster {
    let mut rng = fastrand::Rng::with_seed(seed);
    let names: Vec<ServerName> = (0..6)
        .map(|s| ServerName::new(&format!("s{s}-r{:02}.example.org", s % 3), 16020, StartCode(1)).unwrap())
        .collect();
    let mut builder = ClusterBuilder::new(&names, &[], rack_by_host_name);
    let mut add = |name: String| {
        let load = std::array::from_fn(|_| f64::from(rng.u32(..100)));
        builder.region(name.as_bytes(), Server(rng.u32(..6)), load).unwrap();
    };
    add("hbase:meta,,1.1588230740".to_owned());
    (0..3).for_each(|i| add(format!("hbase:acl,{i},1.{:032x}.", 1000 + i)));
    (0..60).for_each(|i| add(format!("t{},{i:03},1.{i:032x}.", i % 2)));
    for i in 0..6 {
        add(format!("twice,{i},1.{:032x}.", 100 + i));
        add(format!("twice,{i},1_0001.{:032x}.", 200 + i));
    }
    builder.build().unwrap()
}

fn eager() -> Config {
    Config { min_cost_need_balance: 0.0, ..Config::default() }
}

fn constraints(text: &str, cluster: &Cluster) -> Constraints {
    let mut made = Constraints::default();
    text.parse::<ConstraintsText>().unwrap().add_to(&mut made, cluster);
    made
}

fn plan(text: &str, cluster: &Cluster) -> Plan {
    let balancer = Balancer::new(eager()).constraints(constraints(text, cluster));
    balancer.plan(cluster, Budget::candidates(30_000, 1))
}

/// The servers with regions whose names begin so, after the plan.
fn servers_of(plan: &Plan, cluster: &Cluster, begin: &str) -> BTreeSet<u32> {
    let end = plan.apply(cluster, &eager());
    let of_table = |r: &Region| cluster.region_text(*r).starts_with(begin);
    cluster.regions().filter(of_table).map(|r| end.at(r).0).collect()
}

#[test]
fn meta_and_system_tables_are_alone() {
    for seed in 0..8 {
        let cluster = cluster(seed);
        let plan = plan("isolate meta\nisolate system\n", &cluster);
        assert!(plan.broken.is_empty(), "{:?}", plan.broken);
        let of = |begin| servers_of(&plan, &cluster, begin);
        let (meta, system) = (of("hbase:meta,"), of("hbase:acl,"));
        let users: BTreeSet<u32> = of("t").union(&of("twice,")).copied().collect();
        assert_eq!((meta.len(), system.len()), (1, 1), "seed {seed}");
        assert!(
            meta.is_disjoint(&system) && users.is_disjoint(&meta) && users.is_disjoint(&system),
            "seed {seed}"
        );
        assert!(users.len() >= 3, "the others are balanced over the rest: {users:?}");
        let home = cluster.home(Region(0)).0;
        assert!(meta.contains(&home), "seed {seed}: meta needs no move");
    }
}

#[test]
fn meta_is_alone_and_system_tables_are_anywhere_else() {
    let cluster = cluster(3);
    let plan = plan("isolate meta\n", &cluster);
    let meta = servers_of(&plan, &cluster, "hbase:meta,");
    for begin in ["hbase:acl,", "t", "twice,"] {
        assert!(servers_of(&plan, &cluster, begin).is_disjoint(&meta), "{begin}");
    }
}

#[test]
fn too_few_servers_to_be_alone_is_named() {
    let name: ServerName = "only,1,1".parse().unwrap();
    let mut builder = ClusterBuilder::new(&[name], &[], rack_by_host_name);
    for region in ["hbase:meta,,1.1588230740", "t,,1.x."] {
        builder.region(region.as_bytes(), Server(0), [0.0; 4]).unwrap();
    }
    let cluster = builder.build().unwrap();
    let plan = plan("isolate meta\n", &cluster);
    assert!(plan.broken.iter().any(|b| b.constraint == "isolate hbase:meta"), "{:?}", plan.broken);
    assert!(plan.moves.is_empty());
}

#[test]
fn favoured_forbidden_and_pinned_hold() {
    let cluster = cluster(5);
    let text = format!(
        "favour t0 servers s0* s1*\nforbid t1 servers s2* s3-r00.example.org:16020\npin {:032x} {:032x}\n",
        101, 102
    );
    let plan = plan(&text, &cluster);
    assert!(plan.broken.is_empty(), "{:?}", plan.broken);
    assert_eq!(servers_of(&plan, &cluster, "t0,"), [0, 1].into());
    assert_eq!(servers_of(&plan, &cluster, "t1,"), [0, 1, 4, 5].into());
    let pinned = |m: &hmaster_balancer::Move| {
        let name = cluster.region_text(m.region);
        name.contains("00065.") || name.contains("00066.")
    };
    assert!(!plan.moves.iter().any(pinned));
}

#[test]
fn replicas_are_apart_even_without_weights() {
    let mut config = eager();
    config.weights[Function::ReplicaHost.index()] = 0.0;
    config.weights[Function::ReplicaRack.index()] = 0.0;
    for seed in 0..8 {
        let cluster = cluster(seed);
        let balancer = Balancer::new(config.clone()).constraints(constraints("apart replicas\n", &cluster));
        let plan = balancer.plan(&cluster, Budget::candidates(30_000, 1));
        assert!(plan.broken.is_empty(), "{:?}", plan.broken);
        let end = plan.apply(&cluster, &eager());
        assert_eq!(end.costs()[Function::ReplicaHost.index()], 0.0, "seed {seed}");
        assert_eq!(end.costs()[Function::ReplicaRack.index()], 0.0, "seed {seed}");
    }
}

#[test]
fn bounds_on_moves_hold_per_table_and_server() {
    let cluster = cluster(7);
    let plan = plan("moves 9\nmoves-per-table 4\nmoves-per-server 5\n", &cluster);
    assert!(!plan.moves.is_empty() && plan.moves.len() <= 9);
    let most = |key: &dyn Fn(&hmaster_balancer::Move) -> Vec<u32>| {
        let mut counts = std::collections::BTreeMap::<u32, usize>::new();
        plan.moves.iter().flat_map(key).for_each(|at| *counts.entry(at).or_default() += 1);
        counts.into_values().max().unwrap()
    };
    assert!(most(&|m| vec![cluster.table(m.region).0]) <= 4);
    assert!(most(&|m| vec![m.from.0, m.to.0]) <= 5);
}

#[test]
fn what_holds_a_region_is_said() {
    let cluster = cluster(5);
    let plan = plan(&format!("favour t0 servers s0*\npin {:032x}\n", 101), &cluster);
    let mut end = plan.apply(&cluster, &eager());
    let named = |begin: &str| cluster.regions().find(|r| cluster.region_text(*r).contains(begin)).unwrap();
    let reason = |end: &mut hmaster_balancer::State<'_>, region| plan.why_stayed(end, region).text();
    assert_eq!(reason(&mut end, named("00065.")), "it is pinned");
    assert_eq!(reason(&mut end, named("t0,000")), "no other server may have its table");
    let free = plan.why_stayed(&mut end, named("t1,001"));
    assert!(free.held.is_none() && free.cheapest.is_some());
}

#[test]
fn a_region_where_it_must_not_be_is_reason_enough() {
    let names: Vec<ServerName> =
        (0..3).map(|s| ServerName::new(&format!("s{s}"), 1, StartCode(1)).unwrap()).collect();
    let mut builder = ClusterBuilder::new(&names, &[], rack_by_host_name);
    for i in 0..30 {
        let name = format!("t{},{i:03},1.x.", i % 2);
        builder.region(name.as_bytes(), Server(i % 3), [0.0; 4]).unwrap();
    }
    let cluster = builder.build().unwrap();
    let balancer = Balancer::new(Config::default());
    assert!(!balancer.plan(&cluster, Budget::candidates(1000, 1)).verdict.is_needed());
    let balancer = balancer.constraints(constraints("favour t0 servers s0\n", &cluster));
    let plan = balancer.plan(&cluster, Budget::candidates(30_000, 1));
    assert_eq!(plan.verdict.reason(), "10 regions are where a constraint forbids them");
    assert_eq!(servers_of(&plan, &cluster, "t0,"), [0].into());
}

#[test]
fn bounded_moves_go_first_to_regions_that_must_go() {
    let cluster = cluster(5);
    let forbidden = "forbid t1 servers s0* s1* s2* s3*\n";
    let all = plan(forbidden, &cluster);
    let must_go =
        |m: &hmaster_balancer::Move| cluster.region_text(m.region).starts_with("t1,") && m.from.0 < 4;
    let wanted = all.moves.iter().filter(|m| must_go(m)).count();
    assert!(wanted > 12, "{wanted}");
    let some = plan(&format!("{forbidden}moves 12\n"), &cluster);
    assert!(some.moves.iter().filter(|m| must_go(m)).count() >= 6, "{:?}", some.moves);
    assert!(some.moves.len() <= 12 && some.broken.iter().any(|b| b.constraint == "servers of tables"));
}

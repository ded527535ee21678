//! Clusters made from a perfect one by k moves: the plan finds a way back that takes no more than k.

#![expect(clippy::unwrap_used, reason = "what is unwrapped here is what the test has made")]

use hmaster_balancer::{
    Balancer, Budget, Cluster, ClusterBuilder, Config, Function, Server, rack_by_host_name,
};
use hmaster_types::{ServerName, StartCode};

/// A perfect cluster: every server has the same regions, of `tables` tables and of loads that differ.
#[derive(Debug, Clone, Copy)]
struct Perfect {
    servers: u32,
    per_server: u32,
    tables: u32,
    /// Two replicas each; the second is on the next server.
    replicas: bool,
}

impl Perfect {
    fn regions(&self) -> u32 {
        self.servers * self.per_server
    }

    /// Where each region is when nothing has moved; replicas after all primaries.
    fn homes(&self) -> Vec<u32> {
        let primaries = (0..self.regions()).map(|r| r % self.servers);
        let copies = (0..self.regions()).map(|r| (r % self.servers + 1) % self.servers);
        if self.replicas { primaries.chain(copies).collect() } else { primaries.collect() }
    }

    fn build(&self, at: &[u32]) -> Cluster {
        let names: Vec<ServerName> = (0..self.servers)
            .map(|s| ServerName::new(&format!("s{s:03}"), 1, StartCode(1)).unwrap())
            .collect();
        let mut builder = ClusterBuilder::new(&names, &[], rack_by_host_name);
        for (number, &server) in at.iter().enumerate() {
            let (region, copy) = (number as u32 % self.regions(), number as u32 / self.regions());
            let place = region / self.servers;
            let id = if copy == 0 { String::new() } else { "_0001".to_owned() };
            let name = format!("t{},k{region:06},7{id}.x.", place % self.tables);
            let load = [1000.0, 300.0, 5.0, 2000.0].map(|base| base * f64::from(1 + place * place % 17));
            builder.region(name.as_bytes(), Server(server), load).unwrap();
        }
        builder.build().unwrap()
    }

    /// The regions in places of their own after `moves` moves by chance, and `exchanges` of two regions of a table.
    fn disturbed(&self, seed: u64, moves: u32, exchanges: u32) -> Vec<u32> {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut at = self.homes();
        for _ in 0..moves {
            let region = rng.usize(..at.len());
            at[region] = rng.u32(..self.servers);
        }
        let table = |r: usize| r as u32 % self.regions() / self.servers % self.tables;
        let mut made = 0;
        while made < exchanges {
            let (a, b) = (rng.usize(..at.len()), rng.usize(..at.len()));
            if table(a) == table(b) && at[a] != at[b] {
                at.swap(a, b);
                made += 1;
            }
        }
        at
    }
}

/// Leaves nothing but moves in the cost, of which there are no more than it took to disturb the cluster.
fn finds_back(perfect: Perfect, seed: u64, moves: u32, exchanges: u32) {
    let cluster = perfect.build(&perfect.disturbed(seed, moves, exchanges));
    let config = Config { min_cost_need_balance: 0.0, slop: 0.0, ..Config::default() };
    let planted = perfect.build(&perfect.homes());
    let left = hmaster_balancer::State::new(&planted, &config).total();
    let plan = Balancer::new(config).plan(&cluster, Budget::candidates(1_500_000, seed));
    let k = (moves + 2 * exchanges) as usize;
    let case = format!("{perfect:?}, seed {seed}, {moves} moves, {exchanges} exchanges");
    assert!(plan.moves.len() <= k, "{case}: {} moves", plan.moves.len());
    assert!(
        plan.bounds.moves_min as usize <= plan.moves.len(),
        "{case}: {} moves_min",
        plan.bounds.moves_min
    );
    // Replicas hinder exchanges: a little of the loads may be left uneven.
    let spare = if perfect.replicas { 0.02 } else { 1e-9 };
    let most = left + 7.0 * k as f64 / cluster.region_count() as f64 + spare;
    assert!(
        plan.after.total <= most,
        "{case}: {} left of {}, at most {most}",
        plan.after.total,
        plan.before.total
    );
    assert!(plan.after.costs[Function::RegionCount.index()] == 0.0, "{case}: counts");
    assert!(plan.after.costs[Function::TableSkew.index()] == 0.0, "{case}: tables");
}

#[test]
fn moves_are_taken_back() {
    for seed in 0..6 {
        let perfect = Perfect { servers: 10 + seed as u32, per_server: 40, tables: 4, replicas: false };
        finds_back(perfect, seed, 1 + 4 * seed as u32, 0);
    }
}

#[test]
fn exchanges_are_taken_back() {
    for seed in 0..6 {
        let perfect = Perfect { servers: 10 + seed as u32, per_server: 40, tables: 4, replicas: false };
        finds_back(perfect, seed, 0, 1 + seed as u32);
    }
}

#[test]
fn moves_and_exchanges_are_taken_back_in_larger_clusters() {
    for seed in 0..2 {
        let perfect = Perfect { servers: 50, per_server: 100, tables: 10, replicas: false };
        finds_back(perfect, seed, 60, 10);
    }
}

#[test]
fn moves_of_replicas_are_taken_back() {
    for seed in 0..6 {
        let perfect = Perfect { servers: 12, per_server: 20, tables: 4, replicas: true };
        finds_back(perfect, seed, 1 + seed as u32, 0);
    }
}

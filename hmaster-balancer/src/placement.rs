//! Servers for regions that are nowhere. Counterpart of `BaseLoadBalancer.roundRobinAssignment`, `retainAssignment` and
//! `randomAssignment`.
//!
//! Copies of one region are kept on different servers, and hosts, as long as there are enough of these. Differs from
//! Java in that a region that can't be kept apart goes to the least loaded server of the plan instead of a random one.

mod replicas;

use std::collections::{BTreeMap, HashMap};

use hmaster_types::{Chance, RegionInfo, ServerName};

pub use replicas::Replicas;

/// Decides where regions go. The master asks it for every region that is to be opened without a given destination.
pub trait LoadBalancer: Send + Sync {
    /// Spreads regions evenly over `servers`.
    fn round_robin(&self, regions: &[RegionInfo], cluster: &Placement<'_>) -> Vec<(RegionInfo, ServerName)>;

    /// Sends each region back to the host it was on, if some server runs there, and elsewhere if not.
    fn retain(
        &self,
        regions: &[(RegionInfo, ServerName)],
        cluster: &Placement<'_>,
    ) -> Vec<(RegionInfo, ServerName)>;
}

/// What a placement may use and must respect.
#[derive(Debug)]
pub struct Placement<'a> {
    /// The servers that may be used; without any, the plan is empty.
    pub servers: &'a [ServerName],
    /// Where copies of regions are already.
    pub replicas: Replicas,
    /// Source of the starting points.
    pub chance: &'a Chance,
}

/// The plain balancer: even numbers, copies apart.
#[derive(Debug, Clone, Copy, Default)]
pub struct RoundRobin;

impl LoadBalancer for RoundRobin {
    fn round_robin(&self, regions: &[RegionInfo], cluster: &Placement<'_>) -> Vec<(RegionInfo, ServerName)> {
        Plan::new(cluster).spread(regions.iter())
    }

    fn retain(
        &self,
        regions: &[(RegionInfo, ServerName)],
        cluster: &Placement<'_>,
    ) -> Vec<(RegionInfo, ServerName)> {
        let mut plan = Plan::new(cluster);
        let hosts = Hosts::new(cluster.servers);
        let homeless: Vec<_> = regions
            .iter()
            .filter(|(region, old)| match hosts.home_of(old) {
                Some(server) => {
                    plan.put(region, server);
                    false
                }
                None => true,
            })
            .collect();
        plan.spread(homeless.into_iter().map(|(region, _)| region))
    }
}

/// A plan in the making.
struct Plan<'a> {
    servers: &'a [ServerName],
    replicas: Replicas,
    /// Regions given to each server by this plan.
    load: Vec<usize>,
    next: usize,
    moves: Vec<(RegionInfo, ServerName)>,
}

impl<'a> Plan<'a> {
    fn new(cluster: &Placement<'a>) -> Self {
        let servers = cluster.servers;
        let mut replicas = cluster.replicas.clone();
        replicas.count_hosts(servers);
        let next = cluster.chance.below(servers.len());
        Self { servers, replicas, load: vec![0; servers.len()], next, moves: Vec::new() }
    }

    /// Goes round the servers. Sorted regions of one table that follow each other land on different servers.
    fn spread<'r>(mut self, regions: impl Iterator<Item = &'r RegionInfo>) -> Vec<(RegionInfo, ServerName)> {
        if self.servers.is_empty() {
            return Vec::new();
        }
        for region in regions {
            let at = self.free_server(region).unwrap_or_else(|| self.least_loaded());
            self.put_at(region, at);
        }
        self.moves
    }

    /// The next server in turn whose host has no copy of the region; if there is none, that has no copy itself.
    fn free_server(&mut self, region: &RegionInfo) -> Option<usize> {
        let count = self.servers.len();
        let turns = || (0..count).map(|turn| (self.next + turn) % count);
        let found = turns()
            .find(|&at| !self.replicas.would_crowd(region, &self.servers[at]))
            .or_else(|| turns().find(|&at| !self.replicas.is_on(region, &self.servers[at])));
        // A turn that is passed over for one region is still open for the next: only a turn that is taken counts.
        if found == Some(self.next % count) {
            self.next = (self.next + 1) % count;
        }
        found
    }

    fn least_loaded(&self) -> usize {
        (0..self.servers.len()).min_by_key(|&at| self.load[at]).unwrap_or(0)
    }

    fn put(&mut self, region: &RegionInfo, server: &ServerName) {
        if let Some(at) = self.servers.iter().position(|candidate| candidate == server) {
            self.put_at(region, at);
        }
    }

    fn put_at(&mut self, region: &RegionInfo, at: usize) {
        let server = &self.servers[at];
        self.load[at] += 1;
        self.replicas.add(region, server);
        self.moves.push((region.clone(), server.clone()));
    }
}

/// Servers by host.
struct Hosts<'a>(HashMap<String, BTreeMap<u16, &'a ServerName>>);

impl<'a> Hosts<'a> {
    fn new(servers: &'a [ServerName]) -> Self {
        let mut hosts: HashMap<String, BTreeMap<u16, &'a ServerName>> = HashMap::new();
        for server in servers {
            hosts.entry(server.address().host).or_default().insert(server.port(), server);
        }
        Self(hosts)
    }

    /// The server that continues `old`: the only one on its host, or the one at its port.
    fn home_of(&self, old: &ServerName) -> Option<&'a ServerName> {
        let on_host = self.0.get(&old.address().host)?;
        let only = on_host.values().next().filter(|_| on_host.len() == 1);
        on_host.get(&old.port()).or(only).copied()
    }
}

#[cfg(test)]
mod tests {
    use hmaster_types::StartCode;

    use super::*;

    fn servers(names: &[(&str, u16)]) -> Vec<ServerName> {
        names.iter().map(|(host, port)| ServerName::new(host, *port, StartCode(9)).unwrap()).collect()
    }

    fn regions(count: usize) -> Vec<RegionInfo> {
        let region = |i: usize| {
            RegionInfo::builder("t".parse().unwrap())
                .start_key(format!("{i:05}").as_bytes())
                .region_id(1)
                .build()
        };
        (0..count).map(region).collect()
    }

    fn counts(plan: &[(RegionInfo, ServerName)]) -> Vec<usize> {
        let mut counts: BTreeMap<&ServerName, usize> = BTreeMap::new();
        for (_, server) in plan {
            *counts.entry(server).or_default() += 1;
        }
        counts.into_values().collect()
    }

    fn cluster<'a>(servers: &'a [ServerName], chance: &'a Chance) -> Placement<'a> {
        Placement { servers, replicas: Replicas::default(), chance }
    }

    #[test]
    fn spreads_evenly_and_neighbours_apart() {
        let (servers, chance) = (servers(&[("a", 1), ("b", 1), ("c", 1)]), Chance::seeded(1));
        let plan = RoundRobin.round_robin(&regions(10), &cluster(&servers, &chance));
        assert_eq!(counts(&plan).iter().sum::<usize>(), 10);
        assert!(counts(&plan).iter().all(|&n| n == 3 || n == 4), "{:?}", counts(&plan));
        assert!(plan.windows(2).all(|pair| pair[0].1 != pair[1].1));
    }

    #[test]
    fn copies_go_to_different_servers() {
        let (servers, chance) = (servers(&[("a", 1), ("b", 1), ("c", 1)]), Chance::seeded(2));
        let primaries = regions(50);
        let all: Vec<_> = (0..3).flat_map(|id| primaries.iter().map(move |r| r.with_replica(id))).collect();
        let plan = RoundRobin.round_robin(&all, &cluster(&servers, &chance));
        for region in &primaries {
            let places: std::collections::BTreeSet<_> =
                plan.iter().filter(|(r, _)| r.meta_row() == region.meta_row()).map(|(_, s)| s).collect();
            assert_eq!(places.len(), 3, "{region}");
        }
        assert_eq!(counts(&plan), [50, 50, 50]);
    }

    #[test]
    fn more_copies_than_servers_are_placed_all_the_same() {
        let (servers, chance) = (servers(&[("a", 1), ("b", 1)]), Chance::seeded(3));
        let copies: Vec<_> = (0..5).map(|id| regions(1)[0].with_replica(id)).collect();
        let plan = RoundRobin.round_robin(&copies, &cluster(&servers, &chance));
        assert_eq!(plan.len(), 5);
    }

    #[test]
    fn copies_avoid_a_host_that_has_one_while_there_are_others() {
        let (servers, chance) = (servers(&[("a", 1), ("a", 2), ("b", 1)]), Chance::seeded(4));
        let region = &regions(1)[0];
        let mut replicas = Replicas::default();
        replicas.add(region, &servers[0]);
        let cluster = Placement { servers: &servers, replicas, chance: &chance };
        let plan = RoundRobin.round_robin(&[region.with_replica(1)], &cluster);
        assert_eq!(plan[0].1, servers[2]);
        let three: Vec<_> = (0..3).map(|id| region.with_replica(id)).collect();
        let plan = RoundRobin.round_robin(&three, &self::cluster(&servers, &chance));
        assert_eq!(counts(&plan), [1, 1, 1], "with too few hosts, servers are still kept apart");
    }

    #[test]
    fn regions_return_to_their_hosts() {
        let (servers, chance) = (servers(&[("a", 1), ("b", 1), ("b", 2)]), Chance::seeded(5));
        let old = |host, port| ServerName::new(host, port, StartCode(1)).unwrap();
        let regions = regions(4);
        let before = [old("a", 7), old("b", 2), old("b", 7), old("gone", 1)];
        let asked: Vec<_> = regions.iter().cloned().zip(before).collect();
        let plan: HashMap<_, _> =
            RoundRobin.retain(&asked, &cluster(&servers, &chance)).into_iter().collect();
        assert_eq!(plan[&regions[0]], servers[0], "the only server on the host, whatever its port");
        assert_eq!(plan[&regions[1]], servers[2], "the server at the same port");
        assert_eq!(plan.len(), 4, "the others go anywhere");
    }

    #[test]
    fn without_servers_there_is_no_plan() {
        let chance = Chance::seeded(6);
        assert!(RoundRobin.round_robin(&regions(3), &cluster(&[], &chance)).is_empty());
    }
}

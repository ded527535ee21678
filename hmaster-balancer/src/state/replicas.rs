//! Replicas of one region too near each other. Counterpart of `RegionReplicaGroupingCostFunction`.
//!
//! For each host (and each rack) and each region with c > 1 replicas there, (c − 1)² is counted. Groups are as small as
//! the number of replicas, so counting is done by looking at their members. Only the group of replicas without a
//! primary can be large: it has counters.

use crate::cluster::{Cluster, Copies};

/// Sums over hosts and racks.
#[derive(Debug, Clone)]
pub(super) struct Replicas {
    pub(super) on_hosts: i64,
    pub(super) on_racks: i64,
    /// The same if the cluster were one host; 0 when it is.
    pub(super) on_hosts_max: i64,
    pub(super) on_racks_max: i64,
    orphans_on_host: Vec<u32>,
    orphans_on_rack: Vec<u32>,
}

impl Replicas {
    pub(super) fn new(cluster: &Cluster, copies: &Copies, at: &[u32]) -> Self {
        let mut replicas = Self {
            on_hosts: 0,
            on_racks: 0,
            on_hosts_max: 0,
            on_racks_max: 0,
            orphans_on_host: vec![0; cluster.host_count()],
            orphans_on_rack: vec![0; cluster.rack_count()],
        };
        let mut most = 0;
        for group in 0..copies.group_count() as u32 {
            let members = copies.members(group);
            most += (members.len().max(1) as i64 - 1).pow(2);
            if copies.orphans() == Some(group) {
                replicas.count_orphans(cluster, members, at);
            } else {
                replicas.count_group(cluster, members, at);
            }
        }
        replicas.on_hosts_max = if cluster.host_count() > 1 { most } else { 0 };
        replicas.on_racks_max = if cluster.rack_count() > 1 { most } else { 0 };
        replicas
    }

    fn count_group(&mut self, cluster: &Cluster, members: &[u32], at: &[u32]) {
        // Adding members one by one costs what each adds.
        for (i, &member) in members.iter().enumerate() {
            let Some(info) = usable(cluster, at[member as usize]) else { continue };
            let (mut host, mut rack) = (0, 0);
            for &other in &members[..i] {
                if let Some(there) = usable(cluster, at[other as usize]) {
                    host += i64::from(there.host == info.host);
                    rack += i64::from(there.rack == info.rack);
                }
            }
            self.on_hosts += added(host);
            self.on_racks += added(rack);
        }
    }

    fn count_orphans(&mut self, cluster: &Cluster, members: &[u32], at: &[u32]) {
        for &member in members {
            if let Some(info) = usable(cluster, at[member as usize]) {
                self.on_hosts += added(i64::from(self.orphans_on_host[info.host as usize]));
                self.on_racks += added(i64::from(self.orphans_on_rack[info.rack as usize]));
                self.orphans_on_host[info.host as usize] += 1;
                self.orphans_on_rack[info.rack as usize] += 1;
            }
        }
    }

    /// Other replicas on the host and on the rack of a server.
    #[inline]
    pub(super) fn near(&self, cluster: &Cluster, at: &[u32], region: u32, server: u32) -> (u32, u32) {
        let Some(copies) = cluster.copies() else { return (0, 0) };
        let info = &cluster.server_infos()[server as usize];
        let group = copies.group(region);
        if copies.orphans() == Some(group) {
            let here = usable(cluster, at[region as usize]);
            let own_host = u32::from(here.is_some_and(|own| own.host == info.host));
            let own_rack = u32::from(here.is_some_and(|own| own.rack == info.rack));
            let (host, rack) = (info.host as usize, info.rack as usize);
            return (self.orphans_on_host[host] - own_host, self.orphans_on_rack[rack] - own_rack);
        }
        let (mut host, mut rack) = (0, 0);
        for &member in copies.members(group) {
            if member != region
                && let Some(there) = usable(cluster, at[member as usize])
            {
                host += u32::from(there.host == info.host);
                rack += u32::from(there.rack == info.rack);
            }
        }
        (host, rack)
    }

    /// Change of the sums over hosts and over racks when a region moves between usable servers.
    #[inline]
    pub(super) fn change(&self, cluster: &Cluster, at: &[u32], region: u32, to: u32) -> (i64, i64) {
        let from = at[region as usize];
        let infos = cluster.server_infos();
        let (old, new) = (&infos[from as usize], &infos[to as usize]);
        let (from_host, from_rack) = self.near(cluster, at, region, from);
        let (to_host, to_rack) = self.near(cluster, at, region, to);
        let difference = |same: bool, from: u32, to: u32| {
            if same { 0 } else { added(i64::from(to)) - added(i64::from(from)) }
        };
        (
            difference(old.host == new.host, from_host, to_host),
            difference(old.rack == new.rack, from_rack, to_rack),
        )
    }

    /// Notes a move that is about to be made, or a region placed from nowhere.
    pub(super) fn shift(&mut self, cluster: &Cluster, at: &[u32], region: u32, to: u32) {
        let from = at[region as usize];
        if usable(cluster, from).is_some() {
            let (hosts, racks) = self.change(cluster, at, region, to);
            self.on_hosts += hosts;
            self.on_racks += racks;
        } else {
            let (host, rack) = self.near(cluster, at, region, to);
            self.on_hosts += added(i64::from(host));
            self.on_racks += added(i64::from(rack));
        }
        let orphan = cluster.copies().is_some_and(|copies| copies.orphans() == Some(copies.group(region)));
        if orphan {
            if let Some(old) = usable(cluster, from) {
                self.orphans_on_host[old.host as usize] -= 1;
                self.orphans_on_rack[old.rack as usize] -= 1;
            }
            let new = &cluster.server_infos()[to as usize];
            self.orphans_on_host[new.host as usize] += 1;
            self.orphans_on_rack[new.rack as usize] += 1;
        }
    }
}

/// What one more replica beside `others` adds to the sum.
#[inline]
fn added(others: i64) -> i64 {
    if others > 0 { 2 * others - 1 } else { 0 }
}

fn usable(cluster: &Cluster, server: u32) -> Option<&crate::ServerInfo> {
    if (server as usize) < cluster.server_count() {
        cluster.server_infos().get(server as usize)
    } else {
        None
    }
}

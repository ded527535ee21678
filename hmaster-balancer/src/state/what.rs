//! What a move or a swap would change, and making it. Counterpart of `BalanceAction` and `doAction`.

use super::State;
use crate::cluster::{Region, Server};
use crate::cost::Function;

/// A step of a plan in the making.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A region goes to a server.
    Move(Region, Server),
    /// Two regions change places.
    Swap(Region, Region),
}

impl State<'_> {
    /// How the weighted sum of costs would change. Regions and servers must be usable ones, and differ.
    #[inline]
    pub fn change_of(&self, action: Action) -> f64 {
        match action {
            Action::Move(region, to) => self.change_of_move(region.0, to.0),
            Action::Swap(a, b) => self.change_of_swap(a.0, b.0),
        }
    }

    /// Does it. A region that is nowhere usable can be moved to a server as well.
    pub fn apply(&mut self, action: Action) {
        match action {
            Action::Move(region, to) => self.shift(region.0, to.0),
            Action::Swap(a, b) => {
                let (to_a, to_b) = (self.at[b.0 as usize], self.at[a.0 as usize]);
                self.shift(a.0, to_a);
                self.shift(b.0, to_b);
            }
        }
        self.refresh_costs();
    }

    /// What undoes an action that is about to be applied.
    pub fn inverse(&self, action: Action) -> Action {
        match action {
            Action::Move(region, _) => Action::Move(region, self.at(region)),
            Action::Swap(a, b) => Action::Swap(a, b),
        }
    }

    fn change_of_move(&self, region: u32, to: u32) -> f64 {
        let from = self.at[region as usize];
        let counts = self.count_skew.shift(self.counts[from as usize], self.counts[to as usize]);
        let mut change = 0.0;
        if counts != 0 {
            let after = self.count_skew.cost_after(counts);
            change += self.weight(Function::RegionCount) * (after - self.cost(Function::RegionCount));
        }
        change += self.change_of_table(region, from, to);
        change += self.change_of_primaries(region, from, to);
        change += self.change_of_loads(&self.cluster.loads()[region as usize], from, to);
        let away = self.away(region, to) - self.away(region, from);
        change + self.change_of_moved(away) + self.change_of_place(region, to)
    }

    fn change_of_swap(&self, a: u32, b: u32) -> f64 {
        let (from, to) = (self.at[a as usize], self.at[b as usize]);
        let (table_a, table_b) =
            (self.cluster.table_indexes()[a as usize], self.cluster.table_indexes()[b as usize]);
        let mut change = 0.0;
        if table_a != table_b {
            change += self.change_of_table(a, from, to) + self.change_of_table(b, to, from);
        }
        if let Some(copies) = self.cluster.copies() {
            match (copies.is_primary(a), copies.is_primary(b)) {
                (true, false) => change += self.change_of_primaries(a, from, to),
                (false, true) => change += self.change_of_primaries(b, to, from),
                _ => {}
            }
        }
        let (load_a, load_b) = (&self.cluster.loads()[a as usize], &self.cluster.loads()[b as usize]);
        let mut net = *load_a;
        for (net, load) in net.iter_mut().zip(load_b) {
            *net -= load;
        }
        change += self.change_of_loads(&net, from, to);
        let away = self.away(a, to) - self.away(a, from) + self.away(b, from) - self.away(b, to);
        change += self.change_of_moved(away);
        let same_group = self.cluster.copies().is_some_and(|c| c.group(a) == c.group(b));
        if same_group {
            return change + self.change_of_locality(a, to) + self.change_of_locality(b, from);
        }
        change + self.change_of_places([(a, to), (b, from)])
    }

    #[inline]
    fn cost(&self, function: Function) -> f64 {
        self.costs[function.index()]
    }

    #[inline]
    fn change_of_table(&self, region: u32, from: u32, to: u32) -> f64 {
        let tables = self.table_skews.len();
        let table = self.cluster.table_indexes()[region as usize] as usize;
        let skew = &self.table_skews[table];
        let shift =
            skew.shift(self.cells[from as usize * tables + table], self.cells[to as usize * tables + table]);
        if shift == 0 {
            return 0.0;
        }
        self.weight(Function::TableSkew) * (skew.cost_after(shift) - self.table_costs[table])
    }

    #[inline]
    fn change_of_primaries(&self, region: u32, from: u32, to: u32) -> f64 {
        let Some((skew, copies)) = self.primary_skew.as_ref().zip(self.cluster.copies()) else { return 0.0 };
        if !copies.is_primary(region) {
            return 0.0;
        }
        let shift = skew.shift(self.primaries[from as usize], self.primaries[to as usize]);
        self.weight(Function::PrimaryCount) * (skew.cost_after(shift) - self.cost(Function::PrimaryCount))
    }

    #[inline]
    fn change_of_loads(&self, load: &[f64; crate::LOADS], from: u32, to: u32) -> f64 {
        let after = self.loads.costs_at(&self.loads.squares_after(load, from, to));
        let mut change = 0.0;
        for (f, function) in Function::OF_LOADS.into_iter().enumerate() {
            change += self.weight(function) * (after[f] - self.cost(function));
        }
        change
    }

    #[inline]
    fn away(&self, region: u32, server: u32) -> i64 {
        i64::from(self.cluster.homes()[region as usize] != server)
    }

    #[inline]
    fn change_of_moved(&self, away: i64) -> f64 {
        if away == 0 {
            return 0.0;
        }
        let after = self.cost_of_moved(self.moved.wrapping_add_signed(away));
        self.weight(Function::Move) * (after - self.cost(Function::Move))
    }

    #[inline]
    fn change_of_place(&self, region: u32, to: u32) -> f64 {
        if self.replicas.is_none()
            && self.cluster.locality().is_none()
            && !self.is_needed(Function::Heterogeneous)
        {
            return 0.0;
        }
        self.change_of_places([(region, to)]) + self.change_of_capacity(self.at[region as usize], to)
    }

    fn change_of_places<const N: usize>(&self, moves: [(u32, u32); N]) -> f64 {
        let mut change = 0.0;
        let (mut hosts, mut racks) = (0, 0);
        for (region, to) in moves {
            if let Some(replicas) = &self.replicas {
                let (host, rack) = replicas.change(self.cluster, &self.at, region, to);
                hosts += host;
                racks += rack;
            }
            change += self.change_of_locality(region, to);
        }
        if let Some(replicas) = &self.replicas {
            let cost = |sum: i64, max: i64| replica_cost(sum, max);
            if hosts != 0 {
                let after = cost(replicas.on_hosts + hosts, replicas.on_hosts_max);
                change += self.weight(Function::ReplicaHost) * (after - self.cost(Function::ReplicaHost));
            }
            if racks != 0 {
                let after = cost(replicas.on_racks + racks, replicas.on_racks_max);
                change += self.weight(Function::ReplicaRack) * (after - self.cost(Function::ReplicaRack));
            }
        }
        change
    }

    fn change_of_locality(&self, region: u32, to: u32) -> f64 {
        let (server, rack) = self.locality_change(region, self.at[region as usize], to);
        -(self.weight(Function::ServerLocality) * server + self.weight(Function::RackLocality) * rack)
    }

    /// Change of the local share on servers and on racks.
    pub(super) fn locality_change(&self, region: u32, from: u32, to: u32) -> (f64, f64) {
        let Some(locality) = self.cluster.locality() else { return (0.0, 0.0) };
        let infos = self.cluster.server_infos();
        let share = |new: f64, old: f64, best: f64| if best > 0.0 { (new - old) / best } else { 0.0 };
        let on_rack = |server: u32| locality.on_rack(region, infos[server as usize].rack);
        (
            share(locality.on_server(region, to), locality.on_server(region, from), locality.best_on_servers),
            share(on_rack(to), on_rack(from), locality.best_on_racks),
        )
    }

    fn change_of_capacity(&self, from: u32, to: u32) -> f64 {
        if !self.is_needed(Function::Heterogeneous) {
            return 0.0;
        }
        let (n, m) = (self.counts[from as usize], self.counts[to as usize]);
        let change = self.over_capacity(from, n - 1) - self.over_capacity(from, n)
            + self.over_capacity(to, m + 1)
            - self.over_capacity(to, m);
        self.weight(Function::Heterogeneous) * change / self.counts.len() as f64
    }

    /// Moves a region without working out costs.
    pub(super) fn shift(&mut self, region: u32, to: u32) {
        let from = self.at[region as usize];
        if from == to {
            return;
        }
        if from as usize >= self.counts.len() {
            return self.place(region, to);
        }
        let (r, s, t) = (region as usize, from as usize, to as usize);
        if let Some(replicas) = &mut self.replicas {
            replicas.shift(self.cluster, &self.at, region, to);
        }
        let (server, rack) = self.locality_change(region, from, to);
        self.local += server;
        self.rack_local += rack;
        self.count_skew.squares += self.count_skew.shift(self.counts[s], self.counts[t]);
        self.counts[s] -= 1;
        self.counts[t] += 1;
        let tables = self.table_skews.len();
        let table = self.cluster.table_indexes()[r] as usize;
        let (old, new) = (s * tables + table, t * tables + table);
        let skew = &mut self.table_skews[table];
        skew.squares += skew.shift(self.cells[old], self.cells[new]);
        self.cells[old] -= 1;
        self.cells[new] += 1;
        self.table_costs[table] = self.table_skews[table].cost();
        if let Some(skew) = &mut self.primary_skew
            && self.cluster.copies().is_some_and(|copies| copies.is_primary(region))
        {
            skew.squares += skew.shift(self.primaries[s], self.primaries[t]);
            self.primaries[s] -= 1;
            self.primaries[t] += 1;
        }
        self.loads.shift(&self.cluster.loads()[r], from, to);
        self.moved = self.moved.wrapping_add_signed(self.away(region, to) - self.away(region, from));
        self.at[r] = to;
    }

    /// Puts a region that is nowhere usable on a server.
    fn place(&mut self, region: u32, to: u32) {
        let (r, t) = (region as usize, to as usize);
        if let Some(replicas) = &mut self.replicas {
            replicas.shift(self.cluster, &self.at, region, to);
        }
        self.count_skew.place(self.counts[t]);
        self.counts[t] += 1;
        let table = self.cluster.table_indexes()[r] as usize;
        let cell = t * self.table_skews.len() + table;
        self.table_skews[table].place(self.cells[cell]);
        self.cells[cell] += 1;
        self.table_costs[table] = self.table_skews[table].cost();
        if let Some(skew) = &mut self.primary_skew
            && self.cluster.copies().is_some_and(|copies| copies.is_primary(region))
        {
            skew.place(self.primaries[t]);
            self.primaries[t] += 1;
        }
        self.loads.place(&self.cluster.loads()[r], to);
        if let Some(locality) = self.cluster.locality() {
            let rack = self.cluster.server_infos()[t].rack;
            let share = |weight: f64, best: f64| if best > 0.0 { weight / best } else { 0.0 };
            self.local += share(locality.on_server(region, to), locality.best_on_servers);
            self.rack_local += share(locality.on_rack(region, rack), locality.best_on_racks);
        }
        self.moved += u64::from(self.at[r] == self.cluster.homes()[r]);
        self.at[r] = to;
    }
}

/// Sum over hosts or racks, scaled.
#[inline]
pub(super) fn replica_cost(sum: i64, max: i64) -> f64 {
    if max <= 0 || sum <= 0 { 0.0 } else { crate::cost::array::scale(0.0, max as f64, sum as f64) }
}

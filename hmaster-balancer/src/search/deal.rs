//! Takes regions from where there are too many and gives them to where there are too few.
//!
//! Which regions of a class leave a server is chosen by load: those nearest to what the server should lose per region.
//! They are placed largest first, each on the best of a few free places; so the large ones, which can't be made up for,
//! find room, and the many small ones even out what is left. Replicas too near each other leave as well.

use fastrand::Rng;

use super::classes::Classes;
use super::targets::Targets;
use super::view::View;
use crate::LOADS;
use crate::cluster::Cluster;
use crate::constraints::Rules;

/// Free places to look at per region.
const TRIES: usize = 8;
/// A region with this share of a mean server's load is placed by looking at all free places.
const LARGE: f32 = 0.2;

/// Level places for all regions, with as few moves as the targets allow.
pub(super) fn deal(
    cluster: &Cluster,
    classes: &Classes<'_>,
    rules: &Rules,
    view: &View,
    start: &[u32],
    rng: &mut Rng,
) -> Vec<u32> {
    let mut deal = Deal::new(cluster, classes, rules, view, start);
    let leaving = deal.choose_leaving();
    deal.place(leaving, rng);
    deal.at
}

struct Deal<'a> {
    cluster: &'a Cluster,
    classes: &'a Classes<'a>,
    rules: &'a Rules,
    view: &'a View,
    at: Vec<u32>,
    targets: Targets,
    /// Regions in the order of server and class, and where each such cell begins.
    order: Vec<u32>,
    cells: Vec<u32>,
    /// Load per server, in the view's units.
    loads: Vec<[f32; LOADS]>,
    servers: usize,
}

/// Nowhere.
const NONE: u32 = u32::MAX;

impl<'a> Deal<'a> {
    fn new(
        cluster: &'a Cluster,
        classes: &'a Classes<'a>,
        rules: &'a Rules,
        view: &'a View,
        start: &[u32],
    ) -> Self {
        let (servers, kinds) = (cluster.server_count(), classes.len());
        let mut have = vec![0; kinds * servers];
        let mut fixed = vec![0; kinds * servers];
        let mut totals = vec![0; kinds];
        let mut loads = vec![[0.0; LOADS]; servers];
        let mut cells = vec![0_u32; servers * kinds + 1];
        for (region, &server) in start.iter().enumerate() {
            let class = classes.of[region] as usize;
            totals[class] += 1;
            let server = server as usize;
            if server >= servers {
                continue;
            }
            have[class * servers + server] += 1;
            fixed[class * servers + server] += u32::from(rules.is_pinned(region as u32));
            cells[server * kinds + class + 1] += 1;
            add(&mut loads[server], &view.of(cluster, region as u32), 1.0);
        }
        for at in 1..cells.len() {
            cells[at] += cells[at - 1];
        }
        let mut fill = cells.clone();
        let mut order = vec![0; cells[cells.len() - 1] as usize];
        for (region, &server) in start.iter().enumerate().filter(|(_, server)| (**server as usize) < servers)
        {
            let cell = server as usize * kinds + classes.of[region] as usize;
            order[fill[cell] as usize] = region as u32;
            fill[cell] += 1;
        }
        let targets = Targets::new(classes, rules, &have, &fixed, &totals, servers);
        Self { cluster, classes, rules, view, at: start.to_vec(), targets, order, cells, loads, servers }
    }

    /// Regions that must find another place; they are nowhere then.
    fn choose_leaving(&mut self) -> Vec<u32> {
        let mut leaving: Vec<u32> =
            (0..self.at.len() as u32).filter(|&r| self.at[r as usize] as usize >= self.servers).collect();
        leaving.iter().for_each(|&r| self.at[r as usize] = NONE);
        let mut ranked = Vec::new();
        for server in 0..self.servers {
            let surplus: u32 = (0..self.classes.len()).map(|class| self.surplus(server, class)).sum();
            let share = self.excess(server).map(|excess| excess / surplus.max(1) as f32);
            for class in 0..self.classes.len() {
                self.leave_cell(server, class, &share, &mut ranked, &mut leaving);
            }
        }
        leaving
    }

    fn surplus(&self, server: usize, class: usize) -> u32 {
        let cell = server * self.classes.len() + class;
        (self.cells[cell + 1] - self.cells[cell]).saturating_sub(self.targets.get(class, server))
    }

    /// What a server has above the mean.
    fn excess(&self, server: usize) -> [f32; LOADS] {
        let mut excess = self.loads[server];
        excess.iter_mut().zip(self.view.mean).for_each(|(x, mean)| *x -= mean);
        excess
    }

    /// Takes the surplus of one cell, and what is crowded or forbidden there.
    fn leave_cell(
        &mut self,
        server: usize,
        class: usize,
        share: &[f32; LOADS],
        ranked: &mut Vec<(f32, u32)>,
        leaving: &mut Vec<u32>,
    ) {
        let cell = server * self.classes.len() + class;
        let range = self.cells[cell] as usize..self.cells[cell + 1] as usize;
        let mut surplus = self.surplus(server, class);
        if surplus == 0 && self.cluster.copies().is_none() && self.rules.domain_count() == 1 {
            return;
        }
        ranked.clear();
        for &region in &self.order[range] {
            if self.rules.is_pinned(region) {
                continue;
            }
            if !self.rules.allows(region, server as u32) || self.is_crowded(region, server as u32) {
                leaving.push(region);
                self.at[region as usize] = NONE;
                surplus = surplus.saturating_sub(1);
                continue;
            }
            ranked.push((distance(&self.view.of(self.cluster, region), share, &self.view.slopes), region));
        }
        let count = ranked.len().min(surplus as usize);
        if count > 0 && count < ranked.len() {
            ranked.select_nth_unstable_by(count - 1, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        }
        for &(_, region) in &ranked[..count] {
            leaving.push(region);
            self.at[region as usize] = NONE;
        }
    }

    /// True when another replica is on the host or rack of the server, and this one is to go for it.
    fn is_crowded(&self, region: u32, server: u32) -> bool {
        let Some(copies) = self.cluster.copies() else { return false };
        if copies.is_primary(region) || copies.orphans() == Some(copies.group(region)) {
            return false;
        }
        let goes_first = |other: u32| copies.is_primary(other) || other < region;
        self.view.conflicts(self.cluster, &self.at, region, server, goes_first)
    }

    fn place(&mut self, mut leaving: Vec<u32>, rng: &mut Rng) {
        let mut free = self.free_places();
        for region in &leaving {
            // Those that left don't weigh on their server any more.
            let home = self.cluster.homes()[*region as usize] as usize;
            if home < self.servers {
                let load = self.view.of(self.cluster, *region);
                add(&mut self.loads[home], &load, -1.0);
            }
        }
        let size = |region: &u32| self.view.size(self.cluster, *region);
        leaving.sort_by_cached_key(|region| (std::cmp::Reverse(size(region).to_bits()), *region));
        let mut late = Vec::new();
        for region in leaving {
            let class = self.classes.of[region as usize] as usize;
            match self.best_free(region, &free[class], rng) {
                Some(at) => {
                    let server = free[class].swap_remove(at);
                    self.put(region, server);
                }
                None => late.push(region),
            }
        }
        for region in late {
            self.put_anywhere(region, &mut free);
        }
    }

    /// Servers with room, by class, once per place.
    fn free_places(&self) -> Vec<Vec<u32>> {
        let mut kept = vec![0_u32; self.targets.of.len()];
        for (region, &server) in self.at.iter().enumerate() {
            if server != NONE {
                kept[self.classes.of[region] as usize * self.servers + server as usize] += 1;
            }
        }
        let of_class = |class: usize| {
            (0..self.servers)
                .flat_map(|s| {
                    let cell = class * self.servers + s;
                    let room = self.targets.of[cell].saturating_sub(kept[cell]);
                    std::iter::repeat_n(s as u32, room as usize)
                })
                .collect()
        };
        (0..self.classes.len()).map(of_class).collect()
    }

    /// Position in `free` of the server that suffers least.
    fn best_free(&self, region: u32, free: &[u32], rng: &mut Rng) -> Option<usize> {
        if free.is_empty() {
            return None;
        }
        let load = self.view.of(self.cluster, region);
        let price = |server: u32| {
            let there = &self.loads[server as usize];
            (0..LOADS).map(|f| self.view.slopes[f] * load[f] * (2.0 * there[f] + load[f])).sum::<f32>()
        };
        let fits = |server: u32| !self.view.conflicts(self.cluster, &self.at, region, server, |_| true);
        let apart = self.cluster.copies().is_some();
        let all = self.view.size(self.cluster, region) > LARGE || free.len() <= TRIES;
        let mut best: Option<(f32, usize)> = None;
        let mut look = |at: usize| {
            let price = price(free[at]);
            if best.is_none_or(|(least, _)| price < least) && (!apart || fits(free[at])) {
                best = Some((price, at));
            }
        };
        if all {
            (0..free.len()).for_each(&mut look);
        } else {
            (0..TRIES).for_each(|_| look(rng.usize(..free.len())));
        }
        if best.is_none() && apart && !all {
            let first = rng.usize(..free.len());
            best = (0..free.len())
                .map(|i| (first + i) % free.len())
                .find(|&at| fits(free[at]))
                .map(|at| (0.0, at));
        }
        best.map(|(_, at)| at)
    }

    fn put(&mut self, region: u32, server: u32) {
        self.at[region as usize] = server;
        let load = self.view.of(self.cluster, region);
        add(&mut self.loads[server as usize], &load, 1.0);
    }

    /// A region for which no free place is right: any free one, then home, then wherever it may be.
    fn put_anywhere(&mut self, region: u32, free: &mut [Vec<u32>]) {
        let class = self.classes.of[region as usize] as usize;
        let home = self.cluster.homes()[region as usize];
        let allowed = self.rules.servers_of(self.classes.list[class].domain);
        let least = |servers: &[u32]| {
            let key = |s: &&u32| (self.loads[**s as usize].iter().sum::<f32>().to_bits(), **s);
            servers.iter().min_by_key(key).copied()
        };
        let server =
            free[class].pop().or_else(|| allowed.contains(&home).then_some(home)).or_else(|| least(&allowed));
        match server {
            Some(server) => self.put(region, server),
            // Nowhere to go: it stays where it was.
            None => self.at[region as usize] = home,
        }
    }
}

fn add(to: &mut [f32; LOADS], load: &[f32; LOADS], times: f32) {
    to.iter_mut().zip(load).for_each(|(sum, x)| *sum += times * x);
}

fn distance(a: &[f32; LOADS], b: &[f32; LOADS], slopes: &[f32; LOADS]) -> f32 {
    (0..LOADS).map(|f| slopes[f] * (a[f] - b[f]) * (a[f] - b[f])).sum()
}

//! Places of regions, by server and class, and the loop that looks for exchanges.
//!
//! A slot is a place for one region of one class on one server. Slots lie in the order of server and class, with the
//! load of the region in each beside it: two servers are two short stretches of memory, and all exchanges of one class
//! between them are pairs of neighbours in these. The loop needs a dozen instructions a candidate and no memory beyond
//! the first-level cache.
//!
//! What it minimizes is the cost to first order: each load's squares by the slope that its cost has now. Costs are
//! roots of squares, so the cost never rises more than this says; what looks good is checked exactly before it is made.

use super::classes::Classes;
use super::view::View;
use crate::LOADS;
use crate::cluster::Cluster;
use crate::constraints::Rules;
use crate::state::State;

/// Places of all regions.
#[derive(Debug, Clone)]
pub(super) struct Slots {
    classes: usize,
    /// Where each server's slots of each class begin; one more at the end.
    starts: Vec<u32>,
    pub(super) loads: Vec<[f32; LOADS]>,
    pub(super) regions: Vec<u32>,
    /// Home of the region in each slot.
    homes: Vec<u32>,
    /// Cost of one move.
    pub(super) price: f32,
    /// Price of moving each slot's region of the second server to the first: scratch.
    prices: Vec<f32>,
}

/// Two slots to exchange, and the change of cost to first order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Exchange {
    pub(super) a: u32,
    pub(super) b: u32,
    pub(super) change: f32,
}

impl Slots {
    pub(super) fn new(
        cluster: &Cluster,
        classes: &Classes<'_>,
        rules: &Rules,
        view: &View,
        at: &[u32],
        price: f64,
    ) -> Self {
        let (servers, kinds) = (cluster.server_count(), classes.len());
        let movable = |region: usize| (at[region] as usize) < servers && !rules.is_pinned(region as u32);
        let mut starts = vec![0_u32; servers * kinds + 1];
        let cell = |region: usize| at[region] as usize * kinds + classes.of[region] as usize;
        for region in (0..at.len()).filter(|&r| movable(r)) {
            starts[cell(region) + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut fill = starts.clone();
        let count = starts[starts.len() - 1] as usize;
        let mut slots = Self {
            classes: kinds,
            starts,
            loads: vec![[0.0; LOADS]; count],
            regions: vec![0; count],
            homes: vec![0; count],
            price: price as f32,
            prices: Vec::new(),
        };
        for region in (0..at.len()).filter(|&r| movable(r)) {
            let cell = cell(region);
            let slot = fill[cell] as usize;
            fill[cell] += 1;
            slots.loads[slot] = view.of(cluster, region as u32);
            slots.regions[slot] = region as u32;
            slots.homes[slot] = cluster.homes()[region];
        }
        slots
    }

    /// Slots of a server.
    pub(super) fn of_server(&self, server: u32) -> std::ops::Range<usize> {
        let first = server as usize * self.classes;
        self.starts[first] as usize..self.starts[first + self.classes] as usize
    }

    fn cell(&self, server: u32, class: usize) -> std::ops::Range<usize> {
        let cell = server as usize * self.classes + class;
        self.starts[cell] as usize..self.starts[cell + 1] as usize
    }

    /// Exchanges what is in two slots.
    pub(super) fn exchange(&mut self, a: u32, b: u32) {
        let (a, b) = (a as usize, b as usize);
        self.loads.swap(a, b);
        self.regions.swap(a, b);
        self.homes.swap(a, b);
    }

    /// Price of having the region of a slot on `to` instead of on `from`.
    #[inline]
    fn price_of(&self, slot: usize, from: u32, to: u32) -> f32 {
        let home = self.homes[slot];
        self.price * (f32::from(u8::from(home != to)) - f32::from(u8::from(home != from)))
    }

    /// Looks at all exchanges between two servers and gives the best that changes the cost by less than `limit`, and
    /// how many it looked at.
    pub(super) fn best_between(
        &mut self,
        s: u32,
        t: u32,
        state: &State<'_>,
        view: &View,
        limit: f32,
        fits: impl Fn(u32, u32) -> bool,
    ) -> (Option<Exchange>, u64) {
        let gap = gap(state, view, s, t);
        let slopes = view.slopes.map(|slope| 2.0 * slope);
        let reach = reach(&gap, &slopes);
        if reach + 2.0 * self.price < -limit {
            return (None, 0);
        }
        let base = self.price_all(s, t);
        let mut best = Exchange { a: 0, b: 0, change: limit };
        let mut looked_at = 0;
        for class in 0..self.classes {
            let (mine, theirs) = (self.cell(s, class), self.cell(t, class));
            let (loads, prices) = (&self.loads[theirs.clone()], &self.prices[theirs.start - base..]);
            let prices = &prices[..loads.len()];
            let least = prices.iter().copied().fold(f32::INFINITY, f32::min);
            for a in mine {
                let own = self.price_of(a, s, t);
                if own + least - reach > best.change {
                    // No partner can make up for the price of the move.
                    continue;
                }
                looked_at += loads.len();
                let load = self.loads[a];
                for (b, (other, price)) in loads.iter().zip(prices).enumerate() {
                    let change = own + price + change(&load, other, &gap, &slopes);
                    if change < best.change && fits(self.regions[a], self.regions[theirs.start + b]) {
                        best = Exchange { a: a as u32, b: (theirs.start + b) as u32, change };
                    }
                }
            }
        }
        ((best.change < limit).then_some(best), looked_at as u64)
    }

    /// Fills the scratch of prices for the slots of `t`; gives its first slot.
    fn price_all(&mut self, s: u32, t: u32) -> usize {
        let range = self.of_server(t);
        let base = range.start;
        let mut prices = std::mem::take(&mut self.prices);
        prices.clear();
        prices.extend(range.map(|slot| self.price_of(slot, t, s)));
        self.prices = prices;
        base
    }

    /// Looks at exchanges between two servers one class after another, each with a limit of its own from `limit`;
    /// `take` is called with each below it and says whether it was made.
    pub(super) fn each_between(
        &mut self,
        s: u32,
        t: u32,
        state: &mut State<'_>,
        view: &mut View,
        limit: &mut impl FnMut() -> f32,
        take: &mut impl FnMut(&mut Self, &mut State<'_>, Exchange) -> bool,
    ) -> u64 {
        let mut gap_now = gap(state, view, s, t);
        let base = self.price_all(s, t);
        let mut slopes = view.slopes.map(|slope| 2.0 * slope);
        let mut reach_now = reach(&gap_now, &slopes);
        let mut looked_at = 0;
        for class in 0..self.classes {
            let (mine, theirs) = (self.cell(s, class), self.cell(t, class));
            for a in mine {
                let own = self.price_of(a, s, t);
                let below = limit();
                if own - self.price - reach_now > below {
                    continue;
                }
                looked_at += theirs.len();
                let load = self.loads[a];
                let mut best = Exchange { a: a as u32, b: 0, change: below };
                let (loads, prices) = (&self.loads[theirs.clone()], &self.prices[theirs.start - base..]);
                for (b, (other, price)) in loads.iter().zip(prices).enumerate() {
                    let change = own + price + change(&load, other, &gap_now, &slopes);
                    if change < best.change {
                        best.b = (theirs.start + b) as u32;
                        best.change = change;
                    }
                }
                if best.change < below && take(self, state, best) {
                    view.look(state);
                    slopes = view.slopes.map(|slope| 2.0 * slope);
                    gap_now = gap(state, view, s, t);
                    reach_now = reach(&gap_now, &slopes);
                    self.prices[best.b as usize - base] = self.price_of(best.b as usize, t, s);
                }
            }
        }
        looked_at as u64
    }
}

/// How much more load `s` has than `t`.
#[inline]
fn gap(state: &State<'_>, view: &View, s: u32, t: u32) -> [f32; LOADS] {
    let of = &state.loads().of_server;
    let (s, t) = (&of[s as usize], &of[t as usize]);
    std::array::from_fn(|f| ((s[f] - t[f]) * view.scale[f]) as f32)
}

/// The most that any exchange can gain between servers that differ by `gap`: that which halves every difference.
#[inline]
fn reach(gap: &[f32; LOADS], slopes: &[f32; LOADS]) -> f32 {
    (0..LOADS).map(|f| slopes[f] * gap[f] * gap[f] * 0.25).sum()
}

/// Change of the cost to first order when `load` and `other` change places and their servers differ by `gap`.
#[inline]
fn change(load: &[f32; LOADS], other: &[f32; LOADS], gap: &[f32; LOADS], slopes: &[f32; LOADS]) -> f32 {
    let mut parts = [0.0; LOADS];
    for f in 0..LOADS {
        let step = other[f] - load[f];
        parts[f] = slopes[f] * (step * (step + gap[f]));
    }
    (parts[0] + parts[1]) + (parts[2] + parts[3])
}

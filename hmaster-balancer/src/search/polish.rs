//! Exchanges inside classes until time is up: first those that pay most, then all that pay, then annealing.
//!
//! Servers are taken in pairs. The gain of an exchange between two servers is bounded by how much their loads differ,
//! so the first sweep pairs servers that stick out with all kinds of others and takes only what pays well; moves are
//! then spent where they count. Later sweeps take everything. When nothing is left, exchanges that cost a little are
//! taken as well, less and less so (annealing), and the best places ever seen are kept.

use fastrand::Rng;

use super::slots::{Exchange, Slots};
use super::view::View;
use super::{Milestone, milestone};
use crate::budget::Meter;
use crate::cluster::Region;
use crate::constraints::Rules;
use crate::state::{Action, State};

/// Parts of a sweep after which a milestone is set.
const STRETCHES: usize = 16;
/// What counts as a gain: above the rounding of sums.
const GAIN_MIN: f64 = 1e-12;

/// A search by exchanges.
pub(super) struct Polish<'p, 'c, 'm> {
    pub(super) slots: Slots,
    pub(super) state: &'p mut State<'c>,
    pub(super) view: View,
    pub(super) rules: &'p Rules,
    pub(super) meter: &'p mut Meter<'m>,
    pub(super) rng: Rng,
}

impl Polish<'_, '_, '_> {
    /// Takes the best exchange between two servers, again and again while it gains more than `gain`.
    fn settle_pair(&mut self, s: u32, t: u32, gain: f64) -> u32 {
        let mut made = 0;
        while made < 64 {
            let (state, view, rules) = (&*self.state, &self.view, self.rules);
            let fits = |a: u32, b: u32| fits(state, view, rules, a, b);
            let (best, looked_at) = self.slots.best_between(s, t, state, view, -(gain as f32), fits);
            self.meter.spend(looked_at + 1);
            let Some(exchange) = best else { break };
            if !take(&mut self.slots, self.state, self.rules, exchange, -gain.max(GAIN_MIN)) {
                break;
            }
            self.view.look(self.state);
            made += 1;
            if self.meter.is_over() {
                break;
            }
        }
        made
    }

    /// Pairs every server with `partners` others, those that stick out first. Notes its way now and then.
    pub(super) fn sweep(&mut self, gain: f64, partners: usize, way: &mut Vec<Milestone>) -> u64 {
        let mut made = 0;
        let order = self.by_distance();
        let count = order.len();
        let stretch = count.div_ceil(STRETCHES);
        for (rank, &s) in order.iter().enumerate() {
            if rank % stretch == stretch - 1 {
                way.push(milestone(self.state, self.meter));
            }
            for turn in 0..partners.min(count - 1) {
                let t = if partners >= count {
                    // Each pair once.
                    if turn <= rank { continue } else { order[turn] }
                } else {
                    order[self.rng.usize(..count)]
                };
                if s == t {
                    continue;
                }
                made += u64::from(self.settle_pair(s, t, gain));
                if self.meter.is_over() {
                    return made;
                }
            }
        }
        made
    }

    /// Servers, those first whose loads cost most.
    fn by_distance(&self) -> Vec<u32> {
        let loads = self.state.loads();
        let distance = |s: &u32| {
            let load = &loads.of_server[*s as usize];
            let far = |f: usize| ((load[f] - loads.skews[f].mean) * self.view.scale[f]).powi(2);
            let cost: f64 = (0..crate::LOADS).map(|f| f64::from(self.view.slopes[f]) * far(f)).sum();
            std::cmp::Reverse(cost.to_bits())
        };
        let mut order: Vec<u32> = (0..loads.of_server.len() as u32).collect();
        order.sort_by_cached_key(distance);
        order
    }

    /// One round of pairs by chance at a temperature; gives the share of exchanges made among those looked at.
    pub(super) fn anneal_round(&mut self, temperature: f64, pairs: usize) -> u64 {
        let servers = self.state.loads().of_server.len() as u32;
        let mut made = 0;
        for _ in 0..pairs {
            let s = self.rng.u32(..servers);
            let t = (s + 1 + self.rng.u32(..servers - 1)) % servers;
            let rng = &mut self.rng;
            let mut drawn = 0.0_f64;
            let mut limit = || {
                drawn = -temperature * rng.f64().max(1e-9).ln();
                drawn as f32
            };
            let rules = self.rules;
            let mut take_it = |slots: &mut Slots, state: &mut State<'_>, exchange: Exchange| {
                // The exact change is never above the first order's, so the limit holds for it as well.
                let taken =
                    take(slots, state, rules, exchange, f64::from(exchange.change).max(0.0) + GAIN_MIN);
                made += u64::from(taken);
                taken
            };
            let looked_at =
                self.slots.each_between(s, t, self.state, &mut self.view, &mut limit, &mut take_it);
            self.meter.spend(looked_at + 1);
            if self.meter.is_over() {
                break;
            }
        }
        made
    }
}

/// True when two regions may change places: servers are allowed, and replicas stay apart.
fn fits(state: &State<'_>, view: &View, rules: &Rules, a: u32, b: u32) -> bool {
    let (at_a, at_b) = (state.at(Region(a)).0, state.at(Region(b)).0);
    let crowds = |region: u32, to: u32| view.conflicts(state.cluster(), state.places(), region, to, |_| true);
    rules.may_move(a, at_b)
        && rules.may_move(b, at_a)
        && (state.cluster().copies().is_none() || !(crowds(a, at_b) || crowds(b, at_a)))
}

/// Makes an exchange if the rules allow it and it changes the cost by at most `limit`, exactly.
fn take(slots: &mut Slots, state: &mut State<'_>, rules: &Rules, exchange: Exchange, limit: f64) -> bool {
    let (a, b) = (slots.regions[exchange.a as usize], slots.regions[exchange.b as usize]);
    let (at_a, at_b) = (state.at(Region(a)).0, state.at(Region(b)).0);
    if !rules.may_move(a, at_b) || !rules.may_move(b, at_a) {
        return false;
    }
    let action = Action::Swap(Region(a), Region(b));
    if state.change_of(action) > limit {
        return false;
    }
    state.apply(action);
    slots.exchange(exchange.a, exchange.b);
    true
}

//! Java's random walk, for comparison. Counterpart of `StochasticLoadBalancer.balanceTable` and its candidate generators.
//!
//! A generator is drawn by the costs, without weights, of the functions that feed it; it proposes a move or an exchange;
//! what lowers the sum of costs is kept. Differs from Java in that a proposal is judged before it is made, which gives
//! the same walk in a fraction of the time, and in the order of draws: a seed gives another walk than there.

use fastrand::Rng;

use super::{Milestone, milestone};
use crate::budget::Meter;
use crate::cluster::{Region, Server};
use crate::config::Config;
use crate::constraints::Rules;
use crate::cost::Function;
use crate::state::{Action, State};

/// Chance that a replica which leaves a rack is exchanged for a region instead of moved.
const SWAP_CHANCE: f64 = 0.1;

/// Regions by server, which proposals are drawn from.
struct Walk<'w, 'c> {
    state: &'w mut State<'c>,
    rules: &'w Rules,
    rng: Rng,
    on: Vec<Vec<u32>>,
    /// Position of each region in its server's list.
    slot: Vec<u32>,
}

/// Walks until the steps that Java would make at most are made, or the budget is spent.
pub(crate) fn walk(
    state: &mut State<'_>,
    config: &Config,
    rules: &Rules,
    meter: &mut Meter<'_>,
    seed: u64,
) -> Vec<Milestone> {
    let mut way = vec![milestone(state, meter)];
    let steps_max = steps_max(state, config);
    let mut walk = Walk::new(state, rules, Rng::with_seed(seed));
    let mut shown = 1;
    for step in 1..=steps_max {
        if meter.is_over() {
            break;
        }
        meter.spend(1);
        if let Some(action) = walk.propose().filter(|action| walk.is_allowed(*action))
            && walk.state.change_of(action) < 0.0
        {
            walk.make(action);
        }
        if step == shown {
            way.push(milestone(walk.state, meter));
            shown *= 2;
        }
    }
    way.push(milestone(state, meter));
    way
}

fn steps_max(state: &State<'_>, config: &Config) -> u64 {
    let cluster = state.cluster();
    let size = cluster.region_count() as u64 * cluster.server_count() as u64;
    let by_size = size.saturating_mul(config.steps_per_region);
    let steps = config.steps_max;
    if config.run_steps_max { steps.max(by_size) } else { steps.min(by_size) }
}

impl<'w, 'c> Walk<'w, 'c> {
    fn new(state: &'w mut State<'c>, rules: &'w Rules, rng: Rng) -> Self {
        let servers = state.cluster().server_count();
        let (mut on, mut slot) = (vec![Vec::new(); servers], vec![0; state.places().len()]);
        for (region, &server) in state.places().iter().enumerate() {
            if let Some(regions) = on.get_mut(server as usize) {
                slot[region] = regions.len() as u32;
                regions.push(region as u32);
            }
        }
        Self { state, rules, rng, on, slot }
    }

    /// What the generator that is drawn proposes.
    fn propose(&mut self) -> Option<Action> {
        if self.on.len() < 2 {
            return None;
        }
        let sum = |functions: &[Function]| -> f64 {
            functions.iter().map(|f| self.state.costs()[f.index()].max(0.0)).sum()
        };
        let load = sum(&[Function::RegionCount]);
        let replicas = sum(&[Function::ReplicaHost, Function::ReplicaRack]);
        let locality = sum(&[Function::ServerLocality, Function::RackLocality]);
        let others = [Function::PrimaryCount, Function::Move, Function::TableSkew, Function::Heterogeneous];
        let random = sum(&others) + sum(&Function::OF_LOADS);
        let mut draw = self.rng.f64() * (load + replicas + locality + random);
        for (weight, generator) in [
            (load, Self::by_load as fn(&mut Self) -> Option<Action>),
            (replicas, Self::apart),
            (locality, Self::local),
        ] {
            if draw < weight {
                return generator(self);
            }
            draw -= weight;
        }
        self.random()
    }

    /// Between two servers by chance.
    fn random(&mut self) -> Option<Action> {
        let count = self.on.len();
        let this = self.rng.usize(..count);
        let other = (this + 1 + self.rng.usize(..count - 1)) % count;
        self.between(this, other)
    }

    /// From one of the fullest servers to one of the emptiest.
    fn by_load(&mut self) -> Option<Action> {
        let most = self.on.iter().map(Vec::len).max()?;
        let this = self.nth(|len| len == most, None)?;
        let rest = self.on.iter().enumerate().filter(|(s, _)| *s != this);
        let least = rest.map(|(_, regions)| regions.len()).min()?;
        let other = self.nth(|len| len == least, Some(this))?;
        self.between(this, other)
    }

    /// One of the servers with such a number of regions.
    fn nth(&mut self, fits: impl Fn(usize) -> bool, except: Option<usize>) -> Option<usize> {
        let found = |s: &usize| fits(self.on[*s].len()) && Some(*s) != except;
        let tied = (0..self.on.len()).filter(found).count();
        let which = self.rng.usize(..tied.max(1));
        (0..self.on.len()).filter(|s| fits(self.on[*s].len()) && Some(*s) != except).nth(which)
    }

    /// The fuller server gives a region; the other one does as well, by half a chance.
    fn between(&mut self, this: usize, other: usize) -> Option<Action> {
        let (fuller, lighter) =
            if self.on[this].len() > self.on[other].len() { (this, other) } else { (other, this) };
        let region = self.region_of(fuller)?;
        match self.rng.bool().then(|| self.region_of(lighter)).flatten() {
            Some(back) => Some(Action::Swap(region, back)),
            None => Some(Action::Move(region, Server(lighter as u32))),
        }
    }

    fn region_of(&mut self, server: usize) -> Option<Region> {
        let regions = &self.on[server];
        (!regions.is_empty()).then(|| Region(regions[self.rng.usize(..regions.len())]))
    }

    /// A replica that is too near another goes to another server.
    fn apart(&mut self) -> Option<Action> {
        let copies = self.state.cluster().copies()?;
        let count = self.state.places().len();
        let first = self.rng.usize(..count);
        let is_near = |region: &u32| {
            let at = self.state.at(Region(*region));
            let near = (at.0 as usize) < self.on.len() && !copies.is_primary(*region);
            near && self.state.copies_near(*region, at.0) != (0, 0)
        };
        let region = (0..count).map(|i| ((first + i) % count) as u32).find(is_near)?;
        let to = self.rng.usize(..self.on.len());
        if Server(to as u32) == self.state.at(Region(region)) {
            return None;
        }
        match (self.rng.f64() < SWAP_CHANCE).then(|| self.region_of(to)).flatten() {
            Some(back) => Some(Action::Swap(Region(region), back)),
            None => Some(Action::Move(Region(region), Server(to as u32))),
        }
    }

    /// A region goes to the server that has most of it.
    fn local(&mut self) -> Option<Action> {
        let locality = self.state.cluster().locality()?;
        let region = self.rng.u32(..self.state.places().len() as u32);
        let best = locality.servers_of(region).iter().max_by(|a, b| a.1.total_cmp(&b.1))?.0;
        (Server(best) != self.state.at(Region(region))).then_some(Action::Move(Region(region), Server(best)))
    }

    fn is_allowed(&self, action: Action) -> bool {
        match action {
            Action::Move(region, to) => self.rules.may_move(region.0, to.0),
            Action::Swap(a, b) => {
                self.rules.may_move(a.0, self.state.at(b).0) && self.rules.may_move(b.0, self.state.at(a).0)
            }
        }
    }

    fn make(&mut self, action: Action) {
        match action {
            Action::Move(region, to) => self.shift(region, to),
            Action::Swap(a, b) => {
                let (to_a, to_b) = (self.state.at(b), self.state.at(a));
                self.shift(a, to_a);
                self.shift(b, to_b);
            }
        }
        self.state.apply(action);
    }

    /// Notes where a region is to be.
    fn shift(&mut self, region: Region, to: Server) {
        let (from, slot) = (self.state.at(region).0 as usize, self.slot[region.0 as usize] as usize);
        if let Some(regions) = self.on.get_mut(from) {
            regions.swap_remove(slot);
            if let Some(&moved) = regions.get(slot) {
                self.slot[moved as usize] = slot as u32;
            }
        }
        self.slot[region.0 as usize] = self.on[to.0 as usize].len() as u32;
        self.on[to.0 as usize].push(region.0);
    }
}

//! Cost functions of a user's own: candidates are made, judged as a whole, and taken back when they don't pay.

use fastrand::Rng;

use super::descent::draw;
use crate::budget::Meter;
use crate::cluster::Server;
use crate::constraints::Rules;
use crate::cost::custom::CustomCost;
use crate::state::{Action, State};

/// Candidates per region, at most.
const ROUNDS_MAX: usize = 16;

/// Improves the sum of all costs, own ones included.
pub(crate) fn descend_own(
    state: &mut State<'_>,
    rules: &Rules,
    meter: &mut Meter<'_>,
    seed: u64,
    own: &mut [Box<dyn CustomCost>],
) {
    let cluster = state.cluster();
    let at: Vec<Server> = state.places().iter().map(|&s| Server(s)).collect();
    let mut own: Vec<&mut Box<dyn CustomCost>> = own.iter_mut().filter(|f| f.is_needed(cluster)).collect();
    if own.is_empty() || cluster.server_count() < 2 || cluster.region_count() < 2 {
        return;
    }
    own.iter_mut().for_each(|f| f.prepare(cluster, &at));
    let mut rng = Rng::with_seed(seed ^ 0x006f_776e);
    let total = |state: &State<'_>, own: &[&mut Box<dyn CustomCost>]| {
        state.total() + own.iter().map(|f| f64::from(f.multiplier()) * f.cost()).sum::<f64>()
    };
    let mut now = total(state, &own);
    for _ in 0..cluster.region_count().saturating_mul(ROUNDS_MAX) {
        if meter.is_over() {
            return;
        }
        meter.spend(64);
        let Some(action) = draw(state, rules, &mut rng) else { continue };
        let back = state.inverse(action);
        make(state, &mut own, action);
        let then = total(state, &own);
        // A cost that isn't a number never pays.
        if then < now - 1e-12 {
            now = then;
        } else {
            make(state, &mut own, back);
        }
    }
}

fn make(state: &mut State<'_>, own: &mut [&mut Box<dyn CustomCost>], action: Action) {
    let cluster = state.cluster();
    let steps = match action {
        Action::Move(region, to) => [Some((region, state.at(region), to)), None],
        Action::Swap(a, b) => [Some((a, state.at(a), state.at(b))), Some((b, state.at(b), state.at(a)))],
    };
    state.apply(action);
    for (region, from, to) in steps.into_iter().flatten() {
        own.iter_mut().for_each(|f| f.moved(cluster, region, from, to));
    }
}

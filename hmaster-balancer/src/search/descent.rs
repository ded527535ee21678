//! Moves and exchanges of any kind, judged exactly, as long as they pay.

use fastrand::Rng;

use crate::budget::Meter;
use crate::cluster::{Region, Server};
use crate::constraints::Rules;
use crate::state::{Action, State};

/// Rounds of looking at as many candidates as there are regions, at most.
const ROUNDS_MAX: usize = 4;
const GAIN_MIN: f64 = 1e-12;
/// Temperature at which annealing begins, as a part of the cost.
const HOT: f64 = 0.05;
/// Times that it cools down.
const CYCLES: f64 = 4.0;
/// Candidates at one temperature.
const ROUND: u64 = 256;

/// Looks at random candidates while they keep paying.
pub(super) fn descend(state: &mut State<'_>, rules: &Rules, meter: &mut Meter<'_>, rng: &mut Rng) {
    let cluster = state.cluster();
    let (regions, servers) = (cluster.region_count(), cluster.server_count());
    if regions < 2 || servers < 2 {
        return;
    }
    for _ in 0..ROUNDS_MAX {
        let mut made = 0;
        for _ in 0..regions {
            if meter.is_over() {
                return;
            }
            meter.spend(1);
            let Some(action) = draw(state, rules, rng) else { continue };
            if state.change_of(action) < -GAIN_MIN {
                state.apply(action);
                made += 1;
            }
        }
        if made == 0 {
            return;
        }
    }
}

/// Anneals with candidates of any kind until the budget is spent, and ends with the best that was seen. For clusters so
/// small that it matters which server has a region more than the others.
pub(super) fn anneal(state: &mut State<'_>, rules: &Rules, meter: &mut Meter<'_>, rng: &mut Rng) {
    let cluster = state.cluster();
    if cluster.region_count() < 2 || cluster.server_count() < 2 {
        return;
    }
    let begin = meter.share();
    let (mut best, mut best_places) = (state.total(), state.places().to_vec());
    let (mut total, mut hot) = (best, best * HOT);
    while !meter.is_over() {
        let done = (meter.share() - begin) / (1.0 - begin).max(1e-9) * CYCLES;
        let temperature = hot * (1.0 - done.fract()).powi(3);
        for _ in 0..ROUND {
            meter.spend(1);
            let Some(action) = draw(state, rules, rng) else { continue };
            let change = state.change_of(action);
            if change < -temperature * rng.f64().max(1e-12).ln() - GAIN_MIN {
                state.apply(action);
                total += change;
                if total < best - GAIN_MIN {
                    (best, total) = (state.total(), state.total());
                    best_places.copy_from_slice(state.places());
                    hot = best * HOT;
                }
            }
        }
        total = state.total();
    }
    state.restore(&best_places);
}

/// A move or an exchange that the rules allow.
pub(super) fn draw(state: &State<'_>, rules: &Rules, rng: &mut Rng) -> Option<Action> {
    let cluster = state.cluster();
    let (regions, servers) = (cluster.region_count() as u32, cluster.server_count() as u32);
    let a = Region(rng.u32(..regions));
    let from = state.at(a);
    if from.0 >= servers {
        return None;
    }
    if rng.bool() {
        let to = Server(rng.u32(..servers));
        (to != from && rules.may_move(a.0, to.0)).then_some(Action::Move(a, to))
    } else {
        let b = Region(rng.u32(..regions));
        let to = state.at(b);
        let fits = to != from && to.0 < servers && rules.may_move(a.0, to.0) && rules.may_move(b.0, from.0);
        fits.then_some(Action::Swap(a, b))
    }
}

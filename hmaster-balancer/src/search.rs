//! The search for a plan.
//!
//! It doesn't walk there. First [`targets`] say how many regions of each table every server should have; [`deal`] moves
//! just the surplus, largest regions first, to where they fit best. That makes counts and tables level with the fewest
//! moves. Then only the loads and the moves themselves are left, and [`polish`] exchanges regions of one table between
//! two servers, which leaves all counts as they are. What the targets can't know (weights that make another kind of
//! plan cheaper, cost functions of the user's own) is left to [`descent`], which looks at moves and exchanges of any
//! kind and judges them exactly.

mod classes;
mod deal;
mod descent;
mod first;
mod own;
mod polish;
mod repair;
mod slots;
mod targets;
mod view;
mod walk;

use fastrand::Rng;

use crate::budget::Meter;
use crate::constraints::Rules;
use crate::cost::Function;
use crate::state::State;
use classes::Classes;
use polish::Polish;
use slots::Slots;
use view::View;

pub(crate) use own::descend_own;
pub(crate) use walk::walk;

/// Temperature at which annealing begins, in costs of one move. From half of this upwards regions drift away from
/// home faster than exchanges bring them back; at a fifth of it little is gained.
const HOT: f64 = 0.1;

/// Regions up to which candidates of all kinds are worth half of the budget.
const SMALL: usize = 3000;

/// A point of a search's way: time, candidates, cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Milestone {
    /// Seconds since the start; 0 without a clock.
    pub seconds: f64,
    /// Candidates looked at.
    pub candidates: u64,
    /// Weighted mean of the costs.
    pub cost: f64,
    /// Regions that aren't where they were.
    pub moves: u64,
}

/// Improves the places of a state within a budget. Gives its way there.
pub(crate) fn search(
    state: &mut State<'_>,
    config: &crate::Config,
    rules: &Rules,
    meter: &mut Meter<'_>,
    seed: u64,
) -> Vec<Milestone> {
    let mut way = vec![milestone(state, meter)];
    let cluster = state.cluster();
    let mut rng = Rng::with_seed(seed);
    let back = first::first_moves(state, rules, meter);
    way.push(milestone(state, meter));
    if meter.is_stopped() {
        return way;
    }
    back.into_iter().for_each(|action| state.apply(action));
    let classes = Classes::new(cluster, rules);
    let mut view = View::new(state);
    view.look_ahead(state);
    let dealt = deal::deal(cluster, &classes, rules, &view, state.places(), &mut rng);
    let level = State::with_places(cluster, config, dealt);
    if level.total() < state.total() || cannot_stay(state, rules) {
        *state = level;
    }
    repair::keep_apart(state, &classes, rules, &view, meter, &mut rng);
    way.push(milestone(state, meter));
    if !is_level(state) {
        descent::descend(state, rules, meter, &mut rng);
        way.push(milestone(state, meter));
    }
    let is_small = cluster.region_count() <= SMALL;
    polish(state, &classes, rules, meter, &mut rng, &mut way, if is_small { 0.5 } else { 1.0 });
    if is_small {
        descent::anneal(state, rules, meter, &mut rng);
    }
    way.push(milestone(state, meter));
    way
}

/// True when exchanges inside classes are all that is left: counts are level.
fn is_level(state: &State<'_>) -> bool {
    let uneven = [Function::RegionCount, Function::PrimaryCount, Function::TableSkew];
    uneven.iter().all(|&f| state.weight(f) * state.costs()[f.index()] <= 1e-9)
        && state.cluster().locality().is_none()
        && !state.is_needed(Function::Heterogeneous)
}

/// True when some region is where it may not be.
fn cannot_stay(state: &State<'_>, rules: &Rules) -> bool {
    let cluster = state.cluster();
    state.places().iter().any(|&server| server as usize >= cluster.server_count())
        || !rules.misplaced(cluster, state.places()).is_empty()
}

/// Sweeps with less and less that an exchange must gain, then anneals until this share of the budget is spent.
fn polish(
    state: &mut State<'_>,
    classes: &Classes<'_>,
    rules: &Rules,
    meter: &mut Meter<'_>,
    rng: &mut Rng,
    way: &mut Vec<Milestone>,
    share_max: f64,
) {
    let servers = state.cluster().server_count();
    if servers < 2 || Function::OF_LOADS.iter().all(|&f| state.weight(f) <= 0.0) {
        return;
    }
    let regions = state.cluster().region_count();
    let price = state.weight(Function::Move) / regions.max(1) as f64;
    let view = View::new(state);
    let slots = Slots::new(state.cluster(), classes, rules, &view, state.places(), price);
    let rng = rng.fork();
    let mut polish = Polish { slots, state, view, rules, meter, rng };
    let mut gain = price * 16.0;
    for _ in 0..6 {
        polish.sweep(gain, 24, way);
        way.push(milestone(polish.state, polish.meter));
        gain *= 0.25;
        if polish.meter.is_over() {
            return;
        }
    }
    polish.sweep(0.0, servers, way);
    way.push(milestone(polish.state, polish.meter));
    anneal(&mut polish, price, way, share_max);
}

/// Anneals from where the sweeps ended, and ends with what was best.
fn anneal(polish: &mut Polish<'_, '_, '_>, price: f64, way: &mut Vec<Milestone>, share_max: f64) {
    let servers = polish.state.cluster().server_count();
    let (mut best, mut best_places) = (polish.state.total(), polish.state.places().to_vec());
    let begin = polish.meter.share();
    let hot = price * HOT;
    while !polish.meter.is_over() && polish.meter.share() < share_max {
        let progress = (polish.meter.share() - begin) / (share_max - begin).max(1e-9);
        let temperature = hot * (1.0 - progress / 0.9).max(0.0).powi(2);
        polish.anneal_round(temperature, servers * 4);
        if polish.state.total() < best - 1e-12 {
            best = polish.state.total();
            best_places.copy_from_slice(polish.state.places());
        }
        way.push(milestone(polish.state, polish.meter));
    }
    if best < polish.state.total() {
        polish.state.restore(&best_places);
    }
}

fn milestone(state: &State<'_>, meter: &Meter<'_>) -> Milestone {
    Milestone {
        seconds: meter.elapsed().as_secs_f64(),
        candidates: meter.spent(),
        cost: state.imbalance(),
        moves: state.moved(),
    }
}

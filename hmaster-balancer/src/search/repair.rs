//! Takes replicas apart that are still on one host or rack, by exchanging them with regions of their class.

use fastrand::Rng;

use super::classes::Classes;
use super::view::View;
use crate::budget::Meter;
use crate::cluster::Region;
use crate::constraints::Rules;
use crate::state::{Action, State};

/// Partners to try per region.
const TRIES: usize = 400;

/// Tries partners by chance for every replica that is too near another.
pub(super) fn keep_apart(
    state: &mut State<'_>,
    classes: &Classes<'_>,
    rules: &Rules,
    view: &View,
    meter: &mut Meter<'_>,
    rng: &mut Rng,
) {
    let cluster = state.cluster();
    if cluster.copies().is_none() || cluster.server_count() < 2 {
        return;
    }
    let servers = cluster.server_count() as u32;
    let crowded = |state: &State<'_>, region: u32| {
        let at = state.at(Region(region)).0;
        at < servers && view.conflicts(cluster, state.places(), region, at, |_| true)
    };
    let wrong: Vec<u32> = (0..cluster.region_count() as u32).filter(|&r| crowded(state, r)).collect();
    if wrong.is_empty() {
        return;
    }
    let mut members: Vec<Vec<u32>> = vec![Vec::new(); classes.len()];
    classes.of.iter().enumerate().for_each(|(region, &class)| members[class as usize].push(region as u32));
    for region in wrong {
        let partners = &members[classes.of[region as usize] as usize];
        for _ in 0..TRIES {
            if meter.is_over() || !crowded(state, region) {
                break;
            }
            meter.spend(1);
            let partner = partners[rng.usize(..partners.len())];
            let (from, to) = (state.at(Region(region)).0, state.at(Region(partner)).0);
            if from == to || to >= servers || !rules.may_move(region, to) || !rules.may_move(partner, from) {
                continue;
            }
            let swap = Action::Swap(Region(region), Region(partner));
            if state.change_of(swap) < 0.0 {
                state.apply(swap);
            }
        }
    }
}

//! A few moves from the fullest to the emptiest servers, so that a search that is stopped at once has something.

use crate::budget::Meter;
use crate::cluster::{Region, Server};
use crate::constraints::Rules;
use crate::state::{Action, State};

/// Servers that give, and servers that get.
const PAIRS_MAX: usize = 64;
/// Regions of one server that are tried.
const TRIES: usize = 8;

/// Makes moves that pay; gives what takes them back, in that order.
pub(super) fn first_moves(state: &mut State<'_>, rules: &Rules, meter: &mut Meter<'_>) -> Vec<Action> {
    let cluster = state.cluster();
    let mut servers: Vec<Server> = cluster.servers().collect();
    servers.sort_by_key(|&server| (state.count(server), server));
    let pairs = PAIRS_MAX.min(servers.len() / 2);
    let givers = &servers[servers.len() - pairs..];
    let mut given: Vec<Vec<Region>> = vec![Vec::new(); pairs];
    for region in cluster.regions() {
        if let Some(giver) = givers.iter().position(|&server| server == state.at(region))
            && given[giver].len() < TRIES
        {
            given[giver].push(region);
            if given.iter().all(|regions| regions.len() == TRIES) {
                break;
            }
        }
    }
    let mut back = Vec::new();
    for (regions, &to) in given.iter().rev().zip(&servers) {
        for &region in regions {
            meter.spend(1);
            let action = Action::Move(region, to);
            if rules.may_move(region.0, to.0) && state.change_of(action) < 0.0 {
                back.push(state.inverse(action));
                state.apply(action);
                break;
            }
        }
    }
    back.reverse();
    back
}

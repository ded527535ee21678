//! Bounds on the number of moves. A plan that is over them is made anew from its own moves, the most gainful first.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use crate::cluster::{Region, Server};
use crate::constraints::{Constraints, Rules};
use crate::state::{Action, State};

/// A part of a plan that is made as a whole: a move, or two moves that change places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Unit {
    region: u32,
    to: u32,
    partner: Option<u32>,
}

/// Takes from `end` what the caps allow: first what takes regions from where they must not be, then units in the order of
/// what they gain now, by a lazy queue.
pub(crate) fn keep_caps<'c>(
    start: &State<'c>,
    end: &State<'c>,
    rules: &Rules,
    caps: &Constraints,
    moves_max: usize,
) -> State<'c> {
    let mut state = start.clone();
    let mut room = Room { caps, moves: moves_max, tables: HashMap::new(), servers: HashMap::new() };
    let usable = start.cluster().server_count() as u32;
    // The smallest change of cost first; a change that was worked out before others were made is looked at again.
    let mut queue: BinaryHeap<Reverse<(i64, Unit)>> = BinaryHeap::new();
    let must_go = |region: u32| {
        let at = start.at(Region(region)).0;
        at >= usable || !rules.allows(region, at)
    };
    let is_forced = |unit: Unit| must_go(unit.region) || unit.partner.is_some_and(must_go);
    for unit in units(start, end) {
        let change = if is_forced(unit) { f64::NEG_INFINITY } else { state.change_of(unit.action()) };
        queue.push(Reverse((key(change), unit)));
    }
    while let Some(Reverse((expected, unit))) = queue.pop() {
        if !is_forced(unit) {
            let now = key(state.change_of(unit.action()));
            if now >= 0 {
                continue;
            }
            if now > expected && queue.peek().is_some_and(|Reverse((next, _))| now > *next) {
                queue.push(Reverse((now, unit)));
                continue;
            }
        }
        if room.take(&state, unit) {
            state.apply(unit.action());
        }
    }
    state
}

impl Unit {
    fn action(self) -> Action {
        match self.partner {
            Some(partner) => Action::Swap(Region(self.region), Region(partner)),
            None => Action::Move(Region(self.region), Server(self.to)),
        }
    }
}

/// The order of floats as whole numbers, 0 staying 0.
fn key(change: f64) -> i64 {
    let bits = change.to_bits() as i64;
    if bits < 0 { i64::MIN.wrapping_sub(bits) } else { bits }
}

/// Pairs moves of one table in opposite directions.
fn units(start: &State<'_>, end: &State<'_>) -> Vec<Unit> {
    let tables = start.cluster().table_indexes();
    let mut open: HashMap<(u32, u32, u32), Vec<usize>> = HashMap::new();
    let mut units: Vec<Unit> = Vec::new();
    for (region, (&from, &to)) in start.places().iter().zip(end.places()).enumerate() {
        if from == to {
            continue;
        }
        let table = tables[region];
        if let Some(other) = open.get_mut(&(table, to, from)).and_then(Vec::pop) {
            units[other].partner = Some(region as u32);
        } else {
            open.entry((table, from, to)).or_default().push(units.len());
            units.push(Unit { region: region as u32, to, partner: None });
        }
    }
    units
}

struct Room<'a> {
    caps: &'a Constraints,
    moves: usize,
    tables: HashMap<u32, usize>,
    servers: HashMap<u32, usize>,
}

impl Room<'_> {
    /// Takes room for a unit, or says that there is none.
    fn take(&mut self, state: &State<'_>, unit: Unit) -> bool {
        let count = 1 + usize::from(unit.partner.is_some());
        let table = state.cluster().table(Region(unit.region)).0;
        let servers = [state.at(Region(unit.region)).0, unit.to];
        let used = |map: &HashMap<u32, usize>, at: u32| map.get(&at).copied().unwrap_or(0) + count;
        let fits = count <= self.moves
            && self.caps.moves_per_table_max.is_none_or(|max| used(&self.tables, table) <= max)
            && self
                .caps
                .moves_per_server_max
                .is_none_or(|max| servers.iter().all(|&s| used(&self.servers, s) <= max));
        if fits {
            self.moves -= count;
            *self.tables.entry(table).or_default() += count;
            servers.iter().for_each(|&s| *self.servers.entry(s).or_default() += count);
        }
        fits
    }
}

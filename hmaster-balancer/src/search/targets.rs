//! How many regions of each class each server should have.
//!
//! The floor of the class's mean, and one more on as many servers as are left over. These extras are dealt so that
//! tables, primaries and totals stay level, and among equals to servers that have the region already: each such choice
//! saves a move.

use super::classes::{Class, Classes};
use crate::constraints::Rules;

/// Targets by class, then server.
pub(super) struct Targets {
    pub(super) servers: usize,
    pub(super) of: Vec<u32>,
}

/// Sums of targets so far.
struct Sums {
    all: Vec<u32>,
    primaries: Vec<u32>,
    /// Of the table at hand.
    table: Vec<u32>,
}

impl Targets {
    /// `have` counts regions by class, then server.
    pub(super) fn new(
        classes: &Classes<'_>,
        rules: &Rules,
        have: &[u32],
        fixed: &[u32],
        totals: &[u32],
        servers: usize,
    ) -> Self {
        let mut of = vec![0; classes.len() * servers];
        let mut sums = Sums { all: vec![0; servers], primaries: vec![0; servers], table: vec![0; servers] };
        let mut order: Vec<usize> = (0..classes.len()).collect();
        // Restricted classes first, while there is room to make up for them; primaries before the rest of a table.
        order.sort_by_key(|&c| {
            let Class { table, primary, domain } = classes.list[c];
            (rules.domain_size(domain), table, !primary)
        });
        let mut table = None;
        for c in order {
            let class = classes.list[c];
            if table.replace(class.table) != Some(class.table) {
                sums.table.fill(0);
            }
            let range = c * servers..(c + 1) * servers;
            sums.deal(class, rules, totals[c], &have[range.clone()], &fixed[range.clone()], &mut of[range]);
        }
        Self { servers, of }
    }

    pub(super) fn get(&self, class: usize, server: usize) -> u32 {
        self.of[class * self.servers + server]
    }
}

impl Sums {
    /// Deals `total` regions of a class to the servers that may have them.
    fn deal(
        &mut self,
        class: Class,
        rules: &Rules,
        total: u32,
        have: &[u32],
        fixed: &[u32],
        target: &mut [u32],
    ) {
        let mut allowed: Vec<u32> = rules.servers_of(class.domain);
        if allowed.is_empty() {
            target.copy_from_slice(have);
            return;
        }
        let count = allowed.len() as u32;
        let (floor, mut extras) = (total / count, total % count);
        for &s in &allowed {
            // Regions that can't go stay, whatever is level.
            target[s as usize] = floor.max(fixed[s as usize]);
            extras = extras.saturating_sub(target[s as usize] - floor);
        }
        let key = |&s: &u32| {
            let s = s as usize;
            let kind = if class.primary { self.primaries[s] } else { self.table[s] };
            (kind, self.all[s], have[s] <= target[s], s)
        };
        allowed.sort_by_key(key);
        for &s in allowed.iter().take(extras as usize) {
            target[s as usize] += 1;
        }
        self.settle(total, &allowed, fixed, target);
        for &s in &allowed {
            let s = s as usize;
            self.all[s] += target[s];
            self.table[s] += target[s];
            self.primaries[s] += if class.primary { target[s] } else { 0 };
        }
    }

    /// Fixed regions may have taken more than was left over: take it back from the fullest.
    fn settle(&self, total: u32, allowed: &[u32], fixed: &[u32], target: &mut [u32]) {
        let mut sum: u32 = allowed.iter().map(|&s| target[s as usize]).sum();
        while sum > total {
            let spare = |s: &&u32| target[**s as usize] > fixed[**s as usize];
            let Some(&s) =
                allowed.iter().filter(spare).max_by_key(|s| (target[**s as usize], self.all[**s as usize]))
            else {
                return;
            };
            target[s as usize] -= 1;
            sum -= 1;
        }
    }
}

//! What must hold in a world whatever goes wrong, one file each. Some are checked when a region is opened, a file moved or
//! a procedure stored, the others once everything has come to rest.

pub(super) mod durable;
mod ends;
mod ids_once;
mod open_once;
mod referenced;
mod split_first;
mod tables_whole;

use std::collections::{BTreeMap, BTreeSet};

use hmaster_procedure::StoreOp;
use hmaster_types::{ProcId, RegionInfo, ServerName, TableName};

use super::state::State;

/// What clients were told, and what was found to be wrong.
#[derive(Debug, Default)]
pub struct Truth {
    /// What must not be and was.
    pub violations: Vec<String>,
    /// Region servers that ended themselves, and why.
    pub aborts: Vec<String>,
    /// Somebody has declared the cluster down.
    pub is_going_down: bool,
    /// Procedures that were ever stored.
    ids: ids_once::Ids,
    /// Users' rows.
    pub(super) rows: BTreeMap<(TableName, Vec<u8>), Written>,
}

/// What was written to a user's row. Values only rise.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Written {
    /// The last value that was acknowledged.
    pub(super) acknowledged: u64,
    /// The last value that was tried.
    pub(super) tried: u64,
}

impl State {
    /// Checks what must hold when a server opens a region.
    pub(super) fn check_open(&mut self, server: &ServerName, region: &RegionInfo) {
        let mut found: Vec<_> = open_once::check(self, server, region).into_iter().collect();
        found.extend(split_first::check(self, server, region));
        self.truth.violations.extend(found);
    }

    /// The Java classes of all procedures that were ever stored with this id or a later one.
    pub fn classes_since(&self, id: ProcId) -> BTreeSet<String> {
        self.truth.ids.range(id.0..).map(|(_, (class, _))| class.clone()).collect()
    }

    /// Checks what must hold when procedures are stored.
    pub(super) fn check_ids(&mut self, batch: &[StoreOp]) {
        let found = ids_once::check(&mut self.truth.ids, batch);
        self.truth.violations.extend(found);
    }

    /// Checks what must hold when files change.
    pub(super) fn check_references(&mut self) {
        let found = referenced::check(&self.root);
        let new = found.into_iter().filter(|one| !self.truth.violations.contains(one)).collect::<Vec<_>>();
        self.truth.violations.extend(new);
    }

    /// Checks what must hold at rest.
    pub fn check_rest(&mut self) {
        let mut found = tables_whole::check(self);
        found.extend(durable::check(self));
        found.extend(ends::check(self));
        self.truth.violations.extend(found);
    }
}

//! What a start brings to an end because no procedure does: regions and tables that hbase:meta has between two states.
//! Counterpart of `AssignmentManager.processOfflineRegions`, which looks at nothing but OFFLINE regions: Java leaves the
//! others to an operator, because it doesn't lose its procedures. Here they may be lost, with all of the master's store
//! (protocol.md §9.1).
//!
//! Decides only; [`super::reconcile`] acts, and [`crate::takeover`] prints. A region that its server may have open, or may
//! still open, is never given to another (danger 2): it is brought to an end where it is, or by its server's recovery.
//!
//! A region of an enabled table that is closed is opened, whoever has closed it: what a master was about to do with it
//! can't be told from what an operator has done.

use std::collections::{BTreeMap, BTreeSet};

use hmaster_types::{EncodedName, RegionState, ServerName, TableName, TableState};

use super::Covered;
use crate::assignment::RegionRecord;
use crate::catalog::LoadedMeta;

/// What is known when hbase:meta has been read.
pub(crate) struct Known<'a> {
    /// hbase:meta.
    pub(crate) meta: &'a LoadedMeta,
    /// The tables that have schemas.
    pub(crate) schemas: BTreeSet<TableName>,
    /// What procedures have in hand.
    pub(crate) covered: &'a Covered,
    /// Whether a server lives.
    pub(crate) is_live: &'a dyn Fn(&ServerName) -> bool,
}

/// What becomes of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RegionStep {
    /// It is nowhere, and is opened.
    Open,
    /// Its server is asked, and told, until it is open.
    SettleOpen,
    /// Its server is asked, and told, until it is closed.
    SettleClosed,
    /// Its server is dead; the recovery opens it elsewhere.
    Recover,
    /// It is left alone, for a reason.
    Leave(&'static str),
}

/// What becomes of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TableStep {
    /// It has no state, or the start can't do without it: it is enabled from now on.
    CountAsEnabled,
    /// It is enabled to the end.
    Enable,
    /// It is disabled to the end.
    Disable,
    /// It is left alone, for a reason.
    Leave(&'static str),
}

/// What no procedure brings to an end. What is missing here is as it should be.
#[derive(Debug, Default)]
pub(crate) struct ReconcilePlan {
    /// By region, in the order of hbase:meta.
    pub(crate) regions: Vec<(RegionRecord, RegionStep)>,
    /// By table.
    pub(crate) tables: Vec<(TableName, TableStep)>,
}

const NO_SCHEMA: &str = "its table has no schema";

impl ReconcilePlan {
    /// What `known` comes to.
    pub(crate) fn new(known: &Known<'_>) -> Self {
        let mut states: BTreeMap<TableName, TableState> = known.meta.tables.iter().cloned().collect();
        let tables = tables(known, &states);
        let stateless = tables.iter().filter(|(_, step)| *step == TableStep::CountAsEnabled);
        states.extend(stateless.map(|(table, _)| (table.clone(), TableState::Enabled)));
        let step = |record: &RegionRecord| Some((record.clone(), region(known, &states, record)?));
        Self { regions: known.meta.regions.iter().filter_map(step).collect(), tables }
    }

    /// The tables of one step.
    pub(crate) fn tables_of(&self, step: TableStep) -> impl Iterator<Item = &TableName> {
        self.tables.iter().filter(move |(_, is)| *is == step).map(|(table, _)| table)
    }
}

fn tables(known: &Known<'_>, states: &BTreeMap<TableName, TableState>) -> Vec<(TableName, TableStep)> {
    let of_regions = known.meta.regions.iter().map(|record| record.info.table());
    let all: BTreeSet<&TableName> = of_regions.chain(states.keys()).collect();
    let free = all.into_iter().filter(|table| !table.is_meta() && !known.covered.has_table(table));
    let step = |table: &TableName| {
        let has_schema = known.schemas.contains(table);
        Some(match states.get(table) {
            _ if !has_schema => TableStep::Leave("it has no schema"),
            None => TableStep::CountAsEnabled,
            // The start itself needs it, and procedures of tables wait for the start.
            Some(TableState::Enabling | TableState::Disabling) if *table == TableName::namespace_table() => {
                TableStep::CountAsEnabled
            }
            Some(TableState::Enabling) => TableStep::Enable,
            Some(TableState::Disabling) => TableStep::Disable,
            Some(TableState::Enabled | TableState::Disabled) => return None,
        })
    };
    free.filter_map(|table| Some((table.clone(), step(table)?))).collect()
}

fn region(
    known: &Known<'_>,
    states: &BTreeMap<TableName, TableState>,
    record: &RegionRecord,
) -> Option<RegionStep> {
    use RegionState::{
        AbnormallyClosed, Closed, Closing, FailedClose, FailedOpen, Merged, Merging, MergingNew, Offline,
        Open, Opening, Split, Splitting, SplittingNew,
    };
    let (info, state) = (&record.info, record.state);
    let is_gone = info.is_split_parent() || state.is_one_of(&[Split, Merged]);
    if info.is_meta() || is_gone || known.covered.has_region(info) {
        return None;
    }
    let may_be_open = state.is_one_of(&[Open, Opening, Closing, Splitting, Merging]);
    let place = record.location.as_ref().filter(|_| may_be_open);
    if place.is_some_and(|server| !(known.is_live)(server)) {
        // Those of disabled tables stay shut.
        let is_disabled = states.get(info.table()) == Some(&TableState::Disabled);
        return (!is_disabled).then_some(RegionStep::Recover);
    }
    if !known.schemas.contains(info.table()) {
        return Some(RegionStep::Leave(NO_SCHEMA));
    }
    // What is between two states goes with its table.
    let enabled = match states.get(info.table())? {
        TableState::Enabled => true,
        TableState::Disabled => false,
        TableState::Enabling | TableState::Disabling => return None,
    };
    match (state, place) {
        // No procedure leaves it so, but an operator may.
        (Open, Some(_)) => {
            (!enabled).then_some(RegionStep::Leave("it is open, though its table is disabled"))
        }
        (Open, None) => Some(RegionStep::Leave("it is open, and hbase:meta doesn't say where")),
        (FailedClose, _) => Some(RegionStep::Leave("a release before 2.0 gave up closing it")),
        (SplittingNew | MergingNew, _) if !is_made(known, info.encoded_name()) => {
            Some(RegionStep::Leave("it is to replace others that are still there"))
        }
        (_, Some(_)) if enabled => Some(RegionStep::SettleOpen),
        (_, Some(_)) => Some(RegionStep::SettleClosed),
        (Opening | Closing | Splitting | Merging | Offline | Closed | AbnormallyClosed, None)
        | (FailedOpen | SplittingNew | MergingNew | Split | Merged, None) => {
            enabled.then_some(RegionStep::Open)
        }
    }
}

/// Whether the region has taken the place of those that it was made of.
fn is_made(known: &Known<'_>, region: EncodedName) -> bool {
    known.meta.made.contains(&region)
}

impl RegionStep {
    /// Why it is left alone, if it is.
    pub(crate) fn reason(self) -> Option<&'static str> {
        match self {
            Self::Leave(reason) => Some(reason),
            Self::Open | Self::SettleOpen | Self::SettleClosed | Self::Recover => None,
        }
    }

    /// What is said of all regions of this step.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Open => "Regions that are nowhere, to be opened",
            Self::SettleOpen => {
                "Regions between two states on servers that live: these are asked, and told, until they are open there"
            }
            Self::SettleClosed => {
                "Regions of disabled tables between two states on servers that live: these are asked, and told, until \
                 they are closed"
            }
            Self::Recover => {
                "Regions on servers that aren't there, opened elsewhere once their WALs are split"
            }
            Self::Leave(_) => "Regions that are left alone",
        }
    }
}

impl TableStep {
    /// Why it is left alone, if it is.
    pub(crate) fn reason(self) -> Option<&'static str> {
        match self {
            Self::Leave(reason) => Some(reason),
            Self::CountAsEnabled | Self::Enable | Self::Disable => None,
        }
    }

    /// What is said of all tables of this step.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::CountAsEnabled => "Tables that count as enabled from now on",
            Self::Enable => "Tables that are being enabled, to be enabled to the end",
            Self::Disable => "Tables that are being disabled, to be disabled to the end",
            Self::Leave(_) => "Tables that are left alone",
        }
    }
}

#[cfg(test)]
mod tests;

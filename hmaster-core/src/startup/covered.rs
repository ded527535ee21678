//! What procedures have in hand that were loaded from the store: nobody else may touch it.

use std::any::Any;
use std::collections::BTreeSet;

use hmaster_procedure::{LoadPlan, LockMode, Procedure, Resource, StateMachineProcedure};
use hmaster_types::{EncodedName, ProcId, RegionInfo, ServerName, TableName};

use crate::assignment::transit::TransitRegionState;
use crate::crash::ServerCrash;
use crate::environment::{MasterEnv, Reign};
use crate::locking;
use crate::tables::init_meta;

/// What procedures have in hand, or wait for.
#[derive(Debug, Default)]
pub(crate) struct Covered {
    /// Dead servers that are being recovered.
    pub(crate) crashes: BTreeSet<ServerName>,
    recoveries: BTreeSet<ProcId>,
    /// Regions that are to be opened because their server died: its WALs are split.
    recovered: BTreeSet<EncodedName>,
    regions: BTreeSet<EncodedName>,
    tables: BTreeSet<TableName>,
}

impl Covered {
    /// By the procedures of a store that is only looked at.
    pub(crate) fn of_plan(plan: &LoadPlan<MasterEnv>) -> Self {
        let mut covered = Self::default();
        for row in plan.procedures() {
            let (id, parent) = (ProcId(row.record.proc_id), row.record.parent_id.map(ProcId));
            row.procedure.iter().for_each(|procedure| covered.note(id, parent, &**procedure));
        }
        covered
    }

    /// By the procedures of a master. None of them may be in a step, see [`hmaster_procedure::ProcedureExecutor::visit`].
    pub(crate) fn of_reign(reign: &Reign) -> Self {
        let mut covered = Self::default();
        reign.executor().visit(|place, procedure| covered.note(place.id, place.parent, procedure));
        covered
    }

    /// Parents come before their children. What a procedure locks it has in hand; a lock that a client holds does
    /// nothing by itself.
    pub(super) fn note(&mut self, id: ProcId, parent: Option<ProcId>, procedure: &dyn Procedure<MasterEnv>) {
        if procedure.class_name() == locking::CLASS {
            return;
        }
        if procedure.class_name() == init_meta::CLASS {
            self.regions.insert(EncodedName::META);
        }
        for (resource, mode) in procedure.locks().parts() {
            match (resource, mode) {
                (Resource::Region(region), _) => drop(self.regions.insert(*region)),
                (Resource::Table(table), LockMode::Exclusive) => drop(self.tables.insert(table.clone())),
                _ => {}
            }
        }
        let any: &dyn Any = procedure;
        if let Some(crash) = any.downcast_ref::<StateMachineProcedure<ServerCrash>>() {
            self.crashes.insert(crash.machine().server().clone());
            self.recoveries.insert(id);
        }
        if let Some(transit) = any.downcast_ref::<StateMachineProcedure<TransitRegionState>>()
            && parent.is_some_and(|parent| self.recoveries.contains(&parent))
        {
            self.recovered.insert(transit.machine().region().encoded_name());
        }
    }

    /// Whether somebody has the region in hand, alone or with its table.
    pub(crate) fn has_region(&self, region: &RegionInfo) -> bool {
        self.regions.contains(&region.encoded_name()) || self.tables.contains(region.table())
    }

    /// Whether somebody has the table in hand.
    pub(crate) fn has_table(&self, table: &TableName) -> bool {
        self.tables.contains(table)
    }

    /// Whether a recovery has given the region to a procedure, after the WALs of its server were split.
    pub(crate) fn is_recovered(&self, region: EncodedName) -> bool {
        self.recovered.contains(&region)
    }
}

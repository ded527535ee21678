//! What becomes of a dead server's regions.

use hmaster_procedure::{Delivery, Procedure, StateFlow, StepContext};
use hmaster_types::{ProcId, RegionInfo, TableState};

use super::{ServerCrash, State};
use crate::assignment::transit::TransitRegionStateProcedure;
use crate::assignment::{RegionError, RegionNode};
use crate::environment::MasterEnv;
use crate::error::StepError;
use crate::message::Message;

/// What to do about one region.
enum Verdict {
    /// It isn't on the dead server any more.
    Elsewhere,
    /// An open or close waits for the dead server's report.
    TellRemote(ProcId),
    /// A procedure has it in hand and waits for nobody.
    MarkClosed(Option<ProcId>),
    /// Its table is disabled.
    Leave,
    /// Nobody has it in hand.
    Assign,
}

impl ServerCrash {
    /// Has regions of the dead server opened elsewhere, or tells the procedures that have them in hand.
    pub(super) async fn assign(
        &self,
        cx: &StepContext<'_, MasterEnv>,
        regions: Vec<RegionInfo>,
        then: State,
    ) -> Result<StateFlow<MasterEnv, State>, StepError> {
        let force_new_plan = !cx.env().options.assignment.retain_after_crash;
        let mut assigns: Vec<TransitRegionStateProcedure> = Vec::new();
        for region in regions {
            match self.assign_one(cx, &region, force_new_plan).await {
                Ok(assign) => assigns.extend(assign),
                Err(error) => {
                    // The step will run again, and must find the regions as they were.
                    assigns.iter().for_each(|assign| cx.env().abandon(assign));
                    return Err(error);
                }
            }
        }
        let children: Vec<Box<dyn Procedure<MasterEnv>>> =
            assigns.into_iter().map(|assign| Box::new(assign) as Box<dyn Procedure<MasterEnv>>).collect();
        tracing::info!(server = %self.server, regions = children.len(), "assigning regions of a dead server");
        Ok(match children.is_empty() {
            true => StateFlow::To(then),
            false => StateFlow::Children { children, then: Some(then) },
        })
    }

    async fn assign_one(
        &self,
        cx: &StepContext<'_, MasterEnv>,
        region: &RegionInfo,
        force_new_plan: bool,
    ) -> Result<Option<TransitRegionStateProcedure>, StepError> {
        let env = cx.env();
        let crashed = || Message::ServerCrashed { server: self.server.clone(), force_new_plan };
        loop {
            // No step of the region's own procedures is in its middle while this is held.
            let guard = env.region_locks.lock(region.encoded_name()).await;
            let Some(node) = env.regions.get(region.encoded_name()) else { return Ok(None) };
            match self.judge(env, &node) {
                Verdict::Elsewhere | Verdict::Leave => return Ok(None),
                Verdict::TellRemote(remote) => {
                    // A message waits for the end of a step, and the step for this lock.
                    drop(guard);
                    match cx.deliver(remote, crashed()).await {
                        Delivery::Accepted | Delivery::Rejected(_) => return Ok(None),
                        // It has just ended: look again at what it left.
                        Delivery::NoSuchProcedure => env.regions.detach_remote(region.encoded_name(), remote),
                    }
                }
                Verdict::MarkClosed(owner) => {
                    let record = env.regions.closed_abnormally(region.encoded_name())?;
                    env.record_region(&record).await?;
                    drop(guard);
                    let Some(owner) = owner else { return Ok(None) };
                    match cx.deliver(owner, crashed()).await {
                        Delivery::Accepted | Delivery::Rejected(_) => return Ok(None),
                        // It let go of the region before it was marked, or has seen the mark: look again.
                        Delivery::NoSuchProcedure => {}
                    }
                }
                Verdict::Assign => {
                    // Whatever the server was told is of no matter any more.
                    env.regions.settle(region.encoded_name());
                    match env.assign(region, None, force_new_plan) {
                        Ok(assign) => return Ok(Some(assign)),
                        // Somebody has just claimed it: look again.
                        Err(RegionError::InTransition { .. }) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
            }
        }
    }

    fn judge(&self, env: &MasterEnv, node: &RegionNode) -> Verdict {
        // An operator may have it recovered because a region is nowhere after an open that was never confirmed.
        let is_nowhere = self.by_order && node.location().is_none() && node.owner().is_none();
        if node.location() != Some(&self.server) && !is_nowhere {
            return Verdict::Elsewhere;
        }
        if let Some(remote) = node.remote() {
            return Verdict::TellRemote(remote);
        }
        if node.owner().is_some() {
            return Verdict::MarkClosed(node.procedure());
        }
        // Only when it is disabled: a region of a table that is being disabled has edits to be replayed (danger 21).
        match env.tables.get(node.info().table()) {
            Some(TableState::Disabled) => Verdict::Leave,
            _ => Verdict::Assign,
        }
    }
}

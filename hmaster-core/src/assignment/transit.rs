//! Brings a region from where it is to where it should be: open somewhere, closed, elsewhere, or open anew. Counterpart
//! of `TransitRegionStateProcedure`.
//!
//! Differs from Java in that a procedure that finds nothing left to do when it gets its locks ends at once: a region that
//! is open on a live server isn't assigned again, whoever asked for it (danger 2).

mod codec;
mod steps;

use async_trait::async_trait;
use hmaster_procedure::{
    HookContext, LockRequest, Priority, Reaction, StateFlow, StateMachine, StateMachineProcedure, StepContext,
};
use hmaster_protocol::pb;
use hmaster_types::{RegionInfo, ServerName};

use crate::assignment::{Claim, RegionError, region_node::expected};
use crate::environment::MasterEnv;
use crate::message::{Event, Message};

pub use codec::decode;

/// What is to become of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// Open, from nowhere.
    Assign,
    /// Closed.
    Unassign,
    /// Open on another server.
    Move,
    /// Closed and opened again, to take up a new schema.
    Reopen,
}

hmaster_procedure::machine_states! {
    /// The states, with the numbers of `RegionStateTransitionState`.
    pub enum State {
        GetAssignCandidate = 1, "REGION_STATE_TRANSITION_GET_ASSIGN_CANDIDATE";
        Open = 2, "REGION_STATE_TRANSITION_OPEN";
        ConfirmOpened = 3, "REGION_STATE_TRANSITION_CONFIRM_OPENED";
        Close = 4, "REGION_STATE_TRANSITION_CLOSE";
        ConfirmClosed = 5, "REGION_STATE_TRANSITION_CONFIRM_CLOSED";
    }
}

/// One region's way.
#[derive(Debug)]
pub struct TransitRegionState {
    region: RegionInfo,
    transition: Transition,
    /// Where the region should go, if somebody said so.
    candidate: Option<ServerName>,
    /// Whether to ask the balancer even if the region has a place.
    force_new_plan: bool,
    /// Whether the region is closed in order to be split or merged.
    is_split: bool,
    evict_cache: bool,
    /// The right to the region, until the first step; not stored.
    claim: Option<Claim>,
    /// Where the last step decided to open the region; not stored, because the next step can decide again.
    target: Option<ServerName>,
}

impl Transition {
    /// Under what name its procedures are counted. Counterpart of the four `ProcedureMetrics` that
    /// `TransitRegionStateProcedure` chooses from.
    pub fn metrics_name(self) -> &'static str {
        match self {
            Self::Assign => "TransitRegionStateProcedure:ASSIGN",
            Self::Unassign => "TransitRegionStateProcedure:UNASSIGN",
            Self::Move => "TransitRegionStateProcedure:MOVE",
            Self::Reopen => "TransitRegionStateProcedure:REOPEN",
        }
    }
}

/// The Java class.
pub const CLASS: &str = "org.apache.hadoop.hbase.master.assignment.TransitRegionStateProcedure";

/// A procedure that is ready to be submitted or to be returned as a child.
pub type TransitRegionStateProcedure = StateMachineProcedure<TransitRegionState>;

/// Makes procedures. Each reserves its region at once, so that no second one is made for it.
impl MasterEnv {
    /// Opens a region, at `target` if that is given, and else where it was or where the balancer says.
    ///
    /// # Errors
    /// When the region isn't known, or another procedure has it in hand.
    pub fn assign(
        &self,
        region: &RegionInfo,
        target: Option<ServerName>,
        force_new_plan: bool,
    ) -> Result<TransitRegionStateProcedure, RegionError> {
        let claim = self.regions.claim(region.encoded_name(), |_| Ok(()))?;
        Ok(self.transit(region, Transition::Assign, target, force_new_plan, claim))
    }

    /// Closes a region.
    ///
    /// # Errors
    /// When the region isn't known, or another procedure has it in hand.
    pub fn unassign(&self, region: &RegionInfo) -> Result<TransitRegionStateProcedure, RegionError> {
        let claim = self.regions.claim(region.encoded_name(), |_| Ok(()))?;
        Ok(self.transit(region, Transition::Unassign, None, false, claim))
    }

    /// Opens a region, whichever procedure has it in hand. Counterpart of `createOneAssignProcedure` with `override`.
    ///
    /// # Errors
    /// When the region isn't known.
    pub fn assign_overriding(&self, region: &RegionInfo) -> Result<TransitRegionStateProcedure, RegionError> {
        let claim = self.regions.seize(region.encoded_name())?;
        // Where it may be open or about to be it is opened again, and nowhere else (danger 2).
        let place = self.regions.with(region.encoded_name(), |node| node.location().cloned()).flatten();
        let place = place.filter(|server| self.regions.may_be_open_on(region.encoded_name(), server));
        Ok(self.transit(region, Transition::Assign, place, false, claim))
    }

    /// Closes a region, whichever procedure has it in hand. Counterpart of `createOneUnassignProcedure` with `override`.
    ///
    /// # Errors
    /// When the region isn't known.
    pub fn unassign_overriding(
        &self,
        region: &RegionInfo,
    ) -> Result<TransitRegionStateProcedure, RegionError> {
        let claim = self.regions.seize(region.encoded_name())?;
        Ok(self.transit(region, Transition::Unassign, None, false, claim))
    }

    /// Closes a region that is to be split or merged.
    ///
    /// # Errors
    /// When the region isn't known, or another procedure has it in hand.
    pub fn unassign_for_split_or_merge(
        &self,
        region: &RegionInfo,
    ) -> Result<TransitRegionStateProcedure, RegionError> {
        let mut procedure = self.unassign(region)?;
        procedure.machine_mut().is_split = true;
        Ok(procedure)
    }

    /// Moves an open region, to `target` if that is given.
    ///
    /// # Errors
    /// When the region isn't known or isn't open, or another procedure has it in hand.
    pub fn move_region(
        &self,
        region: &RegionInfo,
        target: Option<ServerName>,
    ) -> Result<TransitRegionStateProcedure, RegionError> {
        let open = |node: &crate::assignment::RegionNode| Ok(node.expect(expected::ON_UNASSIGN_OR_MOVE)?);
        let claim = self.regions.claim(region.encoded_name(), open)?;
        let force_new_plan = target.is_none();
        Ok(self.transit(region, Transition::Move, target, force_new_plan, claim))
    }

    /// Closes an open region and opens it again where it is.
    ///
    /// # Errors
    /// When the region isn't known or isn't open, or another procedure has it in hand.
    pub fn reopen(&self, region: &RegionInfo) -> Result<TransitRegionStateProcedure, RegionError> {
        let mut place = None;
        let claim = self.regions.claim(region.encoded_name(), |node| {
            place = node.location().cloned();
            Ok(node.expect(expected::ON_UNASSIGN_OR_MOVE)?)
        })?;
        Ok(self.transit(region, Transition::Reopen, place, false, claim))
    }

    /// Gives up a procedure that isn't submitted after all: its region is free again.
    pub(crate) fn abandon(&self, procedure: &TransitRegionStateProcedure) {
        let machine = procedure.machine();
        if let Some(claim) = machine.claim {
            self.regions.unclaim(machine.region.encoded_name(), claim);
        }
    }

    fn transit(
        &self,
        region: &RegionInfo,
        transition: Transition,
        candidate: Option<ServerName>,
        force_new_plan: bool,
        claim: Claim,
    ) -> TransitRegionStateProcedure {
        StateMachineProcedure::new(TransitRegionState {
            region: region.clone(),
            transition,
            candidate,
            force_new_plan,
            is_split: false,
            evict_cache: self.options.assignment.evict_on_close,
            claim: Some(claim),
            target: None,
        })
    }
}

impl TransitRegionState {
    /// The region.
    pub fn region(&self) -> &RegionInfo {
        &self.region
    }

    /// The right to the region that it was made with, before its first step.
    pub(crate) fn claim(&self) -> Option<Claim> {
        self.claim
    }

    fn last_state(&self) -> State {
        if self.transition == Transition::Unassign { State::ConfirmClosed } else { State::ConfirmOpened }
    }
}

#[async_trait]
impl StateMachine<MasterEnv> for TransitRegionState {
    type State = State;

    fn class_name(&self) -> &'static str {
        CLASS
    }

    fn metrics_name(&self) -> &'static str {
        self.transition.metrics_name()
    }

    fn details(&self) -> String {
        let kind = match self.transition {
            Transition::Assign => "ASSIGN",
            Transition::Unassign => "UNASSIGN",
            Transition::Move | Transition::Reopen => "REOPEN/MOVE",
        };
        let (table, region) = (self.region.table(), self.region.encoded_name());
        format!("TransitRegionStateProcedure table={table}, region={region}, {kind}")
    }

    fn initial_state(&self) -> State {
        if self.transition == Transition::Assign { State::GetAssignCandidate } else { State::Close }
    }

    fn locks(&self) -> LockRequest {
        LockRequest::regions(self.region.table(), [self.region.encoded_name()])
    }

    fn holds_lock(&self) -> bool {
        true
    }

    fn priority(&self, _: State) -> Priority {
        Priority::of_table(self.region.table())
    }

    /// Without hbase:meta nothing can be recorded, so nothing is begun.
    fn wait_before(&self, env: &MasterEnv) -> Option<Event> {
        if self.region.is_meta() { None } else { env.meta_wait() }
    }

    async fn execute_state(
        &mut self,
        state: State,
        cx: &mut StepContext<'_, MasterEnv>,
    ) -> StateFlow<MasterEnv, State> {
        let env = cx.env();
        let _guard = env.region_locks.lock(self.region.encoded_name()).await;
        if let Some(end) = self.take_region(state, cx) {
            return end;
        }
        let result = match state {
            State::GetAssignCandidate => self.choose(cx).await,
            State::Open => self.open(cx).await,
            State::ConfirmOpened => self.confirm_opened(cx).await,
            State::Close => self.close(cx).await,
            State::ConfirmClosed => self.confirm_closed(cx),
        };
        let flow = result.unwrap_or_else(|error| {
            tracing::warn!(pid = %cx.id(), region = %self.region.encoded_name(), %error, "trying again later");
            StateFlow::RetryLater
        });
        if matches!(flow, StateFlow::End | StateFlow::Fail(_)) {
            // Under the lock: whoever looks at the region next sees that nobody will look after it any more.
            env.regions.detach(self.region.encoded_name(), cx.id());
        }
        flow
    }

    fn on_message(&mut self, _: &HookContext<'_, MasterEnv>, message: Message) -> Reaction {
        match message {
            // The recovery has marked the region; all that is left to say is where not to go back to.
            Message::ServerCrashed { force_new_plan, .. } => {
                self.force_new_plan |= force_new_plan;
                Reaction::wake()
            }
            Message::Transition { .. }
            | Message::NotDispatched { .. }
            | Message::RemoteDone { .. }
            | Message::LockHeartbeat { .. } => Reaction::ignore(),
        }
    }

    fn state_messages(&self) -> Vec<pb::Any> {
        vec![pb::Any::pack(&codec::region_data(&self.region)), pb::Any::pack(&self.state_data())]
    }

    fn completed(&mut self, cx: &HookContext<'_, MasterEnv>) {
        cx.env().regions.detach(self.region.encoded_name(), cx.id());
    }

    fn after_load(&mut self, cx: &HookContext<'_, MasterEnv>) {
        cx.env().regions.attach_loaded(&self.region, cx.id());
    }
}

//! What a region's way consists of. Each step holds the region's lock and may run again after a crash.

use std::time::Duration;

use hmaster_procedure::{Procedure, StateFlow, StepContext};
use hmaster_types::{JavaException, RegionState, ServerName, TableState, class};

use super::{State, TransitRegionState, Transition};
use crate::assignment::region_remote::{CloseRegion, OpenRegion};
use crate::assignment::{RegionError, RegionNode};
use crate::environment::MasterEnv;
use crate::error::StepError;
use crate::message::Event;

type Step = Result<StateFlow<MasterEnv, State>, StepError>;

impl TransitRegionState {
    /// Makes the region this procedure's own. Ends the procedure when the region is gone, or is another's by now: an
    /// operator has overridden this one, which holds the lock that the other waits for.
    pub(super) fn take_region(
        &mut self,
        state: State,
        cx: &StepContext<'_, MasterEnv>,
    ) -> Option<StateFlow<MasterEnv, State>> {
        let region = self.region.encoded_name();
        match cx.env().regions.attach(region, cx.id(), self.claim.take()) {
            Ok(()) => None,
            Err(RegionError::Unknown(_)) => {
                tracing::warn!(pid = %cx.id(), %region, ?state, "the region is gone, nothing to do");
                Some(StateFlow::End)
            }
            Err(error) => {
                tracing::warn!(pid = %cx.id(), %error, ?state, "left to the procedure that has the region now");
                Some(StateFlow::End)
            }
        }
    }

    fn node(&self, env: &MasterEnv) -> Result<RegionNode, RegionError> {
        let region = self.region.encoded_name();
        env.regions.get(region).ok_or(RegionError::Unknown(region))
    }

    /// Finds a server for the region.
    pub(super) async fn choose(&mut self, cx: &StepContext<'_, MasterEnv>) -> Step {
        let env = cx.env();
        let node = self.node(env)?;
        if !self.region.is_default_replica()
            && env.regions.get(self.region.with_replica(0).encoded_name()).is_none()
        {
            tracing::warn!(region = %self.region, "a replica of a region that doesn't exist isn't assigned");
            return Ok(StateFlow::End);
        }
        if let Some(server) = node.doubtful_place() {
            return Ok(self.settle(&node, server, cx));
        }
        if is_open_on_live_server(&node, env) {
            return Ok(StateFlow::To(State::ConfirmOpened));
        }
        let wish = if self.force_new_plan { None } else { self.candidate.as_ref().or(node.last_host()) };
        match env.placement.choose(env, &self.region, wish).await {
            Some(server) => {
                self.target = Some(server);
                Ok(StateFlow::To(State::Open))
            }
            None => Ok(StateFlow::Wait { event: Event::ServerAssignable, then: None }),
        }
    }

    /// Danger 2: a region that its server may have been told to open or close, nobody knows by whom, is brought to an end
    /// on that server. If that is dead, its recovery marks the region (danger 1).
    fn settle(
        &mut self,
        node: &RegionNode,
        server: &ServerName,
        cx: &StepContext<'_, MasterEnv>,
    ) -> StateFlow<MasterEnv, State> {
        if !cx.env().servers.is_online(server) {
            return wait_for_recovery(cx);
        }
        if node.is_in(&[RegionState::Closing, RegionState::Splitting, RegionState::Merging]) {
            return StateFlow::To(State::Close);
        }
        self.target = Some(server.clone());
        StateFlow::To(State::Open)
    }

    /// Records that the region is being opened, then has it opened.
    pub(super) async fn open(&mut self, cx: &StepContext<'_, MasterEnv>) -> Step {
        let env = cx.env();
        let node = self.node(env)?;
        let place = self.target.take().or(node.location().cloned());
        if node.doubtful_place().is_some_and(|server| !env.servers.is_online(server)) {
            return Ok(wait_for_recovery(cx));
        }
        let Some(server) = place.filter(|server| env.servers.is_online(server)) else {
            // The choice wasn't recorded before a crash, or the server has died since.
            self.force_new_plan = true;
            return Ok(StateFlow::To(State::GetAssignCandidate));
        };
        let record = env.regions.opening(self.region.encoded_name(), &server)?;
        if !env.servers.is_online(&server) {
            if node.doubtful_place().is_some() {
                return Ok(wait_for_recovery(cx));
            }
            // It died after the look above, and its recovery may have missed the region.
            env.regions.clear_location(self.region.encoded_name())?;
            self.force_new_plan = true;
            return Ok(StateFlow::To(State::GetAssignCandidate));
        }
        env.record_region(&record).await?;
        env.metrics.operations.increment();
        let child: Box<dyn Procedure<MasterEnv>> = Box::new(OpenRegion::new(self.region.clone(), server));
        Ok(StateFlow::Children { children: vec![child], then: Some(State::ConfirmOpened) })
    }

    /// Looks at what came of the open.
    pub(super) async fn confirm_opened(&mut self, cx: &StepContext<'_, MasterEnv>) -> Step {
        let env = cx.env();
        if self.node(env)?.state() == RegionState::Open {
            return Ok(match self.last_state() {
                State::ConfirmOpened => StateFlow::End,
                // The region had to be opened first to get at the edits of a dead server; now it can be closed.
                _ => StateFlow::To(State::Close),
            });
        }
        if self.node(env)?.doubtful_place().is_some() {
            // Nothing is proven: it is tried again where it may be.
            return Ok(wait_for_recovery(cx));
        }
        let failed = env.regions.failed_to_open(self.region.encoded_name())?;
        tracing::info!(pid = %cx.id(), region = %self.region.encoded_name(), failed, "the region isn't open, trying elsewhere");
        if failed >= env.options.assignment.attempts_max {
            let record = env.regions.give_up_opening(self.region.encoded_name())?;
            env.record_region(&record).await?;
            let message = format!("Max attempts {} exceeded", env.options.assignment.attempts_max);
            return Ok(StateFlow::Fail(JavaException::new(class::RETRIES_EXHAUSTED, message)));
        }
        self.force_new_plan = true;
        let at_once = env.options.assignment.immediate_retries_max;
        Ok(match failed.checked_sub(at_once + 1) {
            None => StateFlow::To(State::GetAssignCandidate),
            Some(late) => StateFlow::Sleep {
                duration: backoff(env, late),
                durable: false,
                then: Some(State::GetAssignCandidate),
            },
        })
    }

    /// Records that the region is being closed, then has it closed.
    pub(super) async fn close(&mut self, cx: &StepContext<'_, MasterEnv>) -> Step {
        use RegionState::{Closed, Closing, Merging, Open, Splitting};
        let env = cx.env();
        let node = self.node(env)?;
        let place = node.location().filter(|_| node.is_in(&[Open, Closing, Splitting, Merging]));
        let Some(server) = place.cloned() else {
            let is_wanted = self.transition != Transition::Unassign
                && !env.tables.is_in(self.region.table(), &[TableState::Disabled, TableState::Disabling]);
            if node.state() == Closed && !is_wanted {
                return Ok(StateFlow::End);
            }
            // It isn't open in good order. It must be opened once, so that the edits of a dead server are replayed.
            self.force_new_plan = true;
            return Ok(StateFlow::To(State::GetAssignCandidate));
        };
        let record = env.regions.closing(self.region.encoded_name())?;
        env.record_region(&record).await?;
        env.metrics.operations.increment();
        let evict = if self.is_split { env.options.assignment.evict_on_split } else { self.evict_cache };
        let close = CloseRegion::new(self.region.clone(), server, self.candidate.clone(), evict);
        Ok(StateFlow::Children { children: vec![Box::new(close)], then: Some(State::ConfirmClosed) })
    }

    /// Looks at what came of the close.
    pub(super) fn confirm_closed(&mut self, cx: &StepContext<'_, MasterEnv>) -> Step {
        let node = self.node(cx.env())?;
        Ok(match (node.state(), self.last_state()) {
            (RegionState::Closed, State::ConfirmClosed) => StateFlow::End,
            // The command didn't get through. Either it will, or the server is dead and its recovery marks the region.
            (RegionState::Closing, _) => {
                StateFlow::Sleep { duration: cx.retry_delay(), durable: false, then: Some(State::Close) }
            }
            // A replica has no edits of its own to replay.
            (RegionState::AbnormallyClosed, State::ConfirmClosed) if !self.region.is_default_replica() => {
                StateFlow::End
            }
            // Closed, to be opened elsewhere; or closed abnormally, to be opened so that its edits are replayed.
            _ => StateFlow::To(State::GetAssignCandidate),
        })
    }
}

/// Danger 2: such a region must not be given to another server, whatever somebody else believed when he asked.
fn is_open_on_live_server(node: &RegionNode, env: &MasterEnv) -> bool {
    let is_live = |server: &ServerName| env.servers.is_online(server);
    node.state() == RegionState::Open && node.location().is_some_and(is_live)
}

/// A look later: by then the region's server has been asked again, or its recovery has marked the region.
fn wait_for_recovery(cx: &StepContext<'_, MasterEnv>) -> StateFlow<MasterEnv, State> {
    let then = Some(State::GetAssignCandidate);
    StateFlow::Sleep { duration: cx.retry_delay(), durable: false, then }
}

fn backoff(env: &MasterEnv, failed: u32) -> Duration {
    let procedures = &env.options.procedures;
    procedures.retry_pause.saturating_mul(1 << failed.min(20)).min(procedures.retry_pause_max)
}

//! Empties one region. Counterpart of `TruncateRegionProcedure`.
//!
//! Differs from Java in that the region's folder stays, and with it the highest sequence id that the region ever used: its
//! numbers go on from there. Java begins anew, and edits from before that are still in a WAL pass for newer than what
//! comes after.

use async_trait::async_trait;
use hmaster_procedure::{
    LockRequest, Priority, StateError, StateFlow, StateMachine, StateMachineProcedure, StateReader,
    StepContext,
};
use hmaster_protocol::pb;
use hmaster_types::{JavaException, RegionInfo, RegionState, class};

use super::common;
use crate::codec;
use crate::environment::MasterEnv;
use crate::message::Event;
use crate::step::{ProcedureUser, Stop, settle};
use crate::tables::Prepared;

/// The Java class.
pub const CLASS: &str = "org.apache.hadoop.hbase.master.procedure.TruncateRegionProcedure";

hmaster_procedure::machine_states! {
    /// The states, with the numbers of `TruncateRegionState`.
    pub enum State {
        PreOperation = 1, "TRUNCATE_REGION_PRE_OPERATION";
        MakeOffline = 2, "TRUNCATE_REGION_MAKE_OFFLINE";
        Remove = 3, "TRUNCATE_REGION_REMOVE";
        MakeOnline = 4, "TRUNCATE_REGION_MAKE_ONLINE";
        PostOperation = 5, "TRUNCATE_REGION_POST_OPERATION";
        Snapshot = 6, "TRUNCATE_REGION_SNAPSHOT";
    }
}

/// A region that is emptied.
#[derive(Debug)]
pub struct TruncateRegion {
    user: ProcedureUser,
    region: RegionInfo,
    /// Of a snapshot that a Java master took first.
    snapshot: Option<String>,
    prepared: Prepared,
}

impl TruncateRegion {
    /// Empties `region`.
    pub fn procedure(
        user: ProcedureUser,
        region: RegionInfo,
        prepared: Prepared,
    ) -> StateMachineProcedure<Self> {
        StateMachineProcedure::new(Self { user, region, snapshot: None, prepared })
    }

    fn prepare(&mut self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let checked = self.check(env);
        self.prepared.tell(&checked);
        checked?;
        Ok(StateFlow::To(State::MakeOffline))
    }

    fn check(&self, env: &MasterEnv) -> Result<(), JavaException> {
        let refuse = |message: &str| Err(JavaException::new(class::DO_NOT_RETRY_IO, message));
        if self.region.is_meta() {
            return Err(JavaException::new(class::IO, "Can't truncate region in catalog tables"));
        }
        common::check_enabled(env, self.region.table())?;
        if !self.region.is_default_replica() {
            return refuse(
                "Can't truncate replicas directly. Replicas are auto-truncated when their primary is truncated.",
            );
        }
        if env.options.snapshots.before_destruction {
            return refuse(
                "hbase.snapshot.before.destructive.action.enabled is set, which this master doesn't support for regions",
            );
        }
        common::check_online(env, &self.region).map(drop)
    }

    /// The region must be closed by now, and in good order: edits that are yet to be replayed would come back.
    async fn remove(&self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let node = env.regions.get(self.region.encoded_name());
        if node.is_none_or(|node| node.state() != RegionState::Closed) {
            return Err(JavaException::new(class::IO, format!("{} isn't closed", self.region)).into());
        }
        env.files.clear_region(&self.region).await?;
        Ok(StateFlow::To(State::MakeOnline))
    }

    async fn make_online(&self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        env.files.create_regions(std::slice::from_ref(&self.region)).await?;
        if env.files.max_sequence_id(&self.region).await?.is_none() {
            // A Java master has removed the record: the region begins anew, and what is known of it is of before.
            env.flushed.forget(self.region.encoded_name());
        }
        let place = common::place_of(env, &self.region);
        let region = std::slice::from_ref(&self.region);
        let children = common::open_all(env, region, 1, place.as_ref());
        Ok(match children.is_empty() {
            // Somebody asked for it to be opened or closed meanwhile: that procedure waits for this one's lock.
            true => StateFlow::To(State::PostOperation),
            false => StateFlow::Children { children, then: Some(State::PostOperation) },
        })
    }
}

/// Reads what a master, this one or Java's, has stored.
///
/// # Errors
/// When a message is missing or makes no sense.
pub fn decode(reader: &mut StateReader<'_>) -> Result<TruncateRegion, StateError> {
    let _: pb::RegionInfo = reader.read()?;
    let data: pb::TruncateRegionStateData = reader.read()?;
    Ok(TruncateRegion {
        user: (&data.user_info).into(),
        region: codec::region(&data.region_info)?,
        snapshot: data.snapshot_name,
        prepared: Prepared::default(),
    })
}

#[async_trait]
impl StateMachine<MasterEnv> for TruncateRegion {
    type State = State;

    fn class_name(&self) -> &'static str {
        CLASS
    }

    fn details(&self) -> String {
        format!("TruncateRegionProcedure (region={})", self.region.name())
    }

    fn initial_state(&self) -> State {
        State::PreOperation
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

    fn wait_before(&self, env: &MasterEnv) -> Option<Event> {
        env.initialized_wait()
    }

    async fn execute_state(
        &mut self,
        state: State,
        cx: &mut StepContext<'_, MasterEnv>,
    ) -> StateFlow<MasterEnv, State> {
        let env = cx.env();
        let result = match state {
            State::PreOperation => self.prepare(env),
            // A Java master has begun to take one. The region can be emptied without.
            State::Snapshot => Ok(StateFlow::To(State::MakeOffline)),
            State::MakeOffline => match env.unassign(&self.region) {
                Ok(child) => {
                    Ok(StateFlow::Children { children: vec![Box::new(child)], then: Some(State::Remove) })
                }
                Err(error) => Err(error.into()),
            },
            State::Remove => self.remove(env).await,
            State::MakeOnline => self.make_online(env).await,
            State::PostOperation => Ok(StateFlow::End),
        };
        settle(result, state, self.is_rollback_supported(state), cx)
    }

    fn is_rollback_supported(&self, state: State) -> bool {
        matches!(state, State::PreOperation | State::Snapshot | State::MakeOffline)
    }

    async fn rollback_state(
        &mut self,
        state: State,
        cx: &mut StepContext<'_, MasterEnv>,
    ) -> Result<(), JavaException> {
        if state != State::MakeOffline {
            return Ok(()); // nothing was done but checks
        }
        let env = cx.env();
        let place = common::place_of(env, &self.region);
        common::reopen_for_rollback(env, std::slice::from_ref(&self.region), 1, place.as_ref()).await
    }

    fn state_messages(&self) -> Vec<pb::Any> {
        let region = pb::RegionInfo::from(&self.region);
        let data = pb::TruncateRegionStateData {
            user_info: (&self.user).into(),
            region_info: region.clone(),
            snapshot_name: self.snapshot.clone(),
        };
        vec![pb::Any::pack(&region), pb::Any::pack(&data)]
    }
}

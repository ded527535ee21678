//! Makes a new table of a snapshot. Counterpart of `CloneSnapshotProcedure`.
//!
//! The new table's files are links to those of the snapshot's table. Differs from Java in that the table's lock is held
//! throughout, and that what an attempt before left is archived instead of being deleted.

use async_trait::async_trait;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hmaster_procedure::{
    LockRequest, Priority, StateError, StateFlow, StateMachine, StateMachineProcedure, StateReader,
    StepContext,
};
use hmaster_protocol::pb;
use hmaster_types::{
    ColumnFamilyDescriptor, JavaException, RegionInfo, StoreFileTracker, TableDescriptor, TableName,
    TableState, attribute, class,
};

use super::layout::{self, Daughters, Layout};
use super::{check_expiry, describe};
use crate::codec;
use crate::environment::MasterEnv;
use crate::message::Event;
use crate::ports::files::FilesError;
use crate::step::{ProcedureUser, Stop, settle};
use crate::tables::Prepared;
use crate::tables::change::unknown_tracker;
use crate::tables::create::round_robin;

/// The Java class.
pub const CLASS: &str = "org.apache.hadoop.hbase.master.procedure.CloneSnapshotProcedure";
/// Regions worked on at once. Java's `hbase.snapshot.thread.pool.max`.
const REGIONS_AT_ONCE: usize = 8;

hmaster_procedure::machine_states! {
    /// The states, with the numbers and names of `CloneSnapshotState`.
    pub enum State {
        PreOperation = 1, "CLONE_SNAPSHOT_PRE_OPERATION";
        WriteFsLayout = 2, "CLONE_SNAPSHOT_WRITE_FS_LAYOUT";
        AddToMeta = 3, "CLONE_SNAPSHOT_ADD_TO_META";
        AssignRegions = 4, "CLONE_SNAPSHOT_ASSIGN_REGIONS";
        UpdateDescCache = 5, "CLONE_SNAPSHOT_UPDATE_DESC_CACHE";
        PostOperation = 6, "CLONE_SNAPSHOT_POST_OPERATION";
        RestoreAcl = 7, "CLONE_SNAPHOST_RESTORE_ACL";
        SetErasureCodingPolicy = 8, "CLONE_SNAPSHOT_SET_ERASURE_CODING_POLICY";
    }
}

/// A table that is made of a snapshot.
#[derive(Debug)]
pub struct CloneSnapshot {
    user: ProcedureUser,
    snapshot: pb::SnapshotDescription,
    /// The new table's schema: the snapshot's by another name.
    schema: TableDescriptor,
    restores_acl: bool,
    /// The store file tracker that the new table is to have instead of the snapshot's.
    tracker: Option<String>,
    /// The new regions; with their replicas once they are in hbase:meta.
    regions: Vec<RegionInfo>,
    daughters: Daughters,
    prepared: Prepared,
}

impl CloneSnapshot {
    /// Makes the table of `schema` of a complete snapshot.
    pub fn procedure(
        user: ProcedureUser,
        snapshot: pb::SnapshotDescription,
        schema: TableDescriptor,
        restores_acl: bool,
        tracker: Option<String>,
        prepared: Prepared,
    ) -> StateMachineProcedure<Self> {
        let (regions, daughters) = (Vec::new(), Daughters::new());
        StateMachineProcedure::new(Self {
            user,
            snapshot,
            schema,
            restores_acl,
            tracker,
            regions,
            daughters,
            prepared,
        })
    }

    fn table(&self) -> &TableName {
        self.schema.name()
    }

    fn check(&self, env: &MasterEnv) -> Result<(), JavaException> {
        if env.tables.exists(self.table()) || env.schemas.get(self.table()).is_some() {
            return Err(JavaException::new(class::TABLE_EXISTS, self.table().as_str()));
        }
        check_expiry(env, &self.snapshot)?;
        if let Some(tracker) = &self.tracker {
            StoreFileTracker::named(tracker).map_err(unknown_tracker)?;
        }
        if self.schema.attribute(attribute::ERASURE_CODING_POLICY).is_some() {
            let message = "Erasure coding policies are not supported by this master";
            return Err(JavaException::new(class::DO_NOT_RETRY_IO, message));
        }
        Ok(())
    }

    fn prepare(&mut self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let checked = self.check(env);
        self.prepared.tell(&checked);
        checked?;
        Ok(StateFlow::To(State::WriteFsLayout))
    }

    /// Whatever else has a folder there is taken away first.
    async fn write_files(&mut self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        if let Some(tracker) = &self.tracker {
            self.schema = with_tracker(&self.schema, tracker);
        }
        let manifest = env.files.snapshot_manifest(&self.snapshot.name).await?;
        let layout = Layout::new(self.table(), manifest)?;
        env.files.clear_table(self.table(), &layout.infos()).await?;
        env.files.create_table(&self.schema, &layout.infos()).await?;
        let (schema, names) = (&self.schema, &layout.names);
        stream::iter(&layout.regions)
            .map(Ok::<_, FilesError>)
            .try_for_each_concurrent(REGIONS_AT_ONCE, |(region, listed)| {
                env.files.restore_region(schema, region, listed, names)
            })
            .await?;
        env.schemas.insert(self.schema.clone());
        self.regions = layout.infos();
        self.daughters = layout.daughters;
        Ok(StateFlow::To(State::AddToMeta))
    }

    async fn add_to_meta(&mut self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let replicas = self.schema.region_replication();
        self.regions.retain(RegionInfo::is_default_replica);
        let now_ms = env.catalog.clock.now_ms();
        env.catalog.write(layout::rows(&self.regions, &self.daughters, replicas, now_ms)).await?;
        self.regions = layout::with_copies(&self.regions, replicas);
        Ok(StateFlow::To(State::AssignRegions))
    }

    async fn assign(&self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        env.set_table_state(self.table(), TableState::Enabling).await?;
        let new = self.regions.iter().filter(|region| !env.regions.has(region.encoded_name()));
        layout::load(env, &new.cloned().collect::<Vec<_>>());
        let live: Vec<_> = self.regions.iter().filter(|region| !region.is_split_parent()).cloned().collect();
        let children = round_robin(env, &live).await?;
        Ok(match children.is_empty() {
            true => StateFlow::To(State::UpdateDescCache),
            false => StateFlow::Children { children, then: Some(State::UpdateDescCache) },
        })
    }
}

/// The whole table gets the tracker; what families say of theirs goes.
fn with_tracker(schema: &TableDescriptor, tracker: &str) -> TableDescriptor {
    let plain = |family: &ColumnFamilyDescriptor| {
        let builder = family.to_builder().attribute(attribute::STORE_FILE_TRACKER, "");
        builder.configuration(attribute::STORE_FILE_TRACKER, "").build()
    };
    let builder = schema.to_builder().attribute(attribute::STORE_FILE_TRACKER, tracker.to_owned());
    schema.families().fold(builder, |builder, family| builder.family(plain(family))).build()
}

/// Reads what a master, this one or Java's, has stored.
///
/// # Errors
/// When the message is missing or makes no sense.
pub fn decode(reader: &mut StateReader<'_>) -> Result<CloneSnapshot, StateError> {
    let data: pb::CloneSnapshotStateData = reader.read()?;
    super::check_name(&data.snapshot.name).map_err(|error| StateError::Invalid(error.to_string()))?;
    Ok(CloneSnapshot {
        user: (&data.user_info).into(),
        schema: codec::schema(&data.table_schema)?,
        restores_acl: data.restore_acl(),
        tracker: data.custom_sft.filter(|tracker| !tracker.is_empty()),
        regions: codec::regions(&data.region_info)?,
        daughters: layout::read(&data.parent_to_child_regions_pair_list),
        snapshot: data.snapshot,
        prepared: Prepared::default(),
    })
}

#[async_trait]
impl StateMachine<MasterEnv> for CloneSnapshot {
    type State = State;

    fn class_name(&self) -> &'static str {
        CLASS
    }

    fn details(&self) -> String {
        format!("CloneSnapshotProcedure (table={} snapshot={})", self.table(), describe(&self.snapshot))
    }

    fn initial_state(&self) -> State {
        State::PreOperation
    }

    fn locks(&self) -> LockRequest {
        LockRequest::table_exclusive(self.table())
    }

    fn holds_lock(&self) -> bool {
        true
    }

    fn priority(&self, _: State) -> Priority {
        Priority::of_table(self.table())
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
            State::WriteFsLayout => self.write_files(env).await,
            // A Java master was about to set a policy on the table's folder. The schema has it, the folder hasn't.
            State::SetErasureCodingPolicy => {
                tracing::error!(table = %self.table(), "the erasure coding policy isn't set on the table's folder");
                Ok(StateFlow::To(State::AddToMeta))
            }
            State::AddToMeta => self.add_to_meta(env).await,
            State::AssignRegions => self.assign(env).await,
            State::UpdateDescCache => {
                let enabled = env.set_table_state(self.table(), TableState::Enabled).await;
                enabled.map(|()| StateFlow::To(State::RestoreAcl)).map_err(Stop::from)
            }
            // As in Java without an access controller, there are no permissions to be given.
            State::RestoreAcl => Ok(StateFlow::To(State::PostOperation)),
            State::PostOperation => Ok(StateFlow::End),
        };
        settle(result, state, self.is_rollback_supported(state), cx)
    }

    fn is_rollback_supported(&self, state: State) -> bool {
        state == State::PreOperation
    }

    async fn rollback_state(
        &mut self,
        _: State,
        _: &mut StepContext<'_, MasterEnv>,
    ) -> Result<(), JavaException> {
        Ok(()) // nothing was done but checks
    }

    fn state_messages(&self) -> Vec<pb::Any> {
        vec![pb::Any::pack(&pb::CloneSnapshotStateData {
            user_info: (&self.user).into(),
            snapshot: self.snapshot.clone(),
            table_schema: (&self.schema).into(),
            region_info: self.regions.iter().map(Into::into).collect(),
            parent_to_child_regions_pair_list: layout::stored(&self.daughters),
            restore_acl: Some(self.restores_acl),
            custom_sft: self.tracker.clone(),
        })]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tables_tracker_replaces_its_families() {
        let family = ColumnFamilyDescriptor::builder("f").attribute(attribute::STORE_FILE_TRACKER, "DEFAULT");
        let family = family.configuration(attribute::STORE_FILE_TRACKER, "DEFAULT").build();
        let schema = TableDescriptor::builder("t".parse().unwrap()).family(family).build();
        let changed = with_tracker(&schema, "FILE");
        let family = changed.family(b"f").unwrap();
        assert_eq!(StoreFileTracker::of(&changed, family, "DEFAULT").unwrap().name(), "FILE");
        assert!(!family.configuration().contains_key(attribute::STORE_FILE_TRACKER));
    }
}

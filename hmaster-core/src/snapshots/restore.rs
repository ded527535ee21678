//! Makes a disabled table what it was when a snapshot of it was taken. Counterpart of `RestoreSnapshotProcedure`.
//!
//! # Differences from Java
//! - The table's lock is held throughout, so that nobody opens, splits or collects a region of it between two steps.
//! - What is to be restored, added and removed is decided by what hbase:meta says, not by folders: after a crash in the
//!   middle, when some folders are made and others are gone, the same is decided again. Java forgets the rows of regions
//!   whose folders went before the crash.
//! - A region that comes back goes on above the highest sequence id that the table has used, and what region servers are
//!   told to be flushed is that. Edits that are still in WALs from before don't come back when a server dies, as they do
//!   in Java, and new ones aren't lost. That is kept in memory: if this master ends before such a server does, they may.
//! - A split parent that stays keeps its daughters in hbase:meta.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hmaster_procedure::{
    LockRequest, Priority, StateError, StateFlow, StateMachine, StateMachineProcedure, StateReader,
    StepContext,
};
use hmaster_protocol::{meta, pb};
use hmaster_types::{
    EncodedName, JavaException, RegionInfo, SeqNum, TableDescriptor, TableName, attribute, class,
};

use super::layout::{self, Daughters, Layout};
use super::{check_expiry, describe};
use crate::codec;
use crate::environment::MasterEnv;
use crate::error::StepError;
use crate::message::Event;
use crate::ports::files::FilesError;
use crate::servers::flushed::RegionFlush;
use crate::step::{ProcedureUser, Stop, settle};
use crate::tables::Prepared;
use crate::tables::delete::check_modifiable;

/// The Java class.
pub const CLASS: &str = "org.apache.hadoop.hbase.master.procedure.RestoreSnapshotProcedure";
/// Regions worked on at once. Java's `hbase.snapshot.thread.pool.max`.
const REGIONS_AT_ONCE: usize = 8;

hmaster_procedure::machine_states! {
    /// The states, with the numbers of `RestoreSnapshotState`.
    pub enum State {
        PreOperation = 1, "RESTORE_SNAPSHOT_PRE_OPERATION";
        UpdateTableDescriptor = 2, "RESTORE_SNAPSHOT_UPDATE_TABLE_DESCRIPTOR";
        WriteFsLayout = 3, "RESTORE_SNAPSHOT_WRITE_FS_LAYOUT";
        UpdateMeta = 4, "RESTORE_SNAPSHOT_UPDATE_META";
        RestoreAcl = 5, "RESTORE_SNAPSHOT_RESTORE_ACL";
        SyncErasureCodingPolicy = 6, "RESTORE_SNAPSHOT_SYNC_ERASURE_CODING_POLICY";
    }
}

/// A table that becomes what it was.
#[derive(Debug)]
pub struct RestoreSnapshot {
    user: ProcedureUser,
    snapshot: pb::SnapshotDescription,
    /// The snapshot's schema.
    modified: TableDescriptor,
    /// The table's before.
    old: TableDescriptor,
    restores_acl: bool,
    changes: Changes,
    prepared: Prepared,
}

/// What becomes of the table's regions.
#[derive(Debug, Default)]
struct Changes {
    /// In the snapshot and in the table.
    restore: Vec<RegionInfo>,
    /// In the table only.
    remove: Vec<RegionInfo>,
    /// In the snapshot only.
    add: Vec<RegionInfo>,
    daughters: Daughters,
}

impl Changes {
    fn new(layout: &Layout, known: &[RegionInfo]) -> Self {
        let names: BTreeSet<EncodedName> = known.iter().map(RegionInfo::encoded_name).collect();
        let is_known = |region: &RegionInfo| names.contains(&region.encoded_name());
        let (restore, add) = layout.infos().into_iter().partition(is_known);
        let wanted: BTreeSet<EncodedName> = layout.names.values().copied().collect();
        let remove = known.iter().filter(|region| !wanted.contains(&region.encoded_name()));
        Self { restore, add, remove: remove.cloned().collect(), daughters: layout.daughters.clone() }
    }

    /// All regions that the table has in the end.
    fn wanted(&self) -> Vec<RegionInfo> {
        self.restore.iter().chain(&self.add).cloned().collect()
    }
}

impl RestoreSnapshot {
    /// Restores a complete snapshot, whose schema is `modified`, over its own table.
    pub fn procedure(
        user: ProcedureUser,
        snapshot: pb::SnapshotDescription,
        [old, modified]: [TableDescriptor; 2],
        restores_acl: bool,
        prepared: Prepared,
    ) -> StateMachineProcedure<Self> {
        let changes = Changes::default();
        StateMachineProcedure::new(Self { user, snapshot, modified, old, restores_acl, changes, prepared })
    }

    fn table(&self) -> &TableName {
        self.modified.name()
    }

    fn check(&self, env: &MasterEnv) -> Result<(), JavaException> {
        if env.schemas.get(self.table()).is_none() {
            return Err(JavaException::new(class::TABLE_NOT_FOUND, self.table().as_str()));
        }
        check_expiry(env, &self.snapshot)?;
        check_modifiable(env, self.table())?;
        let refuse = |message: String| Err(JavaException::new(class::DO_NOT_RETRY_IO, message));
        if self.modified.families().len() == 0 {
            return refuse(format!("Table {} should have at least one column family.", self.table()));
        }
        let policy = |schema: &TableDescriptor| schema.attribute(attribute::ERASURE_CODING_POLICY).cloned();
        if policy(&self.old) != policy(&self.modified) {
            return refuse("Erasure coding policies are not supported by this master".into());
        }
        Ok(())
    }

    fn prepare(&mut self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let checked = self.check(env);
        self.prepared.tell(&checked);
        checked?;
        match env.regions.table_regions(self.table()).iter().any(|node| node.owner().is_some()) {
            true => Ok(StateFlow::RetryLater),
            false => Ok(StateFlow::To(State::UpdateTableDescriptor)),
        }
    }

    fn known(&self, env: &MasterEnv) -> Vec<RegionInfo> {
        let nodes = env.regions.table_regions(self.table());
        nodes.iter().map(|node| node.info().clone()).filter(RegionInfo::is_default_replica).collect()
    }

    async fn write_files(&mut self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let manifest = env.files.snapshot_manifest(&self.snapshot.name).await?;
        let layout = Layout::new(self.table(), manifest)?;
        let known = self.known(env);
        let changes = Changes::new(&layout, &known);
        note_flushed(env, &known).await?;
        env.files.create_regions(&changes.add).await?;
        raise_sequence_ids(env, &known, &changes.add).await?;
        // They may refer to files of those that stay, which may have to go next.
        stream::iter(&changes.remove)
            .map(Ok::<_, FilesError>)
            .try_for_each_concurrent(REGIONS_AT_ONCE, |region| env.files.archive_region(region))
            .await?;
        let (modified, names) = (&self.modified, &layout.names);
        stream::iter(&layout.regions)
            .map(Ok::<_, FilesError>)
            .try_for_each_concurrent(REGIONS_AT_ONCE, |(region, listed)| {
                env.files.restore_region(modified, region, listed, names)
            })
            .await?;
        self.changes = changes;
        Ok(StateFlow::To(State::UpdateMeta))
    }

    /// Rows are made anew, since nothing of what they say of before is true any more.
    async fn update_meta(&self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let wanted = self.changes.wanted();
        if wanted.is_empty() {
            let message = format!("{} has no regions", describe(&self.snapshot));
            return Err(JavaException::new(class::CORRUPTED_SNAPSHOT, message).into());
        }
        let known = self.known(env);
        let delete_ms = env.catalog.clock.delete_ms();
        let old = known.iter().chain(&self.changes.remove).chain(&wanted);
        let old: BTreeMap<_, _> = old.map(|region| (region.encoded_name(), region)).collect();
        env.catalog
            .write(old.values().map(|region| meta::delete_region(region, delete_ms)).collect())
            .await?;
        let (replicas, now_ms) = (self.modified.region_replication(), env.catalog.clock.now_ms());
        env.catalog.write(layout::rows(&wanted, &self.changes.daughters, replicas, now_ms)).await?;
        for node in env.regions.table_regions(self.table()) {
            env.flushed.forget(node.info().encoded_name());
            env.regions.remove(node.info().encoded_name());
        }
        layout::load(env, &layout::with_copies(&wanted, replicas));
        note_flushed(env, &wanted).await?;
        // What WALs were split into before that was noted.
        stream::iter(&wanted)
            .map(Ok::<_, FilesError>)
            .try_for_each_concurrent(REGIONS_AT_ONCE, |region| env.files.discard_recovered_edits(region))
            .await?;
        Ok(StateFlow::To(State::RestoreAcl))
    }
}

/// Regions that come back begin above all that the table has used: the highest number of a region that goes counts, too,
/// since it may be what became of one that comes back.
async fn raise_sequence_ids(
    env: &MasterEnv,
    known: &[RegionInfo],
    added: &[RegionInfo],
) -> Result<(), StepError> {
    if added.is_empty() {
        return Ok(());
    }
    let used = stream::iter(0..known.len()).map(|n| env.files.max_sequence_id(&known[n]));
    let used: Vec<Option<SeqNum>> = used.buffer_unordered(REGIONS_AT_ONCE).try_collect().await?;
    let highest = used.into_iter().flatten().max().unwrap_or(SeqNum(0));
    for region in added {
        let own = env.files.max_sequence_id(region).await?.unwrap_or(SeqNum(0));
        if highest > own {
            env.files.write_sequence_id(region, highest).await?;
        }
    }
    Ok(())
}

/// Everything up to a region's highest sequence id is in its files, or is no part of it any more.
async fn note_flushed(env: &MasterEnv, regions: &[RegionInfo]) -> Result<(), StepError> {
    let numbers = stream::iter(0..regions.len()).map(|n| env.files.max_sequence_id(&regions[n]));
    let numbers: Vec<Option<SeqNum>> = numbers.buffered(REGIONS_AT_ONCE).try_collect().await?;
    for (region, number) in regions.iter().zip(numbers) {
        if let Some(number) = number {
            env.flushed.raise(region.encoded_name(), RegionFlush { region: number, stores: Vec::new() });
        }
    }
    Ok(())
}

/// Reads what a master, this one or Java's, has stored.
///
/// # Errors
/// When the message is missing or makes no sense.
pub fn decode(reader: &mut StateReader<'_>) -> Result<RestoreSnapshot, StateError> {
    let data: pb::RestoreSnapshotStateData = reader.read()?;
    super::check_name(&data.snapshot.name).map_err(|error| StateError::Invalid(error.to_string()))?;
    Ok(RestoreSnapshot {
        user: (&data.user_info).into(),
        restores_acl: data.restore_acl(),
        modified: codec::schema(&data.modified_table_schema)?,
        old: codec::schema(&data.old_table_schema)?,
        changes: Changes {
            restore: codec::regions(&data.region_info_for_restore)?,
            remove: codec::regions(&data.region_info_for_remove)?,
            add: codec::regions(&data.region_info_for_add)?,
            daughters: layout::read(&data.parent_to_child_regions_pair_list),
        },
        snapshot: data.snapshot,
        prepared: Prepared::default(),
    })
}

#[async_trait]
impl StateMachine<MasterEnv> for RestoreSnapshot {
    type State = State;

    fn class_name(&self) -> &'static str {
        CLASS
    }

    fn details(&self) -> String {
        format!("RestoreSnapshotProcedure (table={} snapshot={})", self.table(), describe(&self.snapshot))
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
            State::UpdateTableDescriptor => {
                let updated = env.update_schema(&self.modified).await;
                updated.map(|()| StateFlow::To(State::WriteFsLayout)).map_err(Stop::from)
            }
            // A Java master was about to set a policy on the table's folder. The schema has it, the folder hasn't.
            State::SyncErasureCodingPolicy => {
                tracing::error!(table = %self.table(), "the erasure coding policy isn't set on the table's folder");
                Ok(StateFlow::To(State::WriteFsLayout))
            }
            State::WriteFsLayout => self.write_files(env).await,
            State::UpdateMeta => self.update_meta(env).await,
            // As in Java without an access controller, permissions stay as they are.
            State::RestoreAcl => Ok(StateFlow::End),
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
        let regions = |regions: &[RegionInfo]| regions.iter().map(Into::into).collect();
        vec![pb::Any::pack(&pb::RestoreSnapshotStateData {
            user_info: (&self.user).into(),
            snapshot: self.snapshot.clone(),
            modified_table_schema: (&self.modified).into(),
            region_info_for_restore: regions(&self.changes.restore),
            region_info_for_remove: regions(&self.changes.remove),
            region_info_for_add: regions(&self.changes.add),
            parent_to_child_regions_pair_list: layout::stored(&self.changes.daughters),
            restore_acl: Some(self.restores_acl),
            old_table_schema: (&self.old).into(),
        })]
    }
}

//! Creates a table. Counterpart of `CreateTableProcedure`.

use async_trait::async_trait;
use hmaster_procedure::{
    LockRequest, Priority, Procedure, StateError, StateFlow, StateMachine, StateMachineProcedure,
    StateReader, StepContext,
};
use hmaster_protocol::{meta, pb};
use hmaster_types::{
    JavaException, RegionInfo, RegionState, TableDescriptor, TableName, TableState, attribute, class,
};

use super::Prepared;
use crate::assignment::RegionRecord;
use crate::codec;
use crate::environment::MasterEnv;
use crate::message::Event;
use crate::step::{ProcedureUser, Stop, settle};

/// The Java class.
pub const CLASS: &str = "org.apache.hadoop.hbase.master.procedure.CreateTableProcedure";
/// Java's `MAX_REGION_REPLICATION`: as many as fit into the region's name.
const REPLICAS_MAX: u16 = RegionInfo::REPLICA_ID_MAX;

hmaster_procedure::machine_states! {
    /// The states, with the numbers of `CreateTableState`.
    pub enum State {
        PreOperation = 1, "CREATE_TABLE_PRE_OPERATION";
        WriteFsLayout = 2, "CREATE_TABLE_WRITE_FS_LAYOUT";
        AddToMeta = 3, "CREATE_TABLE_ADD_TO_META";
        AssignRegions = 4, "CREATE_TABLE_ASSIGN_REGIONS";
        UpdateDescCache = 5, "CREATE_TABLE_UPDATE_DESC_CACHE";
        PostOperation = 6, "CREATE_TABLE_POST_OPERATION";
        SetErasureCodingPolicy = 7, "CREATE_TABLE_SET_ERASURE_CODING_POLICY";
    }
}

/// A table to be.
#[derive(Debug)]
pub struct CreateTable {
    user: ProcedureUser,
    schema: TableDescriptor,
    /// The regions; with their replicas once they are in hbase:meta.
    regions: Vec<RegionInfo>,
    prepared: Prepared,
}

impl CreateTable {
    /// Creates a table of `schema` with these regions, of which there is at least one.
    pub fn procedure(
        user: ProcedureUser,
        schema: TableDescriptor,
        regions: Vec<RegionInfo>,
        prepared: Prepared,
    ) -> StateMachineProcedure<Self> {
        StateMachineProcedure::new(Self { user, schema, regions, prepared })
    }

    fn table(&self) -> &TableName {
        self.schema.name()
    }

    fn check(&self, env: &MasterEnv) -> Result<(), JavaException> {
        if env.tables.exists(self.table()) || env.schemas.get(self.table()).is_some() {
            return Err(JavaException::new(class::TABLE_EXISTS, self.table().as_str()));
        }
        let refuse = |message: String| Err(JavaException::new(class::DO_NOT_RETRY_IO, message));
        if self.schema.families().len() == 0 {
            return refuse(format!("Table {} should have at least one column family.", self.table()));
        }
        if let Some(replication) = self.schema.attribute(attribute::REGION_REPLICATION)
            && !self
                .schema
                .parsed(attribute::REGION_REPLICATION)
                .is_some_and(|count| (1..=REPLICAS_MAX).contains(&count))
        {
            let value = hmaster_types::to_string_binary(replication);
            return refuse(format!(
                "Region Replication must be between 1 and {REPLICAS_MAX}, it is {value}."
            ));
        }
        if self.regions.is_empty() {
            return refuse(format!("Table {} has no region", self.table()));
        }
        if self.schema.attribute(attribute::ERASURE_CODING_POLICY).is_some() {
            return refuse("Erasure coding policies are not supported by this master".into());
        }
        Ok(())
    }

    fn prepare(&mut self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let checked = self.check(env);
        self.prepared.tell(&checked);
        checked?;
        if self.schema.attribute(attribute::STORE_FILE_TRACKER).is_none() {
            let tracker = env.options.filesystem.store_file_tracker.as_str();
            self.schema = self.schema.to_builder().attribute(attribute::STORE_FILE_TRACKER, tracker).build();
        }
        Ok(StateFlow::To(State::WriteFsLayout))
    }

    /// Whatever else has a folder there is taken away first.
    async fn write_files(&self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        env.files.clear_table(self.table(), &self.regions).await?;
        env.files.create_table(&self.schema, &self.regions).await?;
        env.schemas.insert(self.schema.clone());
        Ok(StateFlow::To(State::AddToMeta))
    }

    async fn add_to_meta(&mut self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let replicas = self.schema.region_replication();
        let now_ms = env.catalog.clock.now_ms();
        self.regions.retain(RegionInfo::is_default_replica);
        let rows = self.regions.iter().map(|region| meta::add_region(region, replicas, now_ms));
        env.catalog.write(rows.collect()).await?;
        self.regions = with_replicas(&self.regions, replicas);
        Ok(StateFlow::To(State::AssignRegions))
    }

    async fn assign(&self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        env.set_table_state(self.table(), TableState::Enabling).await?;
        for region in self.regions.iter().filter(|region| env.regions.get(region.encoded_name()).is_none()) {
            env.regions.load(RegionRecord::new(region.clone(), RegionState::Closed));
        }
        let children = round_robin(env, &self.regions).await?;
        Ok(StateFlow::Children { children, then: Some(State::UpdateDescCache) })
    }
}

/// Every region with as many copies.
pub(crate) fn with_replicas(regions: &[RegionInfo], replicas: u16) -> Vec<RegionInfo> {
    regions.iter().flat_map(|region| (0..replicas).map(|id| region.with_replica(id))).collect()
}

/// Opens regions spread over all servers. Counterpart of `createRoundRobinAssignProcedures`. Regions that another
/// procedure has in hand are left to it.
pub(crate) async fn round_robin(
    env: &MasterEnv,
    regions: &[RegionInfo],
) -> Result<Vec<Box<dyn Procedure<MasterEnv>>>, Stop> {
    let targets = env.places_of_new(regions).await;
    let mut children: Vec<Box<dyn Procedure<MasterEnv>>> = Vec::with_capacity(regions.len());
    for region in regions {
        match env.assign(region, targets.get(region).cloned(), false) {
            Ok(child) => children.push(Box::new(child)),
            Err(error) => tracing::warn!(%region, %error, "left to the procedure that has it"),
        }
    }
    Ok(children)
}

/// Reads what a master, this one or Java's, has stored.
///
/// # Errors
/// When the message is missing or makes no sense.
pub fn decode(reader: &mut StateReader<'_>) -> Result<CreateTable, StateError> {
    let data: pb::CreateTableStateData = reader.read()?;
    Ok(CreateTable {
        user: (&data.user_info).into(),
        schema: codec::schema(&data.table_schema)?,
        regions: codec::regions(&data.region_info)?,
        prepared: Prepared::default(),
    })
}

#[async_trait]
impl StateMachine<MasterEnv> for CreateTable {
    type State = State;

    fn class_name(&self) -> &'static str {
        CLASS
    }

    fn details(&self) -> String {
        format!("CreateTableProcedure table={}", self.table())
    }

    fn initial_state(&self) -> State {
        State::PreOperation
    }

    fn locks(&self) -> LockRequest {
        LockRequest::table_exclusive(self.table())
    }

    fn priority(&self, _: State) -> Priority {
        Priority::of_table(self.table())
    }

    /// System tables are created while the master starts.
    fn wait_before(&self, env: &MasterEnv) -> Option<Event> {
        if self.table().is_system() { env.meta_wait() } else { env.initialized_wait() }
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
            State::AddToMeta => self.add_to_meta(env).await,
            State::AssignRegions => self.assign(env).await,
            State::UpdateDescCache => enabled(env, self.table()).await,
            State::PostOperation => Ok(StateFlow::End),
            State::SetErasureCodingPolicy => Err(Stop::Refused(JavaException::new(
                class::DO_NOT_RETRY_IO,
                "Erasure coding policies are not supported by this master",
            ))),
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
        vec![pb::Any::pack(&pb::CreateTableStateData {
            user_info: (&self.user).into(),
            table_schema: (&self.schema).into(),
            region_info: self.regions.iter().map(Into::into).collect(),
        })]
    }

    fn waits_for_client_ack(&self) -> bool {
        !self.table().is_system()
    }
}

async fn enabled(env: &MasterEnv, table: &TableName) -> Result<StateFlow<MasterEnv, State>, Stop> {
    env.set_table_state(table, TableState::Enabled).await?;
    Ok(StateFlow::To(State::PostOperation))
}

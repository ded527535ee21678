//! A lock on a namespace, a table or regions that a client holds from outside. Counterpart of `LockProcedure`.
//!
//! It is a procedure that does nothing but hold its locks, until its client lets go or isn't heard of for a while. The
//! client learns by its heartbeats whether it has the lock.
//!
//! The lock outlives the master: the next one takes it again, and waits for a heartbeat as long as if it had just come.
//! The master's own locks of Java's masters, which their owners' deaths have made useless, end at once.

use std::time::Duration;

use async_trait::async_trait;
use hmaster_procedure::{
    Flow, HookContext, LockMode, LockRequest, Priority, Procedure, Reaction, StateError, StateReader,
    StepContext,
};
use hmaster_protocol::pb;
use hmaster_types::{JavaException, RegionInfo, TableName, class};

use crate::codec;
use crate::environment::MasterEnv;
use crate::message::Message;

/// The Java class.
pub const CLASS: &str = "org.apache.hadoop.hbase.master.locking.LockProcedure";

/// What a client locks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A namespace, alone.
    Namespace(String),
    /// A table.
    Table(TableName, LockMode),
    /// Regions of one table, alone; at least one.
    Regions(TableName, Vec<RegionInfo>),
}

/// A client's lock.
#[derive(Debug)]
pub struct Lock {
    target: Target,
    description: String,
    /// Of a Java master, for itself.
    is_master_lock: bool,
    hold: Hold,
}

/// How it is with the lock; not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hold {
    /// It hasn't got its locks yet.
    Waiting,
    /// It has, and its client was heard of at this time.
    Held { heard_ms: u64 },
    /// The client has let go.
    LetGo,
}

impl Target {
    /// What a request asks for.
    ///
    /// # Errors
    /// `IllegalArgumentException` when it is nothing that can be locked.
    pub fn of(request: &pb::LockRequest) -> Result<Self, JavaException> {
        let regions: Result<Vec<_>, _> = request.region_info.iter().map(RegionInfo::try_from).collect();
        let table = request.table_name.as_ref().map(TableName::try_from).transpose()?;
        Self::new(request.lock_type(), request.namespace.as_deref(), table, regions?)
    }

    fn new(
        r#type: pb::LockType,
        namespace: Option<&str>,
        table: Option<TableName>,
        regions: Vec<RegionInfo>,
    ) -> Result<Self, JavaException> {
        let shared = r#type == pb::LockType::Shared;
        let refuse = |why: &str| Err(JavaException::new(class::ILLEGAL_ARGUMENT, why));
        if let Some(first) = regions.first() {
            if regions.iter().any(|region| region.table() != first.table()) {
                return refuse("All regions should be from same table");
            }
            if shared {
                return refuse("Only exclusive lock supported on regions.");
            }
            return Ok(Self::Regions(first.table().clone(), regions));
        }
        match (table, namespace) {
            (Some(table), _) if shared => Ok(Self::Table(table, LockMode::Shared)),
            (Some(table), _) => Ok(Self::Table(table, LockMode::Exclusive)),
            (None, Some("")) => refuse("Empty namespace"),
            (None, Some(_)) if shared => refuse("Shared lock on namespace not supported"),
            (None, Some(namespace)) => Ok(Self::Namespace(namespace.to_owned())),
            (None, None) => refuse("one of table/namespace/region should be specified"),
        }
    }

    fn mode(&self) -> LockMode {
        match self {
            Self::Table(_, mode) => *mode,
            Self::Namespace(_) | Self::Regions(..) => LockMode::Exclusive,
        }
    }
}

impl Lock {
    /// A client's lock, which it describes by some words.
    pub fn new(target: Target, description: String) -> Self {
        Self { target, description, is_master_lock: false, hold: Hold::Waiting }
    }
}

/// Reads what a master, this one or Java's, has stored.
///
/// # Errors
/// When the message is missing or makes no sense.
pub fn decode(reader: &mut StateReader<'_>) -> Result<Lock, StateError> {
    let data: pb::LockProcedureData = reader.read()?;
    let regions = codec::regions(&data.region_info)?;
    let table = data.table_name.as_ref().map(codec::table).transpose()?;
    let target = Target::new(data.lock_type(), data.namespace.as_deref(), table, regions);
    let target = target.map_err(|error| StateError::Invalid(error.message))?;
    let is_master_lock = data.is_master_lock();
    let description = data.description.unwrap_or_default();
    Ok(Lock { target, description, is_master_lock, hold: Hold::Waiting })
}

#[async_trait]
impl Procedure<MasterEnv> for Lock {
    fn class_name(&self) -> &str {
        CLASS
    }

    fn details(&self) -> String {
        let what = match &self.target {
            Target::Namespace(namespace) => format!("namespace={namespace}"),
            Target::Table(table, _) => format!("tableName={table}"),
            Target::Regions(_, regions) => {
                let names: Vec<_> = regions.iter().map(|region| region.encoded_name().to_string()).collect();
                format!("regions={}", names.join(","))
            }
        };
        let mode = if self.target.mode() == LockMode::Shared { "SHARED" } else { "EXCLUSIVE" };
        format!("LockProcedure {what}, type={mode}, {}", self.description)
    }

    fn locks(&self) -> LockRequest {
        match &self.target {
            Target::Namespace(namespace) => LockRequest::namespace_exclusive(namespace),
            Target::Table(table, LockMode::Shared) => LockRequest::table_shared(table),
            Target::Table(table, LockMode::Exclusive) => LockRequest::table_exclusive(table),
            Target::Regions(table, regions) => {
                LockRequest::regions(table, regions.iter().map(RegionInfo::encoded_name))
            }
        }
    }

    fn holds_lock(&self) -> bool {
        true
    }

    fn priority(&self) -> Priority {
        match &self.target {
            Target::Namespace(_) => Priority::SystemTable,
            Target::Table(table, _) | Target::Regions(table, _) => Priority::of_table(table),
        }
    }

    /// It has its locks. It ends when the client has let go, or wasn't heard of for too long.
    async fn execute(&mut self, cx: &mut StepContext<'_, MasterEnv>) -> Flow<MasterEnv> {
        let now_ms = cx.now_ms();
        let timeout = cx.env().options.procedures.remote_lock_timeout;
        let heard_ms = match self.hold {
            Hold::LetGo => return Flow::Done,
            Hold::Waiting if self.is_master_lock => return Flow::Done,
            Hold::Waiting => now_ms,
            Hold::Held { heard_ms } => heard_ms,
        };
        let silent = Duration::from_millis(now_ms.saturating_sub(heard_ms));
        let Some(rest) = timeout.checked_sub(silent).filter(|rest| !rest.is_zero()) else {
            tracing::warn!(pid = %cx.id(), lock = self.description, "its client is silent, the lock ends");
            return Flow::Done;
        };
        self.hold = Hold::Held { heard_ms };
        Flow::Sleep { duration: rest, durable: false }
    }

    fn is_rollback_supported(&self) -> bool {
        false
    }

    async fn rollback(&mut self, _: &mut StepContext<'_, MasterEnv>) -> Result<(), JavaException> {
        Ok(())
    }

    fn abort(&mut self) -> bool {
        self.hold = Hold::LetGo;
        true
    }

    /// The answer tells whether the client has the lock: an error says no.
    fn on_message(&mut self, cx: &HookContext<'_, MasterEnv>, message: Message) -> Reaction {
        let Message::LockHeartbeat { keep } = message else { return Reaction::ignore() };
        let not_held = || JavaException::new(class::DO_NOT_RETRY_IO, "the lock isn't held");
        match self.hold {
            _ if !keep => {
                self.hold = Hold::LetGo;
                Reaction::wake().reject(not_held())
            }
            Hold::Held { .. } => {
                self.hold = Hold::Held { heard_ms: cx.now_ms() };
                Reaction::ignore()
            }
            Hold::Waiting | Hold::LetGo => Reaction::ignore().reject(not_held()),
        }
    }

    fn state_messages(&self) -> Vec<pb::Any> {
        let shared = self.target.mode() == LockMode::Shared;
        let mut data = pb::LockProcedureData {
            lock_type: if shared { pb::LockType::Shared } else { pb::LockType::Exclusive }.into(),
            description: Some(self.description.clone()),
            is_master_lock: self.is_master_lock.then_some(true),
            ..Default::default()
        };
        match &self.target {
            Target::Namespace(namespace) => data.namespace = Some(namespace.clone()),
            Target::Table(table, _) => data.table_name = Some(table.into()),
            Target::Regions(_, regions) => data.region_info = regions.iter().map(Into::into).collect(),
        }
        vec![pb::Any::pack(&data)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(table: &str) -> RegionInfo {
        RegionInfo::builder(table.parse().unwrap()).region_id(1).build()
    }

    #[test]
    fn what_can_be_locked() {
        use pb::LockType::{Exclusive, Shared};
        let table = || Some("t".parse::<TableName>().unwrap());
        for (r#type, namespace, table, regions, refusal) in [
            (Exclusive, Some("ns"), None, vec![], None),
            (Shared, Some("ns"), None, vec![], Some("Shared lock on namespace not supported")),
            (Exclusive, Some(""), None, vec![], Some("Empty namespace")),
            (Exclusive, None, table(), vec![], None),
            (Shared, None, table(), vec![], None),
            (Exclusive, None, None, vec![region("t")], None),
            (Shared, None, None, vec![region("t")], Some("Only exclusive lock supported on regions.")),
            (
                Exclusive,
                None,
                None,
                vec![region("t"), region("u")],
                Some("All regions should be from same table"),
            ),
            (Exclusive, None, None, vec![], Some("one of table/namespace/region should be specified")),
        ] {
            let target = Target::new(r#type, namespace, table, regions);
            assert_eq!(target.err().map(|error| error.message).as_deref(), refusal);
        }
    }
}

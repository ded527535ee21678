//! Changes how the stores of a table, or of one of its families, know their files: by way of a migration, during which
//! both the old way and the new one are kept up. Counterpart of `ModifyTableStoreFileTrackerProcedure` and
//! `ModifyColumnFamilyStoreFileTrackerProcedure`.

pub mod initialize;

use async_trait::async_trait;
use bytes::Bytes;
use hmaster_procedure::{
    StateError, StateFlow, StateMachine, StateMachineProcedure, StateReader, StepContext,
};
use hmaster_protocol::pb;
use hmaster_types::{
    JavaException, PlainTracker, StoreFileTracker, TableDescriptor, TableName, TableState, attribute, class,
    to_string_binary,
};

use super::Prepared;
use super::change::unknown_tracker;
use super::modify::ModifyTable;
use crate::codec;
use crate::environment::MasterEnv;
use crate::step::{ProcedureUser, Stop, settle, table_procedure};

pub use initialize::{CLASS as INITIALIZE_CLASS, decode as decode_initialize};

/// The Java class for tables.
pub const TABLE_CLASS: &str =
    "org.apache.hadoop.hbase.regionserver.storefiletracker.ModifyTableStoreFileTrackerProcedure";
/// The Java class for column families.
pub const FAMILY_CLASS: &str =
    "org.apache.hadoop.hbase.regionserver.storefiletracker.ModifyColumnFamilyStoreFileTrackerProcedure";

hmaster_procedure::machine_states! {
    /// The states, with the numbers of `ModifyStoreFileTrackerState`.
    pub enum State {
        FinishPreviousMigration = 1, "MODIFY_STORE_FILE_TRACKER_FINISH_PREVIOUS_MIGRATION";
        StartMigration = 2, "MODIFY_STORE_FILE_TRACKER_START_MIGRATION";
        FinishMigration = 3, "MODIFY_STORE_FILE_TRACKER_FINISH_MIGRATION";
    }
}

/// A table, or a family of it, that is to know its files in another way.
#[derive(Debug)]
pub struct ModifyTracker {
    table: TableName,
    /// None for the table.
    family: Option<Bytes>,
    destination: PlainTracker,
    prepared: Prepared,
}

/// What has to be done next.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Nothing,
    /// A migration to something else is under way, and ends there first.
    FinishTo(PlainTracker),
    Start,
    Finish,
}

impl ModifyTracker {
    /// Changes `table` to `tracker`.
    ///
    /// # Errors
    /// When there is no such tracker, or it is a migration itself.
    pub fn of_table(
        _: ProcedureUser,
        table: TableName,
        tracker: &str,
        prepared: Prepared,
    ) -> Result<StateMachineProcedure<Self>, JavaException> {
        let destination = destination(tracker)?;
        Ok(StateMachineProcedure::new(Self { table, family: None, destination, prepared }))
    }

    /// Changes a family of `table` to `tracker`.
    ///
    /// # Errors
    /// As for a table.
    pub fn of_family(
        _: ProcedureUser,
        table: TableName,
        family: Bytes,
        tracker: &str,
        prepared: Prepared,
    ) -> Result<StateMachineProcedure<Self>, JavaException> {
        let destination = destination(tracker)?;
        Ok(StateMachineProcedure::new(Self { table, family: Some(family), destination, prepared }))
    }

    fn check(&self, env: &MasterEnv) -> Result<TableDescriptor, JavaException> {
        let Some(schema) = env.schemas.get(&self.table) else {
            return Err(JavaException::new(class::TABLE_NOT_FOUND, self.table.as_str()));
        };
        if !env.tables.is_in(&self.table, &[TableState::Enabled]) {
            return Err(JavaException::new(class::TABLE_NOT_ENABLED, self.table.as_str()));
        }
        match &self.family {
            Some(family) if schema.family(family).is_none() => {
                let message = format!("{} does not exist for table {}", to_string_binary(family), self.table);
                Err(JavaException::new(class::NO_SUCH_COLUMN_FAMILY, message))
            }
            _ => Ok((*schema).clone()),
        }
    }

    fn tracker(&self, env: &MasterEnv, schema: &TableDescriptor) -> Result<StoreFileTracker, JavaException> {
        let otherwise = env.options.filesystem.store_file_tracker.as_str();
        let family = self.family.as_ref().and_then(|family| schema.family(family));
        let tracker = match family {
            Some(family) => StoreFileTracker::of(schema, family, otherwise),
            None => StoreFileTracker::of_table(schema, otherwise),
        };
        tracker.map_err(unknown_tracker)
    }

    fn begin(&mut self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let checked = self.check(env);
        self.prepared.tell(&checked.as_ref().map(drop).map_err(Clone::clone));
        let schema = checked?;
        Ok(match next(self.tracker(env, &schema)?, self.destination) {
            Next::Nothing => StateFlow::End,
            Next::Start => StateFlow::To(State::StartMigration),
            Next::Finish => StateFlow::To(State::FinishMigration),
            Next::FinishTo(tracker) => {
                let finished =
                    self.with_settings(&schema, &[(attribute::STORE_FILE_TRACKER, tracker.name())]);
                modify(finished, Some(State::FinishPreviousMigration))
            }
        })
    }

    fn start(&self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let schema = self.check(env)?;
        let source = self.tracker(env, &schema)?.name();
        let migration = self.with_settings(
            &schema,
            &[
                (attribute::STORE_FILE_TRACKER, "MIGRATION"),
                (attribute::MIGRATION_SOURCE, source),
                (attribute::MIGRATION_DESTINATION, self.destination.name()),
            ],
        );
        Ok(modify(migration, Some(State::FinishMigration)))
    }

    fn finish(&self, env: &MasterEnv) -> Result<StateFlow<MasterEnv, State>, Stop> {
        let schema = self.check(env)?;
        let finished = self.with_settings(
            &schema,
            &[
                (attribute::STORE_FILE_TRACKER, self.destination.name()),
                (attribute::MIGRATION_SOURCE, ""),
                (attribute::MIGRATION_DESTINATION, ""),
            ],
        );
        Ok(modify(finished, None))
    }

    /// The schema with settings of the table or the family; an empty one goes.
    fn with_settings(
        &self,
        schema: &TableDescriptor,
        settings: &[(&'static str, &'static str)],
    ) -> TableDescriptor {
        let family = self.family.as_ref().and_then(|family| schema.family(family));
        let Some(family) = family else {
            let table = schema.to_builder();
            return settings.iter().fold(table, |table, (key, value)| table.attribute(*key, *value)).build();
        };
        let family = family.to_builder();
        let family = settings.iter().fold(family, |family, (key, value)| family.configuration(*key, *value));
        schema.to_builder().family(family.build()).build()
    }
}

fn destination(tracker: &str) -> Result<PlainTracker, JavaException> {
    match tracker.eq_ignore_ascii_case("MIGRATION").then_some(()) {
        Some(()) => {
            let message = format!("Do not need to transfer to {tracker}");
            Err(JavaException::new(class::DO_NOT_RETRY_IO, message))
        }
        None => Ok(StoreFileTracker::named(tracker).map_err(unknown_tracker)?.source()),
    }
}

fn next(tracker: StoreFileTracker, destination: PlainTracker) -> Next {
    match tracker {
        StoreFileTracker::Plain(plain) if plain == destination => Next::Nothing,
        StoreFileTracker::Plain(_) => Next::Start,
        StoreFileTracker::Migration { destination: current, .. } if current == destination => Next::Finish,
        StoreFileTracker::Migration { destination: current, .. } => Next::FinishTo(current),
    }
}

fn modify(schema: TableDescriptor, then: Option<State>) -> StateFlow<MasterEnv, State> {
    let child = ModifyTable::procedure(ProcedureUser::master(), schema, Prepared::default());
    StateFlow::Children { children: vec![Box::new(child)], then }
}

/// Reads a table's change that a master, this one or Java's, has stored.
///
/// # Errors
/// When the message is missing or makes no sense.
pub fn decode_table(reader: &mut StateReader<'_>) -> Result<ModifyTracker, StateError> {
    let data: pb::ModifyStoreFileTrackerStateData = reader.read()?;
    let destination = StoreFileTracker::named(&data.dst_sft);
    Ok(ModifyTracker {
        table: codec::table(&data.table_name)?,
        family: None,
        destination: destination.map_err(|error| StateError::Invalid(error.to_string()))?.source(),
        prepared: Prepared::default(),
    })
}

/// Reads a family's change that a master, this one or Java's, has stored.
///
/// # Errors
/// When a message is missing or makes no sense.
pub fn decode_family(reader: &mut StateReader<'_>) -> Result<ModifyTracker, StateError> {
    let change = decode_table(reader)?;
    let data: pb::ModifyColumnFamilyStoreFileTrackerStateData = reader.read()?;
    Ok(ModifyTracker { family: Some(data.family), ..change })
}

#[async_trait]
impl StateMachine<MasterEnv> for ModifyTracker {
    type State = State;

    fn class_name(&self) -> &'static str {
        if self.family.is_some() { FAMILY_CLASS } else { TABLE_CLASS }
    }

    table_procedure!(first: State::FinishPreviousMigration, lock: table_exclusive);

    async fn execute_state(
        &mut self,
        state: State,
        cx: &mut StepContext<'_, MasterEnv>,
    ) -> StateFlow<MasterEnv, State> {
        let env = cx.env();
        let result = match state {
            State::FinishPreviousMigration => self.begin(env),
            State::StartMigration => self.start(env),
            State::FinishMigration => self.finish(env),
        };
        settle(result, state, self.is_rollback_supported(state), cx)
    }

    fn is_rollback_supported(&self, state: State) -> bool {
        state == State::FinishPreviousMigration
    }

    async fn rollback_state(
        &mut self,
        _: State,
        _: &mut StepContext<'_, MasterEnv>,
    ) -> Result<(), JavaException> {
        Ok(()) // nothing was done but checks
    }

    fn state_messages(&self) -> Vec<pb::Any> {
        let table = pb::ModifyStoreFileTrackerStateData {
            table_name: (&self.table).into(),
            dst_sft: self.destination.name().to_owned(),
        };
        let family =
            self.family.clone().map(|family| pb::ModifyColumnFamilyStoreFileTrackerStateData { family });
        let mut messages = vec![pb::Any::pack(&table)];
        messages.extend(family.as_ref().map(pb::Any::pack));
        messages
    }
}

#[cfg(test)]
mod tests {
    use hmaster_types::ColumnFamilyDescriptor;

    use super::*;

    #[test]
    fn a_change_goes_through_a_migration() {
        use PlainTracker::{Default, File};
        let migration = |source, destination| StoreFileTracker::Migration { source, destination };
        for (tracker, destination, expected) in [
            (StoreFileTracker::Plain(Default), Default, Next::Nothing),
            (StoreFileTracker::Plain(Default), File, Next::Start),
            (migration(Default, File), File, Next::Finish),
            (migration(Default, File), Default, Next::FinishTo(File)),
        ] {
            assert_eq!(next(tracker, destination), expected, "{tracker:?} {destination:?}");
        }
    }

    #[test]
    fn the_aim_is_no_migration_and_is_known() {
        assert_eq!(destination("file"), Ok(PlainTracker::File));
        assert!(destination("migration").unwrap_err().message.contains("Do not need to transfer"));
        assert!(destination("other").unwrap_err().do_not_retry);
    }

    #[test]
    fn settings_go_where_they_belong() {
        let family = ColumnFamilyDescriptor::builder("f").build();
        let schema = TableDescriptor::builder("t".parse().unwrap()).family(family).build();
        let prepared = Prepared::default;
        let user = ProcedureUser::master;
        let table = ModifyTracker::of_table(user(), "t".parse().unwrap(), "FILE", prepared()).unwrap();
        let family =
            ModifyTracker::of_family(user(), "t".parse().unwrap(), "f".into(), "FILE", prepared()).unwrap();
        let settings = [(attribute::STORE_FILE_TRACKER, "FILE"), (attribute::MIGRATION_SOURCE, "")];
        let changed = table.machine().with_settings(&schema, &settings);
        assert_eq!(changed.attribute(attribute::STORE_FILE_TRACKER).unwrap(), "FILE");
        let changed = family.machine().with_settings(&schema, &settings);
        assert_eq!(changed.attribute(attribute::STORE_FILE_TRACKER), None);
        let configuration = changed.family(b"f").unwrap().configuration().clone();
        assert_eq!(
            configuration.into_iter().collect::<Vec<_>>(),
            [(attribute::STORE_FILE_TRACKER.to_owned(), "FILE".to_owned())]
        );
    }
}

//! What clients do: ask for changes and wait for their ends, write rows, read them.

use std::collections::BTreeMap;
use std::time::Duration;

use hmaster_procedure::Status;
use hmaster_procedure::{Outcome, Procedure};
use hmaster_types::{
    ColumnFamilyDescriptor, EncodedName, JavaException, ProcId, RegionInfo, ServerName, TableDescriptor,
    TableName, class,
};

use super::World;
use super::invariants::{Written, durable};
use super::rows;
use super::server::Failure;
use super::state::State;
use crate::environment::MasterEnv;

/// A schema with one family.
pub fn table_schema(table: &TableName, replicas: u16) -> TableDescriptor {
    let mut schema =
        TableDescriptor::builder(table.clone()).family(ColumnFamilyDescriptor::builder("f").build());
    if replicas > 1 {
        schema = schema.attribute("REGION_REPLICATION", replicas.to_string());
    }
    schema.build()
}

impl World {
    /// Submits a procedure and waits for its end, whichever master sees it.
    ///
    /// # Errors
    /// Why it failed.
    ///
    /// # Panics
    /// When it doesn't end, or no master is active to take it.
    pub async fn run(&self, procedure: impl Procedure<MasterEnv>) -> Result<(), JavaException> {
        let id = self.env().submit(procedure).await;
        let id = id.map_err(|error| JavaException::new(class::IO, error.to_string()))?;
        self.outcome(id).await
    }

    /// Waits for a procedure's end, whichever master sees it.
    ///
    /// # Errors
    /// Why it failed.
    ///
    /// # Panics
    /// When it doesn't end.
    pub async fn outcome(&self, id: ProcId) -> Result<(), JavaException> {
        let mut outcome: Option<Option<Outcome>> = None;
        let ended = |world: &Self| {
            let env = world.active_master().and_then(|master| master.env().ok());
            let Some(executor) = env.and_then(|env| env.executor()) else { return false };
            match executor.status(id, false) {
                Status::Running { .. } => return false,
                Status::Finished(ended) => outcome = Some(Some(ended)),
                Status::NotFound => outcome = Some(None),
            }
            true
        };
        self.until(&format!("the end of {id}"), ended).await;
        match outcome.flatten().and_then(|outcome| outcome.exception()) {
            Some(exception) => Err(exception),
            None => Ok(()),
        }
    }

    /// Regions between these keys, with ids as if they were made now.
    pub fn regions(&self, table: &TableName, split_keys: &[&str]) -> Vec<RegionInfo> {
        let id = self.now_ms();
        let starts = std::iter::once("").chain(split_keys.iter().copied());
        let ends = split_keys.iter().copied().chain(std::iter::once(""));
        let region = |(start, end): (&str, &str)| {
            let builder = RegionInfo::builder(table.clone()).region_id(id);
            builder.start_key(start.as_bytes()).end_key(end.as_bytes()).build()
        };
        starts.zip(ends).map(region).collect()
    }

    /// Writes a user's row where it is served now; false when nobody serves it, or it isn't acknowledged.
    pub fn put(&self, table: &TableName, row: &str) -> bool {
        let now_ms = self.now_ms().cast_signed();
        let lost = self.with(|state| {
            let key = (table.clone(), row.as_bytes().to_vec());
            let folder = state.root.tables.get(table);
            let region = folder.and_then(|folder| {
                let mut regions = folder.regions.values().map(|region| &region.info);
                regions.find(|info| {
                    info.contains_row(row.as_bytes()) && state.carrier(info.encoded_name()).is_some()
                })
            });
            let region = region.cloned()?;
            // A server that was replaced and doesn't know it yet may still have clients.
            let serving: Vec<_> = state
                .servers
                .values()
                .filter(|server| server.is_up && !server.paused.is_closed())
                .filter(|server| server.regions.get(&region.encoded_name()).is_some_and(|own| own.is_online))
                .map(|server| server.name.clone())
                .collect();
            let server = serving.get(self.chance().below(serving.len()))?.clone();
            let written = state.truth.rows.entry(key.clone()).or_default();
            written.tried += 1;
            let value = written.tried;
            // Timestamps rise with values, however fast they follow each other.
            let timestamp = now_ms * 1000 + value.cast_signed();
            let done = state.mutate(&server, &region, &[rows::user_put(row.as_bytes(), value, timestamp)]);
            if done.is_ok() {
                state.truth.rows.entry(key).or_default().acknowledged = value;
                return Some(Ok(()));
            }
            Some(Err(server))
        });
        match lost {
            Some(Ok(())) => true,
            Some(Err(server)) => {
                self.abort_server(&server, "its WALs are gone");
                false
            }
            None => false,
        }
    }

    /// All rows of a table with their values, as clients would find them.
    pub fn rows(&self, table: &TableName) -> BTreeMap<Vec<u8>, u64> {
        self.with(|state| durable::rows(state, table))
    }

    /// From now on a table has to have these rows, and no others: it was restored, or made of another.
    pub fn expect_rows(&self, table: &TableName, rows: &BTreeMap<Vec<u8>, u64>) {
        self.with(|state| {
            state.truth.rows.retain(|(other, _), _| other != table);
            let written = |value: u64| Written { acknowledged: value, tried: value };
            let rows = rows.iter().map(|(row, value)| ((table.clone(), row.clone()), written(*value)));
            state.truth.rows.extend(rows);
        });
    }

    /// A table is about to be deleted: its rows need not be there any more.
    pub fn forget_rows(&self, table: &TableName) {
        self.with(|state| {
            let rows = state.truth.rows.iter_mut().filter(|((other, _), _)| other == table);
            rows.for_each(|(_, written)| written.acknowledged = 0);
        });
    }

    /// A region server flushes one of its regions.
    pub fn flush_some(&self) {
        self.on_some_region(State::flush_region);
    }

    /// A region server compacts one of its regions: references to other regions' files go.
    pub fn compact_some(&self) {
        self.on_some_region(State::compact_region);
    }

    fn on_some_region(&self, work: impl FnOnce(&mut State, &ServerName, EncodedName) -> Result<(), Failure>) {
        let fenced = self.with(|state| {
            let all: Vec<_> = state
                .servers
                .values()
                .filter(|server| server.is_up && !server.paused.is_closed())
                .flat_map(|server| server.regions.values().map(|region| (server.name.clone(), region)))
                .filter(|(_, region)| region.is_online)
                .map(|(server, region)| (server, region.info.encoded_name()))
                .collect();
            let (server, region) = all.get(self.chance().below(all.len()))?.clone();
            work(state, &server, region).is_err().then_some(server)
        });
        if let Some(server) = fenced {
            self.abort_server(&server, "its WALs are gone");
        }
    }

    /// Lets time pass.
    pub async fn pass(&self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}

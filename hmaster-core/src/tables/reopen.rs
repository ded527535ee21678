//! Has a table's regions reopened, so that they take up a new schema. Counterpart of `ReopenTableRegionsProcedure`.
//!
//! Each region is reopened until its sequence number says that it was. In batches, each twice as large as the one
//! before, if the configuration or the table asks for that.
//!
//! Differs from Java in that a master that continues the procedure keeps to batches, too.

mod progress;

use std::time::Duration;

use async_trait::async_trait;
use hmaster_procedure::{
    LockRequest, Priority, Procedure, StateError, StateFlow, StateMachine, StateMachineProcedure,
    StateReader, StepContext,
};
use hmaster_protocol::pb;
use hmaster_types::{SeqNum, ServerName, TableName, TableState};

use crate::codec;
use crate::environment::MasterEnv;
use crate::message::Event;
use progress::Place;

/// The Java class.
pub const CLASS: &str = "org.apache.hadoop.hbase.master.procedure.ReopenTableRegionsProcedure";
/// Settings of the table that come before the configuration's.
const BACKOFF: &str = "hbase.reopen.table.regions.progressive.batch.backoff.ms";
const BATCH_MAX: &str = "hbase.reopen.table.regions.progressive.batch.size.max";

hmaster_procedure::machine_states! {
    /// The states, with the numbers of `ReopenTableRegionsState`.
    pub enum State {
        GetRegions = 1, "REOPEN_TABLE_REGIONS_GET_REGIONS";
        ReopenRegions = 2, "REOPEN_TABLE_REGIONS_REOPEN_REGIONS";
        ConfirmReopened = 3, "REOPEN_TABLE_REGIONS_CONFIRM_REOPENED";
    }
}

/// A table whose regions are reopened.
#[derive(Debug)]
pub struct ReopenTableRegions {
    table: TableName,
    /// Full names of the regions that are meant; none for all.
    names: Vec<Vec<u8>>,
    /// Those that are still to be reopened.
    regions: Vec<Place>,
    /// Those of them that are being reopened; not stored.
    batch: Vec<Place>,
    /// How many go together by now; not stored.
    batch_size: usize,
}

/// How regions are reopened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pace {
    /// Regions in the largest batch; none to take all at once.
    batch_max: Option<usize>,
    /// Between batches.
    backoff: Duration,
}

impl ReopenTableRegions {
    /// Reopens the regions with these full names, or all of the table's.
    pub fn procedure(table: TableName, names: Vec<Vec<u8>>) -> StateMachineProcedure<Self> {
        let (regions, batch) = (Vec::new(), Vec::new());
        StateMachineProcedure::new(Self { table, names, regions, batch, batch_size: 1 })
    }

    fn get_regions(&mut self, env: &MasterEnv) -> StateFlow<MasterEnv, State> {
        if !env.tables.is_in(&self.table, &[TableState::Enabled]) {
            tracing::info!(table = %self.table, "the table isn't enabled, its regions aren't reopened");
            return StateFlow::End;
        }
        let nodes = env.regions.table_regions(&self.table);
        self.regions = nodes.iter().filter_map(Place::of).collect();
        if !self.names.is_empty() {
            self.regions.retain(|place| self.names.iter().any(|name| place.region.name().as_bytes() == name));
        }
        StateFlow::To(State::ReopenRegions)
    }

    /// Regions that others have in hand are left to them, and looked at again.
    fn reopen(&mut self, env: &MasterEnv) -> StateFlow<MasterEnv, State> {
        if self.batch.is_empty() {
            let size = self.pace(env).batch_max.map_or(usize::MAX, |max| self.batch_size.min(max));
            self.batch = self.regions.iter().take(size).cloned().collect();
        }
        let mut children: Vec<Box<dyn Procedure<MasterEnv>>> = Vec::new();
        for place in &self.batch {
            match env.reopen(&place.region) {
                Ok(child) => children.push(Box::new(child)),
                Err(error) => tracing::debug!(%error, "not reopened now"),
            }
        }
        match children.is_empty() {
            true => StateFlow::To(State::ConfirmReopened),
            false => StateFlow::Children { children, then: Some(State::ConfirmReopened) },
        }
    }

    fn confirm(&mut self, env: &MasterEnv) -> StateFlow<MasterEnv, State> {
        let left = |places: &[Place]| -> Vec<Place> {
            places
                .iter()
                .filter_map(|place| place.still(env.regions.get(place.region.encoded_name())))
                .collect()
        };
        (self.regions, self.batch) = (left(&self.regions), left(&self.batch));
        if self.regions.is_empty() {
            return StateFlow::End;
        }
        let is_new_batch = self.batch.is_empty();
        let next = if is_new_batch { &self.regions } else { &self.batch };
        let can_go_on = |place: &Place| {
            let is_busy = env.regions.with(
                place.region.encoded_name(),
                super::super::assignment::region_node::RegionNode::is_in_transition,
            );
            place.open_seq_num >= SeqNum(0) && is_busy != Some(true)
        };
        if !next.iter().any(can_go_on) {
            tracing::info!(table = %self.table, regions = self.regions.len(), "regions to reopen are in transition");
            return StateFlow::RetryLater;
        }
        let pace = self.pace(env);
        if is_new_batch {
            self.batch_size = self.batch_size.saturating_mul(2);
        }
        match is_new_batch && pace.backoff > Duration::ZERO {
            true => {
                StateFlow::Sleep { duration: pace.backoff, durable: false, then: Some(State::ReopenRegions) }
            }
            false => StateFlow::To(State::ReopenRegions),
        }
    }

    /// Only a whole table is reopened in batches.
    fn pace(&self, env: &MasterEnv) -> Pace {
        if !self.names.is_empty() {
            return Pace { batch_max: None, backoff: Duration::ZERO };
        }
        let schema = env.schemas.get(&self.table);
        let own = |key: &str| schema.as_ref().and_then(|schema| schema.parsed::<i64>(key));
        let assignment = &env.options.assignment;
        let backoff = own(BACKOFF).map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or(0)));
        pace_of(
            own(BATCH_MAX).unwrap_or_else(|| i64::from(assignment.reopen_batch_max)),
            backoff.unwrap_or(assignment.reopen_batch_backoff),
        )
    }
}

fn pace_of(batch_max: i64, backoff: Duration) -> Pace {
    // Java takes -1 for "all at once", and other numbers below 1 for 1.
    let batch_max = (batch_max != -1).then(|| usize::try_from(batch_max.max(1)).unwrap_or(usize::MAX));
    Pace { batch_max, backoff }
}

/// Reads what a master, this one or Java's, has stored.
///
/// # Errors
/// When the message is missing or makes no sense.
pub fn decode(reader: &mut StateReader<'_>) -> Result<ReopenTableRegions, StateError> {
    let data: pb::ReopenTableRegionsStateData = reader.read()?;
    let place = |message: &pb::RegionLocation| {
        Ok::<_, StateError>(Place {
            region: codec::region(&message.region_info)?,
            server: message.server_name.as_ref().map(codec::server).transpose()?,
            open_seq_num: SeqNum(message.seq_num),
        })
    };
    Ok(ReopenTableRegions {
        table: codec::table(&data.table_name)?,
        names: data.region_names.iter().map(|name| name.to_vec()).collect(),
        regions: data.region.iter().map(place).collect::<Result<_, _>>()?,
        batch: Vec::new(),
        batch_size: 1,
    })
}

#[async_trait]
impl StateMachine<MasterEnv> for ReopenTableRegions {
    type State = State;

    fn class_name(&self) -> &'static str {
        CLASS
    }

    fn details(&self) -> String {
        format!("ReopenTableRegionsProcedure table={}", self.table)
    }

    fn initial_state(&self) -> State {
        State::GetRegions
    }

    fn locks(&self) -> LockRequest {
        LockRequest::table_shared(&self.table)
    }

    fn priority(&self, _: State) -> Priority {
        Priority::of_table(&self.table)
    }

    /// Before hbase:meta is loaded the table seems to have no regions.
    fn wait_before(&self, env: &MasterEnv) -> Option<Event> {
        env.meta_wait()
    }

    async fn execute_state(
        &mut self,
        state: State,
        cx: &mut StepContext<'_, MasterEnv>,
    ) -> StateFlow<MasterEnv, State> {
        match state {
            State::GetRegions => self.get_regions(cx.env()),
            State::ReopenRegions => self.reopen(cx.env()),
            State::ConfirmReopened => self.confirm(cx.env()),
        }
    }

    fn state_messages(&self) -> Vec<pb::Any> {
        let region = |place: &Place| pb::RegionLocation {
            region_info: (&place.region).into(),
            server_name: place.server.as_ref().map(|server: &ServerName| server.into()),
            seq_num: place.open_seq_num.0,
        };
        vec![pb::Any::pack(&pb::ReopenTableRegionsStateData {
            table_name: (&self.table).into(),
            region: self.regions.iter().map(region).collect(),
            region_names: self.names.iter().map(|name| name.clone().into()).collect(),
        })]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_off_or_have_at_least_one_region() {
        for (configured, batch_max) in [(-1, None), (-2, Some(1)), (0, Some(1)), (1, Some(1)), (64, Some(64))]
        {
            let backoff = Duration::from_millis(5);
            assert_eq!(pace_of(configured, backoff), Pace { batch_max, backoff }, "{configured}");
        }
    }
}

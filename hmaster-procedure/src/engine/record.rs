//! A procedure as a row. Counterpart of `ProcedureUtil.convertToProtoProcedure`.

use std::sync::Arc;

use hmaster_protocol::pb;
use hmaster_types::ProcId;

use super::entry::Entry;
use super::{Engine, guarded};
use crate::{Environment, StoreOp};

impl<E: Environment> Engine<E> {
    /// The procedure's row as it is now, to be stored.
    pub(super) fn write(&mut self, id: ProcId) -> StoreOp {
        let now_ms = self.now.wall_ms;
        let entry = self.entries.get_mut(&id).expect("only procedures that are there are written");
        entry.updated_ms = now_ms;
        let messages = state_messages(entry);
        StoreOp::Put(entry.remember(messages))
    }

    /// Removes rows.
    pub(super) fn delete(ids: impl IntoIterator<Item = ProcId>) -> impl Iterator<Item = StoreOp> {
        ids.into_iter().map(StoreOp::Delete)
    }
}

/// Its state data; those of its last row while a step is out, or if the procedure can't say.
pub(super) fn state_messages<E: Environment>(entry: &Entry<E>) -> Vec<pb::Any> {
    let last = || entry.record.as_ref().map(|record| record.state_message.clone()).unwrap_or_default();
    let Some(procedure) = &entry.procedure else { return last() };
    guarded("state data", || procedure.state_messages()).unwrap_or_else(|error| {
        tracing::error!(pid = %entry.id(), %error, "state data of an earlier step are stored");
        last()
    })
}

impl<E: Environment> Entry<E> {
    /// Its row with these state data, kept while the procedure may be out of reach.
    pub(super) fn remember(&mut self, messages: Vec<pb::Any>) -> Arc<pb::Procedure> {
        let record = Arc::new(self.to_record(messages));
        self.record = Some(Arc::clone(&record));
        record
    }

    /// Its row with these state data. As in Java, what isn't so stays unset, but for `executed`.
    pub(super) fn to_record(&self, state_message: Vec<pb::Any>) -> pb::Procedure {
        let extra = self.extra.as_deref();
        let nonce = extra.and_then(|extra| extra.nonce);
        pb::Procedure {
            class_name: self.class_name().to_owned(),
            parent_id: self.place.parent.map(|parent| parent.0),
            proc_id: self.place.id.0,
            submitted_time: self.submitted_ms,
            owner: self.owner.as_deref().map(str::to_owned),
            state: self.state as i32,
            stack_id: self.steps.to_vec(),
            last_update: self.updated_ms,
            timeout: extra.and_then(|extra| extra.timeout_ms),
            exception: extra.and_then(|extra| extra.exception.clone()),
            result: extra.and_then(|extra| extra.result.clone()),
            state_data: None,
            nonce_group: nonce.map(|nonce| nonce.group),
            nonce: nonce.map(|nonce| nonce.value),
            state_message,
            locked: self.marks.locked.then_some(true),
            bypass: self.marks.bypass.then_some(true),
            executed: Some(self.marks.executed),
        }
    }

    /// Under what name it is counted.
    pub(super) fn metrics_name(&self) -> &str {
        self.procedure.as_ref().map_or_else(|| self.class_name(), |procedure| procedure.metrics_name())
    }

    /// Its Java class.
    pub(super) fn class_name(&self) -> &str {
        match (&self.procedure, &self.record) {
            (Some(procedure), _) => procedure.class_name(),
            (None, Some(record)) => &record.class_name,
            (None, None) => "",
        }
    }
}

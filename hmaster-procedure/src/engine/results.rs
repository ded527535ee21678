//! Ended root procedures, kept for clients that ask. Counterpart of `CompletedProcedureRetainer` and
//! `CompletedProcedureCleaner`.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use foldhash::fast::FixedState;
use hmaster_protocol::pb::{self, ProcedureState};
use hmaster_types::{JavaException, Nonce, ProcId};

use super::Engine;
use crate::procedure::simple_class_name;
use crate::{Environment, StoreOp};

/// How long results are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResultPolicy {
    /// How long one is kept that nobody has asked for (`hbase.procedure.cleaner.evict.ttl`).
    pub evict_ttl_ms: u64,
    /// How long one is kept after somebody has asked for it (`hbase.procedure.cleaner.acked.evict.ttl`).
    pub evict_acked_ttl_ms: u64,
    /// How often to look (`hbase.procedure.cleaner.interval`).
    pub interval_ms: u64,
    /// How many are deleted in one batch (`hbase.procedure.cleaner.evict.batch.size`).
    pub evict_batch_max: usize,
}

impl Default for ResultPolicy {
    fn default() -> Self {
        Self {
            evict_ttl_ms: 15 * 60_000,
            evict_acked_ttl_ms: 5 * 60_000,
            interval_ms: 30_000,
            evict_batch_max: 32,
        }
    }
}

/// How a root procedure ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Its row at the end.
    pub record: Arc<pb::Procedure>,
}

/// What is known of a procedure. Counterpart of `getProcedureResult`'s answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    /// Nothing: never was, or ended long ago.
    NotFound,
    /// It is there and hasn't ended.
    Running {
        /// When it was submitted, in milliseconds since 1970.
        submitted_ms: u64,
        /// When it was last stored.
        updated_ms: u64,
    },
    /// It has ended.
    Finished(Outcome),
}

impl Outcome {
    /// Its id.
    pub fn id(&self) -> ProcId {
        ProcId(self.record.proc_id)
    }

    /// What it left for the client.
    pub fn result(&self) -> Option<&Bytes> {
        self.record.result.as_ref()
    }

    /// Why it failed, if it did.
    pub fn exception(&self) -> Option<JavaException> {
        self.record.exception.as_ref().map(JavaException::from)
    }

    /// Its result.
    ///
    /// # Errors
    /// Why it failed, if it did.
    pub fn to_result(&self) -> Result<Option<Bytes>, JavaException> {
        self.exception().map_or_else(|| Ok(self.record.result.clone()), Err)
    }
}

#[derive(Debug)]
struct Kept {
    record: Arc<pb::Procedure>,
    /// When a client asked for it, on the wall clock.
    acked_ms: Option<u64>,
    /// The store has a row of it.
    stored: bool,
}

/// Results that are kept.
#[derive(Debug)]
pub(crate) struct Results {
    kept: HashMap<ProcId, Kept, FixedState>,
    policy: ResultPolicy,
    /// When to look next, on the engine's clock.
    next_look_ms: u64,
}

impl Results {
    pub(super) fn new(policy: ResultPolicy, now_mono_ms: u64) -> Self {
        Self { kept: HashMap::default(), policy, next_look_ms: now_mono_ms + policy.interval_ms }
    }

    /// Keeps a result; one that no client asks for goes at the next look.
    pub(super) fn keep(&mut self, record: Arc<pb::Procedure>, waits_for_ack: bool, stored: bool) {
        let acked_ms = (!waits_for_ack).then_some(0);
        self.kept.insert(ProcId(record.proc_id), Kept { record, acked_ms, stored });
    }

    pub(super) fn get(&self, id: ProcId) -> Option<Outcome> {
        self.kept.get(&id).map(|kept| Outcome { record: Arc::clone(&kept.record) })
    }

    pub(super) fn acknowledge(&mut self, id: ProcId, wall_ms: u64) {
        if let Some(kept) = self.kept.get_mut(&id) {
            kept.acked_ms.get_or_insert(wall_ms);
        }
    }

    pub(super) fn records(&self) -> impl Iterator<Item = &Arc<pb::Procedure>> {
        self.kept.values().map(|kept| &kept.record)
    }

    pub(super) fn next_eviction_ms(&self) -> Option<u64> {
        (!self.kept.is_empty()).then_some(self.next_look_ms)
    }

    /// Takes out what has been kept long enough, in order of ids.
    fn evict(&mut self, wall_ms: u64) -> Vec<Kept> {
        let policy = self.policy;
        let expired = |kept: &Kept| {
            let acked =
                kept.acked_ms.is_some_and(|at| wall_ms.saturating_sub(at) >= policy.evict_acked_ttl_ms);
            acked || wall_ms.saturating_sub(kept.record.last_update) >= policy.evict_ttl_ms
        };
        let mut evicted: Vec<_> =
            self.kept.extract_if(|_, kept| expired(kept)).map(|(_, kept)| kept).collect();
        evicted.sort_unstable_by_key(|kept| kept.record.proc_id);
        evicted
    }
}

impl<E: Environment> Engine<E> {
    /// What is known of a procedure. Asking for one that has ended counts as having its result, if `acknowledge`: it is
    /// dropped sooner.
    pub fn status(&mut self, id: ProcId, acknowledge: bool) -> Status {
        if let Some(outcome) = self.results.get(id) {
            if acknowledge {
                self.results.acknowledge(id, self.now.wall_ms);
            }
            return Status::Finished(outcome);
        }
        self.entries.get(&id).map_or(Status::NotFound, |entry| Status::Running {
            submitted_ms: entry.submitted_ms,
            updated_ms: entry.updated_ms,
        })
    }

    /// Lets a registered mark stand for a request that failed before it became a procedure: whoever repeats the request
    /// gets the same error. Counterpart of `setFailureResultForNonce`; as there, it doesn't survive this master.
    pub fn fail_nonce(&mut self, nonce: Nonce, name: &str, owner: Option<&str>, error: &JavaException) {
        let Some(id) = self.nonces.take(nonce) else { return };
        let record = pb::Procedure {
            class_name: name.to_owned(),
            proc_id: id.0,
            submitted_time: self.now.wall_ms,
            owner: owner.map(str::to_owned),
            state: ProcedureState::Rolledback as i32,
            last_update: self.now.wall_ms,
            exception: Some(pb::ForeignExceptionMessage::new(Some(simple_class_name(name)), error)),
            nonce_group: Some(nonce.group),
            nonce: Some(nonce.value),
            ..Default::default()
        };
        self.results.keep(Arc::new(record), true, false);
        self.release_nonce(nonce);
    }

    /// Drops results that were kept long enough. True if there were any.
    pub(super) fn evict_results(&mut self) -> bool {
        if self.now.mono_ms < self.results.next_look_ms {
            return false;
        }
        self.results.next_look_ms = self.now.mono_ms + self.results.policy.interval_ms.max(1);
        let evicted = self.results.evict(self.now.wall_ms);
        for kept in &evicted {
            if let Some(nonce) = Nonce::new(kept.record.nonce_group(), kept.record.nonce()) {
                self.nonces.forget(nonce);
            }
        }
        let stored: Vec<_> = evicted.iter().filter(|kept| kept.stored).collect();
        for batch in stored.chunks(self.results.policy.evict_batch_max.max(1)) {
            let ops = batch.iter().map(|kept| StoreOp::Delete(ProcId(kept.record.proc_id)));
            self.log.push(ops.collect(), []);
        }
        !evicted.is_empty()
    }
}

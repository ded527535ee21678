//! New procedures.

use std::sync::Arc;

use hmaster_protocol::pb;
use hmaster_types::{JavaException, Nonce, ProcId};

use super::commit::Effect;
use super::entry::{Entry, Tree};
use super::{Answer, Engine, Ticket, guarded};
use crate::{Environment, Place, Procedure, StoreOp};

/// A root procedure to be submitted.
pub struct NewProcedure<E: Environment> {
    /// The procedure.
    pub procedure: Box<dyn Procedure<E>>,
    /// On whose behalf.
    pub owner: Option<Arc<str>>,
    /// The client's mark on the request, if it was registered.
    pub nonce: Option<Nonce>,
}

impl<E: Environment> NewProcedure<E> {
    /// A procedure of nobody in particular.
    pub fn new(procedure: impl Procedure<E>) -> Self {
        Self { procedure: Box::new(procedure), owner: None, nonce: None }
    }
}

impl<E: Environment> Engine<E> {
    /// Takes root procedures, all at once; `ticket` is answered when they are durable.
    ///
    /// # Errors
    /// When a procedure's code panics while it is asked for its state data; then none is taken.
    pub fn submit(
        &mut self,
        procedures: Vec<NewProcedure<E>>,
        ticket: Option<Ticket>,
    ) -> Result<Vec<ProcId>, JavaException> {
        let mut prepared = Vec::with_capacity(procedures.len());
        for new in procedures {
            let asked = guarded("state data", || {
                (new.procedure.state_messages(), new.procedure.is_rollback_supported())
            });
            prepared.push((new, asked?));
        }
        let mut ops = Vec::with_capacity(prepared.len());
        let mut ids = Vec::with_capacity(prepared.len());
        for (new, (messages, rollback_supported)) in prepared {
            let (id, op) = self.enter_root(new, messages, rollback_supported);
            ops.push(op);
            ids.push(id);
        }
        let gates = ids.iter().map(|&id| Effect::Gate(id));
        let answer = ticket.map(|ticket| Effect::Answer(ticket, Answer::Durable));
        let gate = self.log.next();
        for id in &ids {
            self.entries.get_mut(id).expect("just entered").gate = gate;
        }
        self.log.push(ops, gates.chain(answer));
        Ok(ids)
    }

    fn enter_root(
        &mut self,
        new: NewProcedure<E>,
        messages: Vec<pb::Any>,
        rollback_supported: bool,
    ) -> (ProcId, StoreOp) {
        let reserved = new.nonce.and_then(|nonce| self.nonces.take(nonce));
        let id = reserved.unwrap_or_else(|| self.next_id());
        // A mark that nobody registered is this procedure's all the same; one that is another's stays so.
        let nonce = new.nonce.filter(|&nonce| reserved.is_some() || !self.nonces.is_known(nonce));
        let place = Place { id, parent: None, root: id };
        let mut entry = Entry::new(place, new.procedure, self.now.wall_ms);
        entry.owner = new.owner;
        if let Some(nonce) = nonce {
            self.nonces.assign(nonce, id);
            entry.extra_mut().nonce = Some(nonce);
        }
        self.metrics.submitted(entry.metrics_name());
        let op = StoreOp::Put(entry.remember(messages));
        self.trees.insert(id, Tree::new(rollback_supported));
        self.entries.insert(id, Box::new(entry));
        (id, op)
    }
}

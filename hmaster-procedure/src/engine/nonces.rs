//! Requests that clients mark, so that a repeated one isn't carried out twice. Counterpart of
//! `ProcedureExecutor.registerNonce` and its kin.
//!
//! A new mark reserves an id; the request's procedure takes it, or its failure does, or it is given up. In Java a
//! repeated request that waits for a reservation which is then given up gets the id of a procedure that never was; here
//! it becomes the one to carry out the request.

use std::collections::{HashMap, VecDeque};

use foldhash::fast::FixedState;
use hmaster_types::{Nonce, ProcId};

use super::{Answer, Engine, Ticket};
use crate::Environment;

/// Whose a mark is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NonceAnswer {
    /// The asker's, to be used with this id, or given up.
    Reserved(Nonce, ProcId),
    /// It stands for this procedure, which is durable or has failed before it began.
    Known(ProcId),
}

#[derive(Debug)]
struct Mark {
    id: ProcId,
    /// A procedure, or a failure, has it.
    taken: bool,
    waiting: VecDeque<Ticket>,
}

/// The marks of requests.
#[derive(Debug, Default)]
pub(crate) struct Nonces(HashMap<Nonce, Mark, FixedState>);

impl Nonces {
    /// The id that is reserved for a mark, which is a procedure's, or a failure's, from now on. None if it isn't
    /// reserved.
    pub(super) fn take(&mut self, nonce: Nonce) -> Option<ProcId> {
        let mark = self.0.get_mut(&nonce).filter(|mark| !mark.taken)?;
        mark.taken = true;
        Some(mark.id)
    }

    /// True if a mark is reserved or taken.
    pub(super) fn is_known(&self, nonce: Nonce) -> bool {
        self.0.contains_key(&nonce)
    }

    /// Makes a mark that nobody has a procedure's.
    pub(super) fn assign(&mut self, nonce: Nonce, id: ProcId) {
        self.0.entry(nonce).or_insert(Mark { id, taken: true, waiting: VecDeque::new() });
    }

    /// A mark whose result is kept no longer.
    pub(super) fn forget(&mut self, nonce: Nonce) {
        self.0.remove(&nonce);
    }
}

impl<E: Environment> Engine<E> {
    /// Asks whose a mark is; answered with [`Answer::Nonce`], at once unless somebody else has reserved it.
    pub fn register_nonce(&mut self, nonce: Nonce, ticket: Ticket) {
        match self.nonces.0.get_mut(&nonce) {
            Some(mark) if mark.taken => {
                let id = mark.id;
                self.answer_about(id, ticket, Answer::Nonce(NonceAnswer::Known(id)));
            }
            Some(mark) => mark.waiting.push_back(ticket),
            None => {
                let id = self.next_id();
                self.nonces.0.insert(nonce, Mark { id, taken: false, waiting: VecDeque::new() });
                self.answers.push((ticket, Answer::Nonce(NonceAnswer::Reserved(nonce, id))));
            }
        }
    }

    /// Gives up a mark that no procedure has taken; the next who waits for it gets it. Counterpart of
    /// `unregisterNonceIfProcedureWasNotSubmitted`.
    pub fn release_nonce(&mut self, nonce: Nonce) {
        let Some(mark) = self.nonces.0.get_mut(&nonce) else { return };
        let id = mark.id;
        if mark.taken {
            for ticket in std::mem::take(&mut mark.waiting) {
                self.answer_about(id, ticket, Answer::Nonce(NonceAnswer::Known(id)));
            }
        } else if let Some(next) = mark.waiting.pop_front() {
            self.answers.push((next, Answer::Nonce(NonceAnswer::Reserved(nonce, id))));
        } else {
            self.nonces.0.remove(&nonce);
        }
    }
}

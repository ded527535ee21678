//! Batches on their way to the store, and what happens when they have arrived.
//!
//! Batches are numbered in the order in which they enter the log, and become durable in that order. What a batch makes
//! happen waits here until then, in that order.

use std::collections::VecDeque;

use hmaster_types::ProcId;

use super::{Answer, Ticket};
use crate::StoreOp;

/// The number of a batch; 0 is before the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

/// What a batch makes happen.
#[derive(Debug)]
pub(crate) enum Effect {
    /// The procedure goes on, if it waits for just this.
    Gate(ProcId),
    /// So do these, whose ids follow one another.
    Gates(ProcId, u32),
    /// Its locks go to others: the row says that it hasn't them any more.
    Release(ProcId),
    /// A step of this tree is over.
    StepOver(ProcId),
    /// It has ended well and isn't the root.
    Ended(ProcId),
    /// It is undone and isn't the root; its row is gone.
    Removed(ProcId),
    /// The root has ended, well or not; the rows of the others are gone.
    RootEnded(ProcId),
    /// Somebody gets an answer.
    Answer(Ticket, Answer),
}

/// Batches that aren't durable yet.
#[derive(Debug, Default)]
pub(crate) struct CommitLog {
    last: Seq,
    durable: Seq,
    effects: VecDeque<(Seq, Effect)>,
    batches: Vec<(Seq, Vec<StoreOp>)>,
}

impl CommitLog {
    /// Enters a batch into the log.
    pub(crate) fn push(&mut self, ops: Vec<StoreOp>, effects: impl IntoIterator<Item = Effect>) -> Seq {
        self.last.0 += 1;
        self.batches.push((self.last, ops));
        self.effects.extend(effects.into_iter().map(|effect| (self.last, effect)));
        self.last
    }

    /// The number that the next batch will have.
    pub(crate) fn next(&self) -> Seq {
        Seq(self.last.0 + 1)
    }

    /// Hangs an effect on the last batch of the log; gives it back if that is durable.
    pub(crate) fn attach(&mut self, effect: Effect) -> Option<Effect> {
        if self.durable == self.last {
            return Some(effect);
        }
        self.effects.push_back((self.last, effect));
        None
    }

    pub(crate) fn is_durable(&self, seq: Seq) -> bool {
        seq <= self.durable
    }

    pub(crate) fn mark_durable(&mut self, seq: Seq) {
        debug_assert!(self.durable <= seq && seq <= self.last, "batches become durable in order");
        self.durable = seq;
    }

    /// The next thing that has to happen.
    pub(crate) fn pop_effect(&mut self) -> Option<(Seq, Effect)> {
        self.effects.pop_front_if(|(seq, _)| *seq <= self.durable)
    }

    /// Batches that the store hasn't seen.
    pub(crate) fn take_batches(&mut self) -> Vec<(Seq, Vec<StoreOp>)> {
        std::mem::take(&mut self.batches)
    }

    /// True if everything is durable.
    pub(crate) fn is_idle(&self) -> bool {
        self.durable == self.last
    }
}

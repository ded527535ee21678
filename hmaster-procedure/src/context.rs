//! What a step, and a quicker hook, sees of the world besides the procedure itself.

use async_trait::async_trait;
use bytes::Bytes;
use hmaster_types::{Clock, JavaException, ProcId};

use crate::{Environment, Flow, RetryPolicy};

/// What came of delivering a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The procedure has it, and what it changed is durable.
    Accepted,
    /// The procedure refused it.
    Rejected(JavaException),
    /// There is no such procedure that would still take one: it has ended, or is being undone.
    NoSuchProcedure,
}

/// A child that has ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildResult {
    /// Its id.
    pub id: ProcId,
    /// Its result, if it left one.
    pub result: Option<Bytes>,
}

/// The way from a step back to the executor.
#[async_trait]
pub trait StepLink<E: Environment>: Send + Sync {
    /// See [`StepContext::deliver`].
    async fn deliver(&self, to: ProcId, message: E::Message) -> Delivery;

    /// See [`StepContext::child_results`].
    fn child_results(&self, parent: ProcId) -> Vec<ChildResult>;
}

/// What a step sees, and what it can say besides its [`Flow`].
pub struct StepContext<'a, E: Environment> {
    pub(crate) env: &'a E,
    pub(crate) link: &'a dyn StepLink<E>,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) place: Place,
    pub(crate) retry: RetryPolicy,
    pub(crate) progress: Progress,
    pub(crate) skip_persistence: bool,
    pub(crate) retrying: bool,
}

/// How far a procedure is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// How often the current step has failed in a row, in this master's life.
    pub attempt: u32,
    /// How many of its steps are stored; while it is being undone, how many are left, this one included.
    pub steps: usize,
}

/// Where a procedure stands in its tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its id.
    pub id: ProcId,
    /// Its parent's, if it has one.
    pub parent: Option<ProcId>,
    /// The id of the tree's root, which may be itself.
    pub root: ProcId,
}

impl<'a, E: Environment> StepContext<'a, E> {
    /// A context for one step. The executor makes them; tests of a single step may, too.
    pub fn new(
        env: &'a E,
        link: &'a dyn StepLink<E>,
        clock: &'a dyn Clock,
        place: Place,
        retry: RetryPolicy,
        progress: Progress,
    ) -> Self {
        Self { env, link, clock, place, retry, progress, skip_persistence: false, retrying: false }
    }

    /// The world.
    pub fn env(&self) -> &'a E {
        self.env
    }

    /// The procedure's id.
    pub fn id(&self) -> ProcId {
        self.place.id
    }

    /// The parent's id, if there is one.
    pub fn parent(&self) -> Option<ProcId> {
        self.place.parent
    }

    /// The root's id.
    pub fn root(&self) -> ProcId {
        self.place.root
    }

    /// Wall-clock time in milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// How often in a row this step has ended in [`StepContext::retry_later`] in this master's life.
    pub fn attempt(&self) -> u32 {
        self.progress.attempt
    }

    /// How many of the procedure's steps are stored; while it is being undone, how many are left, this one included:
    /// after the last nothing of the procedure is left.
    pub fn steps(&self) -> usize {
        self.progress.steps
    }

    /// Leaves what this step changed to memory: a crash forgets it. For steps that failed and will be tried again.
    pub fn skip_persistence(&mut self) {
        self.skip_persistence = true;
    }

    /// The same step again after a wait that doubles from one attempt to the next, without storing anything.
    pub fn retry_later(&mut self) -> Flow<E> {
        self.skip_persistence = true;
        self.retrying = true;
        Flow::Sleep { duration: self.retry.delay(self.progress.attempt), durable: false }
    }

    /// The wait that [`StepContext::retry_later`] would choose now.
    pub fn retry_delay(&self) -> std::time::Duration {
        self.retry.delay(self.progress.attempt)
    }

    /// Tells another procedure something; ends when what that changed is durable. Never send to the procedure itself,
    /// nor to one whose step may be sending to this one: each would wait for the other's step to end.
    pub async fn deliver(&self, to: ProcId, message: E::Message) -> Delivery {
        self.link.deliver(to, message).await
    }

    /// The results of this procedure's children that have ended well, in order of their ids.
    pub fn child_results(&self) -> Vec<ChildResult> {
        self.link.child_results(self.place.id)
    }

    /// What the step has said besides its flow: whether to skip the write, and whether it is trying again.
    pub fn notes(&self) -> StepNotes {
        StepNotes { skip_persistence: self.skip_persistence, retrying: self.retrying }
    }
}

/// What a step has said besides its flow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StepNotes {
    /// Nothing needs to be stored.
    pub skip_persistence: bool,
    /// It failed and will be tried again, so the next wait is to be longer.
    pub retrying: bool,
}

/// What a hook sees: see [`crate::Procedure`] for what it may do.
pub struct HookContext<'a, E: Environment> {
    pub(crate) env: &'a E,
    pub(crate) place: Place,
    pub(crate) now_ms: u64,
}

impl<'a, E: Environment> HookContext<'a, E> {
    /// A context for one call of a hook.
    pub fn new(env: &'a E, place: Place, now_ms: u64) -> Self {
        Self { env, place, now_ms }
    }

    /// The world.
    pub fn env(&self) -> &'a E {
        self.env
    }

    /// The procedure's id.
    pub fn id(&self) -> ProcId {
        self.place.id
    }

    /// The parent's id, if there is one.
    pub fn parent(&self) -> Option<ProcId> {
        self.place.parent
    }

    /// The root's id.
    pub fn root(&self) -> ProcId {
        self.place.root
    }

    /// Wall-clock time in milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }
}

//! The tasks of an executor: steps, batches, time.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use hmaster_types::ProcId;

use super::shared::{Commit, Shared};
use crate::engine::{Seq, StepDone, StepKind, StepOutcome, StepTask};
use crate::exception::code_bug;
use crate::{ChildResult, Delivery, Environment, StepContext, StepLink, StoreError};

/// The way from a step back to its executor.
struct Link<E: Environment>(Arc<Shared<E>>);

#[async_trait]
impl<E: Environment> StepLink<E> for Link<E> {
    async fn deliver(&self, to: ProcId, message: E::Message) -> Delivery {
        match self.0.deliver(to, message).await {
            Ok(delivery) => delivery,
            // The executor has ended, and with it this step: it is dropped here.
            Err(_) => std::future::pending().await,
        }
    }

    fn child_results(&self, parent: ProcId) -> Vec<ChildResult> {
        self.0.look(|engine| engine.child_results(parent))
    }
}

impl<E: Environment> Shared<E> {
    /// Starts a task that runs a step, and after it whatever step may run then.
    pub(super) fn run_steps(self: &Arc<Self>, task: StepTask<E>) {
        let shared = Arc::clone(self);
        self.spawn(async move {
            let link = Link(Arc::clone(&shared));
            let mut next = Some(task);
            while let Some(task) = next {
                let done = shared.run_step(&link, task).await;
                let called = shared.call_for_step(|core| core.engine.step_done(done));
                next = called.ok().and_then(|((), task)| task);
                tokio::task::coop::consume_budget().await;
            }
        });
    }

    async fn run_step(&self, link: &Link<E>, task: StepTask<E>) -> StepDone<E> {
        let StepTask { place, mut procedure, kind, progress } = task;
        let mut cx = StepContext::new(&*self.env, link, &*self.clock, place, self.retry, progress);
        let step = async {
            match kind {
                StepKind::Execute => {
                    let flow = procedure.execute(&mut cx).await;
                    StepOutcome::Executed(flow, cx.notes())
                }
                StepKind::Rollback => StepOutcome::RolledBack(procedure.rollback(&mut cx).await),
            }
        };
        // A procedure that panicked does no further step but to be undone.
        let outcome = AssertUnwindSafe(step).catch_unwind().await;
        let outcome =
            outcome.unwrap_or_else(|panic| StepOutcome::Panicked(code_bug(procedure.class_name(), &*panic)));
        StepDone { id: place.id, procedure, outcome }
    }

    /// Tells the engine of batches that have become durable, in order, as many at once as there are.
    pub(super) async fn commit_batches(self: Arc<Self>) {
        let mut queue = VecDeque::new();
        loop {
            if queue.is_empty() {
                queue = std::mem::take(&mut *self.commits.lock());
            }
            let Some((seq, first)) = queue.pop_front() else {
                self.committer.notified().await;
                continue;
            };
            if let Err(error) = first.await {
                return self.fail(error);
            }
            let (durable, failure) = durable_now(&mut queue, seq);
            let told = self.call(|core| core.engine.durable(durable));
            if let Some(error) = failure {
                return self.fail(error);
            }
            if told.is_err() {
                return;
            }
            tokio::task::coop::consume_budget().await;
        }
    }

    /// Wakes the engine at its deadlines.
    pub(super) async fn keep_time(self: Arc<Self>) {
        let mut armed = None;
        loop {
            let sleep = async {
                match armed {
                    Some(deadline) => tokio::time::sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            let due = tokio::select! {
                biased;
                () = self.timer.notified() => false,
                () = sleep => true,
            };
            let ticked = self.call(|core| {
                let evicted = due && core.engine.tick();
                core.armed_ms = core.engine.next_deadline_ms().unwrap_or(u64::MAX);
                (evicted, core.armed_ms)
            });
            let Ok((evicted, armed_ms)) = ticked else { return };
            armed = self.deadline(armed_ms);
            if evicted {
                self.store.cleanup();
            }
        }
    }
}

/// The last of the batches at the front that are durable already, after `durable`; and what refused the one after it.
fn durable_now(queue: &mut VecDeque<Commit>, mut durable: Seq) -> (Seq, Option<StoreError>) {
    while let Some((seq, commit)) = queue.front_mut() {
        match commit.now_or_never() {
            None => break,
            Some(Err(error)) => return (durable, Some(error)),
            Some(Ok(())) => durable = *seq,
        }
        queue.pop_front();
    }
    (durable, None)
}

//! What the tasks of an executor share, and the one way to the engine.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use foldhash::fast::FixedState;
use futures_util::future::BoxFuture;
use hmaster_types::{Clock, ProcId};
use parking_lot::Mutex;
use smallvec::SmallVec;
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ExecutorError;
use crate::engine::{Answer, Engine, EngineConfig, NonceAnswer, Now, Seq, StepTask, Ticket};
use crate::{Delivery, Environment, LoadPlan, ProcedureStore, RetryPolicy, StoreError};

/// A batch that the store has, and the future that tells when it is durable.
pub(super) type Commit = (Seq, BoxFuture<'static, Result<(), StoreError>>);

/// Something to tell the engine that nobody waits for.
type Post<E> = Box<dyn FnOnce(&mut Engine<E>) + Send>;

pub(super) struct Shared<E: Environment> {
    pub(super) env: Arc<E>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) store: Arc<dyn ProcedureStore>,
    pub(super) retry: RetryPolicy,
    core: Mutex<Core<E>>,
    /// Pushed to with the core locked, so that its order is that of the log.
    pub(super) commits: Mutex<VecDeque<Commit>>,
    posts: Mutex<VecDeque<Post<E>>>,
    /// When the engine's own clock showed 0.
    pub(super) origin: Instant,
    runtime: Handle,
    pub(super) cancel: CancellationToken,
    tasks: TaskTracker,
    pub(super) committer: Notify,
    pub(super) timer: Notify,
    quiet: Notify,
    failure: watch::Sender<Option<StoreError>>,
}

/// What one lock guards.
pub(super) struct Core<E: Environment> {
    pub(super) engine: Engine<E>,
    replies: HashMap<Ticket, oneshot::Sender<Answer>, FixedState>,
    next_ticket: u64,
    /// The deadline that the timer sleeps until.
    pub(super) armed_ms: u64,
}

impl<E: Environment> Core<E> {
    fn ticket(&mut self) -> (Ticket, oneshot::Receiver<Answer>) {
        self.next_ticket += 1;
        let ticket = Ticket(self.next_ticket);
        let (sender, receiver) = oneshot::channel();
        self.replies.insert(ticket, sender);
        (ticket, receiver)
    }

    /// Hands out answers. Whoever has stopped waiting doesn't need one, but a mark that became theirs goes to the next.
    fn answer(&mut self) {
        loop {
            let answers = self.engine.take_answers();
            if answers.is_empty() {
                return;
            }
            for (ticket, answer) in answers {
                let unheard = match self.replies.remove(&ticket) {
                    Some(reply) => reply.send(answer).err(),
                    None => Some(answer),
                };
                if let Some(Answer::Nonce(NonceAnswer::Reserved(nonce, _))) = unheard {
                    self.engine.release_nonce(nonce);
                }
            }
        }
    }
}

impl<E: Environment> Shared<E> {
    pub(super) fn restore(
        env: Arc<E>,
        store: Arc<dyn ProcedureStore>,
        clock: Arc<dyn Clock>,
        config: EngineConfig,
        plan: LoadPlan<E>,
        id_floor: ProcId,
    ) -> Arc<Self> {
        let now = Now { mono_ms: 0, wall_ms: clock.now_ms() };
        let engine = Engine::restore(Arc::clone(&env), config, now, plan, id_floor);
        let core = Core { engine, replies: HashMap::default(), next_ticket: 0, armed_ms: u64::MAX };
        let shared = Arc::new(Self {
            env,
            clock,
            store,
            retry: config.retry,
            core: Mutex::new(core),
            commits: Mutex::default(),
            posts: Mutex::default(),
            origin: Instant::now(),
            runtime: Handle::current(),
            cancel: CancellationToken::new(),
            tasks: TaskTracker::new(),
            committer: Notify::new(),
            timer: Notify::new(),
            quiet: Notify::new(),
            failure: watch::Sender::new(None),
        });
        shared.spawn(Arc::clone(&shared).commit_batches());
        shared.spawn(Arc::clone(&shared).keep_time());
        // What the plan's decisions changed goes to the store.
        let _ = shared.call(|_| ());
        shared
    }

    fn now(&self) -> Now {
        let mono_ms = u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX);
        Now { mono_ms, wall_ms: self.clock.now_ms() }
    }

    /// Calls the engine and does what it wants done.
    ///
    /// # Errors
    /// When it is dead; then it isn't called.
    pub(super) fn call<R>(self: &Arc<Self>, f: impl FnOnce(&mut Core<E>) -> R) -> Result<R, ExecutorError> {
        let (result, step) = self.call_for_step(f)?;
        step.into_iter().for_each(|step| self.run_steps(step));
        Ok(result)
    }

    /// As [`Shared::call`], but leaves the first step that may run to the caller.
    pub(super) fn call_for_step<R>(
        self: &Arc<Self>,
        f: impl FnOnce(&mut Core<E>) -> R,
    ) -> Result<(R, Option<StepTask<E>>), ExecutorError> {
        let mut core = self.core.lock();
        if core.engine.is_dead() {
            return Err(ExecutorError::Stopped);
        }
        core.engine.set_now(self.now());
        let result = f(&mut core);
        let mut steps = self.carry_out(&mut core).into_iter();
        drop(core);
        let first = steps.next();
        steps.for_each(|step| self.run_steps(step));
        self.drain_posts();
        Ok((result, first))
    }

    /// Looks at the engine without changing anything.
    pub(super) fn look<R>(&self, f: impl FnOnce(&Engine<E>) -> R) -> R {
        f(&self.core.lock().engine)
    }

    /// Does what the engine wants done, but for the steps that may run, which the caller runs after letting go.
    fn carry_out(&self, core: &mut Core<E>) -> SmallVec<[StepTask<E>; 2]> {
        let steps = std::iter::from_fn(|| core.engine.next_step()).collect();
        let batches = core.engine.take_batches();
        if !batches.is_empty() {
            let submitted = batches.into_iter().map(|(seq, ops)| (seq, self.store.submit(ops)));
            self.commits.lock().extend(submitted);
            self.committer.notify_one();
        }
        core.answer();
        let deadline = core.engine.next_deadline_ms().unwrap_or(u64::MAX);
        if deadline < core.armed_ms {
            core.armed_ms = deadline;
            self.timer.notify_one();
        }
        if core.engine.is_stopping() && core.engine.is_quiet() {
            self.quiet.notify_waiters();
        }
        steps
    }

    /// Calls the engine with a ticket. What it gives ends with the answer, and at once with an error if `f` says that
    /// there will be none.
    pub(super) fn ask(
        self: &Arc<Self>,
        f: impl FnOnce(&mut Engine<E>, Ticket) -> bool,
    ) -> Result<Reply<E>, ExecutorError> {
        self.call(|core| {
            let (ticket, receiver) = core.ticket();
            if !f(&mut core.engine, ticket) {
                core.replies.remove(&ticket);
            }
            Reply { shared: Arc::clone(self), ticket, receiver }
        })
    }

    pub(super) async fn deliver(
        self: &Arc<Self>,
        to: ProcId,
        message: E::Message,
    ) -> Result<Delivery, ExecutorError> {
        let reply = self.ask(|engine, ticket| {
            engine.deliver(to, message, ticket);
            true
        })?;
        match reply.await? {
            Answer::Delivered(delivery) => Ok(delivery),
            _ => Err(ExecutorError::Stopped),
        }
    }

    /// Tells the engine something that nobody waits for. Works within a call of the engine, too: then it is told after
    /// that call.
    pub(super) fn post(self: &Arc<Self>, post: impl FnOnce(&mut Engine<E>) + Send + 'static) {
        self.posts.lock().push_back(Box::new(post));
        self.drain_posts();
    }

    /// Tells the engine what was posted. Whoever holds the core comes here after letting go, so nothing stays behind.
    fn drain_posts(self: &Arc<Self>) {
        while !self.posts.lock().is_empty() {
            let Some(mut core) = self.core.try_lock() else { return };
            let posts = std::mem::take(&mut *self.posts.lock());
            if core.engine.is_dead() {
                continue;
            }
            core.engine.set_now(self.now());
            for post in posts {
                post(&mut core.engine);
            }
            let steps = self.carry_out(&mut core);
            drop(core);
            steps.into_iter().for_each(|step| self.run_steps(step));
        }
    }

    /// Starts a task that ends when the executor does.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let cancel = self.cancel.clone();
        let task = async move {
            tokio::select! {
                biased;
                () = cancel.cancelled() => {}
                () = task => {}
            }
        };
        self.tasks.spawn_on(task, &self.runtime);
    }

    /// See [`super::ProcedureExecutor::stop`].
    pub(super) async fn stop(self: &Arc<Self>) {
        let quiet = self.quiet.notified();
        tokio::pin!(quiet);
        quiet.as_mut().enable();
        if self.call(|core| core.engine.stop()).is_ok() && !self.look(Engine::is_quiet) {
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => {}
                () = quiet => {}
            }
        }
        self.kill();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Ends everything where it stands.
    pub(super) fn kill(&self) {
        let mut core = self.core.lock();
        core.engine.kill();
        let replies = std::mem::take(&mut core.replies);
        drop(core);
        drop(replies);
        self.commits.lock().clear();
        self.cancel.cancel();
    }

    /// The store has failed.
    pub(super) fn fail(&self, error: StoreError) {
        tracing::error!(%error, "the procedure executor ends");
        self.kill();
        self.failure.send_replace(Some(error));
    }

    pub(super) async fn failed(&self) -> StoreError {
        let mut failure = self.failure.subscribe();
        let failed = failure.wait_for(Option::is_some).await.map(|error| error.clone());
        match failed {
            Ok(Some(error)) => error,
            _ => std::future::pending().await,
        }
    }

    pub(super) fn deadline(&self, at_ms: u64) -> Option<Instant> {
        (at_ms < u64::MAX).then(|| self.origin + Duration::from_millis(at_ms))
    }
}

/// An answer to come.
pub(super) struct Reply<E: Environment> {
    shared: Arc<Shared<E>>,
    ticket: Ticket,
    receiver: oneshot::Receiver<Answer>,
}

impl<E: Environment> Future for Reply<E> {
    type Output = Result<Answer, ExecutorError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.receiver).poll(cx).map(|answer| answer.map_err(|_| ExecutorError::Stopped))
    }
}

impl<E: Environment> Drop for Reply<E> {
    /// Nobody waits any more: a mark that became the asker's meanwhile goes to the next.
    fn drop(&mut self) {
        self.receiver.close();
        if let Ok(Answer::Nonce(NonceAnswer::Reserved(nonce, _))) = self.receiver.try_recv() {
            self.shared.post(move |engine| engine.release_nonce(nonce));
        }
        if let Some(mut core) = self.shared.core.try_lock() {
            core.replies.remove(&self.ticket);
        }
    }
}

//! What is queued for the log's task, and how those who wait are told.

use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{Durable, LogFailure};

/// Batches that become durable together.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// The batches' sequence ids.
    outcome: OnceLock<Result<Vec<u64>, LogFailure>>,
    told: Notify,
}

#[derive(Debug)]
pub(super) struct Queue<B> {
    state: Mutex<State<B>>,
    work: Notify,
    failed: Notify,
    pending_bytes_max: usize,
}

#[derive(Debug)]
struct State<B> {
    batches: Vec<B>,
    bytes: usize,
    group: Arc<Group>,
    new_file: bool,
    close: bool,
    failure: Option<LogFailure>,
}

/// What the task has to do next.
#[derive(Debug)]
pub(super) enum Work<B> {
    Write(Vec<B>, Taken),
    NewFile,
    Close,
}

/// A group that is being written. If it is dropped before anybody was told, they are told that the task has ended.
#[derive(Debug)]
pub(super) struct Taken(Arc<Group>);

impl Taken {
    pub(super) fn tell(&self, outcome: Result<Vec<u64>, LogFailure>) {
        self.0.tell(outcome);
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.tell(Err(LogFailure::Ended));
    }
}

impl Group {
    pub(super) async fn wait(&self) -> Result<&[u64], LogFailure> {
        loop {
            let mut told = std::pin::pin!(self.told.notified());
            told.as_mut().enable(); // from here on nothing is missed
            if let Some(outcome) = self.outcome.get() {
                return outcome.as_deref().map_err(Clone::clone);
            }
            told.await;
        }
    }

    fn tell(&self, outcome: Result<Vec<u64>, LogFailure>) {
        let _ = self.outcome.set(outcome); // the first counts
        self.told.notify_waiters();
    }
}

impl<B> Queue<B> {
    pub(super) fn new(pending_bytes_max: usize) -> Self {
        let state = State {
            batches: Vec::new(),
            bytes: 0,
            group: Arc::default(),
            new_file: false,
            close: false,
            failure: None,
        };
        Self { state: Mutex::new(state), work: Notify::new(), failed: Notify::new(), pending_bytes_max }
    }

    pub(super) fn push(&self, batch: B, bytes: usize) -> Durable {
        let mut state = self.state.lock();
        if state.bytes.saturating_add(bytes) > self.pending_bytes_max {
            let bytes = state.bytes.saturating_add(bytes);
            let overloaded = LogFailure::Overloaded { bytes, bytes_max: self.pending_bytes_max };
            self.fail_locked(&mut state, overloaded);
        }
        let refused = state.failure.clone().or(state.close.then_some(LogFailure::Closed));
        if let Some(failure) = refused {
            let group = Arc::new(Group::default());
            group.tell(Err(failure));
            return Durable { group, index: 0 };
        }
        let durable = Durable { group: Arc::clone(&state.group), index: state.batches.len() };
        state.batches.push(batch);
        state.bytes += bytes;
        if state.batches.len() == 1 {
            self.work.notify_one();
        }
        durable
    }

    pub(super) fn request_new_file(&self) {
        self.state.lock().new_file = true;
        self.work.notify_one();
    }

    pub(super) fn request_close(&self) {
        self.state.lock().close = true;
        self.work.notify_one();
    }

    /// The next work; an error when the queue has failed. For one caller at a time, who may drop the future.
    pub(super) async fn next(&self) -> Result<Work<B>, LogFailure> {
        loop {
            // Who is about to queue something goes along. Without this the scheduler runs the task as soon as the first
            // of those who were just told queues again, before the others get their turn.
            tokio::task::yield_now().await;
            if let Some(work) = self.take().transpose() {
                return work;
            }
            self.work.notified().await;
        }
    }

    fn take(&self) -> Result<Option<Work<B>>, LogFailure> {
        let mut state = self.state.lock();
        if let Some(failure) = &state.failure {
            return Err(failure.clone());
        }
        if !state.batches.is_empty() {
            let group = std::mem::take(&mut state.group);
            state.bytes = 0;
            return Ok(Some(Work::Write(std::mem::take(&mut state.batches), Taken(group))));
        }
        if std::mem::take(&mut state.new_file) {
            return Ok(Some(Work::NewFile));
        }
        Ok(state.close.then_some(Work::Close))
    }

    /// From now on everything fails; the first failure counts.
    pub(super) fn fail(&self, failure: LogFailure) {
        self.fail_locked(&mut self.state.lock(), failure);
    }

    fn fail_locked(&self, state: &mut State<B>, failure: LogFailure) {
        if state.failure.is_none() {
            state.failure = Some(failure.clone());
            state.batches.clear();
            std::mem::take(&mut state.group).tell(Err(failure));
            self.work.notify_one();
            self.failed.notify_waiters();
        }
    }

    pub(super) async fn failure(&self) -> LogFailure {
        loop {
            let mut failed = std::pin::pin!(self.failed.notified());
            failed.as_mut().enable();
            if let Some(failure) = self.state.lock().failure.clone() {
                return failure;
            }
            failed.await;
        }
    }
}

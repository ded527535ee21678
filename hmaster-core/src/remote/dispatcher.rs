//! A lane of commands for each server.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, OnceLock, Weak};

use hmaster_types::{ProcId, ServerName};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::policy::{self, Attempts, Next, RetryPolicy};
use super::{RemoteOperation, build_request};
use crate::environment::{Bug, MasterEnv};
use crate::message::Message;
use crate::ports::RemoteError;

/// Commands in one call. A region server takes its row locks and threads for all of a call at once.
const BATCH_MAX: usize = 1000;

/// The server that a command was for isn't online; the command went nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not online")]
pub struct NotOnline(pub ServerName);

/// Sends commands to region servers, and tells their procedures when one can't be carried out.
#[derive(Debug)]
pub struct Dispatcher {
    policy: RetryPolicy,
    env: OnceLock<Weak<MasterEnv>>,
    lanes: Mutex<HashMap<ServerName, Lane>>,
    /// Turns of those who ask servers for regions in doubt.
    pub(super) questions: Semaphore,
}

/// What waits for one server, and what it has been sent.
#[derive(Debug, Default)]
struct Lane {
    waiting: Vec<(ProcId, RemoteOperation)>,
    /// Callables that the server has taken and not reported yet.
    taken: BTreeSet<ProcId>,
    is_running: bool,
}

type Batch = BTreeMap<ProcId, RemoteOperation>;

impl Dispatcher {
    /// A dispatcher that has nothing to send.
    pub fn new(policy: RetryPolicy) -> Self {
        Self { policy, env: OnceLock::new(), lanes: Mutex::default(), questions: super::doubt::questions() }
    }

    /// Connects it to the master it is part of.
    pub(crate) fn connect(&self, env: &Arc<MasterEnv>) {
        // A second master can't be connected; the first one stays.
        let _ = self.env.set(Arc::downgrade(env));
    }

    /// The master it is part of, as long as that is there.
    pub(super) fn master(&self) -> Option<Arc<MasterEnv>> {
        self.env.get().and_then(Weak::upgrade)
    }

    /// Sends a command as soon as the server's call under way, if any, is done.
    ///
    /// # Errors
    /// When the server isn't online.
    pub fn add(&self, server: &ServerName, id: ProcId, operation: RemoteOperation) -> Result<(), NotOnline> {
        let not_online = || NotOnline(server.clone());
        let env = self.master().ok_or_else(not_online)?;
        // A server that dies after this look is found dead before its lane is sent.
        if !env.servers.is_online(server) {
            return Err(not_online());
        }
        let mut lanes = self.lanes.lock();
        let lane = lanes.entry(server.clone()).or_default();
        lane.waiting.push((id, operation));
        if !std::mem::replace(&mut lane.is_running, true) {
            let task = run_lane(Arc::downgrade(&env), server.clone());
            env.tasks.spawn(task);
        }
        Ok(())
    }

    /// A callable has reported; its server's death no longer matters to it.
    pub fn reported(&self, server: &ServerName, id: ProcId) {
        if let Some(lane) = self.lanes.lock().get_mut(server) {
            lane.taken.remove(&id);
        }
    }

    /// A server is dead: what it has taken and not reported won't come.
    pub fn server_gone(&self, server: &ServerName) -> Vec<ProcId> {
        let mut lanes = self.lanes.lock();
        let Some(lane) = lanes.get_mut(server) else { return Vec::new() };
        let taken = std::mem::take(&mut lane.taken);
        if !lane.is_running {
            lanes.remove(server);
        }
        taken.into_iter().collect()
    }

    /// The next batch for a server; none when nothing waits, and then the lane is idle.
    fn next_batch(&self, server: &ServerName) -> Option<Batch> {
        let mut lanes = self.lanes.lock();
        let lane = lanes.get_mut(server)?;
        let count = lane.waiting.len().min(BATCH_MAX);
        let batch: Batch = lane.waiting.drain(..count).collect();
        if !batch.is_empty() {
            return Some(batch);
        }
        lane.is_running = false;
        if lane.taken.is_empty() {
            lanes.remove(server);
        }
        None
    }

    fn note_taken(&self, server: &ServerName, batch: &Batch) {
        if let Some(lane) = self.lanes.lock().get_mut(server) {
            lane.taken
                .extend(batch.iter().filter(|(_, operation)| operation.is_callable()).map(|(id, _)| *id));
        }
    }
}

async fn run_lane(env: Weak<MasterEnv>, server: ServerName) {
    while let Some(env) = env.upgrade() {
        let Some(batch) = env.dispatcher.next_batch(&server) else { return };
        tokio::select! {
            biased;
            () = env.shutdown.cancelled() => return,
            () = send(&env, &server, batch) => {}
        }
    }
}

/// Sends a batch until the server has it, or it is certain what to tell its procedures.
async fn send(env: &Arc<MasterEnv>, server: &ServerName, batch: Batch) {
    let started = Instant::now();
    let mut attempts = Attempts::default();
    // The report may come before the call returns, so it is noted beforehand who has what.
    env.dispatcher.note_taken(server, &batch);
    loop {
        let error = match attempt(env, server, &batch).await {
            Ok(()) => return,
            Err(error) => error,
        };
        attempts.waited = started.elapsed();
        if policy::may_have_run(&error) && env.has_bug(Bug::RetriesElsewhere) {
            return settle(env, server, &batch, false, &error).await;
        }
        let next = env.dispatcher.policy.after(attempts, &error, env.servers.is_online(server));
        attempts.failed += 1;
        attempts.may_have_run |= policy::may_have_run(&error);
        tracing::info!(%server, commands = batch.len(), %error, ?next, "commands weren't taken");
        match next {
            Next::Retry(pause) => tokio::time::sleep(pause).await,
            Next::Expire => {
                env.expire_server(server).await;
                return settle(env, server, &batch, attempts.may_have_run, &error).await;
            }
            Next::GiveUp => return settle(env, server, &batch, false, &error).await,
            Next::LeaveToRecovery => return settle(env, server, &batch, true, &error).await,
        }
    }
}

async fn attempt(env: &MasterEnv, server: &ServerName, batch: &Batch) -> Result<(), RemoteError> {
    if !env.servers.is_online(server) {
        return Err(RemoteError::NotSent {
            server: server.clone(),
            reason: "not online".into(),
            refused: false,
        });
    }
    let operations = batch.iter().map(|(id, operation)| (*id, operation));
    let request = build_request(server, env.active_time, env.clock.now_ms(), operations);
    env.region_servers.execute_procedures(server, request).await
}

/// Tells procedures that their commands weren't carried out. One that may have been, on a server that is dead, is not
/// told if it is about a region: the server's recovery does that, after its WALs are split. A callable can be given to
/// another server at once.
async fn settle(
    env: &Arc<MasterEnv>,
    server: &ServerName,
    batch: &Batch,
    in_doubt: bool,
    error: &RemoteError,
) {
    batch.keys().for_each(|id| env.dispatcher.reported(server, *id));
    let told = batch.iter().filter(|(_, operation)| !in_doubt || operation.is_callable()).map(|(id, _)| *id);
    tell(env, told.collect(), || format!("{server}: {error}")).await;
}

async fn tell(env: &Arc<MasterEnv>, procedures: Vec<ProcId>, reason: impl Fn() -> String) {
    for id in procedures {
        // If the reign has ended, the next one dispatches anew.
        let _ = env.deliver(id, Message::NotDispatched { reason: reason() }).await;
    }
}

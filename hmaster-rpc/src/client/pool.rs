//! Connections by server, service and user: each call goes to one of them. Counterpart of `AbstractRpcClient` and its
//! `PoolMap`.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use hmaster_protocol::CallUser;
use hmaster_types::Address;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::backoff::Backoff;
use super::connection::{Connecting, Reply, Submission, Waiter};
use super::error::{ConnectionLost, Failure, NotSent, OutcomeUnknown};
use super::exchange::Answered;
use super::options::ClientOptions;
use crate::stream::Connector;
use crate::wire::budget::ByteBudget;
use crate::wire::connection_header::ConnectionInfo;
use crate::wire::preamble::{AuthCode, Preamble};
use crate::wire::request::OutgoingCall;

/// Which connection a call goes to. Counterpart of `ConnectionId`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) address: Address,
    pub(super) service: &'static str,
    pub(super) user: CallUser,
}

/// All connections of a client.
pub(super) struct Pool {
    options: Arc<ClientOptions>,
    connector: Arc<dyn Connector>,
    state: Mutex<State>,
    tasks: TaskTracker,
    give_up: CancellationToken,
    _give_up: DropGuard,
}

#[derive(Debug)]
struct State {
    connections: HashMap<Key, Handle>,
    backoff: Backoff,
}

/// The pool's end of a connection.
#[derive(Debug, Clone)]
struct Handle {
    submissions: mpsc::UnboundedSender<Submission>,
    bytes: Arc<ByteBudget>,
    calls: Arc<ByteBudget>,
    /// Why there never was a connection; set before submissions are closed.
    failed: Arc<OnceLock<NotSent>>,
    give_up: CancellationToken,
}

/// A call that meets connections that are about to end is handed to another one so many times.
const TRIES_MAX: usize = 4;

impl Pool {
    pub(super) fn new(options: ClientOptions, connector: Arc<dyn Connector>) -> Arc<Self> {
        let give_up = CancellationToken::new();
        let backoff = Backoff::new(options.failed_server_expiry);
        Arc::new(Self {
            options: Arc::new(options),
            connector,
            state: Mutex::new(State { connections: HashMap::new(), backoff }),
            tasks: TaskTracker::new(),
            _give_up: give_up.clone().drop_guard(),
            give_up,
        })
    }

    pub(super) fn options(&self) -> &ClientOptions {
        &self.options
    }

    pub(super) fn connector(&self) -> &Arc<dyn Connector> {
        &self.connector
    }

    /// Makes a call and waits for its end.
    pub(super) async fn call(
        self: &Arc<Self>,
        key: &Key,
        call: OutgoingCall,
        deadline: Instant,
    ) -> Result<Answered, Failure> {
        for _ in 0..TRIES_MAX {
            let handle = self.handle(key).map_err(Failure::NotSent)?;
            let (reply, answer) = oneshot::channel();
            let waiter = handle.waiter(reply, &call).ok_or(Failure::NotSent(NotSent::TooManyCalls))?;
            let submission = Submission { call: call.clone(), deadline, waiter };
            if handle.submissions.send(submission).is_ok() {
                match answer.await {
                    Ok(Reply::Ended(result)) => return result,
                    Ok(Reply::TryAgain) => {}
                    // Its task died. It can't say how far it got.
                    Err(_) => {
                        return Err(Failure::OutcomeUnknown(OutcomeUnknown::ConnectionLost(
                            ConnectionLost::GivenUp,
                        )));
                    }
                }
            } else if let Some(reason) = handle.failed.get() {
                // It failed since the call was given to it, which hears of that as what was taken before does.
                return Err(Failure::NotSent(reason.clone()));
            }
            self.forget(key, &handle);
        }
        Err(Failure::NotSent(NotSent::ConnectionLost(ConnectionLost::Closed)))
    }

    /// The connection for these calls, begun if there is none.
    fn handle(self: &Arc<Self>, key: &Key) -> Result<Handle, NotSent> {
        if self.give_up.is_cancelled() {
            return Err(NotSent::Closed);
        }
        let mut state = self.state.lock();
        let State { connections, backoff } = &mut *state;
        match connections.entry(key.clone()) {
            Entry::Occupied(entry) if !entry.get().submissions.is_closed() => Ok(entry.get().clone()),
            _ if backoff.is_failed(&key.address, Instant::now()) => Err(NotSent::FailedServer),
            entry => Ok(entry.insert_entry(self.begin(key)).get().clone()),
        }
    }

    fn begin(self: &Arc<Self>, key: &Key) -> Handle {
        let (submissions, receiver) = mpsc::unbounded_channel();
        let give_up = self.give_up.child_token();
        let handle = Handle {
            submissions,
            bytes: ByteBudget::new(self.options.call_bytes_max),
            calls: ByteBudget::new(self.options.calls_max as u64),
            failed: Arc::default(),
            give_up: give_up.clone(),
        };
        let connecting = Connecting {
            address: key.address.clone(),
            connector: self.connector.clone(),
            options: self.options.clone(),
            greeting: greeting(key, &self.options),
            submissions: receiver,
            failed: Arc::clone(&handle.failed),
            give_up,
        };
        let (pool, key, own) = (Arc::downgrade(self), key.clone(), handle.clone());
        self.tasks.spawn(async move {
            let connected = |success| {
                if let Some(pool) = pool.upgrade() {
                    pool.state.lock().backoff.connected(&key.address, success, Instant::now());
                }
            };
            connecting.run(connected).await;
            if let Some(pool) = pool.upgrade() {
                pool.forget(&key, &own);
            }
        });
        handle
    }

    /// Drops a connection that has ended, unless another one is in its place already.
    fn forget(&self, key: &Key, handle: &Handle) {
        let mut state = self.state.lock();
        let is_it = |found: &Handle| found.submissions.same_channel(&handle.submissions);
        if state.connections.get(key).is_some_and(is_it) {
            state.connections.remove(key);
        }
    }

    /// Ends all connections to a server.
    pub(super) fn give_up(&self, address: &Address) {
        let mut state = self.state.lock();
        state.connections.retain(|key, handle| {
            let keep = key.address != *address;
            if !keep {
                handle.give_up.cancel();
            }
            keep
        });
    }

    /// Ends all connections.
    pub(super) async fn close(&self) {
        self.give_up.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Connections that are open or being opened.
    pub(super) fn connections(&self) -> usize {
        self.state.lock().connections.len()
    }
}

impl Handle {
    /// Takes the call's share of what may be under way, if there is enough.
    fn waiter(&self, reply: oneshot::Sender<Reply>, call: &OutgoingCall) -> Option<Waiter> {
        let (mut bytes, mut calls) = (self.bytes.share(), self.calls.share());
        let taken = bytes.grow(call.body_len() as u64) && calls.grow(1);
        taken.then_some(Waiter { reply, held: [bytes, calls] })
    }
}

fn greeting(key: &Key, options: &ClientOptions) -> Vec<Bytes> {
    let info = ConnectionInfo {
        service: key.service.into(),
        user: Some(key.user.clone()),
        codec: options.codec,
        version: options.version.clone(),
        attributes: options.attributes.clone(),
    };
    let preamble = Preamble::Calls(AuthCode::SIMPLE).bytes();
    vec![Bytes::copy_from_slice(&preamble), info.encode()]
}

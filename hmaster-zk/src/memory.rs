//! A ZooKeeper ensemble in memory, for tests and simulation. No Java counterpart.
//!
//! It behaves as the wire does, faults included: requests and replies take time, a connection is reset or goes silent,
//! a session expires on the servers' side long before its client hears of it, a client that finds no server gives
//! up by itself. Watches are the connection's and are set again after a reconnect by comparing transactions, as
//! ZooKeeper does it. All time is tokio's, so that it may be paused, and all choices are drawn from one seed: a run
//! on a single-threaded runtime with paused time can be repeated.
//!
//! What it leaves out: ACLs are kept but not enforced, and there is one server, so nobody reads what is out of date.

mod both_ends;
mod session;
mod state;
#[cfg(test)]
mod tests;
mod tree;
mod watches;

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use hmaster_types::Chance;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use crate::znode::{Acl, SessionId};

pub use session::MemorySession;
use state::State;

/// A ZooKeeper ensemble in memory. Cheap to clone.
#[derive(Debug, Clone)]
pub struct MemoryZooKeeper {
    shared: Arc<Shared>,
}

/// How badly a session's connection behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Faults {
    /// A request and a reply each take up to this.
    pub delay_max: Duration,
    /// How likely an operation costs the connection, done or not.
    pub reset_probability: f64,
    /// How likely a watch's event is lost for good, which ZooKeeper itself never does.
    pub event_loss_probability: f64,
}

/// What shall happen to one operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection is reset; the operation isn't carried out.
    LoseRequest,
    /// The operation is carried out; the connection is reset before its reply arrives.
    LoseReply,
    /// The session expires; the operation isn't carried out.
    ExpireBefore,
    /// The operation is carried out; the session expires before its reply arrives.
    ExpireAfter,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    wake: Arc<Notify>,
    _driver: AbortOnDropHandle<()>,
}

impl Faults {
    /// A connection without faults.
    pub const NONE: Self =
        Self { delay_max: Duration::ZERO, reset_probability: 0.0, event_loss_probability: 0.0 };
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 4] = [Self::LoseRequest, Self::LoseReply, Self::ExpireBefore, Self::ExpireAfter];
}

impl MemoryZooKeeper {
    /// An empty ensemble that draws its choices from `chance`. Needs a tokio runtime around it.
    pub fn new(chance: Chance) -> Self {
        let wake = Arc::new(Notify::new());
        let shared = Arc::new_cyclic(|weak| Shared {
            state: Mutex::new(State::new(chance, Instant::now())),
            wake: Arc::clone(&wake),
            _driver: AbortOnDropHandle::new(tokio::spawn(drive(Weak::clone(weak), wake))),
        });
        Self { shared }
    }

    /// A new session, which expires when it isn't heard of for `timeout`.
    pub fn connect(&self, timeout: Duration, faults: Faults) -> Arc<MemorySession> {
        let (id, state) = self.with(|state| state.connect(timeout, faults));
        Arc::new(MemorySession::new(self.clone(), id, timeout, state))
    }

    /// Changes how a session's connection behaves.
    pub fn set_faults(&self, session: SessionId, faults: Faults) {
        self.with(|state| state.session(session).faults = faults);
    }

    /// Lets `fault` happen to an operation of `session`; 0 is the next one.
    pub fn plan(&self, session: SessionId, operation: u64, fault: Fault) {
        self.with(|state| {
            let session = state.session(session);
            session.planned.insert(session.operations + operation, fault);
        });
    }

    /// How many operations `session` has asked for so far.
    pub fn operations(&self, session: SessionId) -> u64 {
        self.with(|state| state.session(session).operations)
    }

    /// Resets a session's connection; the client looks for another at once.
    pub fn reset(&self, session: SessionId) {
        self.with(|state| state.reset(session));
    }

    /// Cuts a session off: its packets and those to it vanish. The client notices after two fifths of the timeout.
    pub fn partition(&self, session: SessionId) {
        self.with(|state| state.partition(session));
    }

    /// Ends a partition.
    pub fn heal(&self, session: SessionId) {
        self.with(|state| state.heal(session));
    }

    /// Expires a session on the servers' side. Its client hears of it when it comes back.
    pub fn expire(&self, session: SessionId) {
        self.with(|state| state.expire(session));
    }

    /// Whether the servers still keep a session.
    pub fn is_kept(&self, session: SessionId) -> bool {
        self.with(|state| state.session(session).kept)
    }

    /// A znode's data as the servers have it, whoever may read it.
    pub fn data(&self, path: &str) -> Option<Bytes> {
        self.with(|state| state.tree.get(path).ok().map(|(data, _)| data))
    }

    /// The names of a znode's children as the servers have them, sorted.
    pub fn children(&self, path: &str) -> Option<Vec<String>> {
        self.with(|state| state.tree.children(path).ok())
    }

    /// A znode's ACL.
    pub fn acl(&self, path: &str) -> Option<Vec<Acl>> {
        self.with(|state| state.tree.acl(path).map(<[Acl]>::to_vec))
    }

    /// Brings the state up to the present, lets `change` have it, and has the driver look again.
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = {
            let mut state = self.shared.state.lock();
            state.advance(Instant::now());
            change(&mut state)
        };
        self.shared.wake.notify_one();
        result
    }
}

/// Lets everything happen at its time, until the ensemble is dropped.
async fn drive(shared: Weak<Shared>, wake: Arc<Notify>) {
    loop {
        let next = {
            let Some(shared) = shared.upgrade() else { return };
            let mut state = shared.state.lock();
            state.advance(Instant::now());
            state.next_deadline()
        };
        let due = async {
            match next {
                Some(next) => tokio::time::sleep_until(next).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = wake.notified() => {}
            () = due => {}
        }
    }
}

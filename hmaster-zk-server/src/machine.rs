//! The server as a pure state machine: a request goes in, transactions and frames come out.
//! Counterparts: `PrepRequestProcessor` (what is decided), `FinalRequestProcessor` (what is
//! answered) and `ZooKeeperServer` (sessions).
//!
//! No I/O, no clock, no chance: time comes with each input, and so do the passwords of new sessions.
//! The caller owes two things. It must make the [transactions](Effects::transactions) durable before
//! it sends any of the [outputs](Effects::outputs), those of reads included: a read may show what a
//! write of the same moment did. And it must send outputs in order: an event precedes the reply that
//! could show what it is about.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;

use crate::access;
use crate::expiry::ExpiryQueue;
use crate::state::DurableState;
use crate::transaction::{Change, Transaction};
use crate::tree::change::{Notification, WriteContext};
use crate::watches::{ConnId, Fired, Watches};
use crate::wire::connect::{ConnectRequest, Password};
use crate::wire::error_code::ErrorCode;
use crate::wire::jute::JuteWrite;
use crate::wire::reply;
use crate::wire::request::Request;
use crate::wire::request_body::{Body, RequestFrame, is_write};
use crate::wire::types::{AuthId, PERM_READ};

mod decide;
mod reads;
mod sessions;
mod watching;
mod writes;

/// What the machine is told once.
#[derive(Debug, Clone)]
pub(crate) struct MachineSettings {
    /// Length of a tick in milliseconds; deadlines of sessions are whole ticks.
    pub tick_ms: u64,
    /// Shortest session timeout, in milliseconds.
    pub min_session_timeout_ms: i32,
    /// Longest session timeout, in milliseconds.
    pub max_session_timeout_ms: i32,
    /// Digest identity of the super user.
    pub super_digest: Option<String>,
    /// How many watches a connection may have.
    pub watches_per_connection_max: usize,
    /// How often abandoned containers are looked for, in milliseconds.
    pub container_check_ms: u64,
}

/// The time of an input.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// Monotonic clock in milliseconds, from any origin.
    pub monotonic_ms: u64,
    /// Wall clock in milliseconds since 1970, for stats.
    pub wall_ms: i64,
}

/// What happens to a server.
#[derive(Debug)]
pub(crate) enum Input {
    /// A connection was accepted from this address.
    Accepted {
        /// The connection.
        conn: ConnId,
        /// The client's address.
        ip: IpAddr,
    },
    /// The first frame of a connection.
    Connect {
        /// The connection.
        conn: ConnId,
        /// What it asks for.
        request: ConnectRequest,
        /// The password of the session, if a new one begins.
        new_password: Password,
    },
    /// A later frame.
    Request {
        /// The connection.
        conn: ConnId,
        /// What it asks for.
        frame: RequestFrame,
    },
    /// A connection is gone; its session lives on.
    Gone {
        /// The connection.
        conn: ConnId,
    },
}

/// Why the server ends a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CloseReason {
    /// The client closed its session.
    SessionClosed,
    /// The session expired, or never existed, or the password was wrong.
    SessionExpired,
    /// The client attached to its session through another connection.
    SessionMoved,
    /// The client knows of transactions that this server hasn't seen.
    ClientAhead,
    /// Credentials were refused.
    AuthFailed,
    /// The operation is unknown.
    Unimplemented,
}

/// Something to do for a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Output {
    /// Send the answer to the input.
    Reply(ConnId, Bytes),
    /// Send a watch event.
    Event(ConnId, Bytes),
    /// Send what is queued, then close.
    Close(ConnId, CloseReason),
}

/// What inputs led to.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Transactions to be made durable first.
    pub transactions: Vec<Transaction>,
    /// What to do then, in this order.
    pub outputs: Vec<Output>,
    /// Length of all frames in the outputs.
    pub output_bytes: usize,
}

impl Effects {
    fn push(&mut self, output: Output) {
        if let Output::Reply(_, frame) | Output::Event(_, frame) = &output {
            self.output_bytes += frame.len();
        }
        self.outputs.push(output);
    }
}

/// What is known of a connection.
#[derive(Debug)]
struct Client {
    ip: IpAddr,
    identities: Arc<[AuthId]>,
    session: Option<i64>,
    timeout_ms: i32,
}

/// The server's whole state.
#[derive(Debug)]
pub(crate) struct Machine {
    settings: MachineSettings,
    state: DurableState,
    expiry: ExpiryQueue,
    watches: Watches,
    clients: BTreeMap<ConnId, Client>,
    /// The connection of each session that has one.
    attached: HashMap<i64, ConnId>,
    /// New sessions get no lower id, so that those of a server that lost its data don't come back.
    session_id_base: i64,
    next_container_check_ms: u64,
}

impl Machine {
    /// Takes up a state; its sessions get their full timeout from now.
    pub(crate) fn new(settings: MachineSettings, state: DurableState, now: Now) -> Self {
        let mut expiry = ExpiryQueue::new(settings.tick_ms);
        for (id, session) in &state.sessions {
            expiry.touch(*id, session.timeout_ms, now.monotonic_ms);
        }
        let next_container_check_ms = now.monotonic_ms + settings.container_check_ms;
        Self {
            settings,
            state,
            expiry,
            watches: Watches::default(),
            clients: BTreeMap::new(),
            attached: HashMap::new(),
            session_id_base: sessions::session_id_base(now.wall_ms),
            next_container_check_ms,
        }
    }

    /// The durable part of the state.
    pub(crate) fn state(&self) -> &DurableState {
        &self.state
    }

    /// All watches.
    pub(crate) fn watches(&self) -> &Watches {
        &self.watches
    }

    /// Deadlines of the sessions.
    pub(crate) fn expiry(&self) -> &ExpiryQueue {
        &self.expiry
    }

    /// The session of a connection and its timeout in milliseconds.
    pub(crate) fn session_of(&self, conn: ConnId) -> Option<(i64, i32)> {
        let client = self.clients.get(&conn)?;
        Some((client.session?, client.timeout_ms))
    }

    /// Whether a client is connected to this session.
    pub(crate) fn is_attached(&self, session: i64) -> bool {
        self.attached.contains_key(&session)
    }

    /// Deals with one input.
    pub(crate) fn apply(&mut self, input: Input, now: Now, effects: &mut Effects) {
        match input {
            Input::Accepted { conn, ip } => {
                let identities = Arc::from([access::ip_identity(ip)]);
                self.clients.insert(conn, Client { ip, identities, session: None, timeout_ms: 0 });
            }
            Input::Connect { conn, request, new_password } => {
                self.connect(conn, &request, new_password, now, effects);
            }
            Input::Request { conn, frame } => self.request(conn, frame, now, effects),
            Input::Gone { conn } => self.forget(conn),
        }
    }

    /// Counts a request that waits for its turn as a sign of life.
    pub(crate) fn touch(&mut self, conn: ConnId, now: Now) {
        if let Some((session, timeout_ms)) = self.session_of(conn) {
            self.expiry.touch(session, timeout_ms, now.monotonic_ms);
        }
    }

    fn forget(&mut self, conn: ConnId) {
        self.watches.remove_connection(conn);
        if let Some(session) = self.clients.remove(&conn).and_then(|client| client.session)
            && self.attached.get(&session) == Some(&conn)
        {
            self.attached.remove(&session);
        }
    }

    fn close(&mut self, conn: ConnId, reason: CloseReason, effects: &mut Effects) {
        self.forget(conn);
        effects.push(Output::Close(conn, reason));
    }

    fn request(&mut self, conn: ConnId, frame: RequestFrame, now: Now, effects: &mut Effects) {
        // No client or no session: the connection was closed while this request was on its way.
        let Some(client) = self.clients.get(&conn) else { return };
        let Some(session) = client.session else { return };
        self.expiry.touch(session, client.timeout_ms, now.monotonic_ms);
        let caller = Caller { conn, session, identities: Arc::clone(&client.identities), ip: client.ip };
        let xid = frame.xid;
        let answer = match frame.body {
            Body::Malformed(error) => {
                tracing::warn!(conn = conn.0, op = frame.op, %error, "malformed request");
                self.malformed(frame.op, &caller, now, effects)
            }
            Body::Request(request) => self.dispatch(request, &caller, now, effects),
        };
        let zxid = answer.zxid.unwrap_or(self.state.zxid);
        let error = answer.result.as_ref().err().map_or(0, |error| error.wire());
        let body = answer.result.unwrap_or_default();
        effects.push(Output::Reply(conn, reply::reply(xid, zxid, error, &body)));
        if let Some(reason) = answer.close {
            self.close(conn, reason, effects);
        }
    }

    fn dispatch(&mut self, request: Request, caller: &Caller, now: Now, effects: &mut Effects) -> Answer {
        match request {
            Request::Write(op) => Answer::of(self.write(&op, caller, now, effects)),
            Request::Multi(ops) => Answer::of(Ok(self.multi(&ops, caller, now, effects))),
            Request::Read(op) => Answer::of(self.read(&op, caller)),
            Request::MultiRead(ops) => Answer::of(Ok(self.multi_read(&ops, caller))),
            Request::SetWatches(watches) => Answer::of(self.set_watches(&watches, caller, effects)),
            Request::AddWatch { path, recursive } => Answer::of(self.add_watch(&path, recursive, caller)),
            Request::CheckWatches { path, kind } => Answer::of(self.check_watches(&path, kind, caller)),
            Request::RemoveWatches { path, kind } => Answer::of(self.remove_watches(&path, kind, caller)),
            Request::Auth { scheme, credentials } => self.authenticate(&scheme, &credentials, caller),
            Request::Sasl { .. } => no_sasl(),
            Request::Ping => Answer::of(Ok(Vec::new())),
            Request::Sync { path } => Answer::of(Ok(reads::path_body(&path))),
            Request::WhoAmI => Answer::of(Ok(reads::who_am_i(&caller.identities))),
            Request::CloseSession => {
                self.end_session(caller.session, now, effects);
                Answer::closing(Ok(Vec::new()), CloseReason::SessionClosed)
            }
            Request::Unknown(op) => {
                tracing::warn!(conn = caller.conn.0, op, "unknown operation");
                let answer = Answer::closing(Err(ErrorCode::Unimplemented), CloseReason::Unimplemented);
                Answer { zxid: Some(-1), ..answer }
            }
        }
    }

    fn malformed(&mut self, op: i32, caller: &Caller, now: Now, effects: &mut Effects) -> Answer {
        let error = ErrorCode::MarshallingError;
        if is_write(op) {
            let at = self.next_write(now);
            self.commit(caller.session, at, Change::Failed { error: error.wire() }, effects);
        }
        Answer::of(Err(error))
    }

    fn authenticate(&mut self, scheme: &str, credentials: &[u8], caller: &Caller) -> Answer {
        let super_digest = self.settings.super_digest.as_deref();
        let result = access::authenticate(scheme, credentials, caller.ip, super_digest)
            .and_then(|identities| self.add_identities(caller.conn, identities));
        let answer = match result {
            Ok(()) => Answer::of(Ok(Vec::new())),
            Err(error) => {
                tracing::warn!(conn = caller.conn.0, scheme, "authentication failed");
                Answer::closing(Err(error), CloseReason::AuthFailed)
            }
        };
        Answer { zxid: Some(0), ..answer }
    }

    fn add_identities(&mut self, conn: ConnId, identities: Vec<AuthId>) -> Result<(), ErrorCode> {
        let Some(client) = self.clients.get_mut(&conn) else { return Ok(()) };
        let mut all = client.identities.to_vec();
        for identity in identities {
            if !all.contains(&identity) {
                all.push(identity);
            }
        }
        if all.len() > access::IDENTITIES_MAX {
            return Err(ErrorCode::AuthFailed);
        }
        client.identities = Arc::from(all);
        Ok(())
    }

    /// The number and time of the next transaction.
    fn next_write(&self, now: Now) -> WriteContext {
        WriteContext { zxid: self.state.zxid + 1, wall_ms: now.wall_ms }
    }

    /// Counts a transaction whose change has been carried out, and hands it out to be logged.
    fn commit(&mut self, session: i64, at: WriteContext, change: Change, effects: &mut Effects) {
        self.state.zxid = at.zxid;
        effects.transactions.push(Transaction { zxid: at.zxid, wall_ms: at.wall_ms, session, change });
    }

    /// Tells watchers, as far as the ACL lets them read the node.
    fn notify(&mut self, notification: Notification, effects: &mut Effects) {
        for Fired { conn, event, path, acl } in self.watches.fire(notification) {
            let Some(client) = self.clients.get(&conn) else { continue };
            if access::check(&acl, PERM_READ, &client.identities).is_ok() {
                effects.push(Output::Event(conn, reply::event(event, &path)));
            }
        }
    }
}

/// What a server without SASL answers: a null token, which makes the client go on without.
fn no_sasl() -> Answer {
    let mut null_token = Vec::new();
    null_token.put_buffer(None);
    Answer { zxid: Some(0), ..Answer::of(Ok(null_token)) }
}

/// Who asks.
struct Caller {
    conn: ConnId,
    session: i64,
    identities: Arc<[AuthId]>,
    ip: IpAddr,
}

/// What goes into the reply.
struct Answer {
    /// The zxid in the header, if not the last transaction's.
    zxid: Option<i64>,
    /// The body, or the error.
    result: Result<Vec<u8>, ErrorCode>,
    /// Whether the connection ends with it.
    close: Option<CloseReason>,
}

impl Answer {
    fn of(result: Result<Vec<u8>, ErrorCode>) -> Self {
        Self { zxid: None, result, close: None }
    }

    fn closing(result: Result<Vec<u8>, ErrorCode>, reason: CloseReason) -> Self {
        Self { zxid: None, result, close: Some(reason) }
    }
}

#[cfg(test)]
mod tests;

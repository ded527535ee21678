//! Sessions: beginning, re-attachment, expiry, end; and the chore of removing containers.
//! Counterparts: `ZooKeeperServer.processConnectRequest`, `SessionTrackerImpl`, `ContainerManager`.

use super::{CloseReason, Effects, Machine, Now, Output};
use crate::state::SessionRecord;
use crate::transaction::Change;
use crate::tree::change::TreeChange;
use crate::watches::ConnId;
use crate::wire::connect::{ConnectRequest, ConnectResponse, Password};

/// Where a server starts numbering its sessions: a server id of 1, 40 bits of wall clock, 16 bits to
/// count with. Same form as `SessionTrackerImpl.initializeNextSessionId`.
pub(super) fn session_id_base(wall_ms: i64) -> i64 {
    const SERVER_ID: i64 = 1;
    let clock = ((wall_ms as u64) << 24) >> 8;
    (clock as i64) | (SERVER_ID << 56)
}

impl Machine {
    pub(super) fn connect(
        &mut self,
        conn: ConnId,
        request: &ConnectRequest,
        new_password: Password,
        now: Now,
        effects: &mut Effects,
    ) {
        if self.clients.get(&conn).is_none_or(|client| client.session.is_some()) {
            return; // closed meanwhile
        }
        if request.last_zxid_seen > self.state.zxid {
            tracing::warn!(
                client_zxid = %format_args!("0x{:x}", request.last_zxid_seen),
                server_zxid = %format_args!("0x{:x}", self.state.zxid),
                "refusing a client that has seen later transactions than this server"
            );
            return self.close(conn, CloseReason::ClientAhead, effects);
        }
        let granted = self.granted_timeout_ms(request.timeout_ms);
        let (session_id, password) = if request.session_id == 0 {
            (self.begin_session(granted, new_password, now, effects), new_password)
        } else {
            match self.state.sessions.get(&request.session_id) {
                Some(session) if session.password == *request.password => {
                    (request.session_id, session.password)
                }
                _ => {
                    let expired = ConnectResponse::EXPIRED.encode(request.has_read_only);
                    effects.push(Output::Reply(conn, expired));
                    return self.close(conn, CloseReason::SessionExpired, effects);
                }
            }
        };
        self.attach(conn, session_id, granted, now, effects);
        let response = ConnectResponse { timeout_ms: granted, session_id, password };
        effects.push(Output::Reply(conn, response.encode(request.has_read_only)));
    }

    fn granted_timeout_ms(&self, asked: i32) -> i32 {
        asked.max(self.settings.min_session_timeout_ms).min(self.settings.max_session_timeout_ms)
    }

    fn begin_session(&mut self, timeout_ms: i32, password: Password, now: Now, effects: &mut Effects) -> i64 {
        let id = self.state.next_session_id.max(self.session_id_base);
        let session = SessionRecord { timeout_ms, password };
        let at = self.next_write(now);
        self.state.create_session(id, session);
        self.commit(id, at, Change::CreateSession(session), effects);
        id
    }

    fn attach(&mut self, conn: ConnId, session: i64, timeout_ms: i32, now: Now, effects: &mut Effects) {
        if let Some(old) = self.attached.insert(session, conn) {
            self.close(old, CloseReason::SessionMoved, effects);
        }
        self.expiry.touch(session, timeout_ms, now.monotonic_ms);
        if let Some(client) = self.clients.get_mut(&conn) {
            client.session = Some(session);
            client.timeout_ms = timeout_ms;
        }
    }

    /// Ends a session: its ephemeral nodes go, in one transaction.
    pub(super) fn end_session(&mut self, session: i64, now: Now, effects: &mut Effects) {
        self.expiry.remove(session);
        let at = self.next_write(now);
        let steps = self.state.close_session(session, at);
        self.commit(session, at, Change::CloseSession, effects);
        for notification in steps.into_iter().filter_map(|step| step.notification) {
            self.notify(notification, effects);
        }
    }

    /// Expires a session, whatever its deadline; false if there is none of this id.
    pub(crate) fn expire(&mut self, session: i64, now: Now, effects: &mut Effects) -> bool {
        if !self.state.sessions.contains_key(&session) {
            return false;
        }
        self.end_session(session, now, effects);
        if let Some(conn) = self.attached.get(&session).copied() {
            self.close(conn, CloseReason::SessionExpired, effects);
        }
        true
    }

    /// When [`tick`](Self::tick) has something to do next, on the monotonic clock in milliseconds.
    pub(crate) fn next_tick_ms(&self) -> u64 {
        self.expiry
            .next_deadline_ms()
            .map_or(self.next_container_check_ms, |deadline| deadline.min(self.next_container_check_ms))
    }

    /// Does what is due: expires sessions and removes abandoned containers. Inputs that have arrived
    /// must be applied before, lest a session expire whose ping waits in the queue.
    pub(crate) fn tick(&mut self, now: Now, effects: &mut Effects) {
        for session in self.expiry.take_due(now.monotonic_ms) {
            tracing::info!(session = %format_args!("0x{session:x}"), "session expired");
            self.expire(session, now, effects);
        }
        if now.monotonic_ms >= self.next_container_check_ms {
            self.next_container_check_ms = now.monotonic_ms + self.settings.container_check_ms;
            self.remove_idle_containers(now, effects);
        }
    }

    fn remove_idle_containers(&mut self, now: Now, effects: &mut Effects) {
        for path in self.state.tree.idle_containers() {
            let at = self.next_write(now);
            let change = TreeChange::Delete { path };
            if let Ok(step) = self.state.tree.apply(&change, at) {
                self.commit(0, at, Change::Tree(vec![change]), effects);
                if let Some(notification) = step.notification {
                    self.notify(notification, effects);
                }
            }
        }
    }
}

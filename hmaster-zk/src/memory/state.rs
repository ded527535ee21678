//! What happens when, in the ensemble in memory: requests arrive, replies and events are delivered, connections and
//! sessions end. A discrete-event simulation without I/O; whoever owns it calls [`State::advance`].

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use hmaster_types::Chance;
use tokio::sync::watch;
use tokio::time::Instant;

use super::both_ends::{Link, Session};
use super::tree::{Author, Change, Tree};
use super::watches::{Armed, Notice, WatchTable};
use super::{Fault, Faults};
use crate::session::{SessionState, WatchEvent};
use crate::znode::{SessionId, Zxid};

#[derive(Debug)]
pub(super) struct State {
    origin: Instant,
    chance: Chance,
    pub(super) tree: Tree,
    pub(super) watches: WatchTable,
    sessions: BTreeMap<SessionId, Session>,
    /// What will happen, by time and then in the order in which it was decided.
    agenda: BTreeMap<(Instant, u64), (SessionId, u64, Happening)>,
    decided: u64,
}

/// Carries out an operation: gives what to deliver.
pub(super) type Carry = Box<dyn FnOnce(&mut State, Author) -> Reply + Send>;

/// A reply on its way.
pub(super) struct Reply {
    /// A watch that waits from when the reply arrives.
    pub(super) armed: Option<Armed>,
    /// Hands the result to whoever asked.
    pub(super) complete: Box<dyn FnOnce() + Send>,
    /// The servers' newest transaction when the operation was carried out.
    pub(super) zxid: Zxid,
}

pub(super) enum Happening {
    Arrive(Carry, Option<Fault>),
    Deliver(Reply),
    Event(String, WatchEvent),
}

/// What becomes of an operation that is asked for now.
pub(super) enum Asked {
    /// It is under way.
    Sent,
    /// There is no connection: ask again when the state changed.
    Wait,
    /// The session is over.
    Over(SessionState),
}

impl State {
    pub(super) fn new(chance: Chance, now: Instant) -> Self {
        Self {
            origin: now,
            chance,
            tree: Tree::new(),
            watches: WatchTable::default(),
            sessions: BTreeMap::new(),
            agenda: BTreeMap::new(),
            decided: 0,
        }
    }

    pub(super) fn connect(
        &mut self,
        timeout: Duration,
        faults: Faults,
    ) -> (SessionId, watch::Receiver<SessionState>) {
        let id = SessionId(0x1000 + self.sessions.len() as i64);
        let (session, receiver) = Session::new(timeout, faults, Instant::now());
        self.sessions.insert(id, session);
        (id, receiver)
    }

    pub(super) fn is_session(&self, id: SessionId) -> bool {
        self.sessions.contains_key(&id)
    }

    pub(super) fn session(&mut self, id: SessionId) -> &mut Session {
        self.sessions.get_mut(&id).expect("ids are given out by this ensemble, which forgets no session")
    }

    /// Sends an operation; `carry` is taken only if it is under way.
    pub(super) fn ask(&mut self, id: SessionId, carry: &mut Option<Carry>) -> Asked {
        let session = self.session(id);
        let state = *session.state.borrow();
        if state.is_over() {
            return Asked::Over(state);
        }
        if matches!(session.link, Link::Down { .. } | Link::Over) {
            return Asked::Wait;
        }
        let Some(carry) = carry.take() else { return Asked::Sent };
        let planned = session.planned.remove(&session.operations);
        session.operations += 1;
        let fault = planned.or_else(|| self.chance_of_reset(id));
        let delay = self.delay(id);
        let session = self.session(id);
        let at = session.last_arrival.max(Instant::now() + delay);
        session.last_arrival = at;
        self.decide(at, id, Happening::Arrive(carry, fault));
        Asked::Sent
    }

    /// Closes a session from the client's side.
    pub(super) fn close(&mut self, id: SessionId) {
        let up = matches!(self.session(id).link, Link::Up);
        self.end(id, SessionState::Closed);
        if up {
            self.drop_session(id);
        }
    }

    pub(super) fn reset(&mut self, id: SessionId) {
        if !matches!(self.session(id).link, Link::Up | Link::Silent { .. }) {
            return;
        }
        self.lose_contact(id);
        let pause = Duration::from_millis(1 + self.chance.below(100) as u64);
        let now = Instant::now();
        let session = self.session(id);
        session.link = Link::Down { since: now, retry: now + pause };
        session.stuck.clear();
        session.set_state(SessionState::Disconnected);
    }

    pub(super) fn partition(&mut self, id: SessionId) {
        self.session(id).partitioned = true;
        if matches!(self.session(id).link, Link::Up) {
            self.lose_contact(id);
            self.session(id).link = Link::Silent { since: Instant::now() };
        }
    }

    pub(super) fn heal(&mut self, id: SessionId) {
        self.session(id).partitioned = false;
        self.reset(id); // a connection that was silent that long doesn't come back
        if let Link::Down { retry, .. } = &mut self.session(id).link {
            *retry = (*retry).min(Instant::now() + Duration::from_millis(100));
        }
    }

    pub(super) fn expire(&mut self, id: SessionId) {
        self.drop_session(id);
        if matches!(self.session(id).link, Link::Up) {
            self.reset(id);
        }
    }

    /// Lets everything happen that is due.
    pub(super) fn advance(&mut self, now: Instant) {
        loop {
            self.check_sessions(now);
            let due = self.agenda.first_entry().filter(|entry| entry.key().0 <= now);
            let Some(due) = due else { return };
            let (id, epoch, happening) = due.remove();
            self.happen(id, epoch, happening);
        }
    }

    /// When something is due next.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let agenda = self.agenda.keys().next().map(|(at, _)| *at);
        let sessions = self.sessions.values().filter_map(Session::next_deadline);
        sessions.chain(agenda).min()
    }

    /// Tells everybody who watches.
    pub(super) fn announce(&mut self, changes: &[Change]) {
        for change in changes {
            for Notice { session, path, event } in self.watches.trigger(change) {
                let lost = self.session(session).faults.event_loss_probability;
                if !self.chance.happens(lost) {
                    self.deliver(session, Happening::Event(path, event));
                }
            }
        }
    }

    fn happen(&mut self, id: SessionId, epoch: u64, happening: Happening) {
        let session = self.session(id);
        if session.epoch != epoch {
            return; // dropped: whoever waits for a reply learns that there is none
        }
        if matches!(session.link, Link::Silent { .. }) {
            session.stuck.push(happening);
            return;
        }
        match happening {
            Happening::Arrive(carry, fault) => self.arrive(id, carry, fault),
            Happening::Deliver(reply) => {
                let session = self.session(id);
                session.seen = session.seen.max(reply.zxid);
                session.armed.retain(|armed| !armed.sender.is_closed());
                session.armed.extend(reply.armed);
                (reply.complete)();
            }
            Happening::Event(path, event) => self.session(id).fire(&path, event),
        }
    }

    fn arrive(&mut self, id: SessionId, carry: Carry, fault: Option<Fault>) {
        let now = Instant::now();
        match fault {
            Some(Fault::LoseRequest) => return self.reset(id),
            Some(Fault::ExpireBefore) => return self.expire(id),
            Some(Fault::LoseReply | Fault::ExpireAfter) | None => {}
        }
        self.session(id).heard = now;
        let author = Author { session: id, now_ms: (now - self.origin).as_millis() as i64 };
        let reply = carry(self, author);
        match fault {
            Some(Fault::LoseReply) => self.reset(id),
            Some(Fault::ExpireAfter) => self.expire(id),
            _ => self.deliver(id, Happening::Deliver(reply)),
        }
    }

    fn deliver(&mut self, id: SessionId, happening: Happening) {
        let delay = self.delay(id);
        let session = self.session(id);
        let at = session.last_delivery.max(Instant::now() + delay);
        session.last_delivery = at;
        self.decide(at, id, happening);
    }

    fn decide(&mut self, at: Instant, id: SessionId, happening: Happening) {
        self.decided += 1;
        let epoch = self.session(id).epoch;
        self.agenda.insert((at, self.decided), (id, epoch, happening));
    }

    fn delay(&mut self, id: SessionId) -> Duration {
        let max = self.session(id).faults.delay_max.as_micros() as usize;
        Duration::from_micros(self.chance.below(max + 1) as u64)
    }

    fn chance_of_reset(&mut self, id: SessionId) -> Option<Fault> {
        let likely = self.session(id).faults.reset_probability;
        if !self.chance.happens(likely) {
            return None;
        }
        Some(if self.chance.happens(0.5) { Fault::LoseRequest } else { Fault::LoseReply })
    }

    /// From here on the servers don't hear of the session, and it doesn't hear of them.
    fn lose_contact(&mut self, id: SessionId) {
        self.watches.forget(id);
        let now = Instant::now();
        // An idle client pings every three twentieths of the timeout, so the last time may be that long ago.
        let idle = self.session(id).timeout * 3 / 20;
        let ago = Duration::from_micros(self.chance.below(idle.as_micros() as usize + 1) as u64);
        let session = self.session(id);
        if matches!(session.link, Link::Up) {
            session.heard = session.heard.max(now.checked_sub(ago).unwrap_or(now));
            // What was sent on a silent connection stays under way; all else is lost.
            if !session.partitioned {
                session.epoch += 1;
            }
        } else {
            session.epoch += 1;
        }
    }

    fn check_sessions(&mut self, now: Instant) {
        let is_due = |session: &Session| session.next_deadline().is_some_and(|at| at <= now);
        let due = self.sessions.iter().filter(|(_, session)| is_due(session));
        for id in due.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.check_session(id, now);
        }
    }

    fn check_session(&mut self, id: SessionId, now: Instant) {
        let session = self.session(id);
        if session.expires().is_some_and(|at| at <= now) {
            self.drop_session(id);
        }
        let session = self.session(id);
        match session.link {
            Link::Silent { since } if since + session.notices_after() <= now => {
                session.link = Link::Down { since, retry: now };
                session.epoch += 1;
                session.stuck.clear();
                session.set_state(SessionState::Disconnected);
            }
            Link::Down { since, .. } if since + session.gives_up_after() <= now => {
                self.end(id, SessionState::Expired);
            }
            Link::Down { retry, .. } if retry <= now && !session.partitioned => self.reconnect(id, now),
            _ => {}
        }
    }

    fn reconnect(&mut self, id: SessionId, now: Instant) {
        let session = self.session(id);
        if !session.kept {
            return self.end(id, SessionState::Expired);
        }
        session.link = Link::Up;
        session.heard = now;
        session.epoch += 1;
        (session.last_arrival, session.last_delivery) = (now, now);
        session.set_state(SessionState::Connected);
        session.armed.retain(|armed| !armed.sender.is_closed());
        let watches: Vec<_> = session.armed.iter().map(|armed| (armed.path.clone(), armed.kind)).collect();
        let missed: Vec<_> = {
            let session = &self.sessions[&id];
            session.armed.iter().map(|armed| armed.missed(&self.tree, session.seen)).collect()
        };
        for ((path, kind), missed) in watches.into_iter().zip(missed) {
            match missed {
                Some(event) => self.deliver(id, Happening::Event(path, event)),
                None => self.watches.add(id, &path, kind),
            }
        }
    }

    /// The servers forget the session; its ephemeral znodes go.
    fn drop_session(&mut self, id: SessionId) {
        if !std::mem::replace(&mut self.session(id).kept, false) {
            return;
        }
        for path in self.tree.ephemerals(id) {
            let changes = self.tree.delete(&path, None).map(|((), changes)| changes);
            self.announce(&changes.expect("an ephemeral znode has no children"));
        }
    }

    /// The client's end is over.
    fn end(&mut self, id: SessionId, over: SessionState) {
        self.watches.forget(id);
        let session = self.session(id);
        session.link = Link::Over;
        session.epoch += 1;
        session.stuck.clear();
        session.set_state(over);
        for armed in session.armed.drain(..) {
            let _ = armed.sender.send(WatchEvent::SessionOver);
        }
    }
}

impl fmt::Debug for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arrive(_, fault) => f.debug_tuple("Arrive").field(fault).finish_non_exhaustive(),
            Self::Deliver(_) => f.write_str("Deliver"),
            Self::Event(path, event) => f.debug_tuple("Event").field(path).field(event).finish(),
        }
    }
}

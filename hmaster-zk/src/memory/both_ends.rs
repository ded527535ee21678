//! A session as the ensemble in memory has it: what the servers keep of it and what its client knows.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::state::Happening;
use super::watches::Armed;
use super::{Fault, Faults};
use crate::session::{SessionState, WatchEvent};
use crate::znode::Zxid;

/// Both ends of a session.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) timeout: Duration,
    pub(super) faults: Faults,
    pub(super) planned: BTreeMap<u64, Fault>,
    /// How many operations were asked for.
    pub(super) operations: u64,
    /// Whether the servers keep it.
    pub(super) kept: bool,
    /// When the servers last heard of it, as far as that isn't now.
    pub(super) heard: Instant,
    /// Which of its connections is the present one.
    pub(super) epoch: u64,
    pub(super) link: Link,
    pub(super) partitioned: bool,
    pub(super) last_arrival: Instant,
    pub(super) last_delivery: Instant,
    pub(super) state: watch::Sender<SessionState>,
    pub(super) armed: Vec<Armed>,
    /// The newest transaction the client knows of.
    pub(super) seen: Zxid,
    /// What waits on a silent connection: kept, so that whoever asked goes on waiting.
    pub(super) stuck: Vec<Happening>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Link {
    Up,
    /// Packets vanish; the client hasn't noticed.
    Silent {
        since: Instant,
    },
    /// The client looks for a server, next at `retry`.
    Down {
        since: Instant,
        retry: Instant,
    },
    /// The client has given up or closed.
    Over,
}

impl Session {
    pub(super) fn new(
        timeout: Duration,
        faults: Faults,
        now: Instant,
    ) -> (Self, watch::Receiver<SessionState>) {
        let (state, receiver) = watch::channel(SessionState::Connected);
        let session = Self {
            timeout,
            faults,
            planned: BTreeMap::new(),
            operations: 0,
            kept: true,
            heard: now,
            epoch: 0,
            link: Link::Up,
            partitioned: false,
            last_arrival: now,
            last_delivery: now,
            state,
            armed: Vec::new(),
            seen: Zxid(0),
            stuck: Vec::new(),
        };
        (session, receiver)
    }

    /// When the servers drop it if they don't hear of it.
    pub(super) fn expires(&self) -> Option<Instant> {
        let silent = !matches!(self.link, Link::Up);
        (self.kept && silent).then(|| self.heard + self.timeout)
    }

    /// How long it takes a client to see that a connection is silent, as zookeeper-client does it.
    pub(super) fn notices_after(&self) -> Duration {
        self.timeout * 2 / 5
    }

    /// How long a client looks for a server before it takes its session for expired, likewise.
    pub(super) fn gives_up_after(&self) -> Duration {
        self.timeout * 7 / 5
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let client = match self.link {
            Link::Up | Link::Over => None,
            Link::Silent { since } => Some(since + self.notices_after()),
            Link::Down { since, .. } if self.partitioned => Some(since + self.gives_up_after()),
            Link::Down { since, retry } => Some(retry.min(since + self.gives_up_after())),
        };
        client.into_iter().chain(self.expires()).min()
    }

    pub(super) fn set_state(&mut self, state: SessionState) {
        self.state.send_if_modified(|old| !old.is_over() && std::mem::replace(old, state) != state);
    }

    pub(super) fn fire(&mut self, path: &str, event: WatchEvent) {
        let fires = |armed: &mut Armed| armed.path == path && armed.wants(event);
        for armed in self.armed.extract_if(.., fires) {
            let _ = armed.sender.send(event);
        }
    }
}

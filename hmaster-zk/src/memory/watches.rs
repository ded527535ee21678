//! Watches at both ends of a connection: which sessions a server must tell of a change, and what a client waits for.

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::oneshot;

use super::tree::{Change, Tree};
use crate::session::WatchEvent;
use crate::znode::{self, SessionId, Zxid};

/// The servers' end: who watches what. A watch is gone once it fired.
#[derive(Debug, Default)]
pub(super) struct WatchTable {
    data: Watchers,
    children: Watchers,
}

type Watchers = BTreeMap<String, BTreeSet<SessionId>>;

/// An event on its way to a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Notice {
    pub(super) session: SessionId,
    pub(super) path: String,
    pub(super) event: WatchEvent,
}

/// The client's end of a watch.
#[derive(Debug)]
pub(super) struct Armed {
    pub(super) path: String,
    pub(super) kind: Kind,
    pub(super) sender: oneshot::Sender<WatchEvent>,
}

/// What a watch is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Data and deletion of a znode that was there.
    Data,
    /// The creation of a znode that wasn't.
    Creation,
    /// Its children, and its deletion.
    Children,
}

impl WatchTable {
    pub(super) fn add(&mut self, session: SessionId, path: &str, kind: Kind) {
        let watchers = if kind == Kind::Children { &mut self.children } else { &mut self.data };
        watchers.entry(path.to_owned()).or_default().insert(session);
    }

    /// Forgets all watches of a connection that is gone.
    pub(super) fn forget(&mut self, session: SessionId) {
        for watchers in [&mut self.data, &mut self.children] {
            watchers.retain(|_, sessions| {
                sessions.remove(&session);
                !sessions.is_empty()
            });
        }
    }

    /// Everybody who is to be told of `change`.
    pub(super) fn trigger(&mut self, change: &Change) -> Vec<Notice> {
        let (path, event) = match change {
            Change::Created(path) => (path, WatchEvent::Created),
            Change::Deleted(path) => (path, WatchEvent::Deleted),
            Change::Written(path) => (path, WatchEvent::DataChanged),
        };
        let mut sessions = self.data.remove(path).unwrap_or_default();
        if event == WatchEvent::Deleted {
            sessions.extend(self.children.remove(path).unwrap_or_default());
        }
        let mut notices = notices(&sessions, path, event);
        if let (Some(above), false) = (znode::parent(path), event == WatchEvent::DataChanged) {
            let sessions = self.children.remove(above).unwrap_or_default();
            notices.extend(notices_of_parent(&sessions, above));
        }
        notices
    }
}

fn notices(sessions: &BTreeSet<SessionId>, path: &str, event: WatchEvent) -> Vec<Notice> {
    sessions.iter().map(|&session| Notice { session, path: path.to_owned(), event }).collect()
}

fn notices_of_parent(sessions: &BTreeSet<SessionId>, path: &str) -> Vec<Notice> {
    notices(sessions, path, WatchEvent::ChildrenChanged)
}

impl Armed {
    /// Whether `event` on its path is what it waits for.
    pub(super) fn wants(&self, event: WatchEvent) -> bool {
        match event {
            WatchEvent::Created | WatchEvent::DataChanged => self.kind != Kind::Children,
            WatchEvent::ChildrenChanged => self.kind == Kind::Children,
            WatchEvent::Deleted | WatchEvent::SessionOver => true,
        }
    }

    /// What it missed since its client last heard of transaction `seen`.
    pub(super) fn missed(&self, tree: &Tree, seen: Zxid) -> Option<WatchEvent> {
        let stat = tree.stat(&self.path);
        match (self.kind, stat) {
            (Kind::Creation, None) => None,
            (Kind::Creation, Some(_)) => Some(WatchEvent::Created),
            (_, None) => Some(WatchEvent::Deleted),
            (Kind::Data, Some(stat)) => (stat.mzxid > seen).then_some(WatchEvent::DataChanged),
            (Kind::Children, Some(stat)) => (stat.pzxid > seen).then_some(WatchEvent::ChildrenChanged),
        }
    }
}

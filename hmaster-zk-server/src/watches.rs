//! Watches: which connection wants to hear of which path. Counterparts: `WatchManager`,
//! `WatcherModeManager` and `DataTree.triggerWatch`'s callers.
//!
//! Watches belong to a connection, not to a session: a client that reconnects sets them again. On
//! one path a connection has at most one mode per table, the last it asked for, as in 3.8
//! (ZOOKEEPER-4466). Unlike in 3.8, `checkWatches` looks at the connection's own watches only.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::tree::change::Notification;
use crate::tree::path;
use crate::wire::request::WatcherType;
use crate::wire::types::{Acl, EventType};

/// A connection, by a number that is never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ConnId(pub u64);

/// How long a watch lasts and how much it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WatchMode {
    /// One event.
    OneShot,
    /// Until it is removed.
    Persistent,
    /// Until it is removed, for the node and everything below.
    PersistentRecursive,
}

/// An event for one connection, to be sent if `acl` lets it read the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fired {
    /// For whom.
    pub conn: ConnId,
    /// What happened.
    pub event: EventType,
    /// To which node.
    pub path: String,
    /// That node's ACL then.
    pub acl: Acl,
}

/// All watches of a server.
#[derive(Debug, Default)]
pub(crate) struct Watches {
    data: WatchTable,
    child: WatchTable,
}

impl Watches {
    /// Leaves a one-shot data watch.
    pub(crate) fn watch_data(&mut self, path: &str, conn: ConnId) {
        self.data.add(path, conn, WatchMode::OneShot);
    }

    /// Leaves a one-shot child watch.
    pub(crate) fn watch_children(&mut self, path: &str, conn: ConnId) {
        self.child.add(path, conn, WatchMode::OneShot);
    }

    /// Leaves a persistent watch, which is a data watch and a child watch.
    pub(crate) fn watch_persistently(&mut self, path: &str, conn: ConnId, mode: WatchMode) {
        self.data.add(path, conn, mode);
        self.child.add(path, conn, mode);
    }

    /// Whether a connection has a watch on exactly this path.
    pub(crate) fn contains(&self, path: &str, kind: WatcherType, conn: ConnId) -> bool {
        let data = || self.data.contains(path, conn);
        let child = || self.child.contains(path, conn);
        match kind {
            WatcherType::Children => child(),
            WatcherType::Data => data(),
            WatcherType::Any => data() || child(),
        }
    }

    /// Forgets watches of a connection on a path; false if there were none.
    pub(crate) fn remove(&mut self, path: &str, kind: WatcherType, conn: ConnId) -> bool {
        let child = kind != WatcherType::Data && self.child.remove(path, conn);
        let data = kind != WatcherType::Children && self.data.remove(path, conn);
        child || data
    }

    /// Forgets all watches of a connection.
    pub(crate) fn remove_connection(&mut self, conn: ConnId) {
        self.data.remove_connection(conn);
        self.child.remove_connection(conn);
    }

    /// Who must hear of this, in the order in which a connection must hear of it. One-shot watches
    /// are spent by it.
    pub(crate) fn fire(&mut self, notification: Notification) -> Vec<Fired> {
        let mut fired = Vec::new();
        let mut tell = |conns: BTreeSet<ConnId>, event, path: &str, acl: &Acl| {
            let to = |conn| Fired { conn, event, path: path.to_owned(), acl: Acl::clone(acl) };
            fired.extend(conns.into_iter().map(to));
        };
        match notification {
            Notification::Created { path, acl, parent_acl } => {
                tell(self.data.trigger(&path, EventType::NodeCreated), EventType::NodeCreated, &path, &acl);
                self.tell_parent(&path, &parent_acl, &mut tell);
            }
            Notification::DataChanged { path, acl } => {
                let event = EventType::NodeDataChanged;
                tell(self.data.trigger(&path, event), event, &path, &acl);
            }
            Notification::Deleted { path, acl, parent_acl } => {
                let event = EventType::NodeDeleted;
                let mut conns = self.data.trigger(&path, event);
                conns.extend(self.child.trigger(&path, event));
                tell(conns, event, &path, &acl);
                self.tell_parent(&path, &parent_acl, &mut tell);
            }
        }
        fired
    }

    fn tell_parent(
        &mut self,
        path: &str,
        acl: &Acl,
        tell: &mut impl FnMut(BTreeSet<ConnId>, EventType, &str, &Acl),
    ) {
        let parent = path::parent(path);
        let event = EventType::NodeChildrenChanged;
        tell(self.child.trigger(parent, event), event, parent, acl);
    }

    /// Number of watches; a persistent one counts twice, as in ZooKeeper.
    pub(crate) fn count(&self) -> usize {
        self.data.count() + self.child.count()
    }

    /// Number of watches of one connection.
    pub(crate) fn count_of(&self, conn: ConnId) -> usize {
        self.data.count_of(conn) + self.child.count_of(conn)
    }

    /// Connections with watches, watched paths, and watches: what `wchs` tells.
    pub(crate) fn summary(&self) -> (usize, usize, usize) {
        let conns: BTreeSet<_> = self.data.by_conn.keys().chain(self.child.by_conn.keys()).collect();
        let paths: BTreeSet<_> = self.data.by_path.keys().chain(self.child.by_path.keys()).collect();
        (conns.len(), paths.len(), self.count())
    }
}

/// Watches of one kind.
#[derive(Debug, Default)]
struct WatchTable {
    by_path: HashMap<String, BTreeMap<ConnId, WatchMode>>,
    by_conn: HashMap<ConnId, BTreeSet<String>>,
    /// How many of them are recursive: without any, parents needn't be looked at.
    recursive: usize,
}

impl WatchTable {
    fn add(&mut self, path: &str, conn: ConnId, mode: WatchMode) {
        let old = self.by_path.entry(path.to_owned()).or_default().insert(conn, mode);
        self.by_conn.entry(conn).or_default().insert(path.to_owned());
        self.recursive += usize::from(mode == WatchMode::PersistentRecursive);
        self.recursive -= usize::from(old == Some(WatchMode::PersistentRecursive));
    }

    fn contains(&self, path: &str, conn: ConnId) -> bool {
        self.by_path.get(path).is_some_and(|conns| conns.contains_key(&conn))
    }

    fn remove(&mut self, path: &str, conn: ConnId) -> bool {
        if let Some(paths) = self.by_conn.get_mut(&conn) {
            paths.remove(path);
            if paths.is_empty() {
                self.by_conn.remove(&conn);
            }
        }
        self.remove_from_path(path, conn)
    }

    fn remove_from_path(&mut self, path: &str, conn: ConnId) -> bool {
        let Some(conns) = self.by_path.get_mut(path) else { return false };
        let mode = conns.remove(&conn);
        if conns.is_empty() {
            self.by_path.remove(path);
        }
        self.recursive -= usize::from(mode == Some(WatchMode::PersistentRecursive));
        mode.is_some()
    }

    fn remove_connection(&mut self, conn: ConnId) {
        for path in self.by_conn.remove(&conn).unwrap_or_default() {
            self.remove_from_path(&path, conn);
        }
    }

    /// The connections whose watches cover this event; spends the one-shot ones.
    fn trigger(&mut self, path: &str, event: EventType) -> BTreeSet<ConnId> {
        let mut conns = BTreeSet::new();
        let mut spent = Vec::new();
        for (conn, mode) in self.by_path.get(path).into_iter().flatten() {
            match mode {
                // A recursive watch hears of the child itself, so not of its parent's list.
                WatchMode::PersistentRecursive if event == EventType::NodeChildrenChanged => continue,
                WatchMode::OneShot => spent.push(*conn),
                WatchMode::Persistent | WatchMode::PersistentRecursive => {}
            }
            conns.insert(*conn);
        }
        for conn in spent {
            self.remove(path, conn);
        }
        if self.recursive > 0 && event != EventType::NodeChildrenChanged {
            self.add_recursive_of_parents(path, &mut conns);
        }
        conns
    }

    fn add_recursive_of_parents(&self, path: &str, conns: &mut BTreeSet<ConnId>) {
        let mut path = path;
        while path != "/" {
            path = path::parent(path);
            let watchers = self.by_path.get(path).into_iter().flatten();
            conns.extend(
                watchers.filter(|(_, mode)| **mode == WatchMode::PersistentRecursive).map(|(conn, _)| *conn),
            );
        }
    }

    fn count(&self) -> usize {
        self.by_conn.values().map(BTreeSet::len).sum()
    }

    fn count_of(&self, conn: ConnId) -> usize {
        self.by_conn.get(&conn).map_or(0, BTreeSet::len)
    }
}

#[cfg(test)]
mod tests;

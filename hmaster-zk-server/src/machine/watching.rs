//! Watches as requests leave, restore and remove them.

use super::{Caller, Effects, Machine, Output};
use crate::watches::{ConnId, WatchMode};
use crate::wire::error_code::ErrorCode;
use crate::wire::jute::JuteWrite;
use crate::wire::reply;
use crate::wire::request::{SetWatches, WatcherType};
use crate::wire::types::EventType;

impl Machine {
    pub(super) fn watch_data(&mut self, path: &str, conn: ConnId) -> Result<(), ErrorCode> {
        self.check_watch_count(conn, 1)?;
        self.watches.watch_data(path, conn);
        Ok(())
    }

    pub(super) fn watch_children(&mut self, path: &str, conn: ConnId) -> Result<(), ErrorCode> {
        self.check_watch_count(conn, 1)?;
        self.watches.watch_children(path, conn);
        Ok(())
    }

    fn check_watch_count(&self, conn: ConnId, more: usize) -> Result<(), ErrorCode> {
        let max = self.settings.watches_per_connection_max;
        if self.watches.count_of(conn) + more > max {
            tracing::warn!(conn = conn.0, max, "too many watches on one connection");
            return Err(ErrorCode::ThrottledOp);
        }
        Ok(())
    }

    /// Restores the watches of a client that reconnected. What it missed since `relative_zxid` it
    /// hears at once; that watch is then spent.
    pub(super) fn set_watches(
        &mut self,
        request: &SetWatches,
        caller: &Caller,
        effects: &mut Effects,
    ) -> Result<Vec<u8>, ErrorCode> {
        let persistent = request.persistent.len() + request.persistent_recursive.len();
        let one_shot = request.data.len() + request.exist.len() + request.child.len();
        self.check_watch_count(caller.conn, one_shot + 2 * persistent)?;
        for path in &request.data {
            match self.missed_data_event(path, request.relative_zxid) {
                Some(event) => send(effects, caller.conn, event, path),
                None => self.watches.watch_data(path, caller.conn),
            }
        }
        for path in &request.exist {
            match self.state.tree.get(path) {
                Some(_) => send(effects, caller.conn, EventType::NodeCreated, path),
                None => self.watches.watch_data(path, caller.conn),
            }
        }
        for path in &request.child {
            match self.missed_child_event(path, request.relative_zxid) {
                Some(event) => send(effects, caller.conn, event, path),
                None => self.watches.watch_children(path, caller.conn),
            }
        }
        for path in &request.persistent {
            self.watches.watch_persistently(path, caller.conn, WatchMode::Persistent);
        }
        for path in &request.persistent_recursive {
            self.watches.watch_persistently(path, caller.conn, WatchMode::PersistentRecursive);
        }
        Ok(Vec::new())
    }

    fn missed_data_event(&self, path: &str, since: i64) -> Option<EventType> {
        match self.state.tree.get(path) {
            None => Some(EventType::NodeDeleted),
            Some(node) if node.stat.mzxid > since => Some(EventType::NodeDataChanged),
            Some(_) => None,
        }
    }

    fn missed_child_event(&self, path: &str, since: i64) -> Option<EventType> {
        match self.state.tree.get(path) {
            None => Some(EventType::NodeDeleted),
            Some(node) if node.stat.pzxid > since => Some(EventType::NodeChildrenChanged),
            Some(_) => None,
        }
    }

    /// Adds a persistent watch. Needs no permission: events are filtered by ACL when they are sent.
    pub(super) fn add_watch(
        &mut self,
        path: &str,
        recursive: bool,
        caller: &Caller,
    ) -> Result<Vec<u8>, ErrorCode> {
        self.check_watch_count(caller.conn, 2)?;
        let mode = if recursive { WatchMode::PersistentRecursive } else { WatchMode::Persistent };
        self.watches.watch_persistently(path, caller.conn, mode);
        let mut body = Vec::new();
        body.put_int(0); // Java answers with an ErrorResponse of no error
        Ok(body)
    }

    pub(super) fn check_watches(
        &self,
        path: &str,
        kind: WatcherType,
        caller: &Caller,
    ) -> Result<Vec<u8>, ErrorCode> {
        let found = self.watches.contains(path, kind, caller.conn);
        if found { Ok(Vec::new()) } else { Err(ErrorCode::NoWatcher) }
    }

    pub(super) fn remove_watches(
        &mut self,
        path: &str,
        kind: WatcherType,
        caller: &Caller,
    ) -> Result<Vec<u8>, ErrorCode> {
        let removed = self.watches.remove(path, kind, caller.conn);
        if removed { Ok(Vec::new()) } else { Err(ErrorCode::NoWatcher) }
    }
}

fn send(effects: &mut Effects, conn: ConnId, event: EventType, path: &str) {
    effects.push(Output::Event(conn, reply::event(event, path)));
}

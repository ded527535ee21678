//! A session with the ensemble in memory.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{oneshot, watch};

use super::MemoryZooKeeper;
use super::state::{Asked, Carry, Reply, State};
use super::tree::{Author, Change};
use super::watches::{Armed, Kind};
use crate::error::{Operation, ZkError, ZkErrorKind};
use crate::session::{MultiOp, NodeWatch, SessionCredentials, SessionState, WatchEvent, ZkSession};
use crate::znode::{Acl, CreateMode, SessionId, Stat};

/// A session with a [`MemoryZooKeeper`]. Closed when dropped.
#[derive(Debug)]
pub struct MemorySession {
    ensemble: MemoryZooKeeper,
    id: SessionId,
    timeout: Duration,
    state: watch::Receiver<SessionState>,
}

/// What an operation gives, and the watch it leaves.
type Carried<T> = (Result<T, ZkErrorKind>, Option<Armed>);

impl MemorySession {
    pub(super) fn new(
        ensemble: MemoryZooKeeper,
        id: SessionId,
        timeout: Duration,
        state: watch::Receiver<SessionState>,
    ) -> Self {
        Self { ensemble, id, timeout, state }
    }

    async fn ask<T: Send + 'static>(
        &self,
        operation: Operation,
        path: &str,
        carry: impl FnOnce(&mut State, Author) -> Carried<T> + Send + 'static,
    ) -> Result<T, ZkError> {
        let error = |kind| ZkError::new(operation, path, kind);
        let (sender, receiver) = oneshot::channel();
        let carry = move |state: &mut State, author: Author| {
            let (result, armed) = carry(state, author);
            let complete = Box::new(move || drop(sender.send(result)));
            Reply { armed, complete, zxid: state.tree.zxid() }
        };
        self.send(Box::new(carry)).await.map_err(|over| error(kind_of(over)))?;
        match receiver.await {
            Ok(result) => result.map_err(error),
            Err(_lost) => Err(error(self.kind_of_loss())),
        }
    }

    /// Sends an operation when there is a connection.
    async fn send(&self, carry: Carry) -> Result<(), SessionState> {
        let mut carry = Some(carry);
        let mut state = self.state.clone();
        loop {
            state.mark_unchanged();
            match self.ensemble.with(|ensemble| ensemble.ask(self.id, &mut carry)) {
                Asked::Sent => return Ok(()),
                Asked::Over(over) => return Err(over),
                Asked::Wait => {
                    let _ = state.changed().await;
                }
            }
        }
    }

    fn kind_of_loss(&self) -> ZkErrorKind {
        let state = *self.state.borrow();
        if state.is_over() { kind_of(state) } else { ZkErrorKind::OutcomeUnknown("connection lost".into()) }
    }
}

fn kind_of(over: SessionState) -> ZkErrorKind {
    match over {
        SessionState::Closed => ZkErrorKind::Closed,
        SessionState::AuthFailed => ZkErrorKind::AuthFailed,
        _ => ZkErrorKind::SessionExpired,
    }
}

/// A watch: its client's end, and what the client waits with.
fn arm(state: &mut State, session: SessionId, path: &str, kind: Kind) -> (Armed, NodeWatch) {
    state.watches.add(session, path, kind);
    let (sender, receiver) = oneshot::channel();
    let fired = async { receiver.await.unwrap_or(WatchEvent::SessionOver) };
    (Armed { path: path.to_owned(), kind, sender }, NodeWatch::new(fired))
}

/// Tells those who watch, and gives the result.
fn changed<T>(state: &mut State, result: Result<(T, Vec<Change>), ZkErrorKind>) -> Carried<T> {
    let result = result.map(|(value, changes)| {
        state.announce(&changes);
        value
    });
    (result, None)
}

/// Leaves a watch if the read found something.
fn watching<T, U>(
    state: &mut State,
    author: Author,
    path: &str,
    kind: Kind,
    read: Result<T, ZkErrorKind>,
    with: impl FnOnce(T, NodeWatch) -> U,
) -> Carried<U> {
    match read {
        Err(kind) => (Err(kind), None),
        Ok(value) => {
            let (armed, watch) = arm(state, author.session, path, kind);
            (Ok(with(value, watch)), Some(armed))
        }
    }
}

#[async_trait]
impl ZkSession for MemorySession {
    fn id(&self) -> SessionId {
        self.id
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }

    fn state(&self) -> watch::Receiver<SessionState> {
        self.state.clone()
    }

    async fn create(
        &self,
        path: &str,
        data: Bytes,
        mode: CreateMode,
        acl: &[Acl],
    ) -> Result<(String, Stat), ZkError> {
        let (at, acl) = (path.to_owned(), acl.to_vec());
        let carry = move |state: &mut State, author| {
            let created = state.tree.create(&at, data, mode, &acl, author);
            changed(state, created)
        };
        self.ask(Operation::Create, path, carry).await
    }

    async fn delete(&self, path: &str, version: Option<i32>) -> Result<(), ZkError> {
        let at = path.to_owned();
        let carry = move |state: &mut State, _| {
            let deleted = state.tree.delete(&at, version);
            changed(state, deleted)
        };
        self.ask(Operation::Delete, path, carry).await
    }

    async fn exists(&self, path: &str) -> Result<Option<Stat>, ZkError> {
        let at = path.to_owned();
        let carry = move |state: &mut State, _| (Ok(state.tree.stat(&at)), None);
        self.ask(Operation::Exists, path, carry).await
    }

    async fn exists_watch(&self, path: &str) -> Result<(Option<Stat>, NodeWatch), ZkError> {
        let at = path.to_owned();
        let carry = move |state: &mut State, author| {
            let stat = state.tree.stat(&at);
            let kind = if stat.is_some() { Kind::Data } else { Kind::Creation };
            watching(state, author, &at, kind, Ok(stat), |stat, watch| (stat, watch))
        };
        self.ask(Operation::Exists, path, carry).await
    }

    async fn get(&self, path: &str) -> Result<(Bytes, Stat), ZkError> {
        let at = path.to_owned();
        let carry = move |state: &mut State, _| (state.tree.get(&at), None);
        self.ask(Operation::Get, path, carry).await
    }

    async fn get_watch(&self, path: &str) -> Result<(Bytes, Stat, NodeWatch), ZkError> {
        let at = path.to_owned();
        let carry = move |state: &mut State, author| {
            let read = state.tree.get(&at);
            watching(state, author, &at, Kind::Data, read, |(data, stat), watch| (data, stat, watch))
        };
        self.ask(Operation::Get, path, carry).await
    }

    async fn set(&self, path: &str, data: Bytes, version: Option<i32>) -> Result<Stat, ZkError> {
        let at = path.to_owned();
        let carry = move |state: &mut State, author| {
            let set = state.tree.set(&at, data, version, author);
            changed(state, set)
        };
        self.ask(Operation::Set, path, carry).await
    }

    async fn children(&self, path: &str) -> Result<Vec<String>, ZkError> {
        let at = path.to_owned();
        let carry = move |state: &mut State, _| (state.tree.children(&at), None);
        self.ask(Operation::Children, path, carry).await
    }

    async fn children_watch(&self, path: &str) -> Result<(Vec<String>, NodeWatch), ZkError> {
        let at = path.to_owned();
        let carry = move |state: &mut State, author| {
            let read = state.tree.children(&at);
            watching(state, author, &at, Kind::Children, read, |names, watch| (names, watch))
        };
        self.ask(Operation::Children, path, carry).await
    }

    async fn multi(&self, ops: &[MultiOp]) -> Result<(), ZkError> {
        let Some(first) = ops.first() else { return Ok(()) };
        let all = ops.to_vec();
        let carry = move |state: &mut State, author| match state.tree.multi(&all, author) {
            Ok(changes) => {
                state.announce(&changes);
                (Ok(Ok(())), None)
            }
            Err((at, kind)) => (Ok(Err((at, kind))), None),
        };
        let done = self.ask(Operation::Multi, first.path(), carry).await?;
        done.map_err(|(at, kind)| ZkError::new(Operation::Multi, ops[at].path(), kind))
    }

    async fn sync(&self, path: &str) -> Result<(), ZkError> {
        self.ask(Operation::Sync, path, |_, _| (Ok(()), None)).await
    }

    async fn close(&self) {
        self.ensemble.with(|state| state.close(self.id));
    }

    fn credentials(&self) -> Option<SessionCredentials> {
        Some(SessionCredentials { id: self.id, password: self.id.0.to_be_bytes().to_vec() })
    }

    /// The servers drop the other's connection with the session.
    async fn end_other(&self, credentials: &SessionCredentials) -> Result<(), ZkError> {
        let other = credentials.clone();
        let carry = move |state: &mut State, _| {
            if other.password == other.id.0.to_be_bytes() && state.is_session(other.id) {
                state.expire(other.id);
            }
            (Ok(()), None)
        };
        self.ask(Operation::EndSession, "/", carry).await
    }
}

impl Drop for MemorySession {
    fn drop(&mut self) {
        self.ensemble.with(|state| state.close(self.id));
    }
}

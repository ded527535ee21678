//! A ZooKeeper session, as the rest of this crate sees it. Counterpart of the `ZooKeeper` class.
//!
//! [`ZkSession`] is the seam between HBase's use of ZooKeeper and the wire: [`RealSession`] speaks TCP,
//! [`crate::memory::MemorySession`] a tree in memory with faults and virtual time. What both promise:
//!
//! - Operations of one session are carried out in the order in which they were first polled.
//! - An operation asked for while the connection is down waits for the next one, or for the end of the session.
//! - A watch fires once, for the first change after the read that left it, also when that change happens while the
//!   connection is down. Between a change and its event nothing that shows the change is read.
//! - Once the session is over every operation fails and every watch fires.

mod convert;
mod handshake;
mod real;
mod watch;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch::Receiver;

use crate::error::{Operation, ZkError, ZkErrorKind};
use crate::znode::{Acl, CreateMode, SessionId, Stat};

pub use real::{RealSession, SessionConfig};
pub use watch::{NodeWatch, WatchEvent};

/// One session with a ZooKeeper ensemble.
#[async_trait]
pub trait ZkSession: Send + Sync + fmt::Debug {
    /// Its id, the owner of its ephemeral znodes.
    fn id(&self) -> SessionId;

    /// How long the servers keep it after they last heard of it, as they agreed to.
    fn timeout(&self) -> Duration;

    /// Its state, newest only: a connection that comes back quickly may not be seen to have been away.
    fn state(&self) -> Receiver<SessionState>;

    /// Makes a znode; gives its path, which the server completes for a sequential one.
    async fn create(
        &self,
        path: &str,
        data: Bytes,
        mode: CreateMode,
        acl: &[Acl],
    ) -> Result<(String, Stat), ZkError>;

    /// Removes a znode that has `version`, or any.
    async fn delete(&self, path: &str, version: Option<i32>) -> Result<(), ZkError>;

    /// Reads a znode's stat.
    async fn exists(&self, path: &str) -> Result<Option<Stat>, ZkError>;

    /// Reads a znode's stat, watching for its creation, deletion and new data.
    async fn exists_watch(&self, path: &str) -> Result<(Option<Stat>, NodeWatch), ZkError>;

    /// Reads a znode's data.
    async fn get(&self, path: &str) -> Result<(Bytes, Stat), ZkError>;

    /// Reads a znode's data, watching for its deletion and new data. A missing znode leaves no watch.
    async fn get_watch(&self, path: &str) -> Result<(Bytes, Stat, NodeWatch), ZkError>;

    /// Replaces the data of a znode that has `version`, or any.
    async fn set(&self, path: &str, data: Bytes, version: Option<i32>) -> Result<Stat, ZkError>;

    /// Lists the names of a znode's children, in no order.
    async fn children(&self, path: &str) -> Result<Vec<String>, ZkError>;

    /// Lists a znode's children, watching for their coming and going and its own deletion. A missing znode leaves no
    /// watch.
    async fn children_watch(&self, path: &str) -> Result<(Vec<String>, NodeWatch), ZkError>;

    /// Carries out all of `ops` or none.
    async fn multi(&self, ops: &[MultiOp]) -> Result<(), ZkError>;

    /// Waits until the server has caught up with its leader.
    async fn sync(&self, path: &str) -> Result<(), ZkError>;

    /// Ends the session; its ephemeral znodes go at once. Gives up waiting for the server after a while.
    async fn close(&self);

    /// What others need to end this session when its process is gone; none if that isn't known.
    fn credentials(&self) -> Option<SessionCredentials> {
        None
    }

    /// Ends another session, with what its owner left for that. Its ephemeral znodes are gone when this returns. A
    /// session that is over already is no error.
    async fn end_other(&self, credentials: &SessionCredentials) -> Result<(), ZkError> {
        let reason = ZkErrorKind::Unsupported(format!("ending session {}", credentials.id));
        Err(ZkError::new(Operation::EndSession, "/", reason))
    }
}

/// What it takes to take up a session, or to end it.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionCredentials {
    /// The session.
    pub id: SessionId,
    /// What the servers gave for it to whoever began it.
    pub password: Vec<u8>,
}

impl fmt::Debug for SessionCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionCredentials").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Where a session is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionState {
    /// In contact with a server.
    Connected,
    /// Looking for a server.
    Disconnected,
    /// Over: the servers dropped it, or must have by now.
    Expired,
    /// Over: the servers refused its credentials.
    AuthFailed,
    /// Over: closed on this side.
    Closed,
}

impl SessionState {
    /// True for the states that nothing follows.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Expired | Self::AuthFailed | Self::Closed)
    }
}

/// One of several writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MultiOp {
    /// Fail unless the znode has this version, or exists.
    Check {
        /// The znode.
        path: String,
        /// The expected version.
        version: Option<i32>,
    },
    /// Make a znode.
    Create {
        /// The znode.
        path: String,
        /// Its data.
        data: Bytes,
        /// Its mode.
        mode: CreateMode,
        /// Its ACL.
        acl: Vec<Acl>,
    },
    /// Replace a znode's data.
    Set {
        /// The znode.
        path: String,
        /// The new data.
        data: Bytes,
        /// The expected version.
        version: Option<i32>,
    },
    /// Remove a znode.
    Delete {
        /// The znode.
        path: String,
        /// The expected version.
        version: Option<i32>,
    },
}

impl MultiOp {
    /// The znode it is about.
    pub fn path(&self) -> &str {
        match self {
            Self::Check { path, .. }
            | Self::Create { path, .. }
            | Self::Set { path, .. }
            | Self::Delete { path, .. } => path,
        }
    }
}

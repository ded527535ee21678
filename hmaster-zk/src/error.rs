//! What an operation on ZooKeeper can fail with. Counterpart of `KeeperException`.
//!
//! Differs from Java in one thing that matters: [`ZkErrorKind::OutcomeUnknown`] stands for every failure after which
//! the server may or may not have carried the operation out, whatever the reason: connection lost, no reply in time,
//! a reply that could not be read. Whoever writes must reckon with both.

use std::fmt;

/// An operation on a znode failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("ZooKeeper: {operation} {path}: {kind}")]
pub struct ZkError {
    /// What was asked for.
    pub operation: Operation,
    /// On which znode; of several operations at once, the one that failed if that is known, else the first.
    pub path: String,
    /// What came of it.
    pub kind: ZkErrorKind,
}

/// What a session can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Establish a session.
    Connect,
    /// Make a znode.
    Create,
    /// Remove a znode.
    Delete,
    /// Read a znode's stat.
    Exists,
    /// Read a znode's data.
    Get,
    /// Replace a znode's data.
    Set,
    /// List a znode's children.
    Children,
    /// Several writes, all or none.
    Multi,
    /// Wait until the server has caught up with its leader.
    Sync,
    /// End another session.
    EndSession,
}

/// Why an operation failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ZkErrorKind {
    /// There is no such znode, or its parent is missing.
    #[error("no such znode")]
    NoNode,
    /// The znode is there already.
    #[error("the znode exists")]
    NodeExists,
    /// The znode's version is another than the expected one.
    #[error("the znode has another version")]
    BadVersion,
    /// The znode has children.
    #[error("the znode has children")]
    NotEmpty,
    /// An ephemeral znode can't have children.
    #[error("the parent is ephemeral")]
    NoChildrenForEphemerals,
    /// The znode's ACL forbids it.
    #[error("not allowed by the ACL")]
    NoAuth,
    /// The server doesn't take the ACL.
    #[error("invalid ACL")]
    InvalidAcl,
    /// The server turned the request away, unread, because it has too much to do.
    #[error("the server is too busy")]
    Throttled,
    /// The server refused for another reason; nothing was done.
    #[error("refused: {0}")]
    Refused(String),
    /// The operation may or may not have been carried out, or may yet be.
    #[error("outcome unknown: {0}")]
    OutcomeUnknown(String),
    /// The session is over: its ephemeral znodes are gone or will be. A write that was under way may have been done.
    #[error("the session expired")]
    SessionExpired,
    /// The server did not accept the client's credentials; the session is over.
    #[error("authentication failed")]
    AuthFailed,
    /// The session was closed on this side.
    #[error("the session is closed")]
    Closed,
    /// Not sent: the server would drop the connection, and with it everything under way.
    #[error("the request of {bytes} bytes is above the limit of {bytes_max}")]
    TooLarge {
        /// Size of the request.
        bytes: usize,
        /// `jute.maxbuffer` of the servers.
        bytes_max: usize,
    },
    /// Not sent: more watches could not be set again in one request after a reconnect.
    #[error("already {watches_max} watches")]
    TooManyWatches {
        /// How many there may be in one session.
        watches_max: usize,
    },
    /// Not sent: the request makes no sense.
    #[error("bad arguments: {0}")]
    BadArguments(String),
    /// Something that isn't built.
    #[error("not supported: {0}")]
    Unsupported(String),
}

impl ZkError {
    /// An error of `operation` on `path`.
    pub fn new(operation: Operation, path: impl Into<String>, kind: ZkErrorKind) -> Self {
        Self { operation, path: path.into(), kind }
    }

    /// True for a missing znode.
    pub fn is_no_node(&self) -> bool {
        self.kind == ZkErrorKind::NoNode
    }

    /// True for a znode that is there already.
    pub fn is_node_exists(&self) -> bool {
        self.kind == ZkErrorKind::NodeExists
    }
}

impl ZkErrorKind {
    /// True if the operation may have been carried out or not, in a session that may go on.
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self, Self::OutcomeUnknown(_))
    }

    /// True if no operation of this session will succeed any more.
    pub fn is_session_over(&self) -> bool {
        matches!(self, Self::SessionExpired | Self::AuthFailed | Self::Closed)
    }

    /// True if a server looked at the request and answered, which proves that the session was alive.
    pub fn is_reply(&self) -> bool {
        matches!(
            self,
            Self::NoNode
                | Self::NodeExists
                | Self::BadVersion
                | Self::NotEmpty
                | Self::NoChildrenForEphemerals
                | Self::NoAuth
                | Self::InvalidAcl
                | Self::Refused(_)
        )
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connect to",
            Self::Create => "create",
            Self::Delete => "delete",
            Self::Exists => "check",
            Self::Get => "read",
            Self::Set => "write",
            Self::Children => "list",
            Self::Multi => "transaction on",
            Self::Sync => "sync",
            Self::EndSession => "end another session",
        })
    }
}

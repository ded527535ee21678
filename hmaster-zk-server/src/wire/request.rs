//! Requests as types. [`request_body`](super::request_body) reads them from frames.
//!
//! Writes and reads are enums of their own, because a multi is a list of the former, a multiRead one
//! of the latter.

use bytes::Bytes;

use super::types::AclEntry;

/// How a create answers and what it makes, by its operation code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CreateKind {
    /// `create`: answers with the path.
    Plain,
    /// `create2`: answers with path and stat.
    WithStat,
    /// `createContainer`: as create2, and makes a container.
    Container,
    /// `createTTL` with the time to live it names, in milliseconds.
    Ttl(i64),
}

/// A request to create a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Create {
    /// Which operation.
    pub kind: CreateKind,
    /// Path of the node, or its beginning for a sequential one.
    pub path: String,
    /// Data; null is kept apart from empty, as in Java.
    pub data: Option<Bytes>,
    /// ACL as the client gave it.
    pub acl: Vec<AclEntry>,
    /// `CreateMode` as a number.
    pub flags: i32,
}

/// Something that changes the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WriteOp {
    /// Make a node.
    Create(Create),
    /// Remove a node of this version (-1: any).
    Delete {
        /// Path.
        path: String,
        /// Expected version.
        version: i32,
    },
    /// Replace the data of a node of this version (-1: any).
    SetData {
        /// Path.
        path: String,
        /// New data.
        data: Option<Bytes>,
        /// Expected version.
        version: i32,
    },
    /// Replace the ACL of a node of this ACL version (-1: any).
    SetAcl {
        /// Path.
        path: String,
        /// New ACL.
        acl: Vec<AclEntry>,
        /// Expected ACL version.
        version: i32,
    },
    /// Fail unless the node has this version (-1: exists).
    Check {
        /// Path.
        path: String,
        /// Expected version.
        version: i32,
    },
    /// Only servers send this; refused.
    DeleteContainer,
    /// Refused: there is no ensemble.
    Reconfig,
}

/// Something that reads the tree, perhaps leaving a watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ReadOp {
    /// Stat.
    Exists {
        /// Path.
        path: String,
        /// Leave a data watch, even if there is no such node.
        watch: bool,
    },
    /// Data and stat.
    GetData {
        /// Path.
        path: String,
        /// Leave a data watch.
        watch: bool,
    },
    /// ACL and stat.
    GetAcl {
        /// Path.
        path: String,
    },
    /// Names of children.
    GetChildren {
        /// Path.
        path: String,
        /// Leave a child watch.
        watch: bool,
        /// Answer with the stat too (getChildren2).
        with_stat: bool,
    },
    /// Number of nodes below.
    GetAllChildrenNumber {
        /// Path.
        path: String,
    },
    /// Ephemeral nodes of this session whose path begins so.
    GetEphemerals {
        /// Prefix; empty for all.
        prefix: String,
    },
}

/// The watches a client had before it reconnected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SetWatches {
    /// The newest transaction the client knows of.
    pub relative_zxid: i64,
    /// Data watches on nodes that existed.
    pub data: Vec<String>,
    /// Data watches on nodes that didn't exist.
    pub exist: Vec<String>,
    /// Child watches.
    pub child: Vec<String>,
    /// Persistent watches.
    pub persistent: Vec<String>,
    /// Persistent recursive watches.
    pub persistent_recursive: Vec<String>,
}

/// Which of a connection's watches on a path are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WatcherType {
    /// Child watches.
    Children,
    /// Data watches.
    Data,
    /// Both.
    Any,
}

/// A request after its header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    /// One write.
    Write(WriteOp),
    /// Several writes, all or none.
    Multi(Vec<WriteOp>),
    /// One read.
    Read(ReadOp),
    /// Several reads.
    MultiRead(Vec<ReadOp>),
    /// setWatches and setWatches2.
    SetWatches(SetWatches),
    /// A persistent watch.
    AddWatch {
        /// Path.
        path: String,
        /// Whether it covers everything below too.
        recursive: bool,
    },
    /// Is there such a watch?
    CheckWatches {
        /// Path.
        path: String,
        /// Which.
        kind: WatcherType,
    },
    /// Forget such watches.
    RemoveWatches {
        /// Path.
        path: String,
        /// Which.
        kind: WatcherType,
    },
    /// Credentials.
    Auth {
        /// Scheme.
        scheme: String,
        /// What the scheme wants.
        credentials: Bytes,
    },
    /// A SASL token.
    Sasl {
        /// The token.
        token: Bytes,
    },
    /// Heartbeat.
    Ping,
    /// Answer the path.
    Sync {
        /// Path.
        path: String,
    },
    /// Answer the identities of the connection.
    WhoAmI,
    /// End the session.
    CloseSession,
    /// An operation code nobody knows.
    Unknown(i32),
}

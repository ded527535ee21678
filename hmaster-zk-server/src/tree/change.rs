//! Changes of the tree: as they are written to the log, and what carrying one out leaves behind.

use bytes::Bytes;

use super::node::{Node, NodeStat, Owner};
use crate::wire::types::{Acl, Stat};

/// A decided change of one node: everything is resolved (sequence numbers, versions, ACLs), so that
/// reading it back from the log needs no decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TreeChange {
    /// A node comes into being.
    Create {
        /// Its full path, sequence number included.
        path: String,
        /// Its data.
        data: Option<Bytes>,
        /// Its ACL, with `auth` resolved.
        acl: Acl,
        /// Whose it is.
        owner: Owner,
    },
    /// A node goes.
    Delete {
        /// Its path.
        path: String,
    },
    /// Data is replaced.
    SetData {
        /// Path of the node.
        path: String,
        /// The new data.
        data: Option<Bytes>,
        /// The version it then has.
        version: i32,
    },
    /// An ACL is replaced.
    SetAcl {
        /// Path of the node.
        path: String,
        /// The new ACL.
        acl: Acl,
        /// The ACL version it then has.
        version: i32,
    },
}

impl TreeChange {
    /// The path it is about.
    pub(crate) fn path(&self) -> &str {
        match self {
            Self::Create { path, .. }
            | Self::Delete { path }
            | Self::SetData { path, .. }
            | Self::SetAcl { path, .. } => path,
        }
    }
}

/// The transaction a change belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WriteContext {
    /// Its number.
    pub zxid: i64,
    /// When it was decided, wall clock in milliseconds.
    pub wall_ms: i64,
}

/// What a change left behind.
#[derive(Debug)]
pub(crate) struct Step {
    /// How to take it back.
    pub undo: Undo,
    /// What watchers may learn of it.
    pub notification: Option<Notification>,
    /// The stat of the node right after it (right before, if it was a delete).
    pub stat: Stat,
}

/// How to take a change back.
#[derive(Debug)]
pub(crate) enum Undo {
    /// Remove the node, and put the parent's stat back.
    Create {
        /// Path of the node.
        path: String,
        /// The parent's stat before.
        parent_stat: NodeStat,
    },
    /// Put the node back, and the parent's stat.
    Delete {
        /// Path of the node.
        path: String,
        /// The node as it was.
        node: Node,
        /// The parent's stat before.
        parent_stat: NodeStat,
    },
    /// Put the data back.
    SetData {
        /// Path of the node.
        path: String,
        /// The data before.
        data: Option<Bytes>,
        /// The stat before.
        stat: NodeStat,
    },
    /// Put the ACL back.
    SetAcl {
        /// Path of the node.
        path: String,
        /// The ACL before.
        acl: Acl,
        /// The stat before.
        stat: NodeStat,
    },
}

/// Something happened that watchers may learn of, if the ACLs as of then let them read the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Notification {
    /// A node came into being.
    Created {
        /// Its path.
        path: String,
        /// Its ACL.
        acl: Acl,
        /// The ACL of its parent, whose children changed.
        parent_acl: Acl,
    },
    /// A node went.
    Deleted {
        /// Its path.
        path: String,
        /// Its ACL.
        acl: Acl,
        /// The ACL of its parent, whose children changed.
        parent_acl: Acl,
    },
    /// Data was set.
    DataChanged {
        /// Path of the node.
        path: String,
        /// Its ACL.
        acl: Acl,
    },
}

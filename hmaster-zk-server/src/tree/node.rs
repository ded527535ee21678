//! One node. Counterparts: `DataNode`, `StatPersisted`, `EphemeralType`.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::change::WriteContext;
use crate::wire::types::{Acl, Stat};

/// Who a node lives and dies with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Nobody: a persistent node.
    #[default]
    Nobody,
    /// Its children: a container goes some time after the last of them.
    Container,
    /// A session: an ephemeral node.
    Session(i64),
}

/// What Java writes as the owner of a container.
const CONTAINER_OWNER: i64 = i64::MIN;

impl Owner {
    /// The owner as one number, for the disk.
    pub(crate) fn to_raw(self) -> i64 {
        match self {
            Self::Nobody => 0,
            Self::Container => CONTAINER_OWNER,
            Self::Session(session) => session,
        }
    }

    /// The owner from its number.
    pub(crate) fn from_raw(raw: i64) -> Self {
        match raw {
            0 => Self::Nobody,
            CONTAINER_OWNER => Self::Container,
            session => Self::Session(session),
        }
    }
}

/// What is written down about a node; [`Node::client_stat`] derives what clients see.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct NodeStat {
    /// Transaction that created the node.
    pub czxid: i64,
    /// Transaction that last set the data.
    pub mzxid: i64,
    /// Transaction that last changed the children.
    pub pzxid: i64,
    /// When it was created, wall clock in milliseconds.
    pub ctime: i64,
    /// When the data was last set, wall clock in milliseconds.
    pub mtime: i64,
    /// Number of times the data was set.
    pub version: i32,
    /// Number of children ever created: the next sequence number.
    pub cversion: i32,
    /// Number of times the ACL was set.
    pub aversion: i32,
    /// Whose it is.
    pub owner: Owner,
}

impl NodeStat {
    /// The stat of a node that this transaction creates.
    pub(crate) fn created(at: WriteContext, owner: Owner) -> Self {
        Self {
            czxid: at.zxid,
            mzxid: at.zxid,
            pzxid: at.zxid,
            ctime: at.wall_ms,
            mtime: at.wall_ms,
            version: 0,
            cversion: 0,
            aversion: 0,
            owner,
        }
    }
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    /// Its data; null and empty are told apart.
    pub data: Option<Bytes>,
    /// Who may do what.
    pub acl: Acl,
    /// Versions, times and owner.
    pub stat: NodeStat,
    /// Names of the children.
    pub children: BTreeSet<Box<str>>,
}

impl Node {
    /// A node without children.
    pub(crate) fn new(data: Option<Bytes>, acl: Acl, stat: NodeStat) -> Self {
        Self { data, acl, stat, children: BTreeSet::new() }
    }

    /// A node that is there from the start: empty, with zeros for a stat.
    pub(crate) fn builtin(acl: Acl) -> Self {
        Self::new(Some(Bytes::new()), acl, NodeStat::default())
    }

    /// The stat as clients see it. Its `cversion` counts creations and deletions of children, of
    /// which only the creations are written down: there was a deletion for every created child that
    /// isn't there any more.
    pub(crate) fn client_stat(&self) -> Stat {
        let stat = &self.stat;
        let num_children = i32::try_from(self.children.len()).unwrap_or(i32::MAX);
        Stat {
            czxid: stat.czxid,
            mzxid: stat.mzxid,
            ctime: stat.ctime,
            mtime: stat.mtime,
            version: stat.version,
            cversion: stat.cversion.wrapping_mul(2).wrapping_sub(num_children),
            aversion: stat.aversion,
            ephemeral_owner: if let Owner::Session(session) = stat.owner { session } else { 0 },
            data_length: self.data.as_ref().map_or(0, |data| i32::try_from(data.len()).unwrap_or(i32::MAX)),
            num_children,
            pzxid: stat.pzxid,
        }
    }
}

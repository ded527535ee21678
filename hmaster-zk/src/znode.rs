//! The nouns of ZooKeeper: stat, create mode, ACL. Counterpart of `Stat`, `CreateMode`, `ACL`.

use std::fmt;

/// Identifies a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub i64);

/// Identifies a transaction; rises with every change of anything in ZooKeeper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Zxid(pub i64);

/// What ZooKeeper knows about a znode beside its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stat {
    /// The transaction that created it: tells its lives apart.
    pub czxid: Zxid,
    /// The transaction that last wrote its data.
    pub mzxid: Zxid,
    /// The transaction that last added or removed a child.
    pub pzxid: Zxid,
    /// When it was created, in milliseconds since 1970 by the server's clock.
    pub ctime_ms: i64,
    /// When its data was last written, likewise.
    pub mtime_ms: i64,
    /// How often its data was written since it was created.
    pub version: i32,
    /// How often its set of children changed.
    pub cversion: i32,
    /// The session it lives as long as, for an ephemeral one.
    pub ephemeral_owner: Option<SessionId>,
    /// Size of its data in bytes.
    pub data_length: i32,
    /// Number of its children.
    pub num_children: i32,
}

/// How long a znode lives, and whether the server completes its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateMode {
    /// Until it is deleted.
    Persistent,
    /// Until it is deleted; ten digits that rise are appended to its name.
    PersistentSequential,
    /// Until it is deleted or its session ends.
    Ephemeral,
    /// Both.
    EphemeralSequential,
}

impl CreateMode {
    /// Whether the server appends a number to the name.
    pub fn is_sequential(self) -> bool {
        matches!(self, Self::PersistentSequential | Self::EphemeralSequential)
    }

    /// Whether the znode ends with its session.
    pub fn is_ephemeral(self) -> bool {
        matches!(self, Self::Ephemeral | Self::EphemeralSequential)
    }
}

/// What someone may do with a znode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acl {
    /// Which operations: [`Acl::READ`] and so on, added up.
    pub permissions: i32,
    /// How who is identified: `world`, `auth`, `sasl`.
    pub scheme: String,
    /// Who.
    pub id: String,
}

impl Acl {
    /// Read data and list children.
    pub const READ: i32 = 1;
    /// Everything.
    pub const ALL: i32 = 31;

    /// Everybody may do everything. Counterpart of `Ids.OPEN_ACL_UNSAFE`.
    pub fn open() -> Vec<Self> {
        vec![Self { permissions: Self::ALL, scheme: "world".into(), id: "anyone".into() }]
    }
}

/// The znode above `path`, none for the root.
pub fn parent(path: &str) -> Option<&str> {
    match path.rfind('/')? {
        0 if path.len() == 1 => None,
        0 => Some("/"),
        at => Some(&path[..at]),
    }
}

/// The last part of `path`. Counterpart of `ZKUtil.getNodeName`.
pub fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// `child` below `parent`. Counterpart of `ZNodePaths.joinZNode`.
pub fn join(parent: &str, child: &str) -> String {
    if parent == "/" { format!("/{child}") } else { format!("{parent}/{child}") }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_apart_and_together() {
        for (path, above, last) in [
            ("/", None, ""),
            ("/a", Some("/"), "a"),
            ("/a/b", Some("/a"), "b"),
            ("/a/b/c", Some("/a/b"), "c"),
        ] {
            assert_eq!((parent(path), name(path)), (above, last), "{path}");
            assert_eq!(above.map(|above| join(above, last)).unwrap_or("/".into()), path);
        }
    }
}

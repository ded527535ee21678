//! Records shared by requests, replies and the files on disk: identities, ACLs, stats, events.
//! Counterparts: the `org.apache.zookeeper.data` classes and `Watcher.Event`.

use std::sync::Arc;

use super::jute::{DecodeError, JuteReader, JuteWrite};

/// Permission to read data and list children.
pub(crate) const PERM_READ: i32 = 1;
/// Permission to set data.
pub(crate) const PERM_WRITE: i32 = 1 << 1;
/// Permission to create children.
pub(crate) const PERM_CREATE: i32 = 1 << 2;
/// Permission to delete children.
pub(crate) const PERM_DELETE: i32 = 1 << 3;
/// Permission to set the ACL.
pub(crate) const PERM_ADMIN: i32 = 1 << 4;
/// All of them.
pub(crate) const PERM_ALL: i32 = PERM_READ | PERM_WRITE | PERM_CREATE | PERM_DELETE | PERM_ADMIN;

/// Who somebody is under some scheme, such as `digest` and `user:hash`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AuthId {
    /// `world`, `ip`, `digest`, `auth` or `super`.
    pub scheme: String,
    /// The identity; its form depends on the scheme.
    pub id: String,
}

impl AuthId {
    /// An identity of a scheme.
    pub(crate) fn new(scheme: &str, id: &str) -> Self {
        Self { scheme: scheme.to_owned(), id: id.to_owned() }
    }

    /// Everybody.
    pub(crate) fn is_anyone(&self) -> bool {
        self.scheme == "world" && self.id == "anyone"
    }
}

/// What one identity may do: a sum of the `PERM_*` bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AclEntry {
    /// Permissions, as bits.
    pub perms: i32,
    /// To whom they are given.
    pub id: AuthId,
}

/// A node's access control list; shared, because most nodes have their parent's.
pub(crate) type Acl = Arc<[AclEntry]>;

/// Everything to everybody: `ZooDefs.Ids.OPEN_ACL_UNSAFE`.
pub(crate) fn open_acl() -> Acl {
    Arc::from([AclEntry { perms: PERM_ALL, id: AuthId::new("world", "anyone") }])
}

/// Reading to everybody: `ZooDefs.Ids.READ_ACL_UNSAFE`.
pub(crate) fn read_acl() -> Acl {
    Arc::from([AclEntry { perms: PERM_READ, id: AuthId::new("world", "anyone") }])
}

/// Reads an ACL. Null schemes and ids read as empty ones, which no check accepts.
pub(crate) fn read_acl_entries(reader: &mut JuteReader<'_>) -> Result<Vec<AclEntry>, DecodeError> {
    reader.vector("acl", |reader| {
        let perms = reader.int("acl.perms")?;
        let scheme = reader.nullable_string("acl.scheme")?.unwrap_or_default();
        let id = reader.nullable_string("acl.id")?.unwrap_or_default();
        Ok(AclEntry { perms, id: AuthId { scheme, id } })
    })
}

/// Writes an ACL.
pub(crate) fn put_acl(out: &mut Vec<u8>, acl: &[AclEntry]) {
    out.put_count(acl.len());
    for entry in acl {
        out.put_int(entry.perms);
        out.put_string(&entry.id.scheme);
        out.put_string(&entry.id.id);
    }
}

/// What a client learns about a node besides its data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Stat {
    /// Transaction that created the node.
    pub czxid: i64,
    /// Transaction that last set its data.
    pub mzxid: i64,
    /// When it was created, wall clock in milliseconds.
    pub ctime: i64,
    /// When its data was last set, wall clock in milliseconds.
    pub mtime: i64,
    /// Number of times its data was set.
    pub version: i32,
    /// Number of times its children changed.
    pub cversion: i32,
    /// Number of times its ACL was set.
    pub aversion: i32,
    /// The session that owns an ephemeral node, else 0.
    pub ephemeral_owner: i64,
    /// Length of the data in bytes.
    pub data_length: i32,
    /// Number of children.
    pub num_children: i32,
    /// Transaction that last changed its children.
    pub pzxid: i64,
}

/// Writes a stat.
pub(crate) fn put_stat(out: &mut Vec<u8>, stat: &Stat) {
    out.put_long(stat.czxid);
    out.put_long(stat.mzxid);
    out.put_long(stat.ctime);
    out.put_long(stat.mtime);
    out.put_int(stat.version);
    out.put_int(stat.cversion);
    out.put_int(stat.aversion);
    out.put_long(stat.ephemeral_owner);
    out.put_int(stat.data_length);
    out.put_int(stat.num_children);
    out.put_long(stat.pzxid);
}

/// Reads a stat; the conformance client's need, not the server's.
#[cfg(any(test, feature = "conformance"))]
pub(crate) fn read_stat(reader: &mut JuteReader<'_>) -> Result<Stat, DecodeError> {
    Ok(Stat {
        czxid: reader.long("czxid")?,
        mzxid: reader.long("mzxid")?,
        ctime: reader.long("ctime")?,
        mtime: reader.long("mtime")?,
        version: reader.int("version")?,
        cversion: reader.int("cversion")?,
        aversion: reader.int("aversion")?,
        ephemeral_owner: reader.long("ephemeralOwner")?,
        data_length: reader.int("dataLength")?,
        num_children: reader.int("numChildren")?,
        pzxid: reader.long("pzxid")?,
    })
}

/// What a watch tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
#[expect(clippy::enum_variant_names, reason = "ZooKeeper's names")]
pub(crate) enum EventType {
    /// The node came into being.
    NodeCreated = 1,
    /// The node went.
    NodeDeleted = 2,
    /// The node's data was set.
    NodeDataChanged = 3,
    /// A child came or went.
    NodeChildrenChanged = 4,
}

/// `KeeperState.SyncConnected`: the only state a server reports with an event.
pub(crate) const STATE_SYNC_CONNECTED: i32 = 3;

//! What a procedure asks for: resources and modes. Counterpart of the `wait…Lock` methods of
//! `MasterProcedureScheduler`, which say which locks go with which.

use std::fmt;
use std::sync::Arc;

use hmaster_types::{EncodedName, ServerName, TableName};
use smallvec::SmallVec;

/// What can be locked. The order of the variants is the order in which the parts of a request are tried, from the wide
/// to the narrow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// The whole cluster. Not known to Java 2.6, which locks a made-up server name in its place.
    Global,
    /// The recovery of hbase:meta of old releases.
    Meta,
    /// A namespace.
    Namespace(Arc<str>),
    /// A table.
    Table(TableName),
    /// A region.
    Region(EncodedName),
    /// A region server.
    Server(ServerName),
    /// A replication peer.
    Peer(Arc<str>),
}

/// Alone, or with others of the same mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockMode {
    /// With others.
    Shared,
    /// Alone.
    Exclusive,
}

/// Resources and modes that a procedure needs all at once; each resource stands in it once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LockRequest(SmallVec<[(Resource, LockMode); 3]>);

impl LockRequest {
    /// No lock at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// These resources. One that is named twice is taken once, exclusively if either says so.
    pub fn new(parts: impl IntoIterator<Item = (Resource, LockMode)>) -> Self {
        let mut parts: SmallVec<[_; 3]> = parts.into_iter().collect();
        if parts.len() > 1 {
            parts.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
            parts.dedup_by(|later, kept| later.0 == kept.0);
        }
        Self(parts)
    }

    /// What changes a table as a whole: the table, and its namespace shared. Such procedures of one table run one
    /// after the other in the order of their submission, whatever they do with the lock in between.
    pub fn table_exclusive(table: &TableName) -> Self {
        Self::new([
            (namespace_of(table), LockMode::Shared),
            (Resource::Table(table.clone()), LockMode::Exclusive),
        ])
    }

    /// What works within a table: the table and its namespace, both shared.
    pub fn table_shared(table: &TableName) -> Self {
        Self::new([
            (namespace_of(table), LockMode::Shared),
            (Resource::Table(table.clone()), LockMode::Shared),
        ])
    }

    /// What changes regions of a table: the regions, and the table and its namespace shared.
    pub fn regions(table: &TableName, regions: impl IntoIterator<Item = EncodedName>) -> Self {
        let wide =
            [(namespace_of(table), LockMode::Shared), (Resource::Table(table.clone()), LockMode::Shared)];
        let regions = regions.into_iter().map(|region| (Resource::Region(region), LockMode::Exclusive));
        Self::new(wide.into_iter().chain(regions))
    }

    /// What changes a namespace: the namespace, and the table hbase:namespace shared.
    pub fn namespace_exclusive(namespace: &str) -> Self {
        Self::new([
            (Resource::Namespace(namespace.into()), LockMode::Exclusive),
            (Resource::Table(TableName::namespace_table()), LockMode::Shared),
        ])
    }

    /// What handles the crash of a server.
    pub fn server_exclusive(server: &ServerName) -> Self {
        Self::new([(Resource::Server(server.clone()), LockMode::Exclusive)])
    }

    /// What changes a replication peer.
    pub fn peer_exclusive(peer: &str) -> Self {
        Self::new([(Resource::Peer(peer.into()), LockMode::Exclusive)])
    }

    /// True if it asks for nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Resources and modes, from the wide to the narrow.
    pub fn parts(&self) -> &[(Resource, LockMode)] {
        &self.0
    }

    /// The table that this changes as a whole, if it does.
    pub fn exclusive_table(&self) -> Option<&TableName> {
        self.0.iter().find_map(|part| match part {
            (Resource::Table(table), LockMode::Exclusive) => Some(table),
            _ => None,
        })
    }
}

fn namespace_of(table: &TableName) -> Resource {
    Resource::Namespace(table.namespace().into())
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Global => f.write_str("the cluster"),
            Self::Meta => f.write_str("hbase:meta"),
            Self::Namespace(name) => write!(f, "namespace {name}"),
            Self::Table(name) => write!(f, "table {name}"),
            Self::Region(name) => write!(f, "region {name}"),
            Self::Server(name) => write!(f, "server {name}"),
            Self::Peer(name) => write!(f, "peer {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_sorted_and_names_each_resource_once() {
        let peer = || Resource::Peer("p".into());
        let request = LockRequest::new([
            (peer(), LockMode::Shared),
            (Resource::Global, LockMode::Shared),
            (peer(), LockMode::Exclusive),
            (peer(), LockMode::Shared),
        ]);
        assert_eq!(request.parts(), [(Resource::Global, LockMode::Shared), (peer(), LockMode::Exclusive)]);
    }

    #[test]
    fn only_a_change_of_the_whole_table_takes_turns() {
        let table: TableName = "ns:t".parse().unwrap();
        assert_eq!(LockRequest::table_exclusive(&table).exclusive_table(), Some(&table));
        assert_eq!(LockRequest::table_shared(&table).exclusive_table(), None);
        assert_eq!(LockRequest::regions(&table, [EncodedName::META]).exclusive_table(), None);
        assert_eq!(LockRequest::namespace_exclusive("ns").exclusive_table(), None);
    }
}

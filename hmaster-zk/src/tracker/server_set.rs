//! Follows a set of servers that are named by the children of a znode.

use std::collections::BTreeSet;

use hmaster_types::ServerName;

use super::children::ChildrenTracker;
use crate::error::{Operation, ZkError, ZkErrorKind};
use crate::watcher::ZkWatcher;

/// How a set of servers changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerChanges {
    /// Who is new.
    pub added: BTreeSet<ServerName>,
    /// Who is gone.
    pub removed: BTreeSet<ServerName>,
}

impl ServerChanges {
    fn between(old: &BTreeSet<ServerName>, new: &BTreeSet<ServerName>) -> Self {
        Self { added: new - old, removed: old - new }
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

/// Follows the servers that are named by the children of a znode.
#[derive(Debug)]
pub(super) struct ServerSetTracker {
    children: ChildrenTracker,
    known: BTreeSet<ServerName>,
    given_first: bool,
}

impl ServerSetTracker {
    pub(super) fn new(zk: ZkWatcher, path: &str) -> Self {
        Self { children: ChildrenTracker::new(zk, path), known: BTreeSet::new(), given_first: false }
    }

    /// Who is there.
    pub(super) fn known(&self) -> &BTreeSet<ServerName> {
        &self.known
    }

    /// Whether nothing was given yet.
    pub(super) fn is_new(&self) -> bool {
        !self.given_first
    }

    /// Waits for a change; when called first, gives who is there at once. The change isn't taken into account until
    /// [`ServerSetTracker::accept`].
    ///
    /// # Errors
    /// Of ZooKeeper; a missing znode is one, too: without it nothing can be said about the servers.
    pub(super) async fn next(&mut self) -> Result<(BTreeSet<ServerName>, ServerChanges), ZkError> {
        loop {
            let names = self.children.next().await?;
            let names = names.ok_or_else(|| {
                ZkError::new(Operation::Children, self.children.path(), ZkErrorKind::NoNode)
            })?;
            let now = server_names(self.children.path(), &names);
            let changes = ServerChanges::between(&self.known, &now);
            if !self.given_first || !changes.is_empty() {
                return Ok((now, changes));
            }
        }
    }

    pub(super) fn accept(&mut self, now: BTreeSet<ServerName>) {
        self.known = now;
        self.given_first = true;
    }
}

/// A child that is no server's is nobody's business here; it must not hide the others, as it does in Java.
fn server_names(path: &str, names: &BTreeSet<String>) -> BTreeSet<ServerName> {
    let parse = |name: &String| match name.parse() {
        Ok(server) => Some(server),
        Err(error) => {
            tracing::warn!(path, %error, "ignoring a child that is no server");
            None
        }
    };
    names.iter().filter_map(parse).collect()
}

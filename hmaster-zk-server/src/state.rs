//! What must survive a crash: the tree, the sessions, and the number of the last transaction.
//! Counterpart of `ZKDatabase`.
//!
//! [`DurableState::replay`] takes a transaction read from the log; the live server changes the same
//! state through the same functions, so what a restart rebuilds is what clients saw.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::transaction::{Change, Transaction};
use crate::tree::DataTree;
use crate::tree::change::{Step, TreeChange, WriteContext};
use crate::wire::connect::Password;
use crate::wire::error_code::ErrorCode;

/// A session as it is written down. When it expires isn't: after a restart every session gets its
/// full timeout again, as in ZooKeeper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SessionRecord {
    /// The timeout it was given, in milliseconds.
    pub timeout_ms: i32,
    /// What a client must know to continue it.
    pub password: Password,
}

/// Everything that is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DurableState {
    /// The last transaction in it.
    pub zxid: i64,
    /// No session so far had this id or a higher one.
    pub next_session_id: i64,
    /// Living sessions.
    pub sessions: BTreeMap<i64, SessionRecord>,
    /// All nodes.
    pub tree: DataTree,
}

impl Default for DurableState {
    fn default() -> Self {
        Self::new()
    }
}

/// A logged transaction that can't have happened in this state.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum ReplayError {
    /// Transactions are numbered without gaps.
    #[error("transaction 0x{found:x} follows 0x{last:x}")]
    Gap {
        /// The last transaction before.
        last: i64,
        /// The one found.
        found: i64,
    },
    /// The change doesn't fit the tree.
    #[error("transaction 0x{zxid:x} doesn't apply to {path}: {source}")]
    Tree {
        /// The transaction.
        zxid: i64,
        /// The node.
        path: String,
        /// What is wrong.
        source: ErrorCode,
    },
}

impl DurableState {
    /// The state of a new server.
    pub(crate) fn new() -> Self {
        Self { zxid: 0, next_session_id: 1, sessions: BTreeMap::new(), tree: DataTree::new() }
    }

    /// Carries out a transaction from the log.
    pub(crate) fn replay(&mut self, transaction: &Transaction) -> Result<(), ReplayError> {
        let zxid = transaction.zxid;
        if zxid != self.zxid + 1 {
            return Err(ReplayError::Gap { last: self.zxid, found: zxid });
        }
        let at = WriteContext { zxid, wall_ms: transaction.wall_ms };
        match &transaction.change {
            Change::Failed { .. } => {}
            Change::CreateSession(session) => self.create_session(transaction.session, *session),
            Change::CloseSession => {
                self.close_session(transaction.session, at);
            }
            Change::Tree(changes) => {
                for change in changes {
                    self.tree.apply(change, at).map_err(|source| ReplayError::Tree {
                        zxid,
                        path: change.path().to_owned(),
                        source,
                    })?;
                }
            }
        }
        self.zxid = zxid;
        Ok(())
    }

    /// Adds a session.
    pub(crate) fn create_session(&mut self, id: i64, session: SessionRecord) {
        self.next_session_id = self.next_session_id.max(id + 1);
        self.sessions.insert(id, session);
    }

    /// Removes a session and its ephemeral nodes; one step for each of these.
    pub(crate) fn close_session(&mut self, id: i64, at: WriteContext) -> Vec<Step> {
        self.sessions.remove(&id);
        let paths: Vec<String> = self.tree.ephemerals_of(id).map(str::to_owned).collect();
        let delete = |path| self.tree.apply(&TreeChange::Delete { path }, at);
        // Ephemeral nodes have no children, so none of these can fail.
        paths.into_iter().map(delete).filter_map(Result::ok).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::node::Owner;
    use crate::wire::types::open_acl;

    fn transaction(zxid: i64, change: Change) -> Transaction {
        Transaction { zxid, wall_ms: 5, session: 9, change }
    }

    fn create(path: &str) -> Change {
        let owner = Owner::Session(9);
        Change::Tree(vec![TreeChange::Create { path: path.to_owned(), data: None, acl: open_acl(), owner }])
    }

    #[test]
    fn closing_a_session_takes_its_nodes_with_it() {
        let mut state = DurableState::new();
        let session = SessionRecord { timeout_ms: 4000, password: [1; 16] };
        state.replay(&transaction(1, Change::CreateSession(session))).unwrap();
        state.replay(&transaction(2, create("/e"))).unwrap();
        assert_eq!(state.sessions.get(&9), Some(&session));
        state.replay(&transaction(3, Change::CloseSession)).unwrap();
        assert!(state.sessions.is_empty() && state.tree.get("/e").is_none());
        assert_eq!((state.zxid, state.next_session_id), (3, 10));
    }

    #[test]
    fn a_gap_and_a_change_that_does_not_fit_are_named() {
        let mut state = DurableState::new();
        let gap = state.replay(&transaction(2, Change::CloseSession)).unwrap_err();
        assert_eq!(gap.to_string(), "transaction 0x2 follows 0x0");
        let misfit = state.replay(&transaction(1, create("/a/b"))).unwrap_err();
        assert_eq!(misfit.to_string(), "transaction 0x1 doesn't apply to /a/b: no such node");
    }
}

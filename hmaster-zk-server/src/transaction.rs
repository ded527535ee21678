//! Transactions, and how one is written to the log. Counterparts: `TxnHeader` and the
//! `org.apache.zookeeper.txn` classes; the bytes are our own.
//!
//! A record is jute: zxid, wall clock, session, a tag and what the tag says. As in ZooKeeper a write
//! that fails takes a transaction as well, so that the zxid in every reply is one that a restarted
//! server has reached.

use std::sync::Arc;

use crate::state::SessionRecord;
use crate::tree::change::TreeChange;
use crate::tree::node::Owner;
use crate::wire::connect::Password;
use crate::wire::jute::{DecodeError, JuteReader, JuteWrite};
use crate::wire::types::{Acl, put_acl, read_acl_entries};

/// One step of the server's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Transaction {
    /// Its number: one more than that of the transaction before.
    pub zxid: i64,
    /// When it was decided, wall clock in milliseconds.
    pub wall_ms: i64,
    /// The session that asked for it; 0 for the server itself.
    pub session: i64,
    /// What changed.
    pub change: Change,
}

/// What a transaction changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Nothing: the request failed with this code.
    Failed {
        /// The code in the reply.
        error: i32,
    },
    /// A session begins.
    CreateSession(SessionRecord),
    /// A session ends, and its ephemeral nodes with it.
    CloseSession,
    /// Nodes change, all together. A multi has several changes (none, if it only checked).
    Tree(Vec<TreeChange>),
}

const FAILED: u8 = 0;
const CREATE_SESSION: u8 = 1;
const CLOSE_SESSION: u8 = 2;
const TREE: u8 = 3;

const CREATE: u8 = 1;
const DELETE: u8 = 2;
const SET_DATA: u8 = 3;
const SET_ACL: u8 = 4;

impl Transaction {
    /// Appends the record.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.put_long(self.zxid);
        out.put_long(self.wall_ms);
        out.put_long(self.session);
        match &self.change {
            Change::Failed { error } => {
                out.push(FAILED);
                out.put_int(*error);
            }
            Change::CreateSession(session) => {
                out.push(CREATE_SESSION);
                put_session(out, session);
            }
            Change::CloseSession => out.push(CLOSE_SESSION),
            Change::Tree(changes) => {
                out.push(TREE);
                out.put_count(changes.len());
                for change in changes {
                    put_change(out, change);
                }
            }
        }
    }

    /// Reads one record.
    pub(crate) fn decode(reader: &mut JuteReader<'_>) -> Result<Self, DecodeError> {
        let zxid = reader.long("zxid")?;
        let wall_ms = reader.long("time")?;
        let session = reader.long("session")?;
        let change = match reader.u8("change")? {
            FAILED => Change::Failed { error: reader.int("error")? },
            CREATE_SESSION => Change::CreateSession(read_session(reader)?),
            CLOSE_SESSION => Change::CloseSession,
            TREE => Change::Tree(reader.vector("changes", read_change)?),
            other => return Err(DecodeError::BadValue { field: "change", value: i64::from(other) }),
        };
        Ok(Self { zxid, wall_ms, session, change })
    }
}

/// Appends a session's record.
pub(crate) fn put_session(out: &mut Vec<u8>, session: &SessionRecord) {
    out.put_int(session.timeout_ms);
    out.extend_from_slice(&session.password);
}

/// Reads a session's record.
pub(crate) fn read_session(reader: &mut JuteReader<'_>) -> Result<SessionRecord, DecodeError> {
    let timeout_ms = reader.int("timeout")?;
    let mut password = Password::default();
    password.copy_from_slice(reader.take("password", 16)?);
    Ok(SessionRecord { timeout_ms, password })
}

fn put_change(out: &mut Vec<u8>, change: &TreeChange) {
    match change {
        TreeChange::Create { path, data, acl, owner } => {
            out.push(CREATE);
            out.put_string(path);
            out.put_buffer(data.as_deref());
            put_acl(out, acl);
            out.put_long(owner.to_raw());
        }
        TreeChange::Delete { path } => {
            out.push(DELETE);
            out.put_string(path);
        }
        TreeChange::SetData { path, data, version } => {
            out.push(SET_DATA);
            out.put_string(path);
            out.put_buffer(data.as_deref());
            out.put_int(*version);
        }
        TreeChange::SetAcl { path, acl, version } => {
            out.push(SET_ACL);
            out.put_string(path);
            put_acl(out, acl);
            out.put_int(*version);
        }
    }
}

fn read_change(reader: &mut JuteReader<'_>) -> Result<TreeChange, DecodeError> {
    let tag = reader.u8("node change")?;
    let path = reader.string("path")?;
    Ok(match tag {
        CREATE => TreeChange::Create {
            path,
            data: reader.bytes("data")?,
            acl: acl(reader)?,
            owner: Owner::from_raw(reader.long("owner")?),
        },
        DELETE => TreeChange::Delete { path },
        SET_DATA => {
            TreeChange::SetData { path, data: reader.bytes("data")?, version: reader.int("version")? }
        }
        SET_ACL => TreeChange::SetAcl { path, acl: acl(reader)?, version: reader.int("version")? },
        other => return Err(DecodeError::BadValue { field: "node change", value: i64::from(other) }),
    })
}

fn acl(reader: &mut JuteReader<'_>) -> Result<Acl, DecodeError> {
    read_acl_entries(reader).map(Arc::from)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::wire::types::open_acl;

    fn transactions() -> Vec<Transaction> {
        let path = || "/a".to_owned();
        let data = Some(Bytes::from_static(b"data"));
        let changes = [
            Change::Failed { error: -101 },
            Change::CreateSession(SessionRecord { timeout_ms: 4000, password: [7; 16] }),
            Change::CloseSession,
            Change::Tree(Vec::new()),
            Change::Tree(vec![
                TreeChange::Create { path: path(), data, acl: open_acl(), owner: Owner::Session(-3) },
                TreeChange::Create { path: path(), data: None, acl: open_acl(), owner: Owner::Container },
                TreeChange::SetData { path: path(), data: Some(Bytes::new()), version: 2 },
                TreeChange::SetAcl { path: path(), acl: open_acl(), version: 3 },
                TreeChange::Delete { path: path() },
            ]),
        ];
        let number = |(index, change)| Transaction { zxid: index as i64, wall_ms: 8, session: 9, change };
        changes.into_iter().enumerate().map(number).collect()
    }

    #[test]
    fn every_transaction_reads_back() {
        let mut bytes = Vec::new();
        for transaction in transactions() {
            transaction.encode(&mut bytes);
        }
        let mut reader = JuteReader::new(&bytes);
        for transaction in transactions() {
            assert_eq!(Transaction::decode(&mut reader), Ok(transaction));
        }
        assert!(reader.rest().is_empty());
    }

    #[test]
    fn a_record_cut_anywhere_is_an_error() {
        for transaction in transactions() {
            let mut bytes = Vec::new();
            transaction.encode(&mut bytes);
            for length in 0..bytes.len() {
                assert!(Transaction::decode(&mut JuteReader::new(&bytes[..length])).is_err());
            }
        }
    }
}

//! Replies in a form that two servers share: transaction numbers count from a common point, sessions
//! by their order, times are left out and free orders are fixed.

use std::collections::HashMap;
use std::fmt::Write;

use super::super::CaseFailure;
use super::super::raw::Frame;
use crate::wire::jute::{DecodeError, JuteReader};
use crate::wire::op_code as op;
use crate::wire::types::{read_acl_entries, read_stat};

/// What one server calls things that both have.
#[derive(Default)]
pub(crate) struct Names {
    sessions: HashMap<i64, usize>,
    base_zxid: i64,
}

impl Names {
    /// Numbers a session.
    pub(crate) fn add_session(&mut self, session: i64) {
        let number = self.sessions.len();
        self.sessions.insert(session, number);
    }

    /// From here on transactions of both servers go in step.
    pub(crate) fn set_base(&mut self, zxid: i64) {
        self.base_zxid = zxid;
    }

    /// A transaction as a distance from the base; 0 and -1 have meanings of their own.
    pub(crate) fn zxid(&self, zxid: i64) -> i64 {
        if zxid <= 0 { zxid } else { zxid - self.base_zxid }
    }

    fn stat(&self, reader: &mut JuteReader<'_>) -> Result<String, DecodeError> {
        let stat = read_stat(reader)?;
        let owner = match stat.ephemeral_owner {
            0 => None,
            session => Some(self.sessions.get(&session).copied().unwrap_or(usize::MAX)),
        };
        Ok(format!(
            "czxid {} mzxid {} pzxid {} version {} cversion {} aversion {} owner {owner:?} length {} children {}",
            self.zxid(stat.czxid),
            self.zxid(stat.mzxid),
            self.zxid(stat.pzxid),
            stat.version,
            stat.cversion,
            stat.aversion,
            stat.data_length,
            stat.num_children,
        ))
    }
}

/// The body of a reply to an operation.
pub(crate) fn normal_body(op: i32, frame: &Frame, names: &Names) -> Result<String, CaseFailure> {
    let mut reader = JuteReader::new(&frame.body);
    if frame.error != 0 {
        // Of a failed multiRead ZooKeeper sends the results so far, which no client reads.
        return Ok(if op == op::MULTI_READ { String::new() } else { format!("{:?}", reader.rest()) });
    }
    let mut text = String::new();
    match op {
        op::MULTI | op::MULTI_READ => multi(&mut reader, names, &mut text)?,
        _ => body(op, &mut reader, names, &mut text)?,
    }
    expect_eq!(reader.rest(), [], "behind the body of a reply to {op}");
    Ok(text)
}

fn body(op: i32, reader: &mut JuteReader<'_>, names: &Names, text: &mut String) -> Result<(), DecodeError> {
    let _ = match op {
        op::CREATE | op::SYNC => write!(text, "{}", reader.string("path")?),
        op::CREATE2 | op::CREATE_CONTAINER => {
            write!(text, "{} {}", reader.string("path")?, names.stat(reader)?)
        }
        op::SET_DATA | op::SET_ACL | op::EXISTS | op::CHECK => write!(text, "{}", names.stat(reader)?),
        op::GET_DATA => write!(text, "{:?} {}", reader.buffer("data")?, names.stat(reader)?),
        op::GET_CHILDREN | op::GET_EPHEMERALS => write!(text, "{:?}", sorted(reader)?),
        op::GET_CHILDREN2 => write!(text, "{:?} {}", sorted(reader)?, names.stat(reader)?),
        op::GET_ACL => {
            // Java keeps identities in a set: what `auth` becomes has no order.
            let mut entries: Vec<String> =
                read_acl_entries(reader)?.iter().map(|entry| format!("{entry:?}")).collect();
            entries.sort();
            write!(text, "{entries:?} {}", names.stat(reader)?)
        }
        op::GET_ALL_CHILDREN_NUMBER | op::ADD_WATCH => write!(text, "{}", reader.int("number")?),
        op::WHO_AM_I => {
            let mut users =
                reader.vector("users", |reader| Ok((reader.string("scheme")?, reader.string("user")?)))?;
            users.sort();
            write!(text, "{users:?}")
        }
        _ => Ok(()),
    };
    Ok(())
}

fn sorted(reader: &mut JuteReader<'_>) -> Result<Vec<String>, DecodeError> {
    let mut strings = reader.strings("strings")?;
    strings.sort();
    Ok(strings)
}

fn multi(reader: &mut JuteReader<'_>, names: &Names, text: &mut String) -> Result<(), DecodeError> {
    loop {
        let (op, done, error) = (reader.int("type")?, reader.bool("done")?, reader.int("err")?);
        let _ = write!(text, "[{op} {done} {error}] ");
        if done {
            return Ok(());
        }
        match op {
            op::ERROR => {
                let _ = write!(text, "{}", reader.int("err")?);
            }
            _ => body(if op == op::CHECK { op::DELETE } else { op }, reader, names, text)?,
        }
    }
}

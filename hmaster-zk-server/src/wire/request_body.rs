//! Reads requests from frames. Counterparts: `ZooKeeperServer.processPacket`, `MultiOperationRecord`.
//!
//! A frame whose header is cut off is an error for the connection, and so are credentials that can't
//! be read. Any other body that doesn't fit its operation code becomes [`Body::Malformed`]: the
//! frame's bounds are known, so the client gets an answer (MarshallingError) and the connection goes
//! on. All as in Java.

use std::ops::RangeInclusive;

use super::jute::{DecodeError, JuteReader};
use super::op_code as op;
use super::request::{Create, CreateKind, ReadOp, Request, SetWatches, WatcherType, WriteOp};
use super::types::read_acl_entries;

/// One frame of an established connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestFrame {
    /// The client's number for it; the reply carries it back.
    pub xid: i32,
    /// Operation code.
    pub op: i32,
    /// What it asks for.
    pub body: Body,
}

/// A request's body, readable or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    /// A request.
    Request(Request),
    /// Not the record that the operation code promises.
    Malformed(DecodeError),
}

impl RequestFrame {
    /// Reads a frame (without its length).
    pub(crate) fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = JuteReader::new(frame);
        let xid = reader.int("xid")?;
        let op = reader.int("type")?;
        let body = match request(op, &mut reader) {
            Ok(request) => Body::Request(request),
            Err(error) if matches!(op, op::AUTH | op::SASL) => return Err(error),
            Err(error) => Body::Malformed(error),
        };
        Ok(Self { xid, op, body })
    }
}

/// Operations that take a transaction id, whether they succeed or not.
pub(crate) fn is_write(op: i32) -> bool {
    matches!(
        op,
        op::CREATE
            | op::CREATE2
            | op::CREATE_CONTAINER
            | op::CREATE_TTL
            | op::DELETE
            | op::DELETE_CONTAINER
            | op::SET_DATA
            | op::SET_ACL
            | op::CHECK
            | op::MULTI
            | op::RECONFIG
    )
}

fn request(op: i32, reader: &mut JuteReader<'_>) -> Result<Request, DecodeError> {
    if let Some(write) = write_op(op, reader)? {
        return Ok(Request::Write(write));
    }
    if let Some(read) = read_op(op, reader)? {
        return Ok(Request::Read(read));
    }
    Ok(match op {
        op::MULTI => Request::Multi(multi(reader, multi_write)?),
        op::MULTI_READ => Request::MultiRead(multi(reader, multi_read)?),
        op::SET_WATCHES | op::SET_WATCHES2 => Request::SetWatches(set_watches(op, reader)?),
        op::ADD_WATCH => Request::AddWatch { path: path(reader)?, recursive: add_watch_mode(reader)? },
        op::CHECK_WATCHES => Request::CheckWatches { path: path(reader)?, kind: watcher_type(reader)? },
        op::REMOVE_WATCHES => Request::RemoveWatches { path: path(reader)?, kind: watcher_type(reader)? },
        op::AUTH => auth(reader)?,
        op::SASL => {
            Request::Sasl { token: reader.bytes("token")?.ok_or(DecodeError::Null { field: "token" })? }
        }
        op::PING => Request::Ping,
        op::SYNC => Request::Sync { path: path(reader)? },
        op::WHO_AM_I => Request::WhoAmI,
        op::CLOSE_SESSION => Request::CloseSession,
        other => Request::Unknown(other),
    })
}

fn path(reader: &mut JuteReader<'_>) -> Result<String, DecodeError> {
    reader.string("path")
}

fn write_op(op: i32, reader: &mut JuteReader<'_>) -> Result<Option<WriteOp>, DecodeError> {
    Ok(Some(match op {
        op::CREATE => WriteOp::Create(create(CreateKind::Plain, reader)?),
        op::CREATE2 => WriteOp::Create(create(CreateKind::WithStat, reader)?),
        op::CREATE_CONTAINER => WriteOp::Create(create(CreateKind::Container, reader)?),
        op::CREATE_TTL => {
            let mut request = create(CreateKind::Plain, reader)?;
            request.kind = CreateKind::Ttl(reader.long("ttl")?);
            WriteOp::Create(request)
        }
        op::DELETE => WriteOp::Delete { path: path(reader)?, version: reader.int("version")? },
        op::SET_DATA => WriteOp::SetData {
            path: path(reader)?,
            data: reader.bytes("data")?,
            version: reader.int("version")?,
        },
        op::SET_ACL => WriteOp::SetAcl {
            path: path(reader)?,
            acl: read_acl_entries(reader)?,
            version: reader.int("version")?,
        },
        op::CHECK => WriteOp::Check { path: path(reader)?, version: reader.int("version")? },
        op::DELETE_CONTAINER => WriteOp::DeleteContainer,
        op::RECONFIG => WriteOp::Reconfig,
        _ => return Ok(None),
    }))
}

fn create(kind: CreateKind, reader: &mut JuteReader<'_>) -> Result<Create, DecodeError> {
    Ok(Create {
        kind,
        path: path(reader)?,
        data: reader.bytes("data")?,
        acl: read_acl_entries(reader)?,
        flags: reader.int("flags")?,
    })
}

fn read_op(op: i32, reader: &mut JuteReader<'_>) -> Result<Option<ReadOp>, DecodeError> {
    Ok(Some(match op {
        op::EXISTS => ReadOp::Exists { path: path(reader)?, watch: reader.bool("watch")? },
        op::GET_DATA => ReadOp::GetData { path: path(reader)?, watch: reader.bool("watch")? },
        op::GET_ACL => ReadOp::GetAcl { path: path(reader)? },
        op::GET_CHILDREN | op::GET_CHILDREN2 => ReadOp::GetChildren {
            path: path(reader)?,
            watch: reader.bool("watch")?,
            with_stat: op == op::GET_CHILDREN2,
        },
        op::GET_ALL_CHILDREN_NUMBER => ReadOp::GetAllChildrenNumber { path: path(reader)? },
        op::GET_EPHEMERALS => {
            ReadOp::GetEphemerals { prefix: reader.nullable_string("prefixPath")?.unwrap_or_default() }
        }
        _ => return Ok(None),
    }))
}

/// The elements of a multi: a header before each, and one more that says done.
fn multi<T>(
    reader: &mut JuteReader<'_>,
    element: fn(i32, &mut JuteReader<'_>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let mut elements = Vec::new();
    loop {
        let op = reader.int("multi.type")?;
        let done = reader.bool("multi.done")?;
        reader.int("multi.err")?;
        if done {
            return Ok(elements);
        }
        elements.push(element(op, reader)?);
    }
}

/// Every create mode there is, `PERSISTENT` to `PERSISTENT_SEQUENTIAL_WITH_TTL`.
const CREATE_MODES: RangeInclusive<i32> = 0..=6;

/// `PERSISTENT_WITH_TTL` and `PERSISTENT_SEQUENTIAL_WITH_TTL`.
const CREATE_MODES_WITH_TTL: RangeInclusive<i32> = 5..=6;

/// `CONTAINER`.
const CREATE_MODE_CONTAINER: i32 = 4;

fn multi_write(op: i32, reader: &mut JuteReader<'_>) -> Result<WriteOp, DecodeError> {
    match write_op(op, reader)? {
        Some(WriteOp::Create(create)) => multi_create(op, create).map(WriteOp::Create),
        Some(op @ (WriteOp::Delete { .. } | WriteOp::SetData { .. } | WriteOp::Check { .. })) => Ok(op),
        _ => Err(DecodeError::BadValue { field: "multi.type", value: i64::from(op) }),
    }
}

/// Inside a multi it is the mode that decides what a create is, where Java can make sense of both.
fn multi_create(op: i32, create: Create) -> Result<Create, DecodeError> {
    let flags = create.flags;
    let has_ttl = CREATE_MODES_WITH_TTL.contains(&flags);
    let kind = match create.kind {
        CreateKind::Ttl(_) if has_ttl => create.kind,
        _ if op != op::CREATE_TTL && (has_ttl || !CREATE_MODES.contains(&flags)) => {
            return Err(DecodeError::BadValue { field: "flags", value: i64::from(flags) });
        }
        _ if flags == CREATE_MODE_CONTAINER => CreateKind::Container,
        CreateKind::Ttl(_) => CreateKind::Plain,
        kind => kind,
    };
    Ok(Create { kind, ..create })
}

fn multi_read(op: i32, reader: &mut JuteReader<'_>) -> Result<ReadOp, DecodeError> {
    match (op, read_op(op, reader)?) {
        // Watches can't be left from inside a multi: Java drops the flag as well.
        (op::GET_DATA, Some(ReadOp::GetData { path, .. })) => Ok(ReadOp::GetData { path, watch: false }),
        (op::GET_CHILDREN, Some(ReadOp::GetChildren { path, .. })) => {
            Ok(ReadOp::GetChildren { path, watch: false, with_stat: false })
        }
        _ => Err(DecodeError::BadValue { field: "multi.type", value: i64::from(op) }),
    }
}

fn set_watches(op: i32, reader: &mut JuteReader<'_>) -> Result<SetWatches, DecodeError> {
    let mut watches = SetWatches {
        relative_zxid: reader.long("relativeZxid")?,
        data: reader.strings("dataWatches")?,
        exist: reader.strings("existWatches")?,
        child: reader.strings("childWatches")?,
        ..SetWatches::default()
    };
    if op == op::SET_WATCHES2 {
        watches.persistent = reader.strings("persistentWatches")?;
        watches.persistent_recursive = reader.strings("persistentRecursiveWatches")?;
    }
    Ok(watches)
}

fn add_watch_mode(reader: &mut JuteReader<'_>) -> Result<bool, DecodeError> {
    match reader.int("mode")? {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(DecodeError::BadValue { field: "mode", value: i64::from(other) }),
    }
}

fn watcher_type(reader: &mut JuteReader<'_>) -> Result<WatcherType, DecodeError> {
    match reader.int("watcher type")? {
        1 => Ok(WatcherType::Children),
        2 => Ok(WatcherType::Data),
        3 => Ok(WatcherType::Any),
        other => Err(DecodeError::BadValue { field: "watcher type", value: i64::from(other) }),
    }
}

fn auth(reader: &mut JuteReader<'_>) -> Result<Request, DecodeError> {
    reader.int("auth.type")?;
    Ok(Request::Auth {
        scheme: reader.nullable_string("scheme")?.unwrap_or_default(),
        credentials: reader.bytes("auth")?.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::jute::JuteWrite;
    use super::super::reply::put_multi_header;
    use super::*;

    fn frame(op: i32, body: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        frame.put_int(5);
        frame.put_int(op);
        frame.extend_from_slice(body);
        frame
    }

    fn delete_body() -> Vec<u8> {
        let mut body = Vec::new();
        body.put_string("/a");
        body.put_int(3);
        body
    }

    #[test]
    fn trailing_bytes_are_ignored_as_in_java() {
        let mut body = delete_body();
        body.extend_from_slice(b"more");
        let delete = WriteOp::Delete { path: "/a".to_owned(), version: 3 };
        let expected = RequestFrame { xid: 5, op: op::DELETE, body: Body::Request(Request::Write(delete)) };
        assert_eq!(RequestFrame::decode(&frame(op::DELETE, &body)), Ok(expected));
    }

    /// Every operation with a body, cut after every byte: an answer or an error, never a panic.
    #[test]
    fn no_cut_body_is_taken_for_a_request() {
        let mut multi = Vec::new();
        put_multi_header(&mut multi, op::DELETE, false, -1);
        multi.extend_from_slice(&delete_body());
        put_multi_header(&mut multi, -1, true, -1);
        for (op, body) in [(op::DELETE, delete_body()), (op::MULTI, multi)] {
            for length in 0..body.len() {
                let decoded = RequestFrame::decode(&frame(op, &body[..length])).unwrap();
                assert!(matches!(decoded.body, Body::Malformed(_)), "{op} cut to {length}: {decoded:?}");
            }
        }
    }

    #[test]
    fn a_cut_header_is_an_error_of_the_connection() {
        for length in 0..8 {
            assert!(RequestFrame::decode(&frame(op::PING, &[])[..length]).is_err());
        }
    }

    #[test]
    fn a_multi_holds_no_reads_and_a_multi_read_no_writes() {
        let mut body = Vec::new();
        put_multi_header(&mut body, op::DELETE, false, -1);
        body.extend_from_slice(&delete_body());
        put_multi_header(&mut body, op::EXISTS, false, -1);
        body.extend_from_slice(&delete_body());
        for op in [op::MULTI, op::MULTI_READ] {
            let decoded = RequestFrame::decode(&frame(op, &body)).unwrap();
            assert!(matches!(decoded.body, Body::Malformed(DecodeError::BadValue { .. })), "{decoded:?}");
        }
    }
}

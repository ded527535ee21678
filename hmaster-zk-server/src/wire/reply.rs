//! Replies and watch events as frames. Counterparts: `ReplyHeader`, `WatcherEvent` and
//! `MultiResponse`.

use bytes::Bytes;

use super::jute::JuteWrite;
use super::op_code;
use super::types::{EventType, STATE_SYNC_CONNECTED, Stat, put_stat};

/// The xid of watch events.
pub(crate) const NOTIFICATION_XID: i32 = -1;

/// Fills in the length of a frame whose first four bytes were left free for it.
pub(crate) fn finish_frame(mut frame: Vec<u8>) -> Bytes {
    let length = u32::try_from(frame.len() - 4).expect("a frame is far below 4 GiB");
    frame[..4].copy_from_slice(&length.to_be_bytes());
    Bytes::from(frame)
}

/// A reply: header, then whatever `body` writes.
pub(crate) fn reply(xid: i32, zxid: i64, error: i32, body: &[u8]) -> Bytes {
    let mut frame = Vec::with_capacity(20 + body.len());
    frame.put_int(0);
    frame.put_int(xid);
    frame.put_long(zxid);
    frame.put_int(error);
    frame.extend_from_slice(body);
    finish_frame(frame)
}

/// A watch event.
pub(crate) fn event(event_type: EventType, path: &str) -> Bytes {
    let mut body = Vec::with_capacity(12 + path.len());
    body.put_int(event_type as i32);
    body.put_int(STATE_SYNC_CONNECTED);
    body.put_string(path);
    reply(NOTIFICATION_XID, -1, 0, &body)
}

/// What one operation of a multi came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OpResult {
    /// A check that held.
    Check,
    /// A create, with its path.
    Create(String),
    /// A create that answers with its stat too.
    Create2(String, Stat),
    /// A delete.
    Delete,
    /// A setData, with the new stat.
    SetData(Stat),
    /// Children, of a multi read.
    Children(Vec<String>),
    /// Data and stat, of a multi read.
    Data(Option<Bytes>, Stat),
    /// An error, or 0 for an operation that was rolled back.
    Error(i32),
}

impl OpResult {
    fn op_code(&self) -> i32 {
        match self {
            Self::Check => op_code::CHECK,
            Self::Create(_) => op_code::CREATE,
            Self::Create2(..) => op_code::CREATE2,
            Self::Delete => op_code::DELETE,
            Self::SetData(_) => op_code::SET_DATA,
            Self::Children(_) => op_code::GET_CHILDREN,
            Self::Data(..) => op_code::GET_DATA,
            Self::Error(_) => op_code::ERROR,
        }
    }

    /// The result as the body of a reply of its own.
    pub(crate) fn put_body(&self, out: &mut Vec<u8>) {
        match self {
            Self::Check | Self::Delete => {}
            Self::Create(path) => out.put_string(path),
            Self::Create2(path, stat) => {
                out.put_string(path);
                put_stat(out, stat);
            }
            Self::SetData(stat) => put_stat(out, stat),
            Self::Children(names) => put_strings(out, names.iter().map(String::as_str)),
            Self::Data(data, stat) => {
                out.put_buffer(data.as_deref());
                put_stat(out, stat);
            }
            Self::Error(error) => out.put_int(*error),
        }
    }
}

/// The body of a reply to multi or multiRead.
pub(crate) fn multi_body(results: &[OpResult]) -> Vec<u8> {
    let mut body = Vec::new();
    for result in results {
        let error = if let OpResult::Error(error) = result { *error } else { 0 };
        put_multi_header(&mut body, result.op_code(), false, error);
        result.put_body(&mut body);
    }
    put_multi_header(&mut body, -1, true, -1);
    body
}

/// The header before each element of a multi, and after the last.
pub(crate) fn put_multi_header(out: &mut Vec<u8>, op: i32, done: bool, error: i32) {
    out.put_int(op);
    out.put_bool(done);
    out.put_int(error);
}

/// A vector of strings whose length is known.
pub(crate) fn put_strings<'a>(out: &mut Vec<u8>, strings: impl ExactSizeIterator<Item = &'a str>) {
    out.put_count(strings.len());
    for string in strings {
        out.put_string(string);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Captured from ZooKeeper 3.8.4: a multi of create, create below nothing, delete.
    #[test]
    fn a_failed_multi_has_the_bytes_of_the_real_one() {
        let results = [OpResult::Error(0), OpResult::Error(-101), OpResult::Error(-2)];
        let expected = b"\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00\
            \xff\xff\xff\xff\x00\xff\xff\xff\x9b\xff\xff\xff\x9b\
            \xff\xff\xff\xff\x00\xff\xff\xff\xfe\xff\xff\xff\xfe\
            \xff\xff\xff\xff\x01\xff\xff\xff\xff";
        assert_eq!(multi_body(&results), expected);
    }

    /// Captured from ZooKeeper 3.8.4.
    #[test]
    fn an_event_has_the_bytes_of_the_real_one() {
        let expected = b"\x00\x00\x00\x1d\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\
            \x00\x00\x00\x04\x00\x00\x00\x03\x00\x00\x00\x01/";
        assert_eq!(event(EventType::NodeChildrenChanged, "/"), &expected[..]);
    }
}

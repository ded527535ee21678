//! One call on the wire: header, parameter, cells. Counterpart of `ServerRpcConnection.processRequest` and of
//! `NettyRpcDuplexHandler.writeRequest`.
//!
//! A header that can't be read ends the connection, as nobody knows whose call it was. Everything after it is the
//! call's own trouble and is answered to it.

use std::collections::BTreeMap;

use bytes::{BufMut, Bytes, BytesMut};
use hmaster_protocol::{DecodeError, decode, pb};
use hmaster_types::{JavaException, class};
use prost::Message as _;

use super::byte_queue::ByteQueue;
use super::connection_header::name_bytes_pairs;
use super::delimited::{DelimitedError, length_len, put_length, split_delimited};

/// A call as it arrived.
#[derive(Debug)]
pub struct Request {
    /// What the client says about the call.
    pub header: pb::RequestHeader,
    /// The parameter, not yet decoded, or what is wrong with the call.
    pub body: Result<RequestBody, JavaException>,
}

/// What follows the header.
#[derive(Debug, Clone)]
pub struct RequestBody {
    /// The parameter message, not yet decoded.
    pub param: Bytes,
    /// Encoded cells; absent if the header doesn't speak of them.
    pub cell_block: Option<Bytes>,
}

/// A request header that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestHeaderError {
    /// Its length is wrong.
    #[error("request header")]
    Length(#[from] DelimitedError),
    /// It isn't the message.
    #[error("request header")]
    Message(#[from] DecodeError),
}

/// A call that is to be sent.
#[derive(Debug, Clone)]
pub struct OutgoingCall {
    /// The method's name on the wire.
    pub method: &'static str,
    /// The parameter message.
    pub param: Bytes,
    /// Encoded cells; empty for none.
    pub cell_block: Bytes,
    /// Asks for a queue; absent to let the server decide.
    pub priority: Option<u32>,
    /// Attributes of the request.
    pub attributes: BTreeMap<String, Bytes>,
}

impl Request {
    /// Reads a frame, without its length.
    ///
    /// # Errors
    /// When the header can't be read.
    pub fn parse(mut frame: Bytes) -> Result<Self, RequestHeaderError> {
        let header = parse_header(&mut frame)?;
        let body = parse_body(&header, frame);
        Ok(Self { header, body })
    }

    /// The method's name; empty if the header has none.
    pub fn method(&self) -> &str {
        self.header.method_name()
    }
}

/// Reads the header off the front of a frame, or off as much of it as is there.
///
/// # Errors
/// When the header can't be read.
pub fn parse_header(frame: &mut Bytes) -> Result<pb::RequestHeader, RequestHeaderError> {
    Ok(decode(split_delimited(frame, "request header")?)?)
}

fn parse_body(header: &pb::RequestHeader, mut rest: Bytes) -> Result<RequestBody, JavaException> {
    let refuse = |message: String| JavaException::new(class::DO_NOT_RETRY_IO, message);
    if !header.request_param() {
        let method = header.method_name();
        return Err(refuse(format!("Invalid request header of {method:?}, should have param set in it")));
    }
    let param = split_delimited(&mut rest, "request").map_err(|error| refuse(error.to_string()))?;
    let Some(meta) = &header.cell_block_meta else { return Ok(RequestBody { param, cell_block: None }) };
    let (claimed, there) = (meta.length() as usize, rest.len());
    if claimed > there {
        return Err(refuse(format!("the cell block has {claimed} bytes, but {there} are there")));
    }
    Ok(RequestBody { param, cell_block: Some(rest.split_to(claimed)) })
}

impl OutgoingCall {
    /// Bytes of the frame, but for its header.
    pub fn body_len(&self) -> usize {
        length_len(self.param.len()) + self.param.len() + self.cell_block.len()
    }

    /// Appends the frame. The server drops the call if it can't begin within `timeout_ms`; 0 for no limit.
    pub fn encode(&self, call_id: u32, timeout_ms: u32, out: &mut ByteQueue) {
        let cell_block_meta = (!self.cell_block.is_empty())
            .then(|| pb::CellBlockMeta { length: Some(self.cell_block.len() as u32) });
        let header = pb::RequestHeader {
            call_id: Some(call_id),
            method_name: Some(self.method.to_owned()),
            request_param: Some(true),
            cell_block_meta,
            priority: self.priority,
            timeout: Some(timeout_ms),
            attribute: name_bytes_pairs(&self.attributes),
            ..pb::RequestHeader::default()
        };
        push_frame(out, &header.encode_to_vec(), Some(&self.param), &self.cell_block);
    }
}

/// A message up to this length is copied behind its header, so that most frames are one buffer.
const COPY_BYTES_MAX: usize = 16 << 10;

/// Appends a frame: its length, the header, the message if there is one, the cells.
pub(crate) fn push_frame(out: &mut ByteQueue, header: &[u8], message: Option<&Bytes>, cell_block: &Bytes) {
    let message_len = message.map_or(0, |message| length_len(message.len()) + message.len());
    let len = length_len(header.len()) + header.len() + message_len + cell_block.len();
    let copied = message.filter(|message| message.len() <= COPY_BYTES_MAX);
    let mut buffer = BytesMut::with_capacity(4 + len - cell_block.len());
    buffer.put_u32(len as u32);
    put_length(&mut buffer, header.len());
    buffer.put_slice(header);
    if let Some(message) = message {
        put_length(&mut buffer, message.len());
    }
    if let Some(message) = copied {
        buffer.put_slice(message);
    }
    out.push(buffer.freeze());
    if let Some(message) = message.filter(|message| message.len() > COPY_BYTES_MAX) {
        out.push(message.clone());
    }
    out.push(cell_block.clone());
}

#[cfg(test)]
mod tests {
    use bytes::Buf as _;

    use super::*;

    fn call(param: usize, cells: usize) -> OutgoingCall {
        OutgoingCall {
            method: "Mutate",
            param: vec![b'p'; param].into(),
            cell_block: vec![b'c'; cells].into(),
            priority: Some(200),
            attributes: BTreeMap::from([("k".to_owned(), Bytes::from_static(b"v"))]),
        }
    }

    fn frame(call: &OutgoingCall) -> Bytes {
        let mut queue = ByteQueue::default();
        call.encode(7, 1500, &mut queue);
        let len = queue.get_u32() as usize;
        assert_eq!(len, queue.len());
        queue.copy_to_bytes(len)
    }

    #[test]
    fn a_call_comes_back_whatever_its_size() {
        for (param, cells) in [(0, 0), (5, 0), (5, 9), (COPY_BYTES_MAX + 1, 0), (COPY_BYTES_MAX + 1, 70_000)]
        {
            let call = call(param, cells);
            let request = Request::parse(frame(&call)).unwrap();
            let header = &request.header;
            assert_eq!((header.call_id(), request.method(), header.timeout()), (7, "Mutate", 1500));
            assert_eq!((header.priority(), header.attribute.len()), (200, 1));
            let body = request.body.unwrap();
            assert_eq!((body.param, body.cell_block.unwrap_or_default()), (call.param, call.cell_block));
        }
    }

    #[test]
    fn every_truncation_is_an_error_of_the_connection_or_of_the_call() {
        let whole = frame(&call(5, 9));
        let header_len = 1 + usize::from(whole[0]);
        for len in 0..whole.len() {
            let read = Request::parse(whole.slice(..len));
            if len < header_len {
                read.expect_err("a header that ends early");
            } else {
                let error = read.unwrap().body.expect_err("a body that ends early");
                assert!(error.is(class::DO_NOT_RETRY_IO), "{len}: {error}");
            }
        }
    }

    #[test]
    fn lies_about_the_body_are_answered_to_the_call() {
        let parse = |header: pb::RequestHeader, body: &[u8]| {
            let header = header.encode_to_vec();
            let frame = [&[header.len() as u8], &header[..], body].concat();
            Request::parse(frame.into())
                .unwrap()
                .body
                .map(|body| body.cell_block)
                .map_err(|error| error.message)
        };
        let with_cells = |length| pb::RequestHeader {
            request_param: Some(true),
            cell_block_meta: Some(pb::CellBlockMeta { length: Some(length) }),
            ..pb::RequestHeader::default()
        };
        let error = parse(pb::RequestHeader::default(), b"").unwrap_err();
        assert_eq!(error, "Invalid request header of \"\", should have param set in it");
        assert_eq!(
            parse(with_cells(3), b"\x00ab").unwrap_err(),
            "the cell block has 3 bytes, but 2 are there"
        );
        assert!(parse(with_cells(u32::MAX), b"\x00ab").is_err());
        assert!(parse(with_cells(0), b"\xff\xff\xff\xff\x0f").is_err());
        // As in Java, bytes after the cells don't matter.
        assert_eq!(parse(with_cells(1), b"\x00ab").unwrap(), Some(Bytes::from_static(b"a")));
    }

    #[test]
    fn garbage_is_no_header() {
        for garbage in [&b"\x03\xff\xff\xff"[..], b"\xff\xff\xff\xff\xff", b"\x7fabc", b"\x02\x12\x05"] {
            assert!(Request::parse(Bytes::from_static(garbage)).is_err(), "{garbage:?}");
        }
    }
}

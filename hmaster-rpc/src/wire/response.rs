//! One answer on the wire: header, then either an exception in it or a message and cells. Counterpart of
//! `ServerCall.setResponse` and `RpcConnection.readResponse`.

use bytes::Bytes;
use hmaster_protocol::{DecodeError, decode, pb};
use hmaster_types::JavaException;
use prost::Message as _;

use super::byte_queue::ByteQueue;
use super::delimited::{DelimitedError, split_delimited};
use super::exception::{RemoteException, to_fatal_response, to_response};
use super::request::push_frame;

/// The call id of what answers no call but the connection: Java's -1.
pub const CONNECTION_CALL_ID: u32 = u32::MAX;

/// An answer as it arrived.
#[derive(Debug)]
pub struct Response {
    /// Which call it answers, or [`CONNECTION_CALL_ID`].
    pub call_id: u32,
    /// What it says, or why that can't be read.
    pub outcome: Result<Answer, ResponseError>,
}

/// What an answer says.
#[derive(Debug)]
pub enum Answer {
    /// The call succeeded.
    Message {
        /// The message, not yet decoded.
        message: Bytes,
        /// Encoded cells; absent if the header doesn't speak of them.
        cell_block: Option<Bytes>,
    },
    /// The call failed.
    Exception(RemoteException),
}

/// An answer that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// A length is wrong.
    #[error(transparent)]
    Length(#[from] DelimitedError),
    /// The header isn't the message.
    #[error(transparent)]
    Header(#[from] DecodeError),
    /// The header has no call id.
    #[error("the response header has no call id")]
    NoCallId,
    /// The cell block is shorter than the header says.
    #[error("the cell block has {claimed} bytes, but {there} are there")]
    CellBlock {
        /// What the header says.
        claimed: usize,
        /// What is there.
        there: usize,
    },
    /// The answer is longer than this client takes.
    #[error("the answer has {len} bytes, at most {max} are taken")]
    TooLong {
        /// What came.
        len: usize,
        /// `response_bytes_max` of the client.
        max: usize,
    },
}

impl Response {
    /// Reads a frame, without its length.
    ///
    /// # Errors
    /// When the header can't be read: nobody knows whose answer this is.
    pub fn parse(mut frame: Bytes) -> Result<Self, ResponseError> {
        let header = parse_header(&mut frame)?;
        let call_id = header.call_id.ok_or(ResponseError::NoCallId)?;
        let outcome = match &header.exception {
            Some(exception) => Ok(Answer::Exception(RemoteException::from_response(exception))),
            None => parse_message(&header, frame),
        };
        Ok(Self { call_id, outcome })
    }
}

/// Reads the header off the front of a frame, or off as much of it as is there.
///
/// # Errors
/// When the header can't be read.
pub fn parse_header(frame: &mut Bytes) -> Result<pb::ResponseHeader, ResponseError> {
    Ok(decode(split_delimited(frame, "response header")?)?)
}

fn parse_message(header: &pb::ResponseHeader, mut rest: Bytes) -> Result<Answer, ResponseError> {
    let message = split_delimited(&mut rest, "response")?;
    let Some(meta) = &header.cell_block_meta else {
        return Ok(Answer::Message { message, cell_block: None });
    };
    let (claimed, there) = (meta.length() as usize, rest.len());
    if claimed > there {
        return Err(ResponseError::CellBlock { claimed, there });
    }
    Ok(Answer::Message { message, cell_block: Some(rest.split_to(claimed)) })
}

/// The answer to a call that succeeded.
pub fn encode_answer(call_id: u32, message: &Bytes, cell_block: &Bytes) -> ByteQueue {
    let cell_block_meta =
        (!cell_block.is_empty()).then(|| pb::CellBlockMeta { length: Some(cell_block.len() as u32) });
    let header = pb::ResponseHeader { call_id: Some(call_id), exception: None, cell_block_meta };
    let mut out = ByteQueue::default();
    push_frame(&mut out, &header.encode_to_vec(), Some(message), cell_block);
    out
}

/// The answer to a call that failed.
pub fn encode_exception(call_id: u32, exception: &JavaException) -> ByteQueue {
    encode_failure(call_id, to_response(exception))
}

/// An answer to the connection, which ends with it.
pub fn encode_fatal(exception: &JavaException) -> ByteQueue {
    encode_failure(CONNECTION_CALL_ID, to_fatal_response(exception))
}

fn encode_failure(call_id: u32, exception: pb::ExceptionResponse) -> ByteQueue {
    let header =
        pb::ResponseHeader { call_id: Some(call_id), exception: Some(exception), cell_block_meta: None };
    let mut out = ByteQueue::default();
    push_frame(&mut out, &header.encode_to_vec(), None, &Bytes::new());
    out
}

#[cfg(test)]
mod tests {
    use bytes::Buf as _;
    use hmaster_types::class;

    use super::*;

    fn frame(mut queue: ByteQueue) -> Bytes {
        let len = queue.get_u32() as usize;
        assert_eq!(len, queue.len());
        queue.copy_to_bytes(len)
    }

    fn answer(message: usize, cells: usize) -> Bytes {
        frame(encode_answer(7, &vec![b'm'; message].into(), &vec![b'c'; cells].into()))
    }

    #[test]
    fn answers_come_back_whatever_their_size() {
        for (message_len, cells) in [(0, 0), (9, 0), (0, 9), (100_000, 200_000)] {
            let response = Response::parse(answer(message_len, cells)).unwrap();
            let Answer::Message { message, cell_block } = response.outcome.unwrap() else {
                panic!("an exception")
            };
            let lens = (response.call_id, message.len(), cell_block.map_or(0, |block| block.len()));
            assert_eq!(lens, (7, message_len, cells));
        }
    }

    #[test]
    fn exceptions_come_back_and_fatal_ones_answer_the_connection() {
        let exception = JavaException::new(class::TABLE_NOT_FOUND, "t");
        let response = Response::parse(frame(encode_exception(3, &exception))).unwrap();
        let Ok(Answer::Exception(remote)) = response.outcome else { panic!("no exception") };
        assert_eq!((response.call_id, remote.exception), (3, exception));

        let fatal = JavaException::new(class::UNKNOWN_SERVICE, "NoService");
        let response = Response::parse(frame(encode_fatal(&fatal))).unwrap();
        let Ok(Answer::Exception(remote)) = response.outcome else { panic!("no exception") };
        assert_eq!((response.call_id, remote.is_fatal()), (CONNECTION_CALL_ID, true));
    }

    #[test]
    fn every_truncation_is_an_error() {
        let whole = answer(5, 9);
        for len in 0..whole.len() {
            let read = Response::parse(whole.slice(..len));
            assert!(read.is_err() || read.unwrap().outcome.is_err(), "{len}");
        }
    }

    #[test]
    fn a_header_without_a_call_id_belongs_to_nobody() {
        assert_eq!(Response::parse(Bytes::from_static(&[0, 0])).unwrap_err(), ResponseError::NoCallId);
    }

    #[test]
    fn the_id_of_the_connection_is_java_s_minus_one() {
        let fatal = frame(encode_fatal(&JavaException::new(class::BAD_AUTH, "")));
        assert_eq!(fatal[1..7], [0x08, 0xff, 0xff, 0xff, 0xff, 0x0f]);
    }
}

//! Bytes and what they mean: no I/O, no clock, no task.
//!
//! A connection is a preamble of six bytes ([`preamble`]), then frames ([`frame`]). The client's first frame is the
//! connection header ([`connection_header`]); each further one is a call ([`request`]), each of the server's an answer
//! ([`response`]), in any order. Cells may follow the message in the same frame ([`cell_block`]).
//!
//! Everything here takes whatever bytes come and says what is wrong with them. Entry points for fuzzing are
//! [`Preamble::parse`](preamble::Preamble::parse), [`FrameReader::next`](frame::FrameReader::next),
//! [`ConnectionInfo::parse`](connection_header::ConnectionInfo::parse), [`Request::parse`](request::Request::parse),
//! [`Response::parse`](response::Response::parse) and [`decode_cell_block`](cell_block::decode_cell_block).

pub mod budget;
pub mod byte_queue;
pub mod cell_block;
pub mod connection_header;
pub mod delimited;
pub mod exception;
pub mod frame;
pub mod preamble;
pub mod request;
pub mod response;

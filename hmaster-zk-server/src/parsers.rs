//! The parsers of what comes from outside, for fuzz targets: what they make of any bytes. Not for other use.

use crate::transaction::Transaction;
use crate::wire::connect::ConnectRequest;
use crate::wire::jute::JuteReader;
use crate::wire::request_body::{Body, RequestFrame};

/// Whether a connection's first frame can be read.
pub fn connect_request(frame: &[u8]) -> bool {
    ConnectRequest::decode(frame).is_ok()
}

/// Whether any later frame can be read, with the body of its operation.
pub fn request(frame: &[u8]) -> bool {
    RequestFrame::decode(frame).is_ok_and(|request| matches!(request.body, Body::Request(_)))
}

/// Whether an entry of the log can be read.
pub fn transaction(entry: &[u8]) -> bool {
    Transaction::decode(&mut JuteReader::new(entry)).is_ok()
}

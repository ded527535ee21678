//! Arbitrary bytes: every decoder gives a value or an error, never a panic.

use proptest::prelude::*;

use super::connect::{ConnectRequest, ConnectResponse};
use super::jute::JuteReader;
use super::op_code as op;
use super::request_body::RequestFrame;
use crate::transaction::Transaction;

/// Frames whose operation codes are real, so that bodies are looked at.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let ops = vec![
        op::CREATE,
        op::DELETE,
        op::EXISTS,
        op::GET_DATA,
        op::SET_DATA,
        op::GET_ACL,
        op::SET_ACL,
        op::GET_CHILDREN,
        op::SYNC,
        op::PING,
        op::GET_CHILDREN2,
        op::CHECK,
        op::MULTI,
        op::CREATE2,
        op::RECONFIG,
        op::CHECK_WATCHES,
        op::REMOVE_WATCHES,
        op::CREATE_CONTAINER,
        op::DELETE_CONTAINER,
        op::CREATE_TTL,
        op::MULTI_READ,
        op::AUTH,
        op::SET_WATCHES,
        op::SASL,
        op::GET_EPHEMERALS,
        op::GET_ALL_CHILDREN_NUMBER,
        op::SET_WATCHES2,
        op::ADD_WATCH,
        op::WHO_AM_I,
        op::CLOSE_SESSION,
    ];
    // Small numbers are more often lengths that fit.
    let bytes = prop_oneof![4 => 0u8..8, 1 => any::<u8>(), 1 => Just(b'/'), 1 => Just(0xff)];
    (proptest::sample::select(ops), proptest::collection::vec(bytes, 0..200)).prop_map(|(op, body)| {
        let mut frame = vec![0, 0, 0, 1];
        frame.extend_from_slice(&op.to_be_bytes());
        frame.extend_from_slice(&body);
        frame
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn requests(frame in frames()) {
        let _ = RequestFrame::decode(&frame);
    }

    #[test]
    fn anything(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = RequestFrame::decode(&bytes);
        let _ = ConnectRequest::decode(&bytes);
        let _ = ConnectResponse::decode(&bytes);
        let _ = Transaction::decode(&mut JuteReader::new(&bytes));
    }
}

//! Any bytes whatever, and real frames with any bytes changed: nothing panics, nothing is kept.

use std::collections::BTreeMap;

use bytes::{Buf as _, BufMut as _, Bytes};
use hmaster_rpc::server::session::{Method, Session, Step};
use hmaster_rpc::wire::budget::ByteBudget;
use hmaster_rpc::wire::byte_queue::ByteQueue;
use hmaster_rpc::wire::cell_block::{CellCodec, decode_cell_block};
use hmaster_rpc::wire::connection_header::ConnectionInfo;
use hmaster_rpc::wire::request::{OutgoingCall, Request};
use hmaster_rpc::wire::response::{Response, encode_answer};
use hmaster_types::Cell;
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, prop, proptest};

/// A whole connection: preamble, header, a call with cells.
fn connection() -> Vec<u8> {
    let info = ConnectionInfo {
        service: "ClientService".into(),
        user: None,
        codec: Some(CellCodec::KeyValue),
        version: None,
        attributes: Default::default(),
    };
    let cell_block = CellCodec::KeyValue.encode(&[Cell::put(b"r", b"f", b"q", 1, b"v").unwrap()]);
    let param = Bytes::from_static(b"param");
    let call =
        OutgoingCall { method: "Mutate", param, cell_block, priority: None, attributes: BTreeMap::new() };
    let mut out = ByteQueue::default();
    call.encode(1, 1, &mut out);
    let len = out.len();
    [b"HBas\x00\x50", &info.encode()[..], &out.copy_to_bytes(len)].concat()
}

/// Feeds a session until it wants no more.
fn feed(bytes: &[u8], piece: usize) {
    let budget = ByteBudget::new(1 << 16);
    let mut session = Session::new(([127, 0, 0, 1], 1).into(), 1 << 12, budget.clone());
    for piece in bytes.chunks(piece) {
        session.buffer().put_slice(piece);
        loop {
            match session.step() {
                Step::Read => break,
                Step::Authenticate(_) => session.authenticate(Method::Simple),
                Step::Call(request, ..) => {
                    if let Ok(block) = request.body.map(|body| body.cell_block.unwrap_or_default()) {
                        let _ = decode_cell_block(block);
                    }
                }
                _ => {}
            }
        }
    }
    drop(session);
    assert_eq!(budget.held(), 0);
}

fn decode_all(bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    let _ = Request::parse(bytes.clone());
    let _ = Response::parse(bytes.clone());
    let _ = ConnectionInfo::parse(bytes.clone());
    let _ = decode_cell_block(bytes);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in vec(any::<u8>(), 0..300), piece in 1_usize..50) {
        feed(&bytes, piece);
        decode_all(&bytes);
        feed(&[b"HBas\x00\x50", &bytes[..]].concat(), piece);
    }

    #[test]
    fn real_bytes_changed(
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        piece in 1_usize..50,
    ) {
        let mut bytes = connection();
        let answer = encode_answer(1, &Bytes::from_static(b"message"), &Bytes::from_static(b"cells"));
        let mut answer = { let mut answer = answer; let len = answer.len(); answer.copy_to_bytes(len).to_vec() };
        for (at, byte) in &changes {
            let (in_request, in_answer) = (at.index(bytes.len()), at.index(answer.len()));
            bytes[in_request] = *byte;
            answer[in_answer] = *byte;
        }
        feed(&bytes, piece);
        decode_all(&answer[4..]);
    }
}

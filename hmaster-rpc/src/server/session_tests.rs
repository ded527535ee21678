//! Tests of [`super::Session`]: every kind of connection at every split of its bytes, and bad input by table.

use std::collections::BTreeMap;

use bytes::{Buf as _, BufMut as _};
use hmaster_protocol::CallUser;

use super::*;
use crate::wire::byte_queue::ByteQueue;
use crate::wire::request::OutgoingCall;

const REQUEST_BYTES_MAX: usize = 2000;

fn header(service: &str, release: Option<&str>) -> Vec<u8> {
    let version = release.map(|version| pb::VersionInfo { version: version.into(), ..Default::default() });
    let info = ConnectionInfo {
        service: service.into(),
        user: Some(CallUser::new("joe")),
        codec: None,
        version: version.map(Arc::new),
        attributes: Arc::default(),
    };
    info.encode().to_vec()
}

fn call(call_id: u32, param_len: usize) -> Vec<u8> {
    let call = OutgoingCall {
        method: "Get",
        param: vec![b'x'; param_len].into(),
        cell_block: Bytes::new(),
        priority: None,
        attributes: BTreeMap::new(),
    };
    let mut out = ByteQueue::default();
    call.encode(call_id, 0, &mut out);
    let len = out.remaining();
    out.copy_to_bytes(len).to_vec()
}

fn frame(body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32).to_be_bytes()[..], body].concat()
}

/// What a session asks for, printable, fed in pieces of `step`. SASL is complete after two tokens.
fn steps_with(bytes: &[u8], step: usize, budget: &Arc<ByteBudget>) -> Vec<String> {
    let mut session = Session::new("1.2.3.4:5".parse().unwrap(), REQUEST_BYTES_MAX, budget.clone());
    let mut out = Vec::new();
    let mut tokens = 0;
    for piece in bytes.chunks(step) {
        session.buffer().put_slice(piece);
        loop {
            out.push(match session.step() {
                Step::Read => break,
                Step::Authenticate(auth) => {
                    let method = match auth {
                        AuthCode::SIMPLE => Method::Simple,
                        AuthCode::KERBEROS => Method::Sasl,
                        _ => Method::SwitchToSimple,
                    };
                    session.authenticate(method);
                    format!("{method:?}")
                }
                Step::Sasl(token) => {
                    tokens += 1;
                    if tokens == 2 {
                        session.authenticated();
                    }
                    format!("token {}", token.escape_ascii())
                }
                Step::Header(info) => format!("header of {}", info.service),
                Step::Call(request, held, len) => {
                    assert_eq!(held.bytes() as usize + 4, len);
                    format!("call {} {}", request.header.call_id(), request.body.unwrap().param.len())
                }
                Step::Refuse(id, exception) => format!("refuse {id} {}", exception.simple_class()),
                Step::RefuseAndClose(id, exception) => format!("refuse {id} {exception}, close"),
                Step::Fatal(exception) => format!("fatal {exception}"),
                Step::Close(reason) => format!("close: {reason}"),
                other => format!("{other:?}"),
            });
        }
    }
    out
}

/// The same at every split.
fn steps(bytes: &[u8]) -> Vec<String> {
    let budget = ByteBudget::new(1 << 20);
    let whole = steps_with(bytes, bytes.len().max(1), &budget);
    for step in (1..64).chain([bytes.len() / 2 + 1]) {
        assert_eq!(steps_with(bytes, step, &budget), whole, "in pieces of {step}");
    }
    assert_eq!(budget.held(), 0);
    whole
}

#[test]
fn a_plain_connection() {
    let bytes = [&b"HBas\x00\x50"[..], &header("MasterService", None), &call(0, 5), &call(1, 1500)].concat();
    assert_eq!(steps(&bytes), ["Simple", "header of MasterService", "call 0 5", "call 1 1500"]);
}

#[test]
fn a_security_preamble_is_followed_by_another_one() {
    let bytes = [&b"SecuriHBas\x00\x50"[..], &header("MasterService", None)].concat();
    assert_eq!(steps(&bytes), ["Security", "Simple", "header of MasterService"]);
}

#[test]
fn a_registry_preamble_is_the_whole_connection() {
    assert_eq!(steps(b"RegistHBas\x00\x50"), ["Registry"]);
    let mut session = Session::new("1.2.3.4:5".parse().unwrap(), 10, ByteBudget::new(10));
    let Step::Fatal(exception) = session.no_cluster_id() else { panic!("not fatal") };
    assert_eq!(exception.message, "Expected HEADER=HBas but received HEADER=Regi from 1.2.3.4:5");
}

#[test]
fn a_client_of_a_secure_cluster_loses_its_first_token() {
    let bytes =
        [&b"HBas\x00\x52"[..], &frame(b"token"), &header("MasterService", None), &call(0, 5)].concat();
    assert_eq!(steps(&bytes), ["SwitchToSimple", "header of MasterService", "call 0 5"]);
}

#[test]
fn tokens_come_before_the_header() {
    let bytes = [&b"HBas\x00\x51"[..], &frame(b"a"), &frame(b""), &header("MasterService", None)].concat();
    assert_eq!(steps(&bytes), ["Sasl", "token a", "token ", "header of MasterService"]);
}

#[test]
fn a_request_that_is_too_long_is_answered_and_ends_the_connection() {
    let open = |release| [&b"HBas\x00\x50"[..], &header("S", release), &call(7, 3000), &call(8, 1)].concat();
    let new = steps(&open(Some("2.6.4")));
    assert_eq!(new.len(), 3);
    assert!(
        new[2].starts_with("refuse 7 RequestTooBigException: RPC data length of 30")
            && new[2].contains("received from 1.2.3.4 is greater than max allowed 2000.")
            && new[2].ends_with(", close"),
        "{}",
        new[2]
    );
    assert!(steps(&open(None))[2].starts_with("refuse 7 DoNotRetryIOException"));
}

#[test]
fn a_request_beyond_the_shared_budget_is_refused_and_the_next_one_taken() {
    let bytes = [&b"HBas\x00\x50"[..], &header("S", None), &call(7, 1500), &call(8, 1)].concat();
    let budget = ByteBudget::new(1000);
    for step in 1..100 {
        let steps = steps_with(&bytes, step, &budget);
        assert_eq!(steps[2..], ["refuse 7 CallQueueTooBigException", "call 8 1"], "{step}");
    }
    assert_eq!(budget.held(), 0);
}

#[test]
fn bad_input() {
    let simple = b"HBas\x00\x50";
    let opened = [&simple[..], &header("S", None)].concat();
    let table: [(&str, Vec<u8>, &str); 12] = [
        ("nothing", vec![], ""),
        (
            "another protocol",
            b"GET / HTTP/1.1\r\n".to_vec(),
            "fatal FatalConnectionException: Expected HEADER=",
        ),
        ("TLS", b"\x16\x03\x01\x02\x00\x01".to_vec(), "fatal FatalConnectionException: Expected HEADER="),
        ("another version", b"HBas\x09\x50".to_vec(), "fatal WrongVersionException: serverVersion=0"),
        ("a truncated preamble", b"HBas\x00".to_vec(), ""),
        (
            "a negative header length",
            [&simple[..], b"\xff\xff\xff\xff"].concat(),
            "close: the frame's length",
        ),
        (
            "a huge header",
            [&simple[..], b"\x7f\xff\xff\xff\x01a"].concat(),
            "fatal FatalConnectionException: conn",
        ),
        (
            "a garbage header",
            [&simple[..], &frame(b"garbage")].concat(),
            "fatal FatalConnectionException: conn",
        ),
        ("a negative frame length", [&opened[..], b"\x80\x00\x00\x00"].concat(), "close: the frame's length"),
        ("an empty frame", [&opened[..], &frame(b"")].concat(), "close: unreadable request header"),
        (
            "a garbage request",
            [&opened[..], &frame(b"\x05abcdefg")].concat(),
            "close: unreadable request header",
        ),
        (
            "a long garbage request",
            [&opened[..], &frame(&[0xff; 3000])].concat(),
            "close: unreadable request",
        ),
    ];
    for (name, bytes, expected) in table {
        let steps = steps(&bytes);
        let last = steps.iter().rfind(|step| *step != "Simple" && *step != "header of S");
        match last {
            Some(last) => assert!(!expected.is_empty() && last.starts_with(expected), "{name}: {last}"),
            None => assert_eq!(expected, "", "{name}"),
        }
    }
}

#[test]
fn a_call_with_trouble_of_its_own_leaves_the_connection_open() {
    let header_only = pb::RequestHeader { call_id: Some(3), ..Default::default() };
    let header_only = prost::Message::encode_to_vec(&header_only);
    let body = [&[header_only.len() as u8], &header_only[..]].concat();
    let bytes = [&b"HBas\x00\x50"[..], &header("S", None), &frame(&body), &call(4, 1)].concat();
    let mut session = Session::new("1.2.3.4:5".parse().unwrap(), 100, ByteBudget::new(100));
    session.buffer().put_slice(&bytes);
    assert!(matches!(session.step(), Step::Authenticate(_)));
    session.authenticate(Method::Simple);
    assert!(matches!(session.step(), Step::Header(_)));
    assert!(matches!(session.step(), Step::Call(request, ..) if request.body.is_err()));
    assert!(matches!(session.step(), Step::Call(request, ..) if request.body.is_ok()));
}

//! Bytes that no client sends, against a server: each gets the answer that it should, and the server goes on.

use std::collections::BTreeMap;

use bytes::{Buf as _, Bytes, BytesMut};
use hmaster_protocol::{CallUser, pb};
use hmaster_rpc::client::CallOptions;
use hmaster_rpc::wire::byte_queue::ByteQueue;
use hmaster_rpc::wire::cell_block::CellCodec;
use hmaster_rpc::wire::connection_header::ConnectionInfo;
use hmaster_rpc::wire::request::OutgoingCall;
use hmaster_rpc::wire::response::{Answer, CONNECTION_CALL_ID, Response};
use hmaster_types::Cell;
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::support::{Running, exec, fixture, nowhere, run};

fn info(codec: Option<CellCodec>) -> ConnectionInfo {
    ConnectionInfo {
        service: "ClientService".into(),
        user: Some(CallUser::new("joe")),
        codec,
        version: None,
        attributes: Default::default(),
    }
}

fn opened(codec: Option<CellCodec>) -> Vec<u8> {
    [b"HBas\x00\x50", &info(codec).encode()[..]].concat()
}

fn header(change: impl FnOnce(&mut pb::ConnectionHeader)) -> Vec<u8> {
    let mut header =
        pb::ConnectionHeader { service_name: Some("ClientService".into()), ..Default::default() };
    change(&mut header);
    [b"HBas\x00\x50", &frame(&header.encode_to_vec())[..]].concat()
}

fn frame(body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32).to_be_bytes()[..], body].concat()
}

fn call(method: &'static str, param: impl Into<Bytes>, cell_block: impl Into<Bytes>) -> Vec<u8> {
    let (param, cell_block) = (param.into(), cell_block.into());
    let call = OutgoingCall { method, param, cell_block, priority: None, attributes: BTreeMap::new() };
    let mut out = ByteQueue::default();
    call.encode(7, 0, &mut out);
    let len = out.len();
    out.copy_to_bytes(len).to_vec()
}

fn request(header: &pb::RequestHeader, rest: &[u8]) -> Vec<u8> {
    frame(&[&header.encode_length_delimited_to_vec()[..], rest].concat())
}

fn echo() -> Bytes {
    exec("echo", "m", "bytes").encode_to_vec().into()
}

/// Everything the server says until it closes, or until it has nothing more to say.
async fn said(running: &Running, bytes: &[u8], piece: usize) -> (Vec<String>, bool) {
    let stream = running.door.connect().await.unwrap();
    let (mut reader, mut writer) = tokio::io::split(stream);
    let bytes = bytes.to_vec();
    let writing = tokio::spawn(async move {
        for piece in bytes.chunks(piece) {
            if writer.write_all(piece).await.is_err() {
                break;
            }
        }
        writer
    });
    let mut buffer = BytesMut::new();
    let mut closed = false;
    let quiet = std::time::Duration::from_secs(30);
    while let Ok(read) = tokio::time::timeout(quiet, reader.read_buf(&mut buffer)).await {
        if read.unwrap() == 0 {
            closed = true;
            break;
        }
    }
    drop(writing.await);
    (printed(buffer.freeze()), closed)
}

fn printed(mut bytes: Bytes) -> Vec<String> {
    let mut out = Vec::new();
    while bytes.len() > 4 {
        let len = bytes.get_u32() as usize;
        if len > bytes.len() || len == 0 {
            out.push(format!("raw {len} {}", bytes.escape_ascii()));
            if len > 0 {
                break;
            }
            bytes.advance(4);
            continue;
        }
        let response = Response::parse(bytes.split_to(len)).unwrap();
        let id = if response.call_id == CONNECTION_CALL_ID { -1 } else { i64::from(response.call_id) };
        out.push(match response.outcome.unwrap() {
            Answer::Message { message, .. } => format!("{id} {} bytes", message.len()),
            Answer::Exception(remote) => format!("{id} {}", remote.exception),
        });
    }
    out
}

#[tokio::test(start_paused = true)]
async fn each_gets_its_answer_in_whatever_pieces_it_comes() {
    let (running, _service, _events) = fixture().in_memory();
    let no_codec = || opened(None);
    let cells = CellCodec::KeyValue.encode(&[Cell::put(b"r", b"f", b"q", 1, b"v").unwrap()]);
    let cut = cells.slice(..cells.len() - 1);
    let negative = Bytes::from([&b"\xff\xff\xff\xff"[..], &cells[4..]].concat());
    let lie = pb::RequestHeader {
        call_id: Some(7),
        method_name: Some("ExecService".into()),
        request_param: Some(true),
        cell_block_meta: Some(pb::CellBlockMeta { length: Some(1000) }),
        ..Default::default()
    };
    let no_param = pb::RequestHeader { request_param: Some(false), cell_block_meta: None, ..lie.clone() };
    let no_method = pb::RequestHeader { method_name: None, cell_block_meta: None, ..lie.clone() };
    let delimited_echo = exec("echo", "m", "bytes").encode_length_delimited_to_vec();
    let table: Vec<(&str, Vec<u8>, &str, bool)> = vec![
        (
            "HTTP",
            b"GET / HTTP/1.1\r\n\r\n".into(),
            "-1 FatalConnectionException: Expected HEADER=HBas but",
            true,
        ),
        (
            "version",
            b"HBas\x01\x50".into(),
            "-1 WrongVersionException: serverVersion=0, clientVersion=1, auth",
            true,
        ),
        (
            "auth",
            b"HBas\x00\x07".into(),
            "-1 BadAuthException: serverVersion=0, clientVersion=0, authMethod=7",
            true,
        ),
        ("registry", b"Regist".into(), "-1 13 bytes", true),
        ("security", b"Securi".into(), "-1 SecurityNotEnabledException: security is not enabled", false),
        (
            "service",
            header(|h| h.service_name = Some("NoService".into())),
            "-1 UnknownServiceException: NoServ",
            true,
        ),
        ("no service", header(|h| h.service_name = None), "-1 UnknownServiceException: ", true),
        (
            "codec",
            header(|h| h.cell_block_codec_class = Some("x.Y".into())),
            "-1 UnsupportedCellCodecException: x.Y",
            true,
        ),
        (
            "compressor",
            header(|h| {
                h.cell_block_codec_class = Some(CellCodec::KeyValue.class().into());
                h.cell_block_compressor_class = Some("x.Gzip".into());
            }),
            "-1 UnsupportedCompressionCodecException: x.Gzip",
            true,
        ),
        (
            "user without a name",
            [b"HBas\x00\x50", &frame(b"\x0a\x00")[..]].concat(),
            "-1 FatalConnectionException: connection header: decode hbase.pb.ConnectionHeader: Message missing required fields: user_info.effective_user",
            true,
        ),
        (
            "garbage header",
            [b"HBas\x00\x50", &frame(b"\xff\xff")[..]].concat(),
            "-1 FatalConnectionException: connection",
            true,
        ),
        (
            "huge header",
            [b"HBas\x00\x50", &b"\x7f\xff\xff\xff\x00"[..]].concat(),
            "-1 FatalConnectionException: conn",
            true,
        ),
        ("negative header", [b"HBas\x00\x50", &b"\xff\xff\xff\xff"[..]].concat(), "", true),
        ("garbage request", [no_codec(), frame(b"\xff\xff\xff")].concat(), "", true),
        ("empty request", [no_codec(), frame(b"")].concat(), "", true),
        ("negative request", [no_codec(), b"\xff\xff\xff\xff".to_vec()].concat(), "", true),
        (
            "huge request",
            [no_codec(), b"\x7f\xff\xff\xff\x02\x08\x07".to_vec()].concat(),
            "7 DoNotRetryIOException: RPC data",
            true,
        ),
        (
            "unknown method",
            [no_codec(), call("NoMethod", echo(), "")].concat(),
            "7 DoNotRetryIOException: java.lang.UnsupportedOperationException: NoMethod",
            false,
        ),
        (
            "no method",
            [no_codec(), request(&no_method, &delimited_echo)].concat(),
            "7 DoNotRetryIOException: java.lang.Unsupp",
            false,
        ),
        (
            "no param",
            [no_codec(), request(&no_param, b"")].concat(),
            "7 DoNotRetryIOException: Invalid request header",
            false,
        ),
        (
            "param cut",
            [no_codec(), request(&lie, b"\x09ab")].concat(),
            "7 DoNotRetryIOException: the frame ends 7 bytes",
            false,
        ),
        (
            "cells claimed",
            [no_codec(), request(&lie, &delimited_echo)].concat(),
            "7 DoNotRetryIOException: the cell block has 1000 bytes, but 0 are there",
            false,
        ),
        (
            "garbage param",
            [no_codec(), call("ExecService", &b"\xff\xff"[..], "")].concat(),
            "7 InvalidProtocolBufferException: decode hbase",
            false,
        ),
        (
            "no required field",
            [no_codec(), call("ExecService", "", "")].concat(),
            "7 UninitializedMessageException: decode hbase",
            false,
        ),
        (
            "cells, no codec",
            [no_codec(), call("ExecService", echo(), cells.clone())].concat(),
            "7 DoNotRetryIOException: cells came",
            false,
        ),
        (
            "cells cut",
            [opened(Some(CellCodec::KeyValue)), call("ExecService", echo(), cut)].concat(),
            "7 DoNotRetryIOException: cell block of a call: cell 0: the block ends 1 bytes",
            false,
        ),
        (
            "cells negative",
            [opened(Some(CellCodec::KeyValue)), call("ExecService", echo(), negative)].concat(),
            "7 DoNotRetryIOException: cell block of a call: cell 0: its length is negative",
            false,
        ),
        (
            "cells garbage",
            [opened(Some(CellCodec::KeyValue)), call("ExecService", echo(), &b"\0\0\0\x01x"[..])].concat(),
            "7 DoNotRetryIOException: cell block of a call: cell 0: not a cell",
            false,
        ),
        ("a call", [no_codec(), call("ExecService", echo(), "")].concat(), "7 ", false),
    ];
    for (name, bytes, expected, closes) in &table {
        for piece in [bytes.len(), 1, 3] {
            let (said, closed) = said(&running, bytes, piece).await;
            let said = said.join("; ");
            let matches = if expected.is_empty() { said.is_empty() } else { said.starts_with(expected) };
            assert!(matches, "{name} in pieces of {piece}: {said:?}");
            assert_eq!(closed, *closes, "{name} in pieces of {piece}");
        }
    }
    run(&running.client(|_| {}), nowhere(), exec("echo", "", ""), CallOptions::default()).await.unwrap();
    assert_eq!(running.metrics.call_bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_cut_after_any_byte_leaves_nothing_behind() {
    let (running, _service, _events) = fixture().in_memory();
    let bytes = [opened(Some(CellCodec::KeyValue)), call("ExecService", echo(), "")].concat();
    for len in 0..bytes.len() {
        let mut stream = running.door.connect().await.unwrap();
        stream.write_all(&bytes[..len]).await.unwrap();
        drop(stream);
    }
    while running.metrics.connections_open.get() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!((running.metrics.call_bytes(), running.metrics.running()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_client_of_a_secure_cluster_is_told_to_do_without() {
    let (running, _service, _events) = fixture().in_memory();
    let rest = [&frame(b"a SASL token")[..], &opened(None)[6..], &call("ExecService", echo(), "")].concat();
    for auth in [81_u8, 82] {
        let mut stream = running.door.connect().await.unwrap();
        stream.write_all(&[b'H', b'B', b'a', b's', 0, auth]).await.unwrap();
        stream.write_all(&rest).await.unwrap();
        let mut switch = [0; 8];
        stream.read_exact(&mut switch).await.unwrap();
        assert_eq!(switch, [0, 0, 0, 0, 0xff, 0xff, 0xff, 0xa8], "SUCCESS, then -88");
        let len = stream.read_u32().await.unwrap();
        let mut answer = vec![0; len as usize];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(Response::parse(answer.into()).unwrap().call_id, 7);
    }
}

//! Frames that no client sends, and operations that nobody knows.

use super::super::raw::RawClient;
use super::super::requests;
use super::super::{Case, CaseFailure, CaseResult, Context};
use crate::wire::jute::{JuteReader, JuteWrite};
use crate::wire::op_code as op;

pub(super) fn list() -> Vec<Case> {
    cases!["frames":
        bad_lengths_end_the_connection,
        cut_headers_end_the_connection,
        cut_credentials_end_the_connection,
        garbage_instead_of_a_handshake_ends_the_connection,
        malformed_bodies_are_answered,
        bytes_behind_a_body_are_ignored,
        unknown_operation_is_answered_then_the_end,
        sasl_gets_an_empty_token,
        largest_frame_is_accepted,
        pipelined_requests_are_answered_in_order,
    ]
}

/// `jute.maxbuffer` of a server that wasn't told otherwise.
const FRAME_BYTES_MAX: usize = 0xf_ffff;

async fn bad_lengths_end_the_connection(context: &Context) -> CaseResult {
    for length in [-1, i32::MIN, i32::MAX, FRAME_BYTES_MAX as i32 + 1] {
        let mut client = context.client().await?;
        client.send_raw(&length.to_be_bytes()).await?;
        client.expect_end().await?;
    }
    Ok(())
}

async fn cut_headers_end_the_connection(context: &Context) -> CaseResult {
    for length in [0u8, 3, 7] {
        let mut client = context.client().await?;
        let mut frame = vec![0, 0, 0, length];
        frame.resize(4 + usize::from(length), 0);
        client.send_raw(&frame).await?;
        client.expect_end().await?;
    }
    Ok(())
}

async fn cut_credentials_end_the_connection(context: &Context) -> CaseResult {
    for op in [op::AUTH, op::SASL] {
        let mut client = context.client().await?;
        client.send(op, &requests::auth("digest", b"user:password")[..3]).await?;
        client.expect_end().await?;
    }
    Ok(())
}

async fn garbage_instead_of_a_handshake_ends_the_connection(context: &Context) -> CaseResult {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let handshakes = [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"\xff\xff\xff\xff",
        b"\0\0\0\x05abcde",
        b"\0\0\0\0",
        b"\x16\x03\x01\x02\0",
    ];
    for bytes in handshakes {
        let mut stream = tokio::net::TcpStream::connect(context.addr).await?;
        stream.write_all(bytes).await?;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await; // the end may look like a reset
        expect_eq!(answer, [], "{bytes:?}");
    }
    Ok(())
}

async fn malformed_bodies_are_answered(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let mut null_path = Vec::new();
    null_path.put_buffer(None);
    let mut bad_multi_flags = Vec::new();
    bad_multi_flags.extend_from_slice(&requests::multi(&[(op::CREATE, requests::create("/x", None, 9))]));
    let bodies = [
        (op::CREATE, vec![]),
        (op::CREATE, requests::create("/x", Some(b""), 0)[..10].to_vec()),
        (op::DELETE, null_path.clone()),
        (op::GET_DATA, null_path),
        (op::EXISTS, i32::MAX.to_be_bytes().to_vec()),
        (op::MULTI, vec![0; 8]),
        (op::MULTI, requests::multi(&[(op::GET_DATA, requests::path_watch("/", false))])),
        (op::MULTI, bad_multi_flags),
        (op::ADD_WATCH, requests::path_int("/", 9)),
        (op::REMOVE_WATCHES, requests::path_int("/", 0)),
    ];
    for (op, body) in bodies {
        expect_eq!(client.error(op, &body).await?, -5, "operation {op}");
    }
    client.ping().await?; // the connection goes on
    Ok(())
}

async fn bytes_behind_a_body_are_ignored(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let mut body = requests::path_watch(&context.root, false);
    body.extend_from_slice(b"more");
    expect_eq!(client.error(op::EXISTS, &body).await?, 0);
    Ok(())
}

async fn unknown_operation_is_answered_then_the_end(context: &Context) -> CaseResult {
    for op in [77, 0, -1, 10, 1000] {
        let mut client = context.client().await?;
        let frame = client.call(op, &[]).await?;
        expect_eq!((frame.error, frame.zxid, frame.body.len()), (-6, -1, 0), "operation {op}");
        client.expect_end().await?;
    }
    Ok(())
}

async fn sasl_gets_an_empty_token(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let mut token = Vec::new();
    token.put_buffer(Some(b""));
    let frame = client.call(op::SASL, &token).await?;
    expect_eq!((frame.error, frame.zxid), (0, 0));
    expect_eq!(JuteReader::new(&frame.body).buffer("token")?, None);
    client.ping().await?;
    Ok(())
}

async fn largest_frame_is_accepted(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("large");
    let overhead = 8 + requests::create(&path, Some(b""), 0).len();
    let data = vec![7; FRAME_BYTES_MAX - overhead];
    let frame = client.call(op::CREATE, &requests::create(&path, Some(&data), 0)).await?;
    expect_eq!(frame.error, 0);
    let frame = client.call(op::GET_DATA, &requests::path_watch(&path, false)).await?;
    expect_eq!(JuteReader::new(&frame.body).buffer("data")?, Some(&data[..]));
    client.delete(&path).await?;
    Ok(())
}

async fn pipelined_requests_are_answered_in_order(context: &Context) -> CaseResult {
    let mut client: RawClient = context.client().await?;
    let mut expected = Vec::new();
    for index in 0..200 {
        let path = context.path(&format!("p{index}"));
        expected.push((client.send(op::CREATE, &requests::create(&path, None, 0)).await?, 0));
        expected.push((client.send(op::EXISTS, &requests::path_watch(&path, false)).await?, 0));
        expected.push((client.send(op::DELETE, &requests::path_int(&path, -1)).await?, 0));
        expected.push((client.send(op::EXISTS, &requests::path_watch(&path, false)).await?, -101));
    }
    let mut last_zxid = 0;
    for (xid, error) in expected {
        let frame = client.receive().await?.ok_or_else(|| CaseFailure::new("the connection ended"))?;
        expect_eq!((frame.xid, frame.error), (xid, error));
        expect!(frame.zxid >= last_zxid);
        last_zxid = frame.zxid;
    }
    Ok(())
}

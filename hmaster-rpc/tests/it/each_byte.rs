//! A server that dies after any number of bytes: what the client's error proves must be true.

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use hmaster_protocol::{CallUser, pb};
use hmaster_rpc::client::{ClientOptions, Failure, RpcClient};
use hmaster_rpc::wire::byte_queue::ByteQueue;
use hmaster_rpc::wire::response::encode_answer;
use hmaster_rpc::{BoxStream, Connector};
use hmaster_types::Address;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::mpsc;

use super::support::{exec, nowhere, run, within};

/// Hands the other end of each connection to whoever plays the server.
struct Pipes {
    buffer_bytes: usize,
    servers: mpsc::UnboundedSender<DuplexStream>,
}

#[async_trait]
impl Connector for Pipes {
    async fn connect(&self, _address: &Address) -> io::Result<BoxStream> {
        let (client, server) = tokio::io::duplex(self.buffer_bytes);
        self.servers.send(server).map_err(|_| io::ErrorKind::ConnectionRefused)?;
        Ok(Box::new(client))
    }
}

pub(crate) fn client_to(
    buffer_bytes: usize,
    change: impl FnOnce(&mut ClientOptions),
) -> (RpcClient, mpsc::UnboundedReceiver<DuplexStream>) {
    let (servers, receiver) = mpsc::unbounded_channel();
    let mut options = ClientOptions::new(CallUser::new("joe"));
    change(&mut options);
    (RpcClient::with_connector(options, Arc::new(Pipes { buffer_bytes, servers })), receiver)
}

/// One call to a server that reads `read` bytes, writes `answer`, and closes.
async fn call(read: usize, answer: &[u8]) -> (Result<Bytes, Failure>, usize) {
    let (client, mut servers) = client_to(1, |_| {});
    let server = async {
        let mut server = servers.recv().await.unwrap();
        let mut bytes = vec![0; read];
        let mut got = 0;
        while got < read {
            match server.read(&mut bytes[got..]).await.unwrap() {
                0 => break,
                len => got += len,
            }
        }
        let _ = server.write_all(answer).await;
        drop(server);
        got
    };
    let calling = run(&client, nowhere(), exec("echo", "m", "bytes"), within(9));
    let (result, got) = tokio::join!(calling, server);
    (result.map(|(bytes, _)| bytes).map_err(|error| error.failure), got)
}

fn answer() -> Vec<u8> {
    let message = pb::CoprocessorServiceResponse {
        region: pb::RegionSpecifier { r#type: 1, value: Bytes::new() },
        value: pb::NameBytesPair { name: "m".into(), value: Some(Bytes::from_static(b"yes")) },
    };
    let queue = encode_answer(0, &prost::Message::encode_to_vec(&message).into(), &Bytes::new());
    to_vec(queue)
}

fn to_vec(mut queue: ByteQueue) -> Vec<u8> {
    let len = queue.len();
    bytes::Buf::copy_to_bytes(&mut queue, len).to_vec()
}

/// All bytes of preamble, header and call.
async fn request_len() -> usize {
    let (client, mut servers) = client_to(1 << 20, |_| {});
    let server = async {
        let mut server = servers.recv().await.unwrap();
        let mut bytes = vec![0; 1 << 20];
        let mut len = 0;
        let quiet = std::time::Duration::from_secs(1);
        while let Ok(Ok(more @ 1..)) = tokio::time::timeout(quiet, server.read(&mut bytes[len..])).await {
            len += more;
        }
        len
    };
    let calling = run(&client, nowhere(), exec("echo", "m", "bytes"), within(9));
    tokio::select! {
        len = server => len,
        _ = calling => unreachable!("nobody answers"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_closes_after_any_byte_of_the_request() {
    let total = request_len().await;
    assert!(total > 50, "{total}");
    for read in 0..=total {
        let (result, got) = call(read, b"").await;
        assert_eq!(got, read);
        match result.unwrap_err() {
            Failure::NotSent(_) => assert!(read < total, "the server has all of it, but the error denies it"),
            // The pipe itself holds one byte.
            Failure::OutcomeUnknown(_) => {
                assert!(read + 1 >= total, "{read} of {total} bytes can't be a call");
            }
            other => panic!("{read}: {other}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_closes_after_any_byte_of_its_answer() {
    let (total, answer) = (request_len().await, answer());
    for len in 0..=answer.len() {
        match call(total, &answer[..len]).await.0 {
            Ok(bytes) => assert_eq!((len, &bytes[..]), (answer.len(), &b"yes"[..])),
            Err(Failure::OutcomeUnknown(_)) => assert!(len < answer.len()),
            Err(other) => panic!("{len}: {other}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_changes_any_byte_of_its_answer() {
    let (total, answer) = (request_len().await, answer());
    for at in 0..answer.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut changed = answer.clone();
            changed[at] ^= change;
            // Whatever comes of it, the server had the call: it must never count as not sent.
            if let Err(Failure::NotSent(why)) = call(total, &changed).await.0 {
                panic!("byte {at} changed by {change:#x}: {why}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_any_pieces() {
    let (total, answer) = (request_len().await, answer());
    for piece in [1, 2, 3, 5, 8, 13] {
        let (client, mut servers) = client_to(piece, |_| {});
        let server = async {
            let mut server = servers.recv().await.unwrap();
            server.read_exact(&mut vec![0; total]).await.unwrap();
            for bytes in answer.chunks(piece) {
                server.write_all(bytes).await.unwrap();
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            server
        };
        let calling = run(&client, nowhere(), exec("echo", "m", "bytes"), within(9));
        let (result, _server) = tokio::join!(calling, server);
        assert_eq!(result.unwrap().0, "yes");
    }
}

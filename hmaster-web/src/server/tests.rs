//! Over real sockets: what a client gets, and what a bad one can't do.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{BindError, InfoServer};
use crate::testing::{FixedView, sources};

/// Ends a test that hangs.
const PATIENCE: Duration = Duration::from_secs(30);

fn start() -> (SocketAddr, DropGuard) {
    let sources = sources(std::sync::Arc::default(), FixedView::default(), &[]);
    let server = InfoServer::bind_to(sources, ([127, 0, 0, 1], 0).into()).unwrap();
    let (address, shutdown) = (server.local_addr(), CancellationToken::new());
    tokio::spawn(server.run(shutdown.clone()));
    (address, shutdown.drop_guard())
}

/// Sends bytes and reads until the server closes the connection.
async fn talk(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may have had enough before it has all.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ =
        tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the server closes it");
    String::from_utf8_lossy(&answer).into_owned()
}

fn request(method: &str, path: &str) -> Vec<u8> {
    format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").into_bytes()
}

#[tokio::test]
async fn pages_come_with_safe_headers() {
    let (address, _guard) = start();
    let answer = talk(address, &request("GET", "/master-status")).await.to_lowercase();
    for part in [
        "http/1.1 200 ok",
        "content-type: text/html; charset=utf-8",
        "x-frame-options: deny",
        "x-content-type-options: nosniff",
        "content-security-policy: default-src 'none'",
        "cache-control: no-store",
        "<!doctype html>",
    ] {
        assert!(answer.contains(part), "{part}: {answer}");
    }
    let metrics = talk(address, &request("GET", "/metrics")).await;
    assert!(metrics.contains("content-type: text/plain; version=0.0.4"), "{metrics}");
    let head = talk(address, &request("HEAD", "/master-status")).await;
    assert!(head.ends_with("\r\n\r\n") && head.contains("content-length: "), "{head}");
    let post = talk(address, &request("POST", "/jmx")).await;
    assert!(post.starts_with("HTTP/1.1 405") && post.contains("allow: GET, HEAD"), "{post}");
}

#[tokio::test]
async fn garbage_is_refused() {
    let (address, _guard) = start();
    let long = "a".repeat(100_000);
    let many: String = (0..200).map(|at| format!("H{at}: x\r\n")).collect();
    let cases = [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), "HTTP/1.1 400"),
        (b"HBas\x00\x50".iter().chain(b"\r\n\r\n").copied().collect(), "HTTP/1.1 400"),
        (b"GET\r\n\r\n".to_vec(), "HTTP/1.1 400"),
        (format!("GET /jmx?qry={long} HTTP/1.1\r\n\r\n").into_bytes(), "HTTP/1.1 4"),
        (format!("GET /jmx HTTP/1.1\r\nX: {long}\r\n\r\n").into_bytes(), "HTTP/1.1 4"),
        (format!("GET /jmx HTTP/1.1\r\n{many}\r\n").into_bytes(), "HTTP/1.1 431"),
    ];
    for (bytes, status) in cases {
        let answer = talk(address, &bytes).await;
        let begin = String::from_utf8_lossy(&bytes[..bytes.len().min(20)]).into_owned();
        // A reset may overtake the answer to one that goes on sending.
        assert!(
            answer.starts_with(status) || answer.is_empty() && bytes.len() > 50_000,
            "{begin:?}: {answer}"
        );
    }
    assert!(talk(address, &request("GET", "/healthz")).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_nothing_more_is_cut_off() {
    let (address, _guard) = start();
    for part in [&b""[..], b"GET /healthz HTTP/1.1\r\nHost:"] {
        let answer = talk(address, part).await;
        assert!(!answer.contains("200"), "{answer}");
    }
}

#[tokio::test]
async fn a_busy_port_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let keys = |auto| {
        [
            ("hbase.master.info.bindAddress", "127.0.0.1"),
            ("hbase.master.info.port", &*port),
            ("hbase.regionserver.info.port.auto", auto),
        ]
    };
    let bind = |keys: &[(&str, &str)]| {
        InfoServer::bind(sources(std::sync::Arc::default(), FixedView::default(), keys))
    };
    let error = bind(&keys("false")).unwrap_err();
    assert!(matches!(error, BindError::PortInUse { .. }), "{error}");
    assert_eq!(error.to_string(), format!("hbase.master.info.port: 127.0.0.1:{port} is in use"));
    let next = bind(&keys("true")).unwrap().unwrap();
    assert!(next.local_addr().port() > port.parse().unwrap());
    assert!(bind(&[("hbase.master.info.port", "-1")]).unwrap().is_none());
    let error = bind(&[("hbase.master.info.bindAddress", "no-such-host.invalid")]).unwrap_err();
    assert!(error.to_string().starts_with("hbase.master.info.bindAddress: no-such-host.invalid"), "{error}");
}

#[tokio::test]
async fn it_ends_when_it_is_told() {
    let sources = sources(std::sync::Arc::default(), FixedView::default(), &[]);
    let server = InfoServer::bind_to(sources, ([127, 0, 0, 1], 0).into()).unwrap();
    let (address, shutdown) = (server.local_addr(), CancellationToken::new());
    let running = tokio::spawn(server.run(shutdown.clone()));
    let idle = TcpStream::connect(address).await.unwrap();
    shutdown.cancel();
    tokio::time::timeout(PATIENCE, running).await.unwrap().unwrap();
    drop(idle);
}

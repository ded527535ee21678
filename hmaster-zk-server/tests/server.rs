//! The server's handle: starting, its bounds, its helpers for tests, stopping.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::net::SocketAddr;
use std::time::Duration;

use hmaster_zk_server::{StartError, StoreError, ZkServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zookeeper_client as zk;

const OPEN: zk::CreateOptions<'static> = zk::CreateMode::Persistent.with_acls(zk::Acls::anyone_all());
const EPHEMERAL: zk::CreateOptions<'static> = zk::CreateMode::Ephemeral.with_acls(zk::Acls::anyone_all());

async fn connect(server: &ZkServer) -> zk::Client {
    zk::Client::connect(&server.connect_string()).await.unwrap()
}

/// A handshake by hand: the frame of a new session.
fn connect_frame() -> Vec<u8> {
    let mut frame = 45u32.to_be_bytes().to_vec();
    frame.extend_from_slice(&[0; 12]);
    frame.extend_from_slice(&10_000u32.to_be_bytes());
    frame.extend_from_slice(&[0; 8]);
    frame.extend_from_slice(&16u32.to_be_bytes());
    frame.extend_from_slice(&[0; 17]);
    frame
}

async fn raw_session(addr: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(&connect_frame()).await.unwrap();
    stream.read_exact(&mut [0; 41]).await.unwrap();
    stream
}

/// Whether the server ends a connection that said this.
async fn is_closed(mut stream: TcpStream) -> bool {
    let mut rest = Vec::new();
    // A reset is an end as well.
    stream.read_to_end(&mut rest).await.map_or(true, |_| rest.is_empty())
}

#[tokio::test]
async fn a_busy_port_is_an_error_of_its_own() {
    let first = ZkServer::builder().start().await.unwrap();
    let error = ZkServer::builder().bind(first.local_addr()).start().await.unwrap_err();
    assert!(matches!(error, StartError::AddressInUse { addr } if addr == first.local_addr()));
    assert_eq!(error.to_string(), format!("{} is in use by another process", first.local_addr()));
}

#[tokio::test]
async fn an_unusable_folder_is_an_error_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let first = ZkServer::builder().data_dir(dir.path()).start().await.unwrap();
    let error = ZkServer::builder().data_dir(dir.path()).start().await.unwrap_err();
    assert!(matches!(error, StartError::DataDir(StoreError::Locked { .. })), "{error}");
    assert_eq!(error.to_string(), format!("{} is in use by another server", dir.path().display()));
    first.shutdown().await.unwrap();
    ZkServer::builder().data_dir(dir.path()).start().await.unwrap().shutdown().await.unwrap();
    let file = dir.path().join("lock");
    let error = ZkServer::builder().data_dir(&file).start().await.unwrap_err();
    assert!(matches!(error, StartError::DataDir(StoreError::Io { .. })), "{error}");
    assert!(error.to_string().starts_with(&format!("create {}: ", file.display())), "{error}");
}

#[tokio::test]
async fn options_that_make_no_sense_are_named() {
    let second = Duration::from_secs(1);
    let cases = [
        (ZkServer::builder().tick_time(Duration::ZERO), "tick time"),
        (ZkServer::builder().tick_time(second).max_session_timeout(second), "max session timeout"),
        (ZkServer::builder().packet_bytes_max(10), "max packet size"),
        (ZkServer::builder().connections_max(0), "max connections"),
        (ZkServer::builder().snapshot_every(0), "snapshot count"),
    ];
    for (builder, expected) in cases {
        match builder.start().await {
            Err(StartError::BadOption { option, .. }) => assert_eq!(option, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_servers_live_in_one_process() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = tokio::join!(
        ZkServer::builder().start(),
        ZkServer::builder().data_dir(dir.path().join("made/here")).start()
    );
    let (first, second) = (first.unwrap(), second.unwrap());
    connect(&first).await.create("/only-first", b"", &OPEN).await.unwrap();
    assert_eq!(connect(&second).await.check_stat("/only-first").await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_can_be_expired_and_all_connections_dropped() {
    let server = ZkServer::builder().start().await.unwrap();
    let client = connect(&server).await;
    client.create("/e", b"", &EPHEMERAL).await.unwrap();
    let id = server.sessions().await[0].id;
    assert_eq!(server.sessions().await[0].ephemerals, ["/e"]);

    assert_eq!(server.drop_connections().await, 1);
    // What a client asks before it has noticed is lost with the connection.
    let back = loop {
        match client.check_stat("/e").await {
            Err(zk::Error::ConnectionLoss) => {}
            result => break result.unwrap(),
        }
    };
    assert!(back.is_some(), "it comes back to its session");

    let watcher = connect(&server).await;
    let (_, deleted) = watcher.check_and_watch_stat("/e").await.unwrap();
    assert!(server.expire_session(id).await);
    assert_eq!(deleted.changed().await.event_type, zk::EventType::NodeDeleted);
    let mut states = client.state_watcher();
    while states.state() != zk::SessionState::Expired {
        states.changed().await;
    }
    assert!(!server.expire_session(id).await, "once");
    let counts = server.counts().await.unwrap();
    assert_eq!((counts.sessions, counts.ephemerals, counts.nodes), (1, 0, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_follow_nodes_watches_and_connections() {
    let server = ZkServer::builder().start().await.unwrap();
    let client = connect(&server).await;
    client.create("/a", b"", &OPEN).await.unwrap();
    let (_, _watcher) = client.check_and_watch_stat("/a").await.unwrap();
    let counts = server.counts().await.unwrap();
    assert_eq!((counts.nodes, counts.watches, counts.connections), (5, 1, 1));
    server.drop_connections().await;
    let counts = server.counts().await.unwrap();
    assert_eq!(counts.sessions, 1, "sessions outlive their connections");
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_ends_connections_and_frees_port_and_folder() {
    let dir = tempfile::tempdir().unwrap();
    let server = ZkServer::builder().data_dir(dir.path()).start().await.unwrap();
    let addr = server.local_addr();
    let stream = raw_session(addr).await;
    server.shutdown().await.unwrap();
    assert!(is_closed(stream).await);
    assert!(TcpStream::connect(addr).await.is_err(), "nobody listens");
    ZkServer::builder().data_dir(dir.path()).start().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_the_handle_stops_everything() {
    let server = ZkServer::builder().start().await.unwrap();
    let stream = raw_session(server.local_addr()).await;
    drop(server);
    assert!(is_closed(stream).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_beyond_the_bound_are_closed() {
    let server = ZkServer::builder().connections_max(2).start().await.unwrap();
    let first = raw_session(server.local_addr()).await;
    let _second = raw_session(server.local_addr()).await;
    assert!(is_closed(TcpStream::connect(server.local_addr()).await.unwrap()).await);
    drop(first);
    // The place is free as soon as the server has noticed.
    loop {
        let mut stream = TcpStream::connect(server.local_addr()).await.unwrap();
        if stream.write_all(&connect_frame()).await.is_ok() && stream.read_exact(&mut [0; 41]).await.is_ok() {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_beyond_the_bound_end_the_connection() {
    let server = ZkServer::builder().packet_bytes_max(2000).start().await.unwrap();
    let mut stream = raw_session(server.local_addr()).await;
    stream.write_all(&2001u32.to_be_bytes()).await.unwrap();
    assert!(is_closed(stream).await);
    let client = connect(&server).await;
    client.create("/fits", &[0; 1500], &OPEN).await.unwrap();
}

/// Peak memory of this process in bytes.
fn peak_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

/// A client that asks for much and reads nothing: its requests wait, others are served, and memory
/// stays bounded. When it reads at last, it gets everything.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_is_made_to_wait() {
    const REPLIES: usize = 400;
    let server = ZkServer::builder().start().await.unwrap();
    let client = connect(&server).await;
    client.create("/large", &vec![7; 1_000_000], &OPEN).await.unwrap();
    let mut greedy = raw_session(server.local_addr()).await;
    let mut get_large = 19u32.to_be_bytes().to_vec();
    get_large.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 6]);
    get_large.extend_from_slice(b"/large\0");
    greedy.write_all(&get_large.repeat(REPLIES)).await.unwrap();
    for number in 0..100 {
        client.create(&format!("/small-{number}"), b"", &OPEN).await.unwrap();
    }
    assert!(peak_memory() < 200_000_000, "{} bytes for {REPLIES} replies of a megabyte", peak_memory());
    let mut reply = vec![0; 4 + 16 + 4 + 1_000_000 + 68];
    for _ in 0..REPLIES {
        greedy.read_exact(&mut reply).await.unwrap();
        assert_eq!(reply[..4], (reply.len() as u32 - 4).to_be_bytes());
    }
    assert!(peak_memory() < 200_000_000, "{} bytes in the end", peak_memory());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_super_user_may_do_anything() {
    let digest = "super:D/InIHSb7yEEbrWz8b9l71RjZJU="; // of super:test
    let server = ZkServer::builder().super_digest(digest).start().await.unwrap();
    let owner = connect(&server).await;
    owner.auth("digest", b"owner:secret").await.unwrap();
    let mine = zk::CreateMode::Persistent.with_acls(zk::Acls::creator_all());
    owner.create("/mine", b"x", &mine).await.unwrap();
    let client = connect(&server).await;
    assert_eq!(client.get_data("/mine").await.unwrap_err(), zk::Error::NoAuth);
    client.auth("digest", b"super:test").await.unwrap();
    assert_eq!(client.get_data("/mine").await.unwrap().0, b"x");
}

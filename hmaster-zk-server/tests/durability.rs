//! What survives: a restart, and a kill at any moment.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use hmaster_zk_server::{StartError, ZkServer, ZkServerBuilder};
use tokio::sync::watch;
use zookeeper_client as zk;

const OPEN: zk::CreateOptions<'static> = zk::CreateMode::Persistent.with_acls(zk::Acls::anyone_all());
const EPHEMERAL: zk::CreateOptions<'static> = zk::CreateMode::Ephemeral.with_acls(zk::Acls::anyone_all());

fn builder(dir: &Path) -> ZkServerBuilder {
    ZkServer::builder().data_dir(dir).max_session_timeout(Duration::from_secs(60))
}

/// Starts on a port that was just left. Meanwhile the system may have lent it to somebody's outgoing
/// connection, even to that of a client trying to reach it.
async fn start_at(builder: ZkServerBuilder, addr: SocketAddr) -> ZkServer {
    loop {
        match builder.clone().bind(addr).start().await {
            Err(StartError::AddressInUse { .. }) => tokio::time::sleep(Duration::from_millis(10)).await,
            result => return result.unwrap(),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_nodes_sessions_and_watches_of_clients() {
    let dir = tempfile::tempdir().unwrap();
    let server = builder(dir.path()).start().await.unwrap();
    let addr = server.local_addr();
    let client = zk::Client::connect(&addr.to_string()).await.unwrap();
    client.create("/p", b"data", &OPEN).await.unwrap();
    let (stat, _) = client.create("/e", b"", &EPHEMERAL).await.unwrap();
    let (_, _, changed) = client.get_and_watch_data("/p").await.unwrap();
    let mut states = client.state_watcher();
    server.shutdown().await.unwrap();
    // What a client asks before it has noticed is lost with the connection.
    assert_eq!(states.changed().await, zk::SessionState::Disconnected);

    let server = start_at(builder(dir.path()), addr).await;
    assert_eq!(client.get_data("/p").await.unwrap().0, b"data", "the client comes back by itself");
    assert_eq!(client.check_stat("/e").await.unwrap(), Some(stat), "and its session lives");
    let other = zk::Client::connect(&addr.to_string()).await.unwrap();
    other.set_data("/p", b"new", Some(0)).await.unwrap();
    assert_eq!(changed.changed().await.event_type, zk::EventType::NodeDataChanged);
    assert_eq!(server.sessions().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_nobody_continues_expires_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let tick = Duration::from_millis(250);
    let server = builder(dir.path()).tick_time(tick).start().await.unwrap();
    // On a busy machine a client with so short a timeout may need several attempts.
    while short_lived(&server, tick * 2).await.is_err() {}
    server.shutdown().await.unwrap();
    let server = builder(dir.path()).tick_time(tick).start().await.unwrap();
    let watcher = zk::Client::connect(&server.connect_string()).await.unwrap();
    let (stat, deleted) = watcher.check_and_watch_stat("/e").await.unwrap();
    if stat.is_some() {
        assert_eq!(deleted.changed().await.event_type, zk::EventType::NodeDeleted);
    }
}

/// Leaves a session with an ephemeral node that nobody will continue.
async fn short_lived(server: &ZkServer, timeout: Duration) -> Result<(), zk::Error> {
    let connector = zk::Client::connector().with_session_timeout(timeout).with_detached();
    let client = connector.connect(&server.connect_string()).await?;
    client.create("/e", b"", &EPHEMERAL).await.map(drop)
}

/// Not a test of its own: the server process that the next test kills.
#[test]
fn child_process() {
    let Some(dir) = std::env::var_os("ZK_SERVER_CHILD_DIR") else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let server = builder(Path::new(&dir)).snapshot_every(20).start().await.unwrap();
        eprintln!("listening on {}", server.local_addr());
        std::future::pending::<()>().await;
    });
}

fn spawn_child(dir: &Path) -> (Child, SocketAddr) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_process", "--nocapture"])
        .env("ZK_SERVER_CHILD_DIR", dir)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = lines.find(|line| line.as_ref().unwrap().contains("listening on ")).unwrap().unwrap();
    let addr = line.rsplit(' ').next().unwrap().parse().unwrap();
    (child, addr)
}

/// What writers know of the nodes of one round.
#[derive(Default)]
struct Progress {
    /// Writes that were acknowledged.
    count: usize,
    /// Of each node: what was acknowledged last, and what was on its way.
    nodes: BTreeMap<String, (usize, usize)>,
}

/// Writes to a few nodes until the server is gone.
async fn write(addr: SocketAddr, writer: String, progress: Arc<watch::Sender<Progress>>) {
    let Ok(client) = zk::Client::connect(&addr.to_string()).await else { return };
    for number in 1usize.. {
        let path = format!("/{writer}-node-{}", number % 7);
        let acknowledged = progress.borrow().nodes.get(&path).map_or(0, |(acknowledged, _)| *acknowledged);
        progress.send_modify(|progress| {
            progress.nodes.insert(path.clone(), (acknowledged, number));
        });
        let data = number.to_string().into_bytes();
        let written = if acknowledged == 0 {
            client.create(&path, &data, &OPEN).await.map(drop)
        } else {
            client.set_data(&path, &data, None).await.map(drop)
        };
        if written.is_err() {
            return;
        }
        progress.send_modify(|progress| {
            progress.nodes.insert(path, (number, number));
            progress.count += 1;
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_moment_loses_nothing_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut all = BTreeMap::new();
    // Some rounds end within the first writes, some amid snapshots.
    for (round, writes) in [1, 7, 19, 20, 21, 60, 133].into_iter().enumerate() {
        let (mut child, addr) = spawn_child(dir.path());
        let (progress, mut seen) = watch::channel(Progress::default());
        let progress = Arc::new(progress);
        let start = |name| tokio::spawn(write(addr, format!("round-{round}-{name}"), Arc::clone(&progress)));
        let writers = ["one", "other"].map(start);
        seen.wait_for(|progress| progress.count >= writes).await.unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        for writer in writers {
            writer.abort();
            let _ = writer.await; // it was aborted, or had noticed the end
        }
        all.append(&mut progress.send_replace(Progress::default()).nodes);
        check_all(dir.path(), &all).await;
    }
    let snapshots = std::fs::read_dir(dir.path()).unwrap();
    let is_snapshot = |name: &OsString| name.to_string_lossy().starts_with("snapshot.");
    assert!(snapshots.map(|file| file.unwrap().file_name()).any(|name| is_snapshot(&name)));
}

/// Every node must hold what was acknowledged last, or what was on its way then.
async fn check_all(dir: &Path, nodes: &BTreeMap<String, (usize, usize)>) {
    let server = builder(dir).start().await.unwrap();
    let client = zk::Client::connect(&server.connect_string()).await.unwrap();
    for (path, (acknowledged, on_its_way)) in nodes {
        match client.get_data(path).await {
            Ok((data, _)) => {
                let found: usize = String::from_utf8(data).unwrap().parse().unwrap();
                assert!([acknowledged, on_its_way].contains(&&found), "{path}: {acknowledged} {found}");
            }
            Err(zk::Error::NoNode) => assert_eq!(*acknowledged, 0, "{path} is gone"),
            Err(error) => panic!("{path}: {error}"),
        }
    }
    server.shutdown().await.unwrap();
}

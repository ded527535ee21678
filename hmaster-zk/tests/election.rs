//! Masters in processes of their own that are killed, stopped and cut off, against the embedded server.
//!
//! A child is this test binary again, told by the environment to be a master. As long as its lease is valid it acts, that
//! is, it writes the time by the boot clock, taken before it asked its lease, into its log.

#![expect(clippy::unwrap_used, reason = "what is unwrapped here is what the test has made")]

#[path = "tcp/proxy.rs"]
mod proxy;

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use hmaster_types::Chance;
use hmaster_zk::{
    BootClock, Elector, ElectorConfig, End, LeaseLoss, MasterInfo, MonotonicClock as _, Role, ZkConfig,
    ZkWatcher,
};
use hmaster_zk_server::ZkServer;
use proxy::Proxy;
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(60);
/// Of the masters' sessions: long enough that a busy machine doesn't lose them.
const SESSION: Duration = Duration::from_secs(5);

const SERVERS: &str = "ELECTION_TEST_SERVERS";
const NAME: &str = "ELECTION_TEST_NAME";
const LOG: &str = "ELECTION_TEST_LOG";

async fn server() -> ZkServer {
    let tick = Duration::from_millis(250);
    ZkServer::builder().tick_time(tick).max_session_timeout(PATIENCE).start().await.unwrap()
}

async fn watcher(servers: &str, name: &str) -> ZkWatcher {
    let config = ZkConfig::from_lookup(|key| match key {
        "hbase.zookeeper.quorum" => Some(servers.to_owned()),
        "zookeeper.session.timeout" => Some(SESSION.as_millis().to_string()),
        _ => None,
    });
    let zk = ZkWatcher::connect(&config.unwrap(), name, Chance::from_entropy()).await.unwrap();
    zk.create_base_znodes().await.unwrap();
    zk
}

async fn elector(servers: &str, name: &str) -> (ZkWatcher, Elector) {
    let zk = watcher(servers, name).await;
    let me = MasterInfo { server: name.parse().unwrap(), info_port: None };
    let config = ElectorConfig { me, backup: false, clock: Arc::new(BootClock) };
    (zk.clone(), Elector::start(zk, config))
}

/// What a child does: not a test, but the only way into this binary.
#[tokio::test]
#[ignore = "the body of a child process"]
async fn child() {
    let Some(servers) = std::env::var_os(SERVERS) else { return };
    let name = std::env::var(NAME).unwrap();
    let mut log = OpenOptions::new().create(true).append(true).open(std::env::var(LOG).unwrap()).unwrap();
    let (_zk, elector) = elector(servers.to_str().unwrap(), &name).await;
    let role = elector.active().await.unwrap();
    loop {
        let before = BootClock.now();
        if let Some(loss) = role.lease.loss() {
            writeln!(log, "LOST {loss:?}").unwrap();
            break;
        }
        writeln!(log, "{}", before.as_millis()).unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let end = timeout(PATIENCE, elector.ended()).await.unwrap();
    writeln!(log, "ENDED {end}").unwrap();
}

/// A master in a process of its own, killed when dropped.
struct Master {
    process: Child,
    log: PathBuf,
}

impl Master {
    fn start(servers: &str, name: &str, folder: &Path) -> Self {
        let log = folder.join(name);
        let process = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "child", "--nocapture"])
            .env(SERVERS, servers)
            .env(NAME, name)
            .env(LOG, &log)
            .stdout(Stdio::null())
            .stderr(Stdio::from(File::create(folder.join("stderr")).unwrap()))
            .spawn()
            .unwrap();
        Self { process, log }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until its log says so.
    async fn says(&self, what: &str) {
        let seen = async {
            while !self.log().contains(what) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, seen).await.unwrap_or_else(|_| panic!("no {what:?} in {}", self.log()));
    }

    /// When it last acted.
    fn last_act(&self) -> Duration {
        let acts = self.log().lines().filter_map(|line| line.parse().ok()).next_back();
        Duration::from_millis(acts.expect("it acted"))
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Two masters, of which the first is a child and active, over a network that can be cut.
struct Bench {
    _folder: tempfile::TempDir,
    _server: ZkServer,
    network: Proxy,
    first: Master,
    _second_zk: ZkWatcher,
    second: Elector,
}

impl Bench {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = server().await;
        let network = Proxy::start(server.local_addr()).await;
        let first = Master::start(&network.connect_string(), "first,16000,1", folder.path());
        first.says("\n").await;
        let (zk, second) = elector(&server.connect_string(), "second,16000,2").await;
        let mut role = second.role();
        let waits = role.wait_for(|role| matches!(role, Role::Waiting { active: Some(_) }));
        timeout(PATIENCE, waits).await.expect("waits for the first").unwrap();
        Self { _folder: folder, _server: server, network, first, _second_zk: zk, second }
    }

    /// Waits until the second master is active, and gives a moment before it was.
    async fn taken_over(&self) -> Duration {
        let role = timeout(PATIENCE, self.second.active()).await.expect("takes over").unwrap();
        // The lease counts from before the request that made the znode.
        let terms = hmaster_zk::LeaseTerms::of(self._second_zk.zk.session().timeout());
        (BootClock.now() + role.lease.remaining()).checked_sub(terms.length).unwrap()
    }
}

#[tokio::test]
async fn a_killed_master_is_replaced() {
    let mut bench = Bench::start().await;
    bench.first.process.kill().unwrap();
    let taken_over = bench.taken_over().await;
    assert!(bench.first.last_act() < taken_over);
}

#[tokio::test]
async fn a_suspended_master_acts_no_more_when_it_comes_back() {
    let bench = Bench::start().await;
    bench.first.signal(Signal::STOP);
    let taken_over = bench.taken_over().await;
    bench.first.signal(Signal::CONT);
    bench.first.says("ENDED").await;
    assert!(bench.first.last_act() < taken_over, "two masters acted");
    assert!(bench.first.log().contains(&format!("LOST {:?}", LeaseLoss::RanOut)), "{}", bench.first.log());
}

#[tokio::test]
async fn a_cut_off_master_stops_before_it_is_replaced() {
    let bench = Bench::start().await;
    bench.network.swallow();
    let taken_over = bench.taken_over().await;
    bench.network.open();
    bench.first.says("ENDED").await;
    assert!(bench.first.last_act() < taken_over, "two masters acted");
    assert!(bench.first.log().contains(&format!("LOST {:?}", LeaseLoss::RanOut)), "{}", bench.first.log());
}

#[tokio::test]
async fn a_master_survives_a_short_pause() {
    let bench = Bench::start().await;
    for _ in 0..3 {
        bench.first.signal(Signal::STOP);
        tokio::time::sleep(SESSION / 10).await;
        bench.first.signal(Signal::CONT);
        let paused = BootClock.now();
        let acts_again = async {
            while bench.first.last_act() <= paused {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, acts_again).await.expect("acts again");
    }
    assert!(matches!(*bench.second.role().borrow(), Role::Waiting { .. }));
}

/// The server restarts, with its data: the session lives on and so does the active master.
#[tokio::test]
async fn a_restarted_server_is_no_reason_to_stop() {
    let folder = tempfile::tempdir().unwrap();
    let tick = Duration::from_millis(250);
    let builder =
        || ZkServer::builder().data_dir(folder.path()).tick_time(tick).max_session_timeout(PATIENCE);
    let server = builder().start().await.unwrap();
    let addr = server.local_addr();
    let (_zk, one) = elector(&server.connect_string(), "one,16000,1").await;
    let role = timeout(PATIENCE, one.active()).await.unwrap().unwrap();
    server.shutdown().await.unwrap();
    let _server = builder().bind(addr).start().await.unwrap();
    tokio::time::sleep(SESSION).await;
    assert!(role.lease.valid(), "{:?}", role.lease.loss());
    assert_eq!(one.stop().await, End::Stopped);
}

//! Masters in processes of their own that are killed, stopped and cut off.
//!
//! A child is the test binary again, told by the environment to be a master; the binary has a test called `child` for it.
//! As long as its lease is valid a child acts, that is, it writes the time by the boot clock, taken before it asked its
//! lease, into its log.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use hmaster_types::Chance;
use hmaster_zk::{
    BootClock, Elector, ElectorConfig, LeaseLoss, LeaseTerms, MasterInfo, MonotonicClock as _, Role,
    ZkConfig, ZkWatcher,
};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::timeout;

use crate::proxy::Proxy;

/// Long enough for anything that is going to happen at all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Of the masters' sessions: long enough that a busy machine doesn't lose them.
pub(crate) const SESSION: Duration = Duration::from_secs(5);

const SERVERS: &str = "ELECTION_TEST_SERVERS";
const NAME: &str = "ELECTION_TEST_NAME";
const LOG: &str = "ELECTION_TEST_LOG";

/// A master's way to its cluster in ZooKeeper.
pub(crate) async fn watcher(servers: &str, name: &str) -> ZkWatcher {
    let config = ZkConfig::from_lookup(|key| match key {
        "hbase.zookeeper.quorum" => Some(servers.to_owned()),
        "zookeeper.session.timeout" => Some(SESSION.as_millis().to_string()),
        _ => None,
    });
    let zk = ZkWatcher::connect(&config.unwrap(), name, Chance::from_entropy()).await.unwrap();
    zk.create_base_znodes().await.unwrap();
    zk
}

/// A master that takes part in the election.
pub(crate) async fn elector(servers: &str, name: &str) -> (ZkWatcher, Elector) {
    let zk = watcher(servers, name).await;
    let me = MasterInfo { server: name.parse().unwrap(), info_port: None };
    let config = ElectorConfig::new(me, Arc::new(BootClock));
    (zk.clone(), Elector::start(zk, config))
}

/// What a child does, if this process is one.
pub(crate) async fn be_a_child() {
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
pub(crate) struct Bench {
    _folder: tempfile::TempDir,
    network: Proxy,
    first: Master,
    second_zk: ZkWatcher,
    second: Elector,
}

impl Bench {
    pub(crate) async fn start(server: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let network = Proxy::start(server).await;
        let first = Master::start(&network.connect_string(), "first,16000,1", folder.path());
        first.says("\n").await;
        let (zk, second) = elector(&server.to_string(), "second,16000,2").await;
        let mut role = second.role();
        let waits = role.wait_for(|role| matches!(role, Role::Waiting { active: Some(_) }));
        timeout(PATIENCE, waits).await.expect("waits for the first").unwrap();
        Self { _folder: folder, network, first, second_zk: zk, second }
    }

    /// Waits until the second master is active, and gives a moment before it was.
    async fn taken_over(&self) -> Duration {
        let role = timeout(PATIENCE, self.second.active()).await.expect("takes over").unwrap();
        // The lease counts from before the request that made the znode.
        let terms = LeaseTerms::of(self.second_zk.zk.session().timeout());
        (BootClock.now() + role.lease.remaining()).checked_sub(terms.length).unwrap()
    }
}

/// A master is killed.
pub(crate) async fn a_killed_master_is_replaced(server: SocketAddr) {
    let mut bench = Bench::start(server).await;
    bench.first.process.kill().unwrap();
    let taken_over = bench.taken_over().await;
    assert!(bench.first.last_act() < taken_over);
}

/// A master is stopped for longer than its session, and goes on.
pub(crate) async fn a_suspended_master_acts_no_more_when_it_comes_back(server: SocketAddr) {
    let bench = Bench::start(server).await;
    bench.first.signal(Signal::STOP);
    let taken_over = bench.taken_over().await;
    bench.first.signal(Signal::CONT);
    bench.first.says("ENDED").await;
    assert!(bench.first.last_act() < taken_over, "two masters acted");
    assert!(bench.first.log().contains(&format!("LOST {:?}", LeaseLoss::RanOut)), "{}", bench.first.log());
}

/// No packet gets through to or from a master.
pub(crate) async fn a_cut_off_master_stops_before_it_is_replaced(server: SocketAddr) {
    let bench = Bench::start(server).await;
    bench.network.swallow();
    let taken_over = bench.taken_over().await;
    bench.network.open();
    bench.first.says("ENDED").await;
    assert!(bench.first.last_act() < taken_over, "two masters acted");
    assert!(bench.first.log().contains(&format!("LOST {:?}", LeaseLoss::RanOut)), "{}", bench.first.log());
}

/// A master is stopped for a moment, several times.
pub(crate) async fn a_master_survives_a_short_pause(server: SocketAddr) {
    let bench = Bench::start(server).await;
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

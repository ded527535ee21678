//! Masters that take part in an election on the ensemble in memory, with every fault at every operation.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use hmaster_types::{Chance, ManualClock};
use tokio::time::{Instant, timeout};

use super::*;
use crate::codec::{MasterSession, Payload as _};
use crate::config::ZkConfig;
use crate::lease::TokioClock;
use crate::memory::{Fault, Faults, MemorySession, MemoryZooKeeper};
use crate::session::{SessionState, ZkSession as _};
use crate::tracker::{BackupMasterTracker, ClusterStatusTracker, MasterAddressTracker};
use crate::watcher::ZkWatcher;
use crate::znode::CreateMode;

const TIMEOUT: Duration = Duration::from_secs(30);

/// One master's session and its part in the election.
pub(super) struct Candidate {
    pub(super) session: Arc<MemorySession>,
    pub(super) elector: Elector,
}

/// A cluster whose base znodes are there.
pub(super) struct Bench {
    pub(super) ensemble: MemoryZooKeeper,
    pub(super) admin: ZkWatcher,
    config: ZkConfig,
}

impl Bench {
    pub(super) async fn new(seed: u64) -> Self {
        let ensemble = MemoryZooKeeper::new(Chance::seeded(seed));
        let config = ZkConfig::from_lookup(|_| None).unwrap();
        let session = ensemble.connect(TIMEOUT, Faults::NONE);
        let admin = ZkWatcher::new(session, "admin", Chance::seeded(9), &config);
        admin.create_base_znodes().await.unwrap();
        Self { ensemble, admin, config }
    }

    pub(super) fn start(&self, name: &str, backup: bool, faults: Faults) -> Candidate {
        let session = self.ensemble.connect(TIMEOUT, faults);
        self.start_with(session, name, backup)
    }

    fn start_with(&self, session: Arc<MemorySession>, name: &str, backup: bool) -> Candidate {
        let chance = Chance::seeded(session.id().0 as u64);
        let zk = ZkWatcher::new(Arc::clone(&session) as _, name, chance, &self.config);
        let config =
            ElectorConfig { backup, ..ElectorConfig::new(master(name), Arc::new(TokioClock::start())) };
        Candidate { session, elector: Elector::start(zk, config) }
    }

    /// Puts a znode `master` there that belongs to a session of its own, which is given.
    async fn occupy(&self, payload: &[u8]) -> Arc<MemorySession> {
        let session = self.ensemble.connect(TIMEOUT, Faults::NONE);
        let zk = ZkWatcher::new(Arc::clone(&session) as _, "other", Chance::seeded(3), &self.config);
        zk.create("/hbase/master", payload, CreateMode::Ephemeral).await.unwrap();
        session
    }

    async fn active_name(&self) -> Option<ServerName> {
        let master = MasterAddressTracker::get(&self.admin).await.unwrap()?;
        Some(master.unwrap().server)
    }

    fn backups(&self) -> Vec<String> {
        self.ensemble.children("/hbase/backup-masters").unwrap()
    }
}

pub(super) fn master(name: &str) -> MasterInfo {
    MasterInfo { server: name.parse().unwrap(), info_port: Some(16010) }
}

async fn waits_for(candidate: &Candidate, active: Option<&str>) {
    let expected = active.map(|name| name.parse::<ServerName>().unwrap());
    let mut role = candidate.elector.role();
    let is = |role: &Role| matches!(role, Role::Waiting { active } if *active == expected);
    timeout(TIMEOUT * 3, role.wait_for(is)).await.expect("waits").unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_master_becomes_active_and_leaves_no_trace_when_it_stops() {
    let bench = Bench::new(1).await;
    let start = Instant::now();
    let one = bench.start("one,16000,1", false, Faults::NONE);
    let role = one.elector.active().await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO, "nobody sleeps");
    assert!(role.lease.valid());
    assert_eq!(bench.active_name().await, Some("one,16000,1".parse().unwrap()));
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(bench.backups(), Vec::<String>::new());
    assert_eq!(one.elector.stop().await, End::Stopped);
    assert_eq!(role.lease.loss(), Some(LeaseLoss::GivenUp));
    assert_eq!(bench.active_name().await, None);
    assert_eq!(bench.ensemble.children("/hbase/backup-masters").unwrap(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_backup_is_listed_and_takes_over_at_once() {
    let bench = Bench::new(1).await;
    let one = bench.start("one,16000,1", false, Faults::NONE);
    let first = one.elector.active().await.unwrap();
    let two = bench.start("two,16000,2", false, Faults::NONE);
    waits_for(&two, Some("one,16000,1")).await;
    let listed = BackupMasterTracker::new(bench.admin.clone()).next().await.unwrap();
    assert_eq!(listed, [master("two,16000,2")]);
    let start = Instant::now();
    one.elector.stop().await;
    let second = two.elector.active().await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO, "by the event, not by a timer");
    assert!(!first.lease.valid() && second.lease.valid());
    assert!(second.epoch > first.epoch);
}

#[tokio::test(start_paused = true)]
async fn a_stop_leaves_anothers_znode_alone() {
    let bench = Bench::new(1).await;
    let one = bench.start("one,16000,1", false, Faults::NONE);
    one.elector.active().await.unwrap();
    let two = bench.start("two,16000,2", false, Faults::NONE);
    waits_for(&two, Some("one,16000,1")).await;
    assert_eq!(two.elector.stop().await, End::Stopped);
    assert_eq!(bench.active_name().await, Some("one,16000,1".parse().unwrap()));
    assert_eq!(bench.backups(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_former_life_is_not_waited_for() {
    let bench = Bench::new(1).await;
    let _former = bench.occupy(&master("one,16000,1").encode()).await;
    let start = Instant::now();
    let one = bench.start("one,16000,2", false, Faults::NONE);
    one.elector.active().await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(bench.active_name().await, Some("one,16000,2".parse().unwrap()));
}

/// The former life's session ends, and another master takes its place, at any moment of its removal.
#[tokio::test(start_paused = true)]
async fn a_successor_of_a_former_life_is_not_removed_in_its_stead() {
    for moment in 0..60 {
        let bench = Bench::new(moment).await;
        let former = bench.occupy(&master("one,16000,1").encode()).await;
        let slow = Faults { delay_max: Duration::from_millis(10), ..Faults::NONE };
        let one = bench.start("one,16000,2", false, slow);
        tokio::time::sleep(Duration::from_millis(moment)).await;
        former.close().await;
        let two = bench.start("two,16000,1", false, Faults::NONE);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let active =
            [&one, &two].map(|candidate| matches!(*candidate.elector.role().borrow(), Role::Active(_)));
        assert_eq!(active.into_iter().filter(|active| *active).count(), 1, "moment {moment}");
        let ended =
            [&one, &two].map(|candidate| matches!(*candidate.elector.role().borrow(), Role::Ended(_)));
        assert_eq!(ended, [false, false], "moment {moment}: somebody was deposed");
    }
}

#[tokio::test(start_paused = true)]
async fn a_former_life_that_can_not_be_deleted_is_waited_for_without_haste() {
    let bench = Bench::new(1).await;
    bench.admin.put("/hbase/master", &master("one,16000,1").encode()).await.unwrap();
    bench.admin.put("/hbase/master/child", b"x").await.unwrap();
    let one = bench.start("one,16000,2", false, Faults::NONE);
    waits_for(&one, Some("one,16000,1")).await;
    let before = bench.ensemble.operations(one.session.id());
    tokio::time::sleep(TIMEOUT * 10).await;
    let tries = bench.ensemble.operations(one.session.id()) - before;
    assert!((10..60).contains(&tries), "{tries} operations in ten timeouts");
    bench.admin.zk.delete("/hbase/master/child", None).await.unwrap();
    one.elector.active().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_znode_is_waited_for_without_haste() {
    for garbage in [&b"garbage"[..], b"PBUF\xff", b"", b"PBUF"] {
        let bench = Bench::new(1).await;
        let holder = bench.occupy(garbage).await;
        let one = bench.start("one,16000,1", false, Faults::NONE);
        waits_for(&one, None).await;
        tokio::time::sleep(TIMEOUT * 10).await;
        assert!(bench.ensemble.operations(one.session.id()) < 60);
        assert!(one.elector.active().now_or_never().is_none());
        holder.close().await;
        one.elector.active().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_backup_by_wish_lets_another_go_first() {
    let bench = Bench::new(1).await;
    let two = bench.start("two,16000,2", true, Faults::NONE);
    tokio::time::sleep(TIMEOUT * 10).await;
    waits_for(&two, None).await;
    assert_eq!(bench.backups(), ["two,16000,2"]);
    let one = bench.start("one,16000,1", false, Faults::NONE);
    one.elector.active().await.unwrap();
    waits_for(&two, Some("one,16000,1")).await;
    one.elector.stop().await;
    two.elector.active().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_goes_down_takes_its_waiting_masters_along() {
    let clock = ManualClock::at(0);
    for reset in [false, true] {
        let bench = Bench::new(1).await;
        ClusterStatusTracker::set_up(&bench.admin, &clock).await.unwrap();
        let one = bench.start("one,16000,1", false, Faults::NONE);
        one.elector.active().await.unwrap();
        let two = bench.start("two,16000,2", false, Faults::NONE);
        waits_for(&two, Some("one,16000,1")).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
        if reset {
            bench.ensemble.partition(two.session.id());
        }
        ClusterStatusTracker::set_down(&bench.admin).await.unwrap();
        one.elector.stop().await;
        bench.ensemble.heal(two.session.id());
        assert_eq!(two.elector.ended().await, End::ClusterDown, "reset: {reset}");
        assert_eq!(bench.active_name().await, None);
        assert_eq!(bench.backups(), Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_was_down_before_is_a_new_one() {
    let bench = Bench::new(1).await;
    let one = bench.start("one,16000,1", false, Faults::NONE);
    one.elector.active().await.unwrap();
    let two = bench.start("two,16000,2", false, Faults::NONE);
    waits_for(&two, Some("one,16000,1")).await;
    one.elector.stop().await;
    two.elector.active().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_active_master_whose_znode_is_taken_stops() {
    let bench = Bench::new(1).await;
    let one = bench.start("one,16000,1", false, Faults::NONE);
    let role = one.elector.active().await.unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    bench.admin.zk.delete("/hbase/master", None).await.unwrap();
    assert_eq!(role.lease.lost().await, LeaseLoss::Deposed);
    assert_eq!(one.elector.ended().await, End::Lost(LeaseLoss::Deposed));
}

/// The znode is replaced while the connection is away, so that there is no deletion to hear of.
#[tokio::test(start_paused = true)]
async fn an_active_master_whose_znode_was_replaced_unseen_stops() {
    let bench = Bench::new(1).await;
    let one = bench.start("one,16000,1", false, Faults::NONE);
    let role = one.elector.active().await.unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    bench.ensemble.partition(one.session.id());
    bench.admin.zk.delete("/hbase/master", None).await.unwrap();
    bench.admin.put("/hbase/master", &master("one,16000,1").encode()).await.unwrap();
    tokio::time::sleep(TIMEOUT / 10).await;
    bench.ensemble.heal(one.session.id());
    assert_eq!(role.lease.lost().await, LeaseLoss::Deposed);
}

#[tokio::test(start_paused = true)]
async fn a_partitioned_master_stops_before_its_successor_starts() {
    for seed in 0..50 {
        let bench = Bench::new(seed).await;
        let one = bench.start("one,16000,1", false, Faults::NONE);
        let first = one.elector.active().await.unwrap();
        let two = bench.start("two,16000,2", false, Faults::NONE);
        waits_for(&two, Some("one,16000,1")).await;
        tokio::time::sleep(Duration::from_millis(seed * 137)).await;
        bench.ensemble.partition(one.session.id());
        let lost = tokio::spawn({
            let first = first.clone();
            async move { (first.lease.lost().await, Instant::now()) }
        });
        two.elector.active().await.unwrap();
        let (loss, at) = lost.now_or_never().expect("lost before").unwrap();
        assert_eq!(loss, LeaseLoss::RanOut);
        assert!(at + TIMEOUT / 20 < Instant::now(), "seed {seed}: hardly before");
        assert_eq!(one.elector.ended().await, End::Lost(LeaseLoss::RanOut));
    }
}

#[tokio::test(start_paused = true)]
async fn an_expired_session_ends_it_for_good() {
    let bench = Bench::new(1).await;
    let one = bench.start("one,16000,1", false, Faults::NONE);
    one.elector.active().await.unwrap();
    let two = bench.start("two,16000,2", false, Faults::NONE);
    waits_for(&two, Some("one,16000,1")).await;
    for candidate in [&one, &two] {
        bench.ensemble.expire(candidate.session.id());
        let expired = End::Lost(LeaseLoss::SessionOver(SessionState::Expired));
        assert_eq!(candidate.elector.ended().await, expired);
        assert!(matches!(candidate.elector.active().await, Err(end) if end == expired));
    }
    assert_eq!(bench.active_name().await, None);
}

#[tokio::test(start_paused = true)]
async fn an_active_master_whose_process_is_gone_is_not_waited_for() {
    let bench = Bench::new(1).await;
    let gone = bench.start("gone,16000,1", false, Faults::NONE);
    let first = gone.elector.active().await.unwrap();
    let one = bench.start("one,16000,1", false, Faults::NONE);
    waits_for(&one, Some("gone,16000,1")).await;
    bench.ensemble.partition(gone.session.id());
    let start = Instant::now();
    one.elector.process_gone("gone,16000,1".parse().unwrap());
    one.elector.active().await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert!(!bench.ensemble.is_kept(gone.session.id()));
    // What the new master has left is its own.
    tokio::time::sleep(Duration::from_millis(1)).await;
    let left = bench.admin.get("/hbase/hmaster-session").await.unwrap().unwrap();
    assert_eq!(left.stat.ephemeral_owner, Some(one.session.id()));
    drop(first);
}

/// It lives after all: nobody could connect to it, but it still has its connection to ZooKeeper.
#[tokio::test(start_paused = true)]
async fn a_living_master_whose_session_was_ended_stops_at_once() {
    let bench = Bench::new(1).await;
    let living = bench.start("living,16000,1", false, Faults::NONE);
    let first = living.elector.active().await.unwrap();
    let one = bench.start("one,16000,1", false, Faults::NONE);
    waits_for(&one, Some("living,16000,1")).await;
    one.elector.process_gone("living,16000,1".parse().unwrap());
    let start = Instant::now();
    assert_eq!(first.lease.lost().await, LeaseLoss::SessionOver(SessionState::Expired));
    assert!(start.elapsed() < Duration::from_secs(1), "after {:?}", start.elapsed());
    one.elector.active().await.unwrap();
}

/// A Java master leaves nothing; what another master left, or what can't be read, ends nobody's session.
#[tokio::test(start_paused = true)]
async fn a_session_that_was_not_left_for_this_is_waited_for() {
    let credentials = |session: &Arc<MemorySession>| session.credentials().unwrap();
    for left in ["nothing", "garbage", "another's", "in another session"] {
        let bench = Bench::new(1).await;
        let holder = bench.occupy(&master("other,16000,1").encode()).await;
        let stranger = bench.ensemble.connect(TIMEOUT, Faults::NONE);
        let leave = |owner: &Arc<MemorySession>, name: &str, of: &Arc<MemorySession>| {
            let zk = ZkWatcher::new(Arc::clone(owner) as _, "other", Chance::seeded(3), &bench.config);
            let server = name.parse().unwrap();
            let payload = MasterSession { server, credentials: credentials(of), address: None }.encode();
            async move { zk.create("/hbase/hmaster-session", &payload, CreateMode::Ephemeral).await.unwrap() }
        };
        match left {
            "garbage" => bench.admin.put("/hbase/hmaster-session", b"HMSN\x01garbage").await.unwrap(),
            "another's" => drop(leave(&stranger, "other,16000,1", &stranger).await),
            "in another session" => drop(leave(&stranger, "other,16000,1", &holder).await),
            _ => {}
        }
        let one = bench.start("one,16000,1", false, Faults::NONE);
        waits_for(&one, Some("other,16000,1")).await;
        one.elector.process_gone("other,16000,1".parse().unwrap());
        tokio::time::sleep(TIMEOUT).await;
        for session in [&holder, &stranger] {
            assert!(bench.ensemble.is_kept(session.id()), "{left}");
        }
        assert!(one.elector.active().now_or_never().is_none(), "{left}");
        holder.close().await;
        one.elector.active().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_elector_acts_no_more() {
    let bench = Bench::new(1).await;
    let one = bench.start("one,16000,1", false, Faults::NONE);
    let role = one.elector.active().await.unwrap();
    drop(one.elector);
    assert_eq!(role.lease.lost().await, LeaseLoss::GivenUp);
}

/// Becoming active alone, and taking over, with each fault at each operation: whoever isn't active afterwards left no
/// znode that says so, and who only lost a connection is active.
#[tokio::test(start_paused = true)]
async fn every_fault_at_every_operation() {
    for takeover in [false, true] {
        for fault in Fault::ALL {
            for operation in 0..12 {
                let what = format!("takeover {takeover}, {fault:?} at operation {operation}");
                let bench = Bench::new(operation).await;
                let holder = bench.occupy(&master("other,16000,1").encode()).await;
                let session = bench.ensemble.connect(TIMEOUT, Faults::NONE);
                if !takeover {
                    holder.close().await;
                }
                bench.ensemble.plan(session.id(), operation, fault);
                let one = bench.start_with(session, "one,16000,1", false);
                if takeover {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    holder.close().await;
                }
                let outcome = timeout(TIMEOUT, one.elector.active()).await.expect(&what);
                tokio::time::sleep(TIMEOUT * 2).await;
                let still = matches!(*one.elector.role().borrow(), Role::Active(_));
                let expires = matches!(fault, Fault::ExpireBefore | Fault::ExpireAfter);
                let reached = bench.ensemble.operations(one.session.id()) > operation;
                assert_eq!(still, !(expires && reached), "{what}: {outcome:?}");
                assert_eq!(bench.active_name().await.is_some(), still, "{what}");
                assert_eq!(bench.backups(), Vec::<String>::new(), "{what}");
                if let Ok(role) = outcome {
                    assert_eq!(role.lease.valid(), still, "{what}");
                }
            }
        }
    }
}

/// Stopping, with each loss at each operation.
#[tokio::test(start_paused = true)]
async fn a_stop_survives_lost_connections() {
    for fault in [Fault::LoseRequest, Fault::LoseReply] {
        for operation in 0..4 {
            let bench = Bench::new(1).await;
            let one = bench.start("one,16000,1", false, Faults::NONE);
            one.elector.active().await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
            bench.ensemble.plan(one.session.id(), operation, fault);
            assert_eq!(one.elector.stop().await, End::Stopped);
            assert_eq!(bench.active_name().await, None, "{fault:?} at {operation}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_without_zookeeper_does_not_hang() {
    let bench = Bench::new(1).await;
    let one = bench.start("one,16000,1", false, Faults::NONE);
    one.elector.active().await.unwrap();
    bench.ensemble.partition(one.session.id());
    let start = Instant::now();
    assert_eq!(one.elector.stop().await, End::Stopped);
    assert!(start.elapsed() < TIMEOUT);
}

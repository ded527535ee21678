//! Trackers against an ensemble that loses connections and events: what they give converges to what is there, and no
//! change is invented.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use hmaster_types::{Chance, ManualClock, ServerName};
use tokio::time::timeout;

use super::*;
use crate::codec::{MasterInfo, Payload as _, RegionServerInfo};
use crate::config::ZkConfig;
use crate::error::ZkErrorKind;
use crate::memory::{Fault, Faults, MemorySession, MemoryZooKeeper};
use crate::session::ZkSession as _;
use crate::watcher::ZkWatcher;
use crate::znode::CreateMode;

const TIMEOUT: Duration = Duration::from_secs(30);

/// An ensemble with two sessions: one that follows, and an administrator's that no fault touches.
struct Bench {
    ensemble: MemoryZooKeeper,
    session: Arc<MemorySession>,
    zk: ZkWatcher,
    admin: ZkWatcher,
}

async fn bench(seed: u64, faults: Faults) -> Bench {
    let chance = Chance::seeded(seed);
    let ensemble = MemoryZooKeeper::new(chance.fork());
    let config = ZkConfig::from_lookup(|_| None).unwrap();
    let watcher = |session: &Arc<MemorySession>| {
        ZkWatcher::new(Arc::clone(session) as _, "master:16000", chance.fork(), &config)
    };
    let admin = watcher(&ensemble.connect(TIMEOUT, Faults::NONE));
    admin.create_base_znodes().await.unwrap();
    let session = ensemble.connect(TIMEOUT, faults);
    let zk = watcher(&session);
    Bench { ensemble, session, zk, admin }
}

fn server(number: usize) -> ServerName {
    format!("host-{number},16020,1700000000000").parse().unwrap()
}

fn path(server: &ServerName) -> String {
    format!("/hbase/rs/{server}")
}

fn servers(numbers: &[usize]) -> BTreeSet<ServerName> {
    numbers.iter().map(|number| server(*number)).collect()
}

async fn start_server(zk: &ZkWatcher, number: usize) {
    let info = RegionServerInfo { info_port: Some(16030), version: None };
    zk.create(&path(&server(number)), &info.encode(), CreateMode::Ephemeral).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn region_servers_come_and_go() {
    let bench = bench(1, Faults::NONE).await;
    let mut tracker = RegionServerTracker::new(bench.zk.clone());
    start_server(&bench.admin, 1).await;
    let first = tracker.next().await.unwrap();
    assert_eq!(first.added[&server(1)].as_ref().unwrap().info_port, Some(16030));
    assert!(tracker.next().now_or_never().is_none(), "nothing new");
    start_server(&bench.admin, 2).await;
    bench.admin.zk.delete(&path(&server(1)), None).await.unwrap();
    let change = tracker.next().await.unwrap();
    assert_eq!(change.added.into_keys().collect::<BTreeSet<_>>(), servers(&[2]));
    assert_eq!(change.removed, servers(&[1]));
    assert_eq!(tracker.live(), &servers(&[2]));
}

#[tokio::test(start_paused = true)]
async fn no_region_servers_is_an_answer() {
    let bench = bench(1, Faults::NONE).await;
    let mut tracker = RegionServerTracker::new(bench.zk.clone());
    assert_eq!(tracker.next().await.unwrap(), RegionServerChanges::default());
}

#[tokio::test(start_paused = true)]
async fn strange_children_hide_nobody() {
    let bench = bench(1, Faults::NONE).await;
    bench.admin.put("/hbase/rs/no server", b"x").await.unwrap();
    bench.admin.put(&path(&server(1)), b"garbage").await.unwrap();
    bench.admin.put(&path(&server(2)), b"").await.unwrap();
    let mut tracker = RegionServerTracker::new(bench.zk.clone());
    let added = tracker.next().await.unwrap().added;
    assert_eq!(added, BTreeMap::from([(server(1), None), (server(2), None)]));
}

/// Where Java would expire every server.
#[tokio::test(start_paused = true)]
async fn a_missing_parent_removes_nobody() {
    let bench = bench(1, Faults::NONE).await;
    start_server(&bench.admin, 1).await;
    let mut tracker = RegionServerTracker::new(bench.zk.clone());
    tracker.next().await.unwrap();
    bench.admin.delete_tree("/hbase/rs").await.unwrap();
    assert_eq!(tracker.next().await.unwrap_err().kind, ZkErrorKind::NoNode);
    assert_eq!(tracker.live(), &servers(&[1]));
    bench.admin.create_if_absent("/hbase/rs", b"").await.unwrap();
    assert_eq!(tracker.next().await.unwrap().removed, servers(&[1]), "now there is a list that lacks it");
}

/// Each operation of a change fails in each way; `next` is called until it succeeds.
#[tokio::test(start_paused = true)]
async fn a_change_survives_a_fault_at_every_operation() {
    for fault in [Fault::LoseRequest, Fault::LoseReply] {
        for operation in 0..6 {
            let bench = bench(1, Faults::NONE).await;
            start_server(&bench.admin, 1).await;
            let mut tracker = RegionServerTracker::new(bench.zk.clone());
            tracker.next().await.unwrap();
            bench.ensemble.plan(bench.session.id(), operation, fault);
            bench.admin.zk.delete(&path(&server(1)), None).await.unwrap();
            for number in 2..5 {
                start_server(&bench.admin, number).await;
            }
            follow_until(&mut tracker, &servers(&[2, 3, 4]), &mut BTreeSet::from([server(1)])).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_survives_being_given_up_at_every_moment() {
    for moment in 0..40 {
        let slow = Faults { delay_max: Duration::from_millis(10), ..Faults::NONE };
        let bench = bench(moment, slow).await;
        start_server(&bench.admin, 1).await;
        let mut tracker = RegionServerTracker::new(bench.zk.clone());
        let mut backups = BackupMasterTracker::new(bench.zk.clone());
        tracker.next().await.unwrap();
        assert_eq!(backups.next().await.unwrap(), []);
        bench.admin.zk.delete(&path(&server(1)), None).await.unwrap();
        start_server(&bench.admin, 2).await;
        let master = MasterInfo { server: server(9), info_port: None };
        bench.admin.put("/hbase/backup-masters/m", &master.encode()).await.unwrap();
        let _ = timeout(Duration::from_millis(moment), tracker.next()).await;
        let listed = timeout(Duration::from_millis(moment), backups.next()).await;
        // What was given up goes on at once: there is no event to wait for any more.
        let soon = Duration::from_secs(1);
        while tracker.live() != &servers(&[2]) {
            timeout(soon, tracker.next()).await.unwrap_or_else(|_| panic!("moment {moment}")).unwrap();
        }
        let listed = match listed {
            Ok(listed) => listed,
            Err(_) => timeout(soon, backups.next()).await.unwrap_or_else(|_| panic!("moment {moment}")),
        };
        assert_eq!(listed.unwrap(), [master], "moment {moment}");
    }
}

/// Follows until the view is `expected`. `gone` must hold every server that really went; each is reported once.
async fn follow_until(
    tracker: &mut RegionServerTracker,
    expected: &BTreeSet<ServerName>,
    gone: &mut BTreeSet<ServerName>,
) {
    while tracker.live() != expected {
        let before = tracker.live().clone();
        let changes = match tracker.next().await {
            Ok(changes) => changes,
            Err(error) if error.kind.is_outcome_unknown() => continue,
            Err(error) => panic!("{error}"),
        };
        for server in &changes.removed {
            assert!(before.contains(server) && gone.remove(server), "{server} did not go");
        }
        for server in changes.added.keys() {
            assert!(!before.contains(server), "{server} was there");
        }
    }
}

/// An event is lost, and what is read later hides from ZooKeeper that it was: only reading again helps.
#[tokio::test(start_paused = true)]
async fn a_lost_event_is_made_up_for_by_a_reconnect_or_in_time() {
    for reconnects in [false, true] {
        let bench = bench(1, Faults::NONE).await;
        let mut tracker = RegionServerTracker::new(bench.zk.clone());
        tracker.next().await.unwrap();
        let lossy = Faults { event_loss_probability: 1.0, ..Faults::NONE };
        bench.ensemble.set_faults(bench.session.id(), lossy);
        start_server(&bench.admin, 1).await;
        bench.zk.get("/hbase").await.unwrap();
        assert!(tracker.next().now_or_never().is_none());
        if reconnects {
            tokio::spawn({
                let (ensemble, session) = (bench.ensemble.clone(), bench.session.id());
                async move { ensemble.reset(session) }
            });
        }
        let patience = if reconnects { Duration::from_secs(1) } else { TIMEOUT * 2 };
        let change = timeout(patience, tracker.next()).await.expect("reads again").unwrap();
        assert!(change.added.contains_key(&server(1)));
    }
}

/// Servers start and stop at random while connections and events are lost.
#[tokio::test(start_paused = true)]
async fn views_converge_and_no_change_is_invented() {
    for seed in 0..60 {
        let chance = Chance::seeded(seed);
        let faults = Faults {
            delay_max: Duration::from_millis(50),
            reset_probability: 0.05,
            event_loss_probability: if chance.happens(0.5) { 0.2 } else { 0.0 },
        };
        let bench = bench(seed, faults).await;
        let mut tracker = RegionServerTracker::new(bench.zk.clone());
        let (mut live, mut gone, mut next_number) = (BTreeSet::new(), BTreeSet::new(), 0);
        for _ in 0..60 {
            for _ in 0..chance.below(4) {
                next_number += 1;
                start_server(&bench.admin, next_number).await;
                live.insert(server(next_number));
            }
            if chance.happens(0.6)
                && let Some(stopped) = live.iter().nth(chance.below(live.len())).cloned()
            {
                bench.admin.zk.delete(&path(&stopped), None).await.unwrap();
                live.remove(&stopped);
                gone.insert(stopped);
            }
            match chance.below(12) {
                0 => bench.ensemble.reset(bench.session.id()),
                1 => {
                    bench.ensemble.partition(bench.session.id());
                    tokio::time::sleep(Duration::from_millis(chance.below(15_000) as u64)).await;
                    bench.ensemble.heal(bench.session.id());
                }
                _ => {}
            }
            let patience = Duration::from_millis(chance.below(500) as u64);
            let known = tracker.live().clone();
            if let Ok(Ok(changes)) = timeout(patience, tracker.next()).await {
                assert!(changes.removed.iter().all(|server| gone.contains(server)), "seed {seed}");
                assert!(changes.removed.is_subset(&known), "seed {seed}");
                gone.retain(|server| !changes.removed.contains(server));
            }
        }
        bench.ensemble.set_faults(bench.session.id(), Faults::NONE);
        let all_seen = follow_until(&mut tracker, &live, &mut gone);
        timeout(TIMEOUT * 2, all_seen).await.unwrap_or_else(|_| panic!("seed {seed}: the view is stale"));
    }
}

#[tokio::test(start_paused = true)]
async fn decommissioned_servers_are_followed() {
    let bench = bench(1, Faults::NONE).await;
    let mut tracker = DrainingServerTracker::new(bench.zk.clone());
    DrainingServerTracker::mark(&bench.admin, &server(1)).await.unwrap();
    DrainingServerTracker::mark(&bench.admin, &server(1)).await.unwrap();
    assert_eq!(tracker.next().await.unwrap().added, servers(&[1]));
    DrainingServerTracker::mark(&bench.admin, &server(2)).await.unwrap();
    DrainingServerTracker::unmark(&bench.admin, &server(1)).await.unwrap();
    DrainingServerTracker::unmark(&bench.admin, &server(1)).await.unwrap();
    let change = tracker.next().await.unwrap();
    assert_eq!((change.added, change.removed), (servers(&[2]), servers(&[1])));
    assert_eq!(tracker.draining(), &servers(&[2]));
}

#[tokio::test(start_paused = true)]
async fn the_clusters_state_is_followed() {
    let bench = bench(1, Faults::NONE).await;
    let clock = ManualClock::at(0);
    let mut tracker = ClusterStatusTracker::new(bench.zk.clone());
    assert!(!tracker.next().await.unwrap());
    for _ in 0..3 {
        ClusterStatusTracker::set_up(&bench.admin, &clock).await.unwrap();
        ClusterStatusTracker::set_up(&bench.admin, &clock).await.unwrap();
        assert!(tracker.next().await.unwrap());
        bench.ensemble.reset(bench.session.id());
        ClusterStatusTracker::set_down(&bench.admin).await.unwrap();
        ClusterStatusTracker::set_down(&bench.admin).await.unwrap();
        assert!(!tracker.next().await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn the_maintenance_mode_is_followed() {
    let bench = bench(1, Faults::NONE).await;
    let mut tracker = MasterMaintenanceModeTracker::new(bench.zk.clone());
    assert!(!tracker.next().await.unwrap());
    bench.admin.put("/hbase/master-maintenance/hbck", b"x").await.unwrap();
    assert!(tracker.next().await.unwrap());
    bench.admin.delete_below("/hbase/master-maintenance").await.unwrap();
    assert!(!tracker.next().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn the_active_master_is_followed() {
    let bench = bench(1, Faults::NONE).await;
    let mut tracker = MasterAddressTracker::new(bench.zk.clone());
    assert_eq!(tracker.next().await.unwrap(), None);
    for number in 1..4 {
        let master = MasterInfo { server: server(number), info_port: Some(16010) };
        bench.admin.put("/hbase/master", &master.encode()).await.unwrap();
        assert_eq!(tracker.next().await.unwrap(), Some(Ok(master)));
    }
    bench.admin.put("/hbase/master", b"garbage").await.unwrap();
    let unreadable = tracker.next().await.unwrap().unwrap();
    assert_eq!(unreadable.unwrap_err().path, "/hbase/master");
    bench.admin.zk.delete("/hbase/master", None).await.unwrap();
    assert_eq!(tracker.next().await.unwrap(), None);
    assert_eq!(MasterAddressTracker::get(&bench.zk).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn waiting_masters_are_followed() {
    let bench = bench(1, Faults::NONE).await;
    let mut tracker = BackupMasterTracker::new(bench.zk.clone());
    assert_eq!(tracker.next().await.unwrap(), []);
    let master = |number| MasterInfo { server: server(number), info_port: Some(16010) };
    for number in [2, 1] {
        let path = format!("/hbase/backup-masters/{}", server(number));
        bench.admin.create(&path, &master(number).encode(), CreateMode::Ephemeral).await.unwrap();
    }
    bench.admin.put("/hbase/backup-masters/strange", b"garbage").await.unwrap();
    assert_eq!(tracker.next().await.unwrap(), [master(1), master(2)]);
    bench.admin.zk.delete(&format!("/hbase/backup-masters/{}", server(1)), None).await.unwrap();
    assert_eq!(tracker.next().await.unwrap(), [master(2)]);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_session_is_an_error() {
    let bench = bench(1, Faults::NONE).await;
    let mut tracker = RegionServerTracker::new(bench.zk.clone());
    start_server(&bench.admin, 1).await;
    tracker.next().await.unwrap();
    bench.ensemble.expire(bench.session.id());
    assert_eq!(tracker.next().await.unwrap_err().kind, ZkErrorKind::SessionExpired);
    assert_eq!(tracker.live(), &servers(&[1]));
}

//! The ensemble in memory must fail as the real one does, or what is tested on it proves nothing.

use super::*;
use crate::error::{ZkError, ZkErrorKind};
use crate::session::{SessionState, WatchEvent, ZkSession};
use crate::znode::CreateMode;

const TIMEOUT: Duration = Duration::from_secs(10);

fn ensemble() -> MemoryZooKeeper {
    MemoryZooKeeper::new(Chance::seeded(1))
}

async fn create(session: &MemorySession, path: &str, mode: CreateMode) -> Result<(), ZkErrorKind> {
    let created = session.create(path, Bytes::from_static(b"x"), mode, &Acl::open()).await;
    created.map(drop).map_err(|error| error.kind)
}

fn kind<T>(result: Result<T, ZkError>) -> Option<ZkErrorKind> {
    result.err().map(|error| error.kind)
}

#[tokio::test(start_paused = true)]
async fn each_fault_does_what_it_says() {
    for (fault, done, kept) in [
        (Fault::LoseRequest, false, true),
        (Fault::LoseReply, true, true),
        (Fault::ExpireBefore, false, false),
        (Fault::ExpireAfter, true, false),
    ] {
        let zk = ensemble();
        let session = zk.connect(TIMEOUT, Faults::NONE);
        zk.plan(session.id(), 1, fault);
        create(&session, "/before", CreateMode::Persistent).await.unwrap();
        let outcome = create(&session, "/a", CreateMode::Persistent).await;
        assert!(outcome.unwrap_err().is_outcome_unknown(), "{fault:?}");
        assert_eq!(zk.data("/a").is_some(), done, "{fault:?}");
        assert_eq!(zk.is_kept(session.id()), kept, "{fault:?}");
        let next = create(&session, "/after", CreateMode::Persistent).await;
        assert_eq!(next.err(), (!kept).then_some(ZkErrorKind::SessionExpired), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_partitioned_session_loses_its_ephemerals_long_before_its_client_knows() {
    let zk = ensemble();
    let session = zk.connect(TIMEOUT, Faults::NONE);
    create(&session, "/e", CreateMode::Ephemeral).await.unwrap();
    let start = Instant::now();
    zk.partition(session.id());
    let mut state = session.state();
    state.wait_for(|state| *state == SessionState::Disconnected).await.unwrap();
    assert_eq!(start.elapsed(), TIMEOUT * 2 / 5);
    tokio::time::sleep_until(start + TIMEOUT).await;
    assert_eq!(zk.data("/e"), None);
    assert_eq!(*state.borrow(), SessionState::Disconnected);
    state.wait_for(|state| *state == SessionState::Expired).await.unwrap();
    assert_eq!(start.elapsed(), TIMEOUT * 7 / 5);
}

#[tokio::test(start_paused = true)]
async fn a_short_partition_costs_nothing_but_time() {
    let zk = ensemble();
    let session = zk.connect(TIMEOUT, Faults::NONE);
    create(&session, "/e", CreateMode::Ephemeral).await.unwrap();
    zk.partition(session.id());
    let stuck = tokio::spawn({
        let session = Arc::clone(&session);
        async move { create(&session, "/stuck", CreateMode::Persistent).await }
    });
    tokio::time::sleep(TIMEOUT / 2).await;
    assert!(stuck.await.unwrap().unwrap_err().is_outcome_unknown());
    let waiting = tokio::spawn({
        let session = Arc::clone(&session);
        async move { create(&session, "/waited", CreateMode::Persistent).await }
    });
    zk.heal(session.id());
    waiting.await.unwrap().unwrap();
    assert_eq!(zk.children("/").unwrap(), ["e", "waited"]);
}

#[tokio::test(start_paused = true)]
async fn watches_fire_for_what_happened_while_the_connection_was_down() {
    let zk = ensemble();
    let session = zk.connect(TIMEOUT, Faults::NONE);
    let other = zk.connect(TIMEOUT, Faults::NONE);
    for path in ["/data", "/gone", "/parent", "/same"] {
        create(&other, path, CreateMode::Persistent).await.unwrap();
    }
    let (_, _, mut data) = session.get_watch("/data").await.unwrap();
    let (_, _, mut gone) = session.get_watch("/gone").await.unwrap();
    let (_, _, mut same) = session.get_watch("/same").await.unwrap();
    let (_, mut children) = session.children_watch("/parent").await.unwrap();
    let (none, mut created) = session.exists_watch("/new").await.unwrap();
    assert_eq!(none, None);
    zk.partition(session.id());
    other.set("/data", Bytes::new(), None).await.unwrap();
    other.delete("/gone", None).await.unwrap();
    create(&other, "/parent/child", CreateMode::Persistent).await.unwrap();
    create(&other, "/new", CreateMode::Persistent).await.unwrap();
    zk.heal(session.id());
    assert_eq!(data.fired().await, WatchEvent::DataChanged);
    assert_eq!(gone.fired().await, WatchEvent::Deleted);
    assert_eq!(children.fired().await, WatchEvent::ChildrenChanged);
    assert_eq!(created.fired().await, WatchEvent::Created);
    other.delete("/same", None).await.unwrap();
    assert_eq!(same.fired().await, WatchEvent::Deleted);
}

#[tokio::test(start_paused = true)]
async fn an_event_comes_before_what_shows_the_change() {
    let zk = ensemble();
    let slow = Faults { delay_max: Duration::from_secs(1), ..Faults::NONE };
    let session = zk.connect(TIMEOUT, slow);
    let other = zk.connect(TIMEOUT, slow);
    create(&other, "/a", CreateMode::Persistent).await.unwrap();
    for _ in 0..50 {
        let (_, before, mut watch) = session.get_watch("/a").await.unwrap();
        let (_, after) = tokio::join!(other.set("/a", Bytes::new(), None), session.get("/a"));
        let (_, after) = after.unwrap();
        if after.version > before.version {
            assert_eq!(futures_util::FutureExt::now_or_never(watch.fired()), Some(WatchEvent::DataChanged));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_closed_session_answers_nothing_and_its_watches_fire() {
    let zk = ensemble();
    let session = zk.connect(TIMEOUT, Faults::NONE);
    create(&session, "/e", CreateMode::Ephemeral).await.unwrap();
    let (_, mut watch) = session.exists_watch("/e").await.unwrap();
    session.close().await;
    assert_eq!(watch.fired().await, WatchEvent::SessionOver);
    assert_eq!(kind(session.get("/e").await), Some(ZkErrorKind::Closed));
    assert_eq!(zk.data("/e"), None);
}

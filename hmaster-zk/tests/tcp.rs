//! Sessions over real TCP, against the embedded server and against peers that misbehave.

#![expect(clippy::unwrap_used, reason = "what is unwrapped here is what the test has made")]

#[path = "tcp/bad_server.rs"]
mod bad_server;
#[path = "tcp/proxy.rs"]
mod proxy;

use std::sync::Arc;
use std::time::Duration;

use bad_server::{BadServer, Manners, good_greeting, reply};
use bytes::Bytes;
use hmaster_types::{Chance, ServerName};
use hmaster_zk::tracker::RegionServerTracker;
use hmaster_zk::{
    Acl, BootClock, CreateMode, LeaseKeeper, LeaseLoss, MonotonicClock as _, MultiOp, RealSession,
    SessionConfig, SessionCredentials, SessionState, WatchEvent, ZkConfig, ZkError, ZkErrorKind, ZkSession,
    ZkWatcher,
};
use hmaster_zk_server::ZkServer;
use proxy::Proxy;
use tokio::time::timeout;

/// Long enough for anything that is going to happen at all.
const PATIENCE: Duration = Duration::from_secs(60);

async fn server() -> ZkServer {
    let tick = Duration::from_millis(100);
    ZkServer::builder().tick_time(tick).max_session_timeout(PATIENCE).start().await.unwrap()
}

fn config(servers: &str, session: Duration) -> SessionConfig {
    SessionConfig { timeout: session, ..SessionConfig::new(servers) }
}

async fn connect(server: &ZkServer) -> Arc<RealSession> {
    RealSession::connect(&config(&server.connect_string(), Duration::from_secs(10))).await.unwrap()
}

async fn make(session: &RealSession, path: &str, mode: CreateMode) -> Result<String, ZkErrorKind> {
    let made = session.create(path, Bytes::from_static(b"x"), mode, &Acl::open()).await;
    made.map(|(path, _)| path).map_err(|error| error.kind)
}

fn kind<T>(result: Result<T, ZkError>) -> ZkErrorKind {
    result.map(drop).expect_err("an error").kind
}

#[tokio::test]
async fn znodes_come_and_go() {
    let server = server().await;
    let (session, other) = (connect(&server).await, connect(&server).await);
    assert_eq!(make(&session, "/a/b", CreateMode::Persistent).await, Err(ZkErrorKind::NoNode));
    make(&session, "/a", CreateMode::Persistent).await.unwrap();
    make(&session, "/a/e", CreateMode::Ephemeral).await.unwrap();
    assert_eq!(make(&other, "/a/e", CreateMode::Ephemeral).await, Err(ZkErrorKind::NodeExists));
    assert_eq!(
        make(&other, "/a/e/c", CreateMode::Persistent).await,
        Err(ZkErrorKind::NoChildrenForEphemerals)
    );
    let stat = other.exists("/a/e").await.unwrap().unwrap();
    assert_eq!((stat.ephemeral_owner, stat.version), (Some(session.id()), 0));
    assert_eq!(other.exists("/a").await.unwrap().unwrap().ephemeral_owner, None);

    let stat = session.set("/a", Bytes::from_static(b"new"), Some(0)).await.unwrap();
    assert_eq!((stat.version, stat.data_length), (1, 3));
    assert_eq!(kind(session.set("/a", Bytes::new(), Some(0)).await), ZkErrorKind::BadVersion);
    assert_eq!(session.get("/a").await.unwrap().0, "new");
    session.set("/a", Bytes::new(), None).await.unwrap();
    assert_eq!(session.get("/a").await.unwrap().0, "");

    for number in 0..2 {
        let name = format!("/a/n-{number:010}");
        // The number counts the parent's changes, of which there was one.
        let made = make(&session, "/a/n-", CreateMode::PersistentSequential).await.unwrap();
        assert_eq!(made.len(), name.len());
    }
    assert_eq!(session.children("/a").await.unwrap().len(), 3);
    assert_eq!(kind(session.delete("/a", None).await), ZkErrorKind::NotEmpty);
    assert_eq!(kind(session.children("/no").await), ZkErrorKind::NoNode);
    assert!(matches!(kind(session.get("no").await), ZkErrorKind::BadArguments(_)));
    session.sync("/a").await.unwrap();

    session.close().await;
    assert_eq!(other.exists("/a/e").await.unwrap(), None, "the end of a session takes its znodes along");
    assert_eq!(kind(session.get("/a").await), ZkErrorKind::Closed);
}

/// The session's owner still has its connection: it is told at once.
#[tokio::test]
async fn a_session_is_ended_by_whoever_knows_its_password() {
    let server = server().await;
    let (session, other) = (connect(&server).await, connect(&server).await);
    make(&session, "/e", CreateMode::Ephemeral).await.unwrap();
    let left = session.credentials().expect("known");
    assert_eq!(left.id, session.id());
    let wrong = SessionCredentials { password: vec![0; 16], ..left.clone() };
    other.end_other(&wrong).await.unwrap();
    assert!(other.exists("/e").await.unwrap().is_some(), "a wrong password ends nothing");
    other.end_other(&left).await.unwrap();
    assert_eq!(other.exists("/e").await.unwrap(), None);
    let mut state = session.state();
    timeout(PATIENCE, state.wait_for(|state| *state == SessionState::Expired)).await.unwrap().unwrap();
    other.end_other(&left).await.expect("once more is no error");
    assert_eq!(*other.state().borrow(), SessionState::Connected);
}

#[tokio::test]
async fn a_transaction_is_all_or_nothing_and_names_what_failed() {
    let server = server().await;
    let session = connect(&server).await;
    let make = |path: &str| MultiOp::Create {
        path: path.into(),
        data: Bytes::new(),
        mode: CreateMode::Ephemeral,
        acl: Acl::open(),
    };
    session.multi(&[]).await.unwrap();
    session.multi(&[make("/a"), make("/b")]).await.unwrap();
    let check = MultiOp::Check { path: "/b".into(), version: Some(5) };
    let error = session.multi(&[make("/c"), check]).await.unwrap_err();
    assert_eq!((error.path.as_str(), error.kind), ("/b", ZkErrorKind::BadVersion));
    let error = session.multi(&[make("/c"), make("/a")]).await.unwrap_err();
    assert_eq!((error.path.as_str(), error.kind), ("/a", ZkErrorKind::NodeExists));
    assert_eq!(session.exists("/c").await.unwrap(), None);
    let delete = MultiOp::Delete { path: "/a".into(), version: Some(0) };
    let set = MultiOp::Set { path: "/b".into(), data: Bytes::from_static(b"x"), version: None };
    session.multi(&[delete, set]).await.unwrap();
    assert_eq!(session.exists("/a").await.unwrap(), None);
}

#[tokio::test]
async fn watches_fire_also_for_what_happened_without_a_connection() {
    for away in [false, true] {
        let server = server().await;
        let proxy = Proxy::start(server.local_addr()).await;
        let watching = config(&proxy.connect_string(), Duration::from_secs(4));
        let session = RealSession::connect(&watching).await.unwrap();
        let other = connect(&server).await;
        for path in ["/data", "/gone", "/parent", "/same"] {
            make(&other, path, CreateMode::Persistent).await.unwrap();
        }
        let (_, _, mut data) = session.get_watch("/data").await.unwrap();
        let (_, _, mut gone) = session.get_watch("/gone").await.unwrap();
        let (_, _, mut same) = session.get_watch("/same").await.unwrap();
        let (_, mut children) = session.children_watch("/parent").await.unwrap();
        let (none, mut created) = session.exists_watch("/new").await.unwrap();
        assert_eq!(none, None);
        if away {
            proxy.swallow();
        }
        other.set("/data", Bytes::new(), None).await.unwrap();
        other.delete("/gone", None).await.unwrap();
        make(&other, "/parent/child", CreateMode::Persistent).await.unwrap();
        make(&other, "/new", CreateMode::Persistent).await.unwrap();
        if away {
            let mut state = session.state();
            state.wait_for(|state| *state == SessionState::Disconnected).await.unwrap();
            proxy.open();
        }
        assert_eq!(data.fired().await, WatchEvent::DataChanged);
        assert_eq!(gone.fired().await, WatchEvent::Deleted);
        assert_eq!(children.fired().await, WatchEvent::ChildrenChanged);
        assert_eq!(created.fired().await, WatchEvent::Created);
        other.delete("/same", None).await.unwrap();
        assert_eq!(same.fired().await, WatchEvent::Deleted);
        assert_eq!(same.fired().await, WatchEvent::Deleted, "and says so again");
    }
}

#[tokio::test]
async fn a_dropped_watch_takes_no_other_along() {
    let server = server().await;
    let (session, other) = (connect(&server).await, connect(&server).await);
    make(&other, "/a", CreateMode::Persistent).await.unwrap();
    let (_, _, first) = session.get_watch("/a").await.unwrap();
    let (_, _, mut second) = session.get_watch("/a").await.unwrap();
    drop(first);
    let (_, _, third) = session.get_watch("/a").await.unwrap();
    drop(third);
    session.sync("/a").await.unwrap();
    other.set("/a", Bytes::new(), None).await.unwrap();
    assert_eq!(timeout(PATIENCE, second.fired()).await, Ok(WatchEvent::DataChanged));
}

#[tokio::test]
async fn lost_connections_cost_nothing_that_was_not_under_way() {
    let server = server().await;
    let session = connect(&server).await;
    make(&session, "/e", CreateMode::Ephemeral).await.unwrap();
    for _ in 0..5 {
        server.drop_connections().await;
        // Asked for while the connection is down, or lost with it: in the first case it waits.
        match session.exists("/e").await {
            Ok(found) => assert!(found.is_some()),
            Err(error) => assert!(error.kind.is_outcome_unknown(), "{error}"),
        }
        assert!(session.exists("/e").await.unwrap().is_some());
    }
}

#[tokio::test]
async fn an_expired_session_ends_everything() {
    let server = server().await;
    let session = connect(&server).await;
    let (_, mut watch) = session.exists_watch("/a").await.unwrap();
    assert!(server.expire_session(session.id().0).await);
    assert_eq!(timeout(PATIENCE, watch.fired()).await, Ok(WatchEvent::SessionOver));
    assert_eq!(*session.state().borrow(), SessionState::Expired);
    assert_eq!(kind(session.get("/").await), ZkErrorKind::SessionExpired);
    session.close().await;
}

/// The order of things in a partition: the lease ends, then the servers drop the session, then the client is told.
#[tokio::test]
async fn a_lease_ends_before_the_session_and_that_before_its_client_knows() {
    let server = server().await;
    let proxy = Proxy::start(server.local_addr()).await;
    let other = connect(&server).await;
    let session =
        RealSession::connect(&config(&proxy.connect_string(), Duration::from_secs(4))).await.unwrap();
    make(&session, "/e", CreateMode::Ephemeral).await.unwrap();
    let keeper = LeaseKeeper::start(Arc::clone(&session) as _, Arc::new(BootClock), BootClock.now());
    tokio::time::sleep(session.timeout() * 3 / 2).await;
    assert!(keeper.lease().valid(), "renewed as long as the server answers");
    let (_, mut gone) = other.exists_watch("/e").await.unwrap();
    proxy.swallow();
    let under_way = tokio::spawn({
        let session = Arc::clone(&session);
        async move { session.set("/e", Bytes::new(), None).await }
    });
    assert_eq!(gone.fired().await, WatchEvent::Deleted);
    assert_eq!(keeper.lease().loss(), Some(LeaseLoss::RanOut), "lost before the znode went");
    assert!(!session.state().borrow().is_over(), "the client doesn't know yet");
    assert!(kind(under_way.await.unwrap()).is_outcome_unknown(), "nobody knows whether it was done");
    let mut state = session.state();
    timeout(PATIENCE, state.wait_for(|state| state.is_over())).await.expect("it notices in the end").unwrap();
}

#[tokio::test]
async fn a_request_that_would_cost_the_connection_is_not_sent() {
    let server = server().await;
    let session = connect(&server).await;
    make(&session, "/a", CreateMode::Persistent).await.unwrap();
    let huge = Bytes::from(vec![0; 0x10_0000]);
    let create = session.create("/b", huge.clone(), CreateMode::Persistent, &Acl::open()).await;
    assert!(matches!(kind(create), ZkErrorKind::TooLarge { .. }));
    assert!(matches!(kind(session.set("/a", huge, None).await), ZkErrorKind::TooLarge { .. }));
    let half = Bytes::from(vec![0; 0x8_0000]);
    let ops = vec![MultiOp::Set { path: "/a".into(), data: half.clone(), version: None }; 2];
    assert!(matches!(kind(session.multi(&ops).await), ZkErrorKind::TooLarge { .. }));
    session.set("/a", half, None).await.unwrap();
    // The largest that is let through is let through by the server, too.
    let largest = Bytes::from(vec![0; 0xf_ffff - 64 - 2]);
    session.set("/a", largest, None).await.unwrap();
    assert_eq!(*session.state().borrow(), SessionState::Connected);
}

#[tokio::test]
async fn there_are_only_so_many_watches() {
    let server = server().await;
    let few = SessionConfig { watches_max: 3, ..config(&server.connect_string(), Duration::from_secs(10)) };
    let session = RealSession::connect(&few).await.unwrap();
    let mut watches = Vec::new();
    for path in ["/a", "/b", "/c"] {
        watches.push(session.exists_watch(path).await.unwrap().1);
    }
    assert_eq!(kind(session.exists_watch("/d").await), ZkErrorKind::TooManyWatches { watches_max: 3 });
    watches.pop();
    watches.push(session.exists_watch("/d").await.unwrap().1);
    make(&session, "/a", CreateMode::Persistent).await.unwrap();
    assert_eq!(watches[0].fired().await, WatchEvent::Created);
    session.children_watch("/").await.unwrap();
}

#[tokio::test]
async fn closing_without_a_server_does_not_hang() {
    let server = server().await;
    let session = connect(&server).await;
    server.shutdown().await.unwrap();
    timeout(PATIENCE, session.close()).await.unwrap();
    assert_eq!(kind(session.get("/").await), ZkErrorKind::Closed);
}

#[tokio::test]
async fn no_server_is_an_error_that_names_it() {
    let gone = server().await;
    let address = gone.connect_string();
    gone.shutdown().await.unwrap();
    for servers in [address.as_str(), "", "host:no-port", "host:0"] {
        let connected = RealSession::connect(&config(servers, Duration::from_millis(300))).await;
        assert!(connected.unwrap_err().to_string().contains(servers), "{servers}");
    }
}

#[tokio::test]
async fn a_server_that_greets_badly_gives_no_session() {
    let frame = |length: i32, body: &[u8]| [&length.to_be_bytes()[..], body].concat();
    for greeting in [
        Vec::new(),
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        frame(0, b""),
        frame(-1, b"x"),
        frame(4, b"abc\0"),
        frame(i32::MAX, b"x"),
        good_greeting()[..20].to_vec(),
    ] {
        let bad = BadServer::start(Manners {
            greeting: Some(greeting.clone()),
            reply: reply(0, &[]),
            length: None,
        });
        let bad = bad.await;
        let config = config(&bad.connect_string(), Duration::from_millis(500));
        timeout(PATIENCE, RealSession::connect(&config))
            .await
            .expect("doesn't hang")
            .expect_err("no session");
    }
}

#[tokio::test]
async fn a_server_that_answers_badly_gives_errors() {
    let stat = [0; 68];
    for (what, length, bad) in [
        ("nothing behind the transaction id", None, Vec::new()),
        ("half a header", None, vec![0; 5]),
        ("no result", None, reply(0, &[])),
        ("less than a stat", None, reply(0, &[0; 10])),
        ("data of another length than its stat", None, reply(0, &[&[0, 0, 0, 2, 1, 2][..], &stat].concat())),
        ("an error nobody knows", None, reply(-4242, &[])),
        ("an endless frame", Some(i32::MAX), reply(0, &[])),
        ("a frame of negative length", Some(-5), reply(0, &[])),
        ("a short frame", Some(2), reply(0, &[])),
    ] {
        let server = BadServer::start(Manners { greeting: None, reply: bad, length }).await;
        let config = config(&server.connect_string(), Duration::from_secs(1));
        let session = timeout(PATIENCE, RealSession::connect(&config))
            .await
            .expect(what)
            .expect("the greeting is good");
        for _ in 0..2 {
            let got = timeout(PATIENCE, session.get("/a")).await.unwrap_or_else(|_| panic!("{what}: hangs"));
            let got = kind(got);
            assert!(got.is_outcome_unknown() || got.is_session_over(), "{what}: {got}");
            // Ten zeros are a list of no children, and something more.
            let listed = timeout(PATIENCE, session.children("/a")).await;
            let listed = listed.unwrap_or_else(|_| panic!("{what}: hangs")).unwrap_or_default();
            assert_eq!(listed, Vec::<String>::new(), "{what}");
        }
        timeout(PATIENCE, session.close()).await.expect("closes");
    }
}

/// What the tracker of region servers gives while connections are lost all the time.
#[tokio::test]
async fn a_view_converges_over_lost_connections() {
    let server = server().await;
    let zk_config = ZkConfig::from_lookup(|_| None).unwrap();
    let watcher = |session: Arc<RealSession>, seed| {
        ZkWatcher::new(session, "master:16000", Chance::seeded(seed), &zk_config)
    };
    let admin = watcher(connect(&server).await, 1);
    admin.create_base_znodes().await.unwrap();
    let mut tracker = RegionServerTracker::new(watcher(connect(&server).await, 2));
    let name = |number: usize| -> ServerName { format!("host-{number},16020,1").parse().unwrap() };
    let path = |number: usize| format!("/hbase/rs/{}", name(number));
    let changes = async {
        let chance = Chance::seeded(7);
        for number in 0..100 {
            admin.create(&path(number), b"x", CreateMode::Ephemeral).await.unwrap();
            if number >= 10 {
                admin.zk.delete(&path(number - 10), None).await.unwrap();
            }
            if chance.happens(0.2) {
                server.drop_connections().await;
            }
        }
    };
    let expected = (90..100).map(name).collect();
    let follow = async {
        while tracker.live() != &expected {
            let before = tracker.live().clone();
            let changes = tracker.next().await.unwrap();
            assert!(changes.removed.is_subset(&before));
            assert!(changes.added.keys().all(|server| !before.contains(server)));
        }
    };
    timeout(PATIENCE, async { tokio::join!(changes, follow) }).await.expect("the view converges");
}

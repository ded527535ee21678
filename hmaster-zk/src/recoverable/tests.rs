//! Every operation, with every fault at every one of its steps, against what must then be there.

use std::time::Duration;

use super::*;
use crate::memory::{Fault, Faults, MemorySession, MemoryZooKeeper};

const TIMEOUT: Duration = Duration::from_secs(10);

struct Bench {
    ensemble: MemoryZooKeeper,
    session: Arc<MemorySession>,
    zk: RecoverableZooKeeper,
}

fn bench() -> Bench {
    let ensemble = MemoryZooKeeper::new(Chance::seeded(1));
    let session = ensemble.connect(TIMEOUT, Faults::NONE);
    let zk = RecoverableZooKeeper::new(
        Arc::clone(&session) as _,
        "master:16000",
        Chance::seeded(2),
        RetryPolicy::default(),
    );
    Bench { ensemble, session, zk }
}

impl Bench {
    async fn create(&self, path: &str, mode: CreateMode) -> Result<String, ZkError> {
        self.zk.create(path, b"mine", mode, &Acl::open()).await.map(|(path, _)| path)
    }

    /// An administrator's hand, which no fault touches.
    fn other(&self) -> Arc<MemorySession> {
        self.ensemble.connect(TIMEOUT, Faults::NONE)
    }

    fn payload(&self, path: &str) -> Option<Bytes> {
        self.ensemble.data(path).map(|data| envelope::unwrap(&data).unwrap())
    }
}

/// One or two lost connections in a row, before or after the operation took effect.
fn losses() -> Vec<Vec<Fault>> {
    let one = [Fault::LoseRequest, Fault::LoseReply];
    let mut all: Vec<Vec<Fault>> = one.iter().map(|fault| vec![*fault]).collect();
    all.extend(one.iter().flat_map(|first| one.iter().map(|second| vec![*first, *second])));
    all
}

fn plan(bench: &Bench, losses: &[Fault]) {
    for (at, fault) in losses.iter().enumerate() {
        bench.ensemble.plan(bench.session.id(), at as u64, *fault);
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_survives_lost_connections() {
    for losses in losses() {
        for mode in [CreateMode::Persistent, CreateMode::Ephemeral] {
            let bench = bench();
            plan(&bench, &losses);
            assert_eq!(bench.create("/a", mode).await.as_deref(), Ok("/a"), "{losses:?} {mode:?}");
            assert_eq!(bench.payload("/a").unwrap(), "mine");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_among_others_survives_lost_connections() {
    for losses in losses() {
        let bench = bench();
        plan(&bench, &losses);
        let touch = MultiOp::Set { path: "/".into(), data: Bytes::new(), version: None };
        let mode = CreateMode::Ephemeral;
        bench.zk.create_with("/a", b"mine", mode, &Acl::open(), vec![touch.clone()]).await.unwrap();
        assert_eq!(bench.payload("/a").unwrap(), "mine");
        assert_eq!(bench.zk.exists("/").await.unwrap().unwrap().version, 1, "{losses:?}: once");
        let again = bench.zk.create_with("/a", b"mine", mode, &Acl::open(), vec![touch]).await;
        assert_eq!(again.unwrap_err().kind, ZkErrorKind::NodeExists);
        assert_eq!(bench.zk.exists("/").await.unwrap().unwrap().version, 1, "{losses:?}: all or nothing");
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_does_not_take_anothers_znode_for_its_own() {
    for losses in losses() {
        let bench = bench();
        let other = bench.other();
        let theirs = envelope::wrap(b"master:16000", &Chance::seeded(9), b"mine");
        other.create("/a", theirs, CreateMode::Persistent, &Acl::open()).await.unwrap();
        plan(&bench, &losses);
        let error = bench.create("/a", CreateMode::Ephemeral).await.unwrap_err();
        assert_eq!(error.kind, ZkErrorKind::NodeExists, "{losses:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sequential_create_makes_one_znode() {
    for losses in losses() {
        let bench = bench();
        bench.create("/n-", CreateMode::PersistentSequential).await.unwrap();
        plan(&bench, &losses);
        let created = bench.create("/n-", CreateMode::EphemeralSequential).await.unwrap();
        assert_eq!(bench.ensemble.children("/").unwrap().len(), 2, "{losses:?}");
        assert_eq!(created, "/n-0000000001");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sequential_create_without_data_does_not_guess() {
    let bench = bench();
    plan(&bench, &[Fault::LoseReply]);
    let created = bench.zk.create("/n-", b"", CreateMode::PersistentSequential, &Acl::open()).await;
    assert!(created.unwrap_err().kind.is_outcome_unknown());
}

#[tokio::test(start_paused = true)]
async fn a_delete_survives_lost_connections() {
    for losses in losses() {
        let bench = bench();
        bench.create("/a", CreateMode::Persistent).await.unwrap();
        plan(&bench, &losses);
        bench.zk.delete("/a", Some(0)).await.unwrap();
        assert_eq!(bench.payload("/a"), None);
    }
    let error = bench().zk.delete("/a", None).await.unwrap_err();
    assert_eq!(error.kind, ZkErrorKind::NoNode, "without a lost connection there is nothing to assume");
}

#[tokio::test(start_paused = true)]
async fn a_versioned_write_survives_lost_connections() {
    for losses in losses() {
        let bench = bench();
        bench.create("/a", CreateMode::Persistent).await.unwrap();
        plan(&bench, &losses);
        let stat = bench.zk.set("/a", b"new", Some(0)).await.unwrap();
        assert_eq!(
            (stat.version, bench.payload("/a").unwrap()),
            (1, Bytes::from_static(b"new")),
            "{losses:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_versioned_write_yields_to_anothers() {
    for losses in losses() {
        let bench = bench();
        bench.create("/a", CreateMode::Persistent).await.unwrap();
        bench.other().set("/a", Bytes::from_static(b"theirs"), None).await.unwrap();
        plan(&bench, &losses);
        let error = bench.zk.set("/a", b"new", Some(0)).await.unwrap_err();
        assert_eq!(error.kind, ZkErrorKind::BadVersion, "{losses:?}");
        assert_eq!(bench.payload("/a").unwrap(), "theirs");
    }
}

#[tokio::test(start_paused = true)]
async fn reads_and_transactions_survive_lost_connections() {
    let bench = bench();
    bench.create("/a", CreateMode::Persistent).await.unwrap();
    let check = || vec![MultiOp::Check { path: "/a".into(), version: Some(0) }];
    for losses in losses() {
        plan(&bench, &losses);
        bench.zk.read("/a").await.unwrap();
        plan(&bench, &losses);
        bench.zk.read_watch("/a").await.unwrap();
        plan(&bench, &losses);
        assert!(bench.zk.exists("/a").await.unwrap().is_some());
        plan(&bench, &losses);
        bench.zk.exists_watch("/b").await.unwrap();
        plan(&bench, &losses);
        assert_eq!(bench.zk.children("/").await.unwrap(), ["a"]);
        plan(&bench, &losses);
        bench.zk.children_watch("/").await.unwrap();
        plan(&bench, &losses);
        bench.zk.sync("/").await.unwrap();
        plan(&bench, &losses);
        bench.zk.multi(check()).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_expired_session_ends_every_operation() {
    for fault in [Fault::ExpireBefore, Fault::ExpireAfter] {
        let bench = bench();
        plan(&bench, &[fault]);
        let error = bench.create("/a", CreateMode::Ephemeral).await.unwrap_err();
        assert_eq!(error.kind, ZkErrorKind::SessionExpired, "{fault:?}");
        assert_eq!(bench.payload("/a"), None);
        assert_eq!(bench.zk.read("/").await.unwrap_err().kind, ZkErrorKind::SessionExpired);
    }
}

#[tokio::test(start_paused = true)]
async fn gives_up_after_the_retries_that_are_allowed() {
    let bench = bench();
    plan(&bench, &[Fault::LoseRequest; 4]);
    let error = bench.zk.read("/").await.unwrap_err();
    assert!(error.kind.is_outcome_unknown(), "{error}");
    assert_eq!(bench.ensemble.operations(bench.session.id()), 4);
}

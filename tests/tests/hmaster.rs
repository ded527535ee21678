//! hmaster as the master of real clusters: Java ZooKeeper, HDFS, region servers, clients and shell
//! around it, Java masters before, after and beside it.
//!
//! One binary and one cluster at a time: the JVMs of one cluster keep a small machine busy. `HMASTER_CLUSTERS` lets as many
//! run at once. Each test prints which peers it ran with.

#[path = "hmaster/admin.rs"]
mod admin;
#[path = "hmaster/backups.rs"]
mod backups;
#[path = "hmaster/fresh.rs"]
mod fresh;
#[path = "hmaster/hbck2.rs"]
mod hbck2;
#[path = "hmaster/mid_procedure.rs"]
mod mid_procedure;
#[path = "hmaster/region_servers.rs"]
mod region_servers;
#[path = "hmaster/reload.rs"]
mod reload;
#[path = "hmaster/snapshots.rs"]
mod snapshots;
#[path = "hmaster/storms.rs"]
mod storms;
#[path = "hmaster/suspended.rs"]
mod suspended;
#[path = "hmaster/takeover.rs"]
mod takeover;

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use anyhow::Result;
use hmaster_tests::{Cluster, ClusterBuilder, HBaseVersion, MasterKind};
use tokio::sync::{Semaphore, SemaphorePermit};

/// For anything that a healthy cluster does soon, on a machine that is busy.
const SOON: Duration = Duration::from_secs(120);

/// For a master that was told to stop.
const GRACE: Duration = Duration::from_secs(60);

/// Sessions of 6 s, so that a death without a goodbye is noticed soon, and small heaps.
fn cluster(name: &str) -> ClusterBuilder {
    Cluster::builder(name)
        .zookeeper(hmaster_tests::ZooKeeper::Java { tick_ms: 300 })
        .conf("zookeeper.session.timeout", 6000)
        .conf("hbase.regionserver.handler.count", 10)
        // A Java region server that has a region to report repeats that without any pause while no master is up, and
        // counts; a Java master that answers while it starts then makes it pause up to 200 times this, by that count.
        .conf("hbase.rpc.shortoperation.retry.pause.time", 20)
        .heap_mb(256)
}

/// Lets the tests of this binary run one after the other, whatever the number of test threads, and says how long each took.
struct Alone {
    test: &'static str,
    began: Instant,
    _turn: SemaphorePermit<'static>,
}

async fn alone(test: &'static str) -> Alone {
    static ROOM: LazyLock<Semaphore> = LazyLock::new(|| {
        let clusters = std::env::var("HMASTER_CLUSTERS").ok().and_then(|text| text.parse().ok());
        Semaphore::new(clusters.unwrap_or(1))
    });
    let turn = ROOM.acquire().await.expect("nobody closes it");
    Alone { test, began: Instant::now(), _turn: turn }
}

impl Drop for Alone {
    #[expect(clippy::print_stderr, reason = "the time of each test belongs into its output")]
    fn drop(&mut self) {
        eprintln!("{}: {:.0} s", self.test, self.began.elapsed().as_secs_f64());
    }
}

/// Says which peers a test runs with.
#[expect(clippy::print_stderr, reason = "a test that says what it proved must say with whom")]
fn report(test: &str, storage: &str, region_servers: &[HBaseVersion], masters: &[&MasterKind]) {
    let masters: Vec<String> = masters.iter().map(|kind| describe(kind)).collect();
    let servers: Vec<String> = region_servers.iter().map(ToString::to_string).collect();
    eprintln!(
        "{test}: ZooKeeper 3.8 (Java), {storage}, masters: {}, region servers: {}",
        masters.join(" and "),
        servers.join(", ")
    );
}

fn describe(kind: &MasterKind) -> String {
    match kind {
        MasterKind::Java(version) => format!("Java {version}"),
        MasterKind::Program(program) => program.display().to_string(),
    }
}

/// hmaster, built.
async fn hmaster() -> Result<MasterKind> {
    MasterKind::hmaster().await
}

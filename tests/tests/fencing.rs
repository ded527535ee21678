//! Processes that die, are suspended, or find what they can't continue: who follows them, how soon, and what they can
//! still do. Masters are real processes with real files; ZooKeeper is the embedded one, or Java's where Java's region
//! servers and clients take part.

#[path = "fencing/java.rs"]
mod java;
#[path = "fencing/processes.rs"]
mod processes;
#[path = "fencing/takeover.rs"]
mod takeover;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hmaster_tests::{Cluster, ClusterBuilder, Server, ZooKeeper, wait};
use hmaster_types::{Chance, ServerName};
use hmaster_zk::tracker::MasterAddressTracker;
use hmaster_zk::{ZkConfig, ZkWatcher};
use hmaster_zk_server::ZkServer;

/// For anything that healthy processes do soon, on a machine that is busy.
const SOON: Duration = Duration::from_secs(120);

/// A cluster without region servers on an embedded ZooKeeper, and a look into that.
struct Masters {
    cluster: Cluster,
    zk: ZkWatcher,
    _server: ZkServer,
}

impl Masters {
    /// Sessions of `session`.
    async fn start(name: &str, session: Duration) -> Result<Self> {
        Self::start_with(name, session, |builder| builder).await
    }

    async fn start_with(
        name: &str,
        session: Duration,
        conf: impl FnOnce(ClusterBuilder) -> ClusterBuilder,
    ) -> Result<Self> {
        let server = ZkServer::builder();
        let server =
            server.tick_time(Duration::from_millis(200)).max_session_timeout(session).start().await?;
        let address = server.local_addr().to_string();
        let builder = Cluster::builder(name)
            .zookeeper(ZooKeeper::At(address.clone()))
            .conf("zookeeper.session.timeout", session.as_millis());
        let cluster = conf(builder).start().await?;
        let config = ZkConfig::from_lookup(|key| (key == "hbase.zookeeper.quorum").then(|| address.clone()))?;
        let zk = ZkWatcher::connect(&config, "test", Chance::from_entropy()).await?;
        Ok(Self { cluster, zk, _server: server })
    }

    async fn active(&self) -> Result<Option<ServerName>> {
        Ok(MasterAddressTracker::get(&self.zk).await?.transpose()?.map(|master| master.server))
    }

    /// Waits until `master` is active and has its store.
    async fn is_active(&self, master: &Server) -> Result<ServerName> {
        let name = master
            .while_running(
                "the active role",
                wait::until("the znode", SOON, async || {
                    let active = self.active().await?.context("nobody is active")?;
                    ensure!(master.is_named(active.as_str()), "{active} is active");
                    Ok(active)
                }),
            )
            .await?;
        let store = self.logs_folder().join(name.as_str());
        wait::until("the store's log", SOON, async || {
            let logs = std::fs::read_dir(&store)?.count();
            ensure!(logs > 0, "no log");
            Ok(())
        })
        .await?;
        Ok(name)
    }

    /// Waits until `master` waits behind another.
    async fn is_waiting(&self, master: &Server) -> Result<()> {
        wait::until("a backup's znode", SOON, async || {
            let waiting = self.zk.children(&self.zk.paths.backup_masters).await?.unwrap_or_default();
            ensure!(waiting.iter().any(|name| master.is_named(name)), "{waiting:?}");
            Ok(())
        })
        .await
    }

    fn root(&self) -> &Path {
        Path::new(self.cluster.root().trim_start_matches("file://"))
    }

    /// Everything below the root folder, once an active master has nothing more to do.
    async fn at_rest(&self) -> Result<Vec<(String, Option<Vec<u8>>)>> {
        wait::until("a disk at rest", SOON, async || {
            let before = everything(self.root())?;
            tokio::time::sleep(Duration::from_secs(1)).await;
            ensure!(everything(self.root())? == before, "still at work");
            Ok(before)
        })
        .await
    }

    fn logs_folder(&self) -> std::path::PathBuf {
        self.root().join("MasterData").join("WALs")
    }

    async fn finish(self) -> Result<()> {
        self.zk.zk.session().close().await;
        self.cluster.finish().await
    }
}

/// The names below a folder, sorted, with the content of files.
fn everything(folder: &Path) -> Result<Vec<(String, Option<Vec<u8>>)>> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            let content = if path.is_dir() { None } else { Some(std::fs::read(&path)?) };
            found.push((path.display().to_string(), content));
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

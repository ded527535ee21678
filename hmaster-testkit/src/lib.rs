//! A whole HBase cluster for a test, in its own process: embedded ZooKeeper, masters, and region servers in Rust.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use hmaster_testkit::TestCluster;
//!
//! let cluster = TestCluster::start().await?;
//! cluster.create_table("t", &["f"]).await?;
//! let site = cluster.site_xml(); // what a Java client needs
//! assert!(site.contains("hbase.zookeeper.quorum"));
//! cluster.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Everything speaks HBase's protocols over real sockets on free ports, so any number of clusters run at once, and what a
//! test finds out about its client holds against a real cluster. Files are in a folder of the cluster's own, which goes
//! with it. The counterpart of `HBaseTestingUtility.startMiniCluster`.
//!
//! # What a test can do to it
//!
//! - [`TestCluster::start_master`] adds masters, which wait for their turn; [`TestCluster::kill_master`] and
//!   [`TestCluster::stop_master`] end one, and [`TestCluster::restart_master`] starts it again at the same address.
//! - The same for region servers. A killed one flushes, closes and says nothing; its WAL is split by the master.
//! - [`TestCluster::settled`] waits until the master has done all that it has to do, such as the recovery of a region
//!   server.
//! - [`TestClusterBuilder::sessions_outlive_kills`]: whoever is killed is missed only when its ZooKeeper session has run
//!   out, as after a power cut. Otherwise it is missed at once, and no test waits.
//! - [`TestCluster::active_master`] is a handle of the master with everything that it knows.
//!
//! # Code map
//!
//! `builder` starts a cluster, `masters` and `region_servers` change it, `tables` asks the master for something by RPC,
//! `folder` keeps the files and takes them away.

#![expect(clippy::result_large_err, reason = "an error of a test's set-up is made once")]

mod builder;
mod error;
mod folder;
mod masters;
mod ports;
mod region_servers;
mod tables;

use std::net::SocketAddr;
use std::path::PathBuf;

use hmaster::standalone::{LocalSettings, client_site};
use hmaster_config::{Configuration, Override};
use hmaster_rpc::client::RpcClient;
use hmaster_types::Chance;
use hmaster_zk_server::ZkServer;

use folder::Folder;
use masters::Masters;
use region_servers::RegionServers;

pub use builder::TestClusterBuilder;
pub use error::TestClusterError;

/// A cluster of one test. Dropping it ends everything at once; [`TestCluster::stop`] closes regions first.
///
/// The fields are in the order in which they go: what runs has files in the folder.
#[derive(Debug)]
pub struct TestCluster {
    masters: Masters,
    region_servers: RegionServers,
    rpc: RpcClient,
    zk: ZkServer,
    folder: Folder,
    settings: LocalSettings,
    config: Configuration,
    leaves_sessions: bool,
    chance: Chance,
}

impl TestCluster {
    /// A cluster with a master and one region server.
    ///
    /// # Errors
    /// See [`TestClusterError`].
    pub async fn start() -> Result<Self, TestClusterError> {
        Self::builder().start().await
    }

    /// A cluster that is to be described.
    pub fn builder() -> TestClusterBuilder {
        TestClusterBuilder::default()
    }

    /// An hbase-site.xml for Java clients, and for Java region servers that are to join.
    pub fn site_xml(&self) -> String {
        client_site(&self.config)
    }

    /// A folder with that hbase-site.xml, for `HBASE_CONF_DIR`. It goes with the cluster.
    pub fn conf_dir(&self) -> PathBuf {
        self.folder.conf_dir()
    }

    /// Where ZooKeeper listens.
    pub fn zookeeper(&self) -> SocketAddr {
        self.zk.local_addr()
    }

    /// ZooKeeper itself, to expire sessions and to break connections.
    pub fn zookeeper_server(&self) -> &ZkServer {
        &self.zk
    }

    /// The settings that masters and region servers have in common.
    pub fn config(&self) -> &Configuration {
        &self.config
    }

    /// Shuts the cluster down in order: regions are flushed and closed, then the masters end, then ZooKeeper.
    ///
    /// # Errors
    /// When a part didn't end well.
    pub async fn stop(self) -> Result<(), TestClusterError> {
        let Self { masters, region_servers, rpc, zk, folder, .. } = self;
        if let Some(env) = masters.handles().iter().find_map(|master| master.role().active().ok()) {
            // Otherwise the master would recover the region servers that leave.
            env.shut_cluster_down().await.map_err(TestClusterError::ShutDown)?;
        }
        region_servers.stop_all().await;
        let ended = masters.stop_all().await;
        rpc.close().await;
        zk.shutdown().await.map_err(TestClusterError::ZooKeeperEnded)?;
        drop(folder);
        ended
    }
}

/// A setting of a test.
#[expect(clippy::needless_pass_by_value, reason = "so that numbers can be written as they are")]
fn setting(key: &str, value: impl ToString) -> Override {
    Override { key: key.to_owned(), value: value.to_string() }
}

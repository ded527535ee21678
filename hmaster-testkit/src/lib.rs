//! A whole HBase cluster for a test, in its own process: embedded ZooKeeper, a master, and region servers in Rust.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use hmaster_testkit::TestCluster;
//!
//! let cluster = TestCluster::start().await?;
//! println!("{}", cluster.site_xml()); // what a Java client needs
//! cluster.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Everything speaks HBase's protocols over real sockets on free ports, so any number of clusters run at once, and what a
//! test finds out about its client holds against a real cluster. Files are in a folder of the cluster's own, which goes
//! with it.
//!
//! The counterpart of `HBaseTestingUtility.startMiniCluster`.

use hmaster::MasterHandle;
use hmaster::standalone::{Standalone, StandaloneError, client_site};
use hmaster_config::Override;
use hmaster_sim::RegionServerHandle;
use tempfile::TempDir;

/// A cluster of one test. Dropping it ends everything at once; [`TestCluster::stop`] closes regions first.
#[derive(Debug)]
pub struct TestCluster {
    cluster: Standalone,
    // Dropped last: what runs has files in it.
    _folder: TempDir,
}

/// What a test cluster consists of.
#[derive(Debug, Default)]
pub struct TestClusterBuilder {
    region_servers: Option<usize>,
    overrides: Vec<Override>,
}

/// Why there is no test cluster.
#[derive(Debug, thiserror::Error)]
pub enum TestClusterError {
    /// There is no folder for it.
    #[error("make a folder for the cluster")]
    Folder(#[source] std::io::Error),
    /// A part doesn't start, or ended.
    #[error(transparent)]
    Cluster(#[from] StandaloneError),
}

impl TestCluster {
    /// A cluster with one region server.
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

    /// An hbase-site.xml for Java clients.
    pub fn site_xml(&self) -> String {
        client_site(self.cluster.config())
    }

    /// A folder with that hbase-site.xml, for `HBASE_CONF_DIR`.
    pub fn conf_dir(&self) -> std::path::PathBuf {
        self.cluster.conf_dir()
    }

    /// Where ZooKeeper listens.
    pub fn zookeeper(&self) -> std::net::SocketAddr {
        self.cluster.zookeeper()
    }

    /// The master.
    pub fn master(&self) -> &MasterHandle {
        self.cluster.master()
    }

    /// The region servers.
    pub fn region_servers(&self) -> &[RegionServerHandle] {
        self.cluster.region_servers()
    }

    /// Shuts the cluster down in order.
    ///
    /// # Errors
    /// When a part didn't end well.
    pub async fn stop(self) -> Result<(), TestClusterError> {
        Ok(self.cluster.stop().await?)
    }
}

impl TestClusterBuilder {
    /// How many region servers; one by default.
    #[must_use]
    pub fn region_servers(mut self, count: usize) -> Self {
        self.region_servers = Some(count);
        self
    }

    /// Settings for master and region servers.
    #[must_use]
    pub fn overrides(mut self, overrides: impl IntoIterator<Item = Override>) -> Self {
        self.overrides.extend(overrides);
        self
    }

    /// Starts it, and ends when clients can be served.
    ///
    /// # Errors
    /// See [`TestClusterError`].
    pub async fn start(self) -> Result<TestCluster, TestClusterError> {
        let folder =
            tempfile::Builder::new().prefix("hmaster-test-").tempdir().map_err(TestClusterError::Folder)?;
        let any_port = ["hbase.master.port", "hbase.master.info.port", "hbase.regionserver.port"]
            .map(|key| Override { key: key.to_owned(), value: "0".to_owned() });
        let cluster = Standalone::builder(folder.path().join("data"))
            .zk_port(0)
            .region_servers(self.region_servers.unwrap_or(1))
            .overrides(any_port)
            .overrides(self.overrides)
            .start()
            .await?;
        Ok(TestCluster { cluster, _folder: folder })
    }
}

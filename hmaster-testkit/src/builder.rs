//! Starts a test cluster.

use std::time::Duration;

use futures_util::future::try_join_all;
use hmaster::standalone::{LocalSettings, client_site};
use hmaster_config::Override;
use hmaster_protocol::CallUser;
use hmaster_rpc::client::{ClientOptions, RpcClient};
use hmaster_types::Chance;
use hmaster_zk_server::ZkServer;

use crate::folder::Folder;
use crate::masters::Masters;
use crate::region_servers::RegionServers;
use crate::{TestCluster, TestClusterError, setting};

/// What a test cluster consists of.
#[derive(Debug, Clone)]
pub struct TestClusterBuilder {
    masters: usize,
    region_servers: usize,
    overrides: Vec<Override>,
    session_timeout: Option<Duration>,
}

impl Default for TestClusterBuilder {
    fn default() -> Self {
        Self { masters: 1, region_servers: 1, overrides: Vec::new(), session_timeout: None }
    }
}

/// Sessions that last shorter than this run out on a machine that is just busy.
const SESSION_TIMEOUT_MIN: Duration = Duration::from_millis(200);

impl TestClusterBuilder {
    /// How many masters; one by default. All but one wait for their turn.
    #[must_use]
    pub fn masters(mut self, count: usize) -> Self {
        self.masters = count.max(1);
        self
    }

    /// How many region servers; one by default.
    #[must_use]
    pub fn region_servers(mut self, count: usize) -> Self {
        self.region_servers = count.max(1);
        self
    }

    /// A setting for masters and region servers.
    #[must_use]
    pub fn set(self, key: &str, value: impl ToString) -> Self {
        self.overrides([setting(key, value)])
    }

    /// Settings for masters and region servers.
    #[must_use]
    pub fn overrides(mut self, overrides: impl IntoIterator<Item = Override>) -> Self {
        self.overrides.extend(overrides);
        self
    }

    /// The ZooKeeper session of whoever is killed lasts for `session_timeout`, at least 200 ms, as after a power cut.
    /// Otherwise it ends with the kill.
    #[must_use]
    pub fn sessions_outlive_kills(mut self, session_timeout: Duration) -> Self {
        self.session_timeout = Some(session_timeout.max(SESSION_TIMEOUT_MIN));
        self
    }

    /// Starts it, and ends when clients are served and all region servers can be given regions.
    ///
    /// # Errors
    /// See [`TestClusterError`].
    pub async fn start(self) -> Result<TestCluster, TestClusterError> {
        let Self { masters, region_servers, overrides, session_timeout } = self;
        let folder = Folder::new().map_err(TestClusterError::Folder)?;
        let zk = start_zookeeper(session_timeout).await?;
        let mut own =
            vec![setting("hbase.master.port", 0), setting("hbase.master.info.port", 0), setting(RS_PORT, 0)];
        own.extend(session_timeout.map(|timeout| setting("zookeeper.session.timeout", timeout.as_millis())));
        own.extend(overrides);
        let settings = LocalSettings::new(&folder.root_dir(), zk.local_addr(), region_servers, own);
        let config = settings.configuration(&[]).map_err(TestClusterError::Configuration)?;
        folder.write_site(&client_site(&config)).map_err(TestClusterError::Folder)?;
        let cluster = TestCluster {
            masters: Masters::default(),
            region_servers: RegionServers::default(),
            rpc: RpcClient::new(ClientOptions::new(CallUser::new("hmaster-testkit"))),
            zk,
            folder,
            settings,
            config,
            leaves_sessions: session_timeout.is_some(),
            chance: Chance::from_entropy(),
        };
        cluster.masters.start(&cluster, &[])?;
        let servers = (0..region_servers).map(|_| cluster.start_region_server());
        tokio::try_join!(try_join_all(servers), cluster.active_master())?;
        for _ in 1..masters {
            cluster.start_master().await?;
        }
        Ok(cluster)
    }
}

/// `hbase.regionserver.port`.
pub(crate) const RS_PORT: &str = "hbase.regionserver.port";

/// In memory: what a test cluster knows ends with it.
async fn start_zookeeper(session_timeout: Option<Duration>) -> Result<ZkServer, TestClusterError> {
    let mut builder = ZkServer::builder();
    if let Some(timeout) = session_timeout {
        // Sessions expire on whole ticks.
        builder = builder.tick_time(timeout / 4).min_session_timeout(timeout).max_session_timeout(timeout);
    }
    builder.start().await.map_err(TestClusterError::ZooKeeper)
}

//! Puts a standalone cluster together.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use futures_util::future::try_join_all;
use hmaster_config::{Configuration, Override};
use hmaster_sim::{RegionServer, RegionServerHandle};
use hmaster_zk_server::ZkServer;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::{LocalSettings, Standalone, StandaloneError, client_site, folder};
use crate::Master;

/// ZooKeeper's usual port, where clients look when nobody tells them another.
const ZK_PORT: u16 = 2181;
const REGION_SERVERS: usize = 3;
const REGION_SERVER_PORT_KEY: &str = "hbase.regionserver.port";

/// What a standalone cluster consists of.
#[derive(Debug)]
pub struct StandaloneBuilder {
    data_dir: PathBuf,
    zk_port: u16,
    region_servers: usize,
    overrides: Vec<Override>,
}

impl StandaloneBuilder {
    pub(super) fn new(data_dir: PathBuf) -> Self {
        Self { data_dir, zk_port: ZK_PORT, region_servers: REGION_SERVERS, overrides: Vec::new() }
    }

    /// ZooKeeper's port, 2181 by default; 0 for any.
    #[must_use]
    pub fn zk_port(mut self, port: u16) -> Self {
        self.zk_port = port;
        self
    }

    /// How many region servers, 3 by default. The first listens at `hbase.regionserver.port`, each other at the port after
    /// the one before; if that key is 0, all at any.
    #[must_use]
    pub fn region_servers(mut self, count: usize) -> Self {
        self.region_servers = count;
        self
    }

    /// Settings for master and region servers.
    #[must_use]
    pub fn overrides(mut self, overrides: impl IntoIterator<Item = Override>) -> Self {
        self.overrides.extend(overrides);
        self
    }

    /// Starts everything, and ends when clients can be served.
    ///
    /// # Errors
    /// When a port is taken, the data folder can't be used, or a part ends.
    pub async fn start(self) -> Result<Standalone, StandaloneError> {
        let (data_dir, lock) = folder::take(&self.data_dir)?;
        let zk = start_zookeeper(&data_dir, self.zk_port).await?;
        let root_dir = folder::root_dir(&data_dir);
        let settings = LocalSettings::new(&root_dir, zk.local_addr(), self.region_servers, self.overrides);
        let config = settings.configuration(&[]).map_err(StandaloneError::Configuration)?;
        folder::write_site(&data_dir, &client_site(&config))?;
        let master = Master::builder(config.clone()).build()?;
        let handle = master.handle();
        let master_task = AbortOnDropHandle::new(tokio::spawn(master.run(CancellationToken::new())));
        let mut cluster = Standalone {
            zk,
            master: handle.clone(),
            master_task,
            region_servers: Vec::new(),
            config,
            data_dir,
            _lock: lock,
        };
        let base_port = region_server_port(&cluster.config);
        let serving = async {
            let servers =
                (0..self.region_servers).map(|index| start_region_server(&settings, base_port, index));
            let servers = try_join_all(servers).await?;
            handle.initialized().await;
            Ok::<_, StandaloneError>(servers)
        };
        let region_servers = tokio::select! {
            biased;
            servers = serving => servers?,
            failed = cluster.failed() => return Err(failed),
        };
        cluster.region_servers = region_servers;
        Ok(cluster)
    }
}

async fn start_zookeeper(data_dir: &std::path::Path, port: u16) -> Result<ZkServer, StandaloneError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let builder = ZkServer::builder().data_dir(folder::zookeeper_dir(data_dir)).bind(address);
    builder.start().await.map_err(|error| match error {
        hmaster_zk_server::StartError::AddressInUse { addr } => StandaloneError::ZooKeeperPort(addr),
        error => StandaloneError::ZooKeeper(error),
    })
}

fn region_server_port(config: &Configuration) -> u16 {
    const USUAL: u16 = 16020;
    let port = config.raw().get_trimmed(REGION_SERVER_PORT_KEY).ok().flatten();
    // A port that isn't one is reported by the region server that is to listen there.
    port.and_then(|text| text.parse().ok()).unwrap_or(USUAL)
}

async fn start_region_server(
    settings: &LocalSettings,
    base_port: u16,
    index: usize,
) -> Result<RegionServerHandle, StandaloneError> {
    let port = match base_port {
        0 => 0,
        base => base.saturating_add(u16::try_from(index).unwrap_or(u16::MAX)),
    };
    let own = [(REGION_SERVER_PORT_KEY, &*port.to_string())];
    let own = if index == 0 { &[][..] } else { &own };
    let config = settings.configuration(own).map_err(StandaloneError::Configuration)?;
    let started = RegionServer::builder(config).start().await;
    started.map_err(|source| StandaloneError::RegionServer { index, source })
}

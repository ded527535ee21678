//! Puts a region server together.

use std::net::SocketAddr;
use std::sync::Arc;

use hmaster_config::Configuration;
use hmaster_protocol::services as service;
use hmaster_protocol::{CallUser, pb};
use hmaster_rpc::OptionError;
use hmaster_rpc::client::{ClientOptions, RpcClient};
use hmaster_rpc::server::{BindError, RpcServer, ServerOptions};
use hmaster_types::{Chance, Clock, StartCode, SystemClock, jenkins_hash};
use hmaster_zk::{ZkConfig, ZkError};
use parking_lot::RwLock;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::handle::{Ended, RegionServerHandle};
use super::host::{self, HostError};
use super::life::Parts;
use super::member::Member;
use super::options::{RegionServerOptions, Settings};
use super::register::Applicant;
use super::running::Running;
use super::scanners::Scanners;
use super::state::{Bounds, Server};
use crate::service::{Admin, Bootstrap, Client, ClusterId, Registry};

/// The release whose wire protocol is spoken.
pub(crate) const HBASE_VERSION: &str = "2.6.4";

/// What a region server is made of, as far as it isn't configured.
#[derive(Debug)]
pub struct RegionServerBuilder {
    config: Configuration,
    clock: Arc<dyn Clock>,
    chance: Chance,
    leaves_session: bool,
}

/// Why a region server can't be had.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A value isn't what its key needs.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// What is configured about ZooKeeper makes no sense.
    #[error("ZooKeeper's configuration")]
    ZooKeeper(#[source] ZkError),
    /// The configured host has no address.
    #[error("hbase.regionserver.hostname or hbase.regionserver.ipc.address")]
    Host(#[source] HostError),
    /// It can't listen.
    #[error("hbase.regionserver.port")]
    Bind(#[source] BindError),
    /// The system doesn't say where it listens.
    #[error("hbase.regionserver.port {address}")]
    Address {
        /// Where it was to listen.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// It listened, and ended before it was online.
    #[error("ended before it was online: {0}")]
    Ended(Ended),
}

impl RegionServerBuilder {
    pub(super) fn new(config: Configuration) -> Self {
        Self { config, clock: Arc::new(SystemClock), chance: Chance::from_entropy(), leaves_session: false }
    }

    /// Another wall clock than the machine's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Where randomness comes from.
    #[must_use]
    pub fn chance(mut self, chance: Chance) -> Self {
        self.chance = chance;
        self
    }

    /// Lets [`RegionServerHandle::abort`] leave the ZooKeeper session to expire, as after a power cut. Otherwise the
    /// session ends with the server.
    #[must_use]
    pub fn leaves_session(mut self, leaves: bool) -> Self {
        self.leaves_session = leaves;
        self
    }

    /// A region server that is online: the active master knows it and may give it regions. Waits for as long as there is
    /// no master.
    ///
    /// # Errors
    /// When it can't listen, can't have what is configured, or isn't wanted by the master.
    pub async fn start(self) -> Result<RegionServerHandle, StartError> {
        let server = self.launch().await?;
        match server.online().await {
            Ok(_) => Ok(server),
            Err(ended) => Err(StartError::Ended(ended)),
        }
    }

    /// A region server that listens and looks for a master. To be called in a tokio runtime.
    ///
    /// # Errors
    /// When it can't listen, or can't have what is configured.
    pub async fn launch(self) -> Result<RegionServerHandle, StartError> {
        let Self { config, clock, chance, leaves_session } = self;
        let (settings, options) = Settings::new(config)?;
        let lookup = |key: &str| settings.get(key);
        let mut zk_config = ZkConfig::from_lookup(lookup).map_err(StartError::ZooKeeper)?;
        zk_config.session.outlives_client = leaves_session;
        let version = version_info(HBASE_VERSION, &settings.user());
        let client_options = ClientOptions {
            version: Some(Arc::new(version.clone())),
            ..ClientOptions::from_keys(CallUser::new(settings.user()), &lookup)?
        };
        let server_options = ServerOptions::from_keys(&lookup)?;
        let (host, listen) = host::find(&options).await.map_err(StartError::Host)?;
        let start_code = StartCode(clock.now_ms());
        let server =
            Arc::new(server(options, settings, clock, chance, start_code, RpcClient::new(client_options)));
        let rpc = rpc(&server, server_options).bind(listen).map_err(StartError::Bind)?;
        let address = rpc.local_addr().map_err(|source| StartError::Address { address: listen, source })?;
        let applicant = Applicant { host, port: address.port(), start_code };
        let parts = Parts { rpc, zk_config, version, applicant, killed: CancellationToken::new() };
        Ok(RegionServerHandle(Running::launch(server, parts, address)))
    }
}

fn server(
    options: RegionServerOptions,
    settings: Settings,
    clock: Arc<dyn Clock>,
    chance: Chance,
    start_code: StartCode,
    rpc: RpcClient,
) -> Server {
    // Ids of scanners tell lives of servers apart; two servers that start in one millisecond as well.
    let hash = jenkins_hash(&start_code.0.to_be_bytes(), chance.bits() as u32);
    Server {
        settings,
        scanners: Scanners::new(hash, options.scanner_timeout, options.scanners_max),
        bounds: Bounds {
            opening: Semaphore::new(options.openers_max),
            closing: Semaphore::new(options.closers_max),
            splitting: Semaphore::new(options.splitters_max),
        },
        storage: RwLock::new(None),
        member: Member::new(options, clock, chance, start_code, rpc),
    }
}

fn rpc(server: &Arc<Server>, options: ServerOptions) -> hmaster_rpc::server::RpcServerBuilder {
    RpcServer::builder()
        .options(options)
        .cluster_id(Arc::new(ClusterId(server.clone())))
        .service(service::client_service::Server(Arc::new(Client(server.clone()))))
        .service(service::admin_service::Server(Arc::new(Admin(server.clone()))))
        .service(service::client_meta_service::Server(Arc::new(Registry(server.clone()))))
        .service(service::bootstrap_node_service::Server(Arc::new(Bootstrap(server.clone()))))
}

/// What others are told of a server's software of release `version`, such as `2.6.4`.
pub fn version_info(version: &str, user: &str) -> pb::VersionInfo {
    let mut numbers = version.split('.').map_while(|number| number.parse().ok());
    pb::VersionInfo {
        version: version.into(),
        url: "hmaster".into(),
        revision: env!("CARGO_PKG_VERSION").into(),
        user: user.into(),
        date: "unknown".into(),
        src_checksum: "unknown".into(),
        version_major: numbers.next(),
        version_minor: numbers.next(),
    }
}

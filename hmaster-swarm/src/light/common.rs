//! What the light servers of a swarm have in common.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hmaster_config::Configuration;
use hmaster_fs::rootdir::RootDir;
use hmaster_protocol::{CallUser, pb};
use hmaster_rpc::OptionError;
use hmaster_rpc::client::ClientOptions;
use hmaster_rpc::server::ServerOptions;
use hmaster_sim::carrier::{StorageSetupError, find_host, root_folder, version_info};
use hmaster_sim::{HostError, RegionServerOptions};
use hmaster_types::{Chance, Clock, StartCode};
use hmaster_zk::{ZkConfig, ZkError};

use super::LIGHT_VERSION;
use crate::tally::Tally;

/// Transitions that a server reports at the same time, unless it is configured otherwise: in Java each of the three threads
/// that open, and of the three that close, waits for the master.
const TRANSITION_REPORTS_MAX: usize = 6;

/// What the light servers of a swarm have in common.
#[derive(Debug)]
pub struct Common {
    pub(crate) options: RegionServerOptions,
    pub(crate) client_options: ClientOptions,
    pub(crate) server_options: ServerOptions,
    pub(crate) zk_config: ZkConfig,
    pub(crate) version: pb::VersionInfo,
    /// How the servers call their host.
    pub(crate) host: String,
    /// Where they listen.
    pub(crate) listen: IpAddr,
    pub(crate) root: RootDir,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chance: Chance,
    /// What all servers have seen.
    pub tally: Tally,
    sequence_id: AtomicU64,
    start_code: AtomicU64,
}

/// Why there can't be light servers.
#[derive(Debug, thiserror::Error)]
pub enum CommonError {
    /// A value isn't what its key needs.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// What is configured about ZooKeeper makes no sense.
    #[error("ZooKeeper's configuration")]
    ZooKeeper(#[source] ZkError),
    /// The configured host has no address.
    #[error("hbase.regionserver.hostname or hbase.regionserver.ipc.address")]
    Host(#[source] HostError),
    /// The root folder can't be reached.
    #[error("the root folder")]
    Root(#[from] StorageSetupError),
}

impl Common {
    /// What `config` says to region servers. The same `chance` gives the same faults. Sessions of killed servers either run
    /// out or are closed at once.
    ///
    /// # Errors
    /// See [`CommonError`].
    pub async fn new(
        config: &Configuration,
        clock: Arc<dyn Clock>,
        chance: Chance,
        sessions_expire: bool,
    ) -> Result<Self, CommonError> {
        let lookup = |key: &str| config.raw().get(key).ok().flatten();
        let mut options = RegionServerOptions::from_keys(&lookup)?;
        if lookup("hmaster.regionserver.transition.reports.max").is_none() {
            options.transition_reports_max = TRANSITION_REPORTS_MAX;
        }
        let user = config.raw().environment().property("user.name").unwrap_or("hbase").to_owned();
        let version = version_info(LIGHT_VERSION, &user);
        let client_options = ClientOptions {
            version: Some(Arc::new(version.clone())),
            ..ClientOptions::from_keys(CallUser::new(user), &lookup)?
        };
        let mut zk_config = ZkConfig::from_lookup(lookup).map_err(CommonError::ZooKeeper)?;
        zk_config.session.outlives_client = sessions_expire;
        let (host, listen) = find_host(&options).await.map_err(CommonError::Host)?;
        Ok(Self {
            server_options: ServerOptions::from_keys(&lookup)?,
            client_options,
            zk_config,
            version,
            host,
            listen: listen.ip(),
            root: root_folder(config.clone(), clock.clone())?,
            chance,
            tally: Tally::default(),
            sequence_id: AtomicU64::new(clock.now_ms()),
            start_code: AtomicU64::new(0),
            clock,
            options,
        })
    }

    /// Each opening of a region has a higher one than any before, also of an earlier swarm.
    pub(crate) fn next_sequence_id(&self) -> u64 {
        self.sequence_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Now, or later: two lives at one port must not have one name.
    pub(crate) fn next_start_code(&self) -> StartCode {
        let now = self.clock.now_ms();
        let before = self
            .start_code
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(now.max(last + 1)));
        StartCode(now.max(before.unwrap_or(0) + 1))
    }
}

//! Puts a master together.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hmaster_config::Configuration;
use hmaster_core::role::RoleCell;
use hmaster_core::services::{
    AdminServices, HbckServices, LockServices, MasterServices, RegionServerStatus, RegistryServices,
};
use hmaster_protocol::CallUser;
use hmaster_protocol::services as service;
use hmaster_rpc::client::{ClientOptions, RpcClient};
use hmaster_rpc::server::{BindError, RpcServer, ServerOptions};
use hmaster_types::{Chance, Clock, ServerName, StartCode, SystemClock};
use hmaster_web::{InfoServer, Sources};

use super::settings::LiveSettings;
use super::view::View;
use super::{Master, Parts, Stop};
use crate::adapters::host_names::SystemHostNames;
use crate::adapters::rpc_statistics::RpcCounters;
use crate::error::BuildError;
use crate::file_systems;
use crate::host::{Host, address_of};

const PORT_KEY: &str = "hbase.master.port";

/// What a master is made of, as far as it isn't configured.
pub struct MasterBuilder {
    config: Configuration,
    backup: Option<bool>,
    clock: Arc<dyn Clock>,
    chance: Chance,
    leaves_session: bool,
}

impl MasterBuilder {
    pub(super) fn new(config: Configuration) -> Self {
        let (clock, chance) = (Arc::new(SystemClock), Chance::from_entropy());
        Self { config, backup: None, clock, chance, leaves_session: false }
    }

    /// Whether another master is to be active first; by default what `hbase.master.backup` says.
    #[must_use]
    pub fn backup(mut self, backup: bool) -> Self {
        self.backup = Some(backup);
        self
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

    /// Lets a master that is dropped while it [runs](Master::run) leave its ZooKeeper session to expire, as a kill -9
    /// does. Otherwise the session ends with it, and another master takes over at once.
    #[must_use]
    pub fn leaves_session(mut self, leaves: bool) -> Self {
        self.leaves_session = leaves;
        self
    }

    /// A master that listens already, and calls are answered once it [runs](Master::run). Nothing is asked of
    /// ZooKeeper or the file system yet. To be called in a tokio runtime.
    ///
    /// # Errors
    /// When it can't listen, or can't have what is configured.
    pub fn build(self) -> Result<Master, BuildError> {
        let Self { config, backup, clock, chance, leaves_session } = self;
        let options = config.options();
        let lookup = |key: &str| config.raw().get(key).ok().flatten();
        let option_error = |error: &dyn std::fmt::Display| BuildError::Option(error.to_string());
        let server_options = ServerOptions::from_keys(&lookup).map_err(|e| option_error(&e))?;
        let user = config.raw().environment().property("user.name").unwrap_or("hbase").to_owned();
        let client_options =
            ClientOptions::from_keys(CallUser::new(user), &lookup).map_err(|e| option_error(&e))?;
        hmaster_core::cleaners::chain::check(&options.cleaners).map_err(|e| option_error(&e))?;
        let root = file_systems::root_dir(&config, clock.clone())?;

        let host = Host::find(options)?;
        let listen =
            SocketAddr::new(listen_address(options.rpc.bind_address.as_deref(), &host)?, options.rpc.port);
        let (role, view, stop) =
            (Arc::new(RoleCell::default()), Arc::new(View::default()), Arc::new(Stop::default()));
        let masters = MasterServices { role: role.clone(), view: view.clone(), process: stop.clone() };
        let chance = Arc::new(chance);
        let registry = Arc::new(RegistryServices {
            role: role.clone(),
            view: view.clone(),
            chance: chance.clone(),
            bootstrap_nodes_max: options.rpc.bootstrap_nodes_max as usize,
        });
        let settings = Arc::new(LiveSettings::new(config.clone()));
        let admin = Arc::new(AdminServices { role: role.clone(), settings: settings.clone() });
        let hbck = Arc::new(HbckServices { role: role.clone() });
        let locks = Arc::new(LockServices { role: role.clone() });
        let region_servers =
            Arc::new(RegionServerStatus { role: role.clone(), hosts: Arc::new(SystemHostNames) });
        let rpc = RpcServer::builder()
            .options(server_options)
            .cluster_id(view.clone())
            .service(service::region_server_status_service::Server(region_servers))
            .service(service::client_meta_service::Server(registry))
            .service(service::admin_service::Server(admin))
            .service(service::hbck_service::Server(hbck))
            .service(service::lock_service::Server(locks))
            .service(masters)
            .bind(listen)
            .map_err(bind_error)?;
        let address = rpc.local_addr().map_err(|source| listen_error(listen, source))?;
        let port = address.port();
        let address = Some(address).filter(|address| !address.ip().is_unspecified());
        let server = ServerName::new(&host.name, port, StartCode(clock.now_ms()))
            .map_err(|error| BuildError::Option(format!("hbase.master.hostname: {error}")))?;
        let backup = backup.unwrap_or(options.master.backup);
        let client = RpcClient::new(client_options);
        let pages = InfoServer::bind(Sources {
            config: config.clone(),
            server: server.clone(),
            role: role.clone(),
            view: view.clone(),
            clock: clock.clone(),
            rpc: Some(Arc::new(RpcCounters(rpc.metrics()))),
        })?;
        let info_port = pages.as_ref().map_or(0, |pages| pages.local_addr().port());
        let parts = Parts {
            config,
            settings,
            server,
            info_port,
            backup,
            address,
            clock,
            chance,
            leaves_session,
            root,
            client,
            role,
            view,
            stop,
        };
        Ok(Master { parts: Arc::new(parts), rpc, pages })
    }
}

/// Where to listen: an address of its own, or that of the name that others are told.
fn listen_address(configured: Option<&str>, host: &Host) -> Result<IpAddr, BuildError> {
    let Some(configured) = configured.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(host.address);
    };
    address_of(configured)
        .map_err(|error| BuildError::Option(format!("hbase.master.ipc.address: {configured}: {error}")))
}

fn listen_error(address: SocketAddr, source: std::io::Error) -> BuildError {
    BuildError::Listen { key: PORT_KEY, address, source }
}

fn bind_error(error: BindError) -> BuildError {
    match error {
        BindError::PortInUse { address } => BuildError::PortInUse { key: PORT_KEY, address },
        BindError::Listen { address, source } => listen_error(address, source),
        BindError::ServiceTwice { service } => unreachable!("service {service} was added twice"),
    }
}

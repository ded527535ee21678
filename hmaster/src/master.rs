//! A master: put together, and run.
//!
//! ```text
//! build: names itself, listens                      run ─► one life after another, each with its own session
//!                                                             │
//!   session ─► base znodes ─► election ─► root folder ─► store (fences the predecessor)
//!                                             ─► load ─► assign, recover ─► initialized ─► … ─► end of the reign
//! ```
//!
//! A life ends with its session. If the master was active its reign is over then: it stops to act at once, and begins
//! anew as one that waits. What can't be mended by that, such as a store that doesn't take writes, ends the master.

mod builder;
mod failover;
mod follow;
mod life;
mod reign;
mod settings;
mod view;

use std::net::SocketAddr;
use std::sync::Arc;

use hmaster_config::Configuration;
use hmaster_core::environment::MasterEnv;
use hmaster_core::role::{Role, RoleCell};
use hmaster_core::services::Process;
use hmaster_fs::rootdir::RootDir;
use hmaster_rpc::client::RpcClient;
use hmaster_rpc::server::RpcServer;
use hmaster_types::{Chance, Clock, ServerName};
use hmaster_web::InfoServer;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::RunError;
use settings::LiveSettings;
use view::View;

pub use builder::MasterBuilder;

/// A master that is ready to [run](Master::run). Counterpart of `HMaster`.
pub struct Master {
    parts: Arc<Parts>,
    rpc: RpcServer,
    pages: Option<InfoServer>,
}

/// What a life of a master needs.
struct Parts {
    /// As it was read at the start.
    config: Configuration,
    settings: Arc<LiveSettings>,
    server: ServerName,
    /// The port of the pages; 0 without pages.
    info_port: u16,
    backup: bool,
    /// Where it listens; none for every address of its host.
    address: Option<SocketAddr>,
    clock: Arc<dyn Clock>,
    chance: Arc<Chance>,
    leaves_session: bool,
    root: RootDir,
    client: RpcClient,
    role: Arc<RoleCell>,
    view: Arc<View>,
    stop: Arc<Stop>,
}

/// Stops the master when somebody asks for it by RPC.
#[derive(Debug, Default)]
struct Stop(CancellationToken);

impl Process for Stop {
    fn stop_master(&self, why: &str) {
        tracing::info!(why, "stopping");
        self.0.cancel();
    }
}

/// A look at a running master, and a way to stop it. Cheap to clone.
#[derive(Clone)]
pub struct MasterHandle {
    server: ServerName,
    address: SocketAddr,
    info_port: u16,
    role: Arc<RoleCell>,
    stop: Arc<Stop>,
}

impl Master {
    /// Puts a master together from a configuration.
    pub fn builder(config: Configuration) -> MasterBuilder {
        MasterBuilder::new(config)
    }

    /// What is left of it once it runs.
    pub fn handle(&self) -> MasterHandle {
        MasterHandle {
            server: self.parts.server.clone(),
            // It listens, so it has an address.
            address: self.rpc.local_addr().unwrap_or_else(|_| SocketAddr::from(([0, 0, 0, 0], 0))),
            info_port: self.parts.info_port,
            role: self.parts.role.clone(),
            stop: self.parts.stop.clone(),
        }
    }

    /// Runs until `shutdown`, until somebody stops it, or until it can't go on. If it was active another master takes
    /// over without a wait.
    ///
    /// Dropping the future ends the master where it stands, as a kill -9 ends a process.
    ///
    /// # Errors
    /// Why it can't go on.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), RunError> {
        let Self { parts, rpc, pages } = self;
        let _let_go = LetGo(parts.role.clone());
        let rpc_stop = CancellationToken::new();
        let pages = pages.map(|pages| AbortOnDropHandle::new(tokio::spawn(pages.run(rpc_stop.clone()))));
        let rpc = AbortOnDropHandle::new(tokio::spawn(rpc.serve(rpc_stop.clone())));
        tracing::info!(server = %parts.server, "master");
        let stop = parts.stop.0.clone();
        let outcome = {
            let until_stopped = life::lives(&parts);
            tokio::pin!(until_stopped);
            tokio::select! {
                outcome = &mut until_stopped => outcome,
                () = shutdown.cancelled() => {
                    stop.cancel();
                    until_stopped.await
                }
            }
        };
        parts.role.set(Role::Stopping);
        rpc_stop.cancel();
        // A panic in the server has been reported where it happened.
        let _ = rpc.await;
        if let Some(pages) = pages {
            let _ = pages.await;
        }
        outcome
    }
}

/// Handles may outlive the master; what runs for its reign doesn't.
struct LetGo(Arc<RoleCell>);

impl Drop for LetGo {
    fn drop(&mut self) {
        self.0.set(Role::Stopping);
    }
}

impl MasterHandle {
    /// The name it goes by.
    pub fn server(&self) -> &ServerName {
        &self.server
    }

    /// Where it listens for clients and region servers.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port of its pages, if it has any.
    pub fn info_port(&self) -> Option<u16> {
        Some(self.info_port).filter(|port| *port != 0)
    }

    /// What it is at the moment.
    pub fn role(&self) -> &RoleCell {
        &self.role
    }

    /// Waits until it is active and serves clients. Doesn't end if that never comes.
    pub async fn initialized(&self) -> Arc<MasterEnv> {
        self.role.until_initialized().await
    }

    /// Stops it, as [`Master::run`]'s token does.
    pub fn stop(&self, why: &str) {
        self.stop.stop_master(why);
    }
}

impl std::fmt::Debug for Master {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Master").field("server", &self.parts.server).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for MasterHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MasterHandle").field("server", &self.server).finish_non_exhaustive()
    }
}

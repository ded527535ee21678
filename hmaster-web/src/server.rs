//! The server itself: listens, keeps its connections within bounds, and hands requests to [`Site`]. Counterpart of
//! `InfoServer` and `HttpServer`.
//!
//! Jetty bounds its threads; here every connection is a small task, and what is bounded is how many there are, how long
//! a client may take to send a request, and how long a connection may live. A client that sends its request byte by
//! byte, or never takes its answer, thus holds one of many places, for a while.

mod bind;
mod connection;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hmaster_config::Configuration;
use hmaster_core::role::RoleCell;
use hmaster_core::services::ClusterView;
use hmaster_types::{Clock, ServerName};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::site::Site;
use crate::statistics::RpcStatistics;

pub use bind::BindError;

/// Connections open at the same time; more wait in the operating system. Browsers open six each, and monitoring one.
const CONNECTIONS_MAX: usize = 256;
/// Pause after the operating system couldn't give a connection, as when file descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long answers may take that are under way when the server stops.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// Whose pages these are, and what they read.
#[derive(Clone)]
pub struct Sources {
    /// The configuration, which `/conf` shows.
    pub config: Configuration,
    /// The master's name; its start code is when the process started.
    pub server: ServerName,
    /// What the master is, and all it knows once it is active.
    pub role: Arc<RoleCell>,
    /// What it knows of the cluster when it isn't.
    pub view: Arc<dyn ClusterView>,
    /// Wall clock.
    pub clock: Arc<dyn Clock>,
    /// What the RPC server counts, if there is one.
    pub rpc: Option<Arc<dyn RpcStatistics>>,
}

/// The master's web server. It listens already; requests are answered once it [runs](InfoServer::run).
#[derive(Debug)]
pub struct InfoServer {
    listener: TcpListener,
    address: SocketAddr,
    site: Arc<Site>,
}

impl InfoServer {
    /// Listens where the configuration says; none if it says that there are no pages (`hbase.master.info.port` is -1).
    /// To be called in a tokio runtime; may ask the resolver.
    ///
    /// # Errors
    /// When it can't listen there; the error names the key to change.
    pub fn bind(sources: Sources) -> Result<Option<Self>, BindError> {
        match bind::listen(sources.config.options())? {
            Some(listener) => Self::with_listener(sources, listener).map(Some),
            None => Ok(None),
        }
    }

    /// Listens at `address`, whatever the configuration says. To be called in a tokio runtime.
    ///
    /// # Errors
    /// When it can't listen there.
    pub fn bind_to(sources: Sources, address: SocketAddr) -> Result<Self, BindError> {
        Self::with_listener(sources, bind::listen_at(address)?)
    }

    fn with_listener(sources: Sources, listener: std::net::TcpListener) -> Result<Self, BindError> {
        let (listener, address) = bind::into_tokio(listener)?;
        let site = Arc::new(Site::new(sources, address.port()));
        Ok(Self { listener, address, site })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Answers requests until `shutdown`; answers that are under way may end. Dropping the future ends all at once.
    pub async fn run(self, shutdown: CancellationToken) {
        let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut connections = JoinSet::new();
        tracing::info!(address = %self.address, "pages");
        while let Some((stream, permit)) = accept(&self.listener, &permits, &shutdown).await {
            while connections.try_join_next().is_some() {}
            connections.spawn(connection::serve(stream, self.site.clone(), shutdown.clone(), permit));
        }
        drop(self.listener);
        let all = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_PATIENCE, all).await.is_err() {
            tracing::debug!("some clients don't take their pages");
        }
    }
}

/// The next connection, when there is room for it; none after `shutdown`.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
    shutdown: &CancellationToken,
) -> Option<(tokio::net::TcpStream, OwnedSemaphorePermit)> {
    let next = async {
        let permit = permits.clone().acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, _)) => return Some((stream, permit)),
                Err(error) => {
                    tracing::debug!(%error, "accept");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        biased;
        () = shutdown.cancelled() => None,
        accepted = next => accepted,
    }
}

impl std::fmt::Debug for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sources").field("server", &self.server).finish_non_exhaustive()
    }
}

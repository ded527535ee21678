//! Puts a server together.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use hmaster_protocol::{CallContext, RpcService};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::auth::{Authenticator, SimpleAuthenticator};
use super::call::Service;
use super::listener::RpcServer;
use super::metrics::ServerMetrics;
use super::options::ServerOptions;
use super::outbox::OutboundTotal;
use super::priority::{MasterPriority, PriorityFunction};
use super::registry::ClusterIdSource;
use super::scheduler::Scheduler;
use super::shared::Shared;
use crate::stream::{PlainAcceptor, StreamAcceptor};
use crate::wire::budget::ByteBudget;

/// What a server is made of.
pub struct RpcServerBuilder {
    options: ServerOptions,
    services: HashMap<&'static str, Service>,
    twice: Option<&'static str>,
    authenticator: Arc<dyn Authenticator>,
    acceptor: Arc<dyn StreamAcceptor>,
    cluster_id: Arc<dyn ClusterIdSource>,
    priority: Arc<dyn PriorityFunction>,
}

/// Why a server can't be had.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another process, or another server of this one, listens there.
    #[error("{address} is in use")]
    PortInUse {
        /// Where it was to listen.
        address: SocketAddr,
    },
    /// Listening fails for another reason.
    #[error("listen at {address}")]
    Listen {
        /// Where it was to listen.
        address: SocketAddr,
        /// Why it can't.
        #[source]
        source: io::Error,
    },
    /// Two services have one name.
    #[error("there are two services named {service}")]
    ServiceTwice {
        /// The name.
        service: &'static str,
    },
}

impl Default for RpcServerBuilder {
    fn default() -> Self {
        Self {
            options: ServerOptions::default(),
            services: HashMap::new(),
            twice: None,
            authenticator: Arc::new(SimpleAuthenticator),
            acceptor: Arc::new(PlainAcceptor),
            cluster_id: Arc::new(None::<String>),
            priority: Arc::new(MasterPriority),
        }
    }
}

impl RpcServerBuilder {
    /// Adds a service, such as `master_service::Server(Arc::new(…))`. All share the port.
    #[must_use]
    pub fn service(mut self, service: impl RpcService<CallContext> + 'static) -> Self {
        let service: Service = Arc::new(service);
        if let Some(before) = self.services.insert(service.name(), service) {
            self.twice = Some(before.name());
        }
        self
    }

    /// Bounds and counts; [`ServerOptions::default`] otherwise.
    #[must_use]
    pub fn options(mut self, options: ServerOptions) -> Self {
        self.options = options;
        self
    }

    /// Who may connect; [`SimpleAuthenticator`] otherwise.
    #[must_use]
    pub fn authenticator(mut self, authenticator: Arc<dyn Authenticator>) -> Self {
        self.authenticator = authenticator;
        self
    }

    /// How sockets become streams; [`PlainAcceptor`] otherwise.
    #[must_use]
    pub fn acceptor(mut self, acceptor: Arc<dyn StreamAcceptor>) -> Self {
        self.acceptor = acceptor;
        self
    }

    /// What answers the registry preamble; otherwise it is an unknown one.
    #[must_use]
    pub fn cluster_id(mut self, cluster_id: Arc<dyn ClusterIdSource>) -> Self {
        self.cluster_id = cluster_id;
        self
    }

    /// Which calls must not wait behind which; [`MasterPriority`] otherwise.
    #[must_use]
    pub fn priority(mut self, priority: Arc<dyn PriorityFunction>) -> Self {
        self.priority = priority;
        self
    }

    /// A server that listens at `address`; port 0 for any free one.
    ///
    /// # Errors
    /// When it can't listen there, or two services have one name.
    pub fn bind(self, address: SocketAddr) -> Result<RpcServer, BindError> {
        let listener = listen(address, &self.options).map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => BindError::PortInUse { address },
            _ => BindError::Listen { address, source },
        })?;
        Ok(RpcServer::new(Some(listener), self.shared()?))
    }

    /// A server that listens nowhere and is reached by its [`Door`](super::Door) only.
    ///
    /// # Errors
    /// When two services have one name.
    pub fn in_memory(self) -> Result<RpcServer, BindError> {
        Ok(RpcServer::new(None, self.shared()?))
    }

    fn shared(self) -> Result<Arc<Shared>, BindError> {
        if let Some(service) = self.twice {
            return Err(BindError::ServiceTwice { service });
        }
        let calls = ByteBudget::new(self.options.call_bytes_max);
        let outbound = OutboundTotal::new(self.options.outbound_total_bytes_max);
        let metrics = Arc::new(ServerMetrics::new(calls.clone(), outbound.clone()));
        let kill = CancellationToken::new();
        Ok(Arc::new(Shared {
            scheduler: Scheduler::new(&self.options.queues, metrics.clone(), kill.clone()),
            calls,
            outbound,
            options: self.options,
            services: self.services,
            authenticator: self.authenticator,
            acceptor: self.acceptor,
            cluster_id: self.cluster_id,
            priority: self.priority,
            metrics,
            stop: CancellationToken::new(),
            kill,
        }))
    }
}

fn listen(address: SocketAddr, options: &ServerOptions) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None)?;
    // Connections of a server that just stopped must not keep the port; a server that listens still does.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(options.listen_queue_len).unwrap_or(i32::MAX))?;
    TcpListener::from_std(socket.into())
}

//! Accepts connections and serves them. Counterpart of `NettyRpcServer`.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::DuplexStream;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::builder::RpcServerBuilder;
use super::connection;
use super::metrics::ServerMetrics;
use super::shared::Shared;
use crate::stream::{BoxStream, Stream};

/// A server that is ready to be [served](RpcServer::serve).
#[derive(Debug)]
pub struct RpcServer {
    listener: Option<TcpListener>,
    shared: Arc<Shared>,
    door: Door,
    arrivals: mpsc::Receiver<Arrival>,
}

/// A way to a server that doesn't lead through a socket: for simulation, for tests, and within one process.
#[derive(Debug, Clone)]
pub struct Door(mpsc::Sender<Arrival>);

/// The server has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the RPC server has stopped")]
pub struct ServerStopped;

struct Arrival {
    stream: BoxStream,
    peer: SocketAddr,
}

/// Connections by a [`Door`] that wait to be taken.
const ARRIVALS_MAX: usize = 64;
/// Bytes on their way in each direction of [`Door::connect`].
const DUPLEX_BYTES: usize = 64 << 10;
/// Pause after the system refused a socket, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

impl RpcServer {
    /// Puts a server together.
    pub fn builder() -> RpcServerBuilder {
        RpcServerBuilder::default()
    }

    pub(super) fn new(listener: Option<TcpListener>, shared: Arc<Shared>) -> Self {
        let (sender, arrivals) = mpsc::channel(ARRIVALS_MAX);
        Self { listener, shared, door: Door(sender), arrivals }
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When it listens nowhere, or the system doesn't say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.as_ref().ok_or(io::ErrorKind::NotConnected)?.local_addr()
    }

    /// What it counts.
    pub fn metrics(&self) -> Arc<ServerMetrics> {
        self.shared.metrics.clone()
    }

    /// A way to it that doesn't lead through a socket.
    pub fn door(&self) -> Door {
        self.door.clone()
    }

    /// Serves until `shutdown`; then lets calls that run end within `stop_timeout` and answers them. When this future is
    /// dropped, everything stops at once.
    pub async fn serve(self, shutdown: CancellationToken) {
        let Self { listener, shared, door, mut arrivals } = self;
        let _kill = shared.kill.clone().drop_guard();
        drop(door);
        let connections = TaskTracker::new();
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                Some(Arrival { stream, peer }) = arrivals.recv() => {
                    serve_stream(&shared, &connections, async move { Ok(stream) }, peer);
                }
                accepted = accept(listener.as_ref()) => match accepted {
                    Ok((socket, peer)) => serve_socket(&shared, &connections, socket, peer),
                    Err(error) => {
                        tracing::warn!(%error, "can't accept a connection");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        }
        drop((listener, arrivals));
        shared.stop.cancel();
        connections.close();
        let drained = async { tokio::join!(shared.scheduler.drain(), connections.wait()) };
        if timeout(shared.options.stop_timeout, drained).await.is_err() {
            tracing::warn!("stopped with calls under way");
        }
    }
}

impl Door {
    /// Hands a stream to the server, as if it had accepted it from `peer`.
    ///
    /// # Errors
    /// When the server has stopped.
    pub async fn enter(&self, stream: impl Stream, peer: SocketAddr) -> Result<(), ServerStopped> {
        self.0.send(Arrival { stream: Box::new(stream), peer }).await.map_err(|_| ServerStopped)
    }

    /// A connection in memory.
    ///
    /// # Errors
    /// When the server has stopped.
    pub async fn connect(&self) -> Result<DuplexStream, ServerStopped> {
        let (client, server) = tokio::io::duplex(DUPLEX_BYTES);
        self.enter(server, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        Ok(client)
    }
}

impl std::fmt::Debug for Arrival {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Arrival from {}", self.peer)
    }
}

async fn accept(listener: Option<&TcpListener>) -> io::Result<(TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}

fn serve_socket(shared: &Arc<Shared>, connections: &TaskTracker, socket: TcpStream, peer: SocketAddr) {
    let options = &shared.options;
    let configured = socket
        .set_nodelay(options.tcp_no_delay)
        .and_then(|()| socket2::SockRef::from(&socket).set_keepalive(options.tcp_keep_alive));
    if let Err(error) = configured {
        tracing::debug!(%peer, %error, "can't set options of a socket");
    }
    let (acceptor, handshake_timeout) = (shared.acceptor.clone(), options.handshake_timeout);
    let stream = async move { timeout(handshake_timeout, acceptor.accept(socket, peer)).await? };
    serve_stream(shared, connections, stream, peer);
}

fn serve_stream(
    shared: &Arc<Shared>,
    connections: &TaskTracker,
    stream: impl Future<Output = io::Result<BoxStream>> + Send + 'static,
    peer: SocketAddr,
) {
    let metrics = &shared.metrics;
    if connections.len() >= shared.options.connections_max {
        metrics.connections_refused.add(1);
        tracing::warn!(%peer, "turned a connection away: there are too many");
        return;
    }
    metrics.connections_accepted.add(1);
    let open = OpenConnection::new(metrics.clone());
    let (shared, kill) = (shared.clone(), shared.kill.clone());
    let serve = async move {
        let _open = open;
        match stream.await {
            Ok(stream) => connection::serve(stream, peer, shared).await,
            Err(error) => tracing::debug!(%peer, %error, "a connection didn't come about"),
        }
    };
    connections.spawn(async move { kill.run_until_cancelled(serve).await });
}

/// Counts a connection as long as it lives.
struct OpenConnection(Arc<ServerMetrics>);

impl OpenConnection {
    fn new(metrics: Arc<ServerMetrics>) -> Self {
        metrics.connections_open.rise();
        Self(metrics)
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.connections_open.fall();
    }
}

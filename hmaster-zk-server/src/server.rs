//! The server's handle and its builder: what an embedder sees.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::clock::ServerClock;
use crate::engine::command::{Command, Counts, SessionInfo};
use crate::engine::{COMMANDS_MAX, Engine};
use crate::error::{ServerError, StartError};
use crate::machine::Machine;
use crate::net::connection::Shared;
use crate::net::listener;
use crate::settings::Settings;
use crate::state::DurableState;
use crate::store::disk::Disk;
use crate::store::{RecoveryReport, Store};

/// What a shutdown waits for connections to take their last replies.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// Settles where a server lives and what its bounds are, then starts it.
///
/// Without [`data_dir`](Self::data_dir) everything is in memory; without [`bind`](Self::bind) it
/// listens on a free port of the loopback address.
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing until it is started"]
pub struct ZkServerBuilder {
    settings: Settings,
}

impl ZkServerBuilder {
    /// Folder for log and snapshots (`dataDir`). Made if it isn't there, locked while the server runs.
    pub fn data_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.settings.data_dir = Some(dir.into());
        self
    }

    /// Address to listen on (`clientPort`); port 0 takes a free one.
    pub fn bind(mut self, addr: SocketAddr) -> Self {
        self.settings.bind = addr;
        self
    }

    /// Length of a tick (`tickTime`, default 2 s). Sessions expire on whole ticks, and last 2 to 20 of
    /// them unless told otherwise.
    pub fn tick_time(mut self, tick: Duration) -> Self {
        self.settings.tick_time = tick;
        self
    }

    /// Shortest session timeout granted (`minSessionTimeout`, default 2 ticks).
    pub fn min_session_timeout(mut self, timeout: Duration) -> Self {
        self.settings.min_session_timeout = Some(timeout);
        self
    }

    /// Longest session timeout granted (`maxSessionTimeout`, default 20 ticks).
    pub fn max_session_timeout(mut self, timeout: Duration) -> Self {
        self.settings.max_session_timeout = Some(timeout);
        self
    }

    /// Longest frame a client may send (`jute.maxbuffer`, default 0xfffff bytes). A longer one ends its
    /// connection.
    pub fn packet_bytes_max(mut self, bytes: usize) -> Self {
        self.settings.packet_bytes_max = bytes;
        self
    }

    /// How many connections there may be (default 4096). Further ones are closed at once.
    pub fn connections_max(mut self, count: usize) -> Self {
        self.settings.connections_max = count;
        self
    }

    /// How many watches one connection may have (default 500 000). Requests for more get ThrottledOp.
    pub fn watches_per_connection_max(mut self, count: usize) -> Self {
        self.settings.watches_per_connection_max = count;
        self
    }

    /// A snapshot is taken after this many transactions (`snapCount`, default 100 000).
    pub fn snapshot_every(mut self, transactions: u64) -> Self {
        self.settings.snapshot_transactions = transactions;
        self
    }

    /// How often containers without children are removed (default 60 s).
    pub fn container_check(mut self, interval: Duration) -> Self {
        self.settings.container_check = interval;
        self
    }

    /// The super user's digest, `super:base64(sha1(super:password))`, as in
    /// `zookeeper.DigestAuthenticationProvider.superDigest`. Default: there is no super user.
    pub fn super_digest(mut self, digest: impl Into<String>) -> Self {
        self.settings.super_digest = Some(digest.into());
        self
    }

    /// Starts the server: recovers what the data folder holds, then listens. Must be called within a
    /// tokio runtime, which the server's tasks live in.
    pub async fn start(self) -> Result<ZkServer, StartError> {
        self.start_on(Disk::default()).await
    }

    /// As [`start`](Self::start), on a disk that may fail.
    pub(crate) async fn start_on(self, disk: Disk) -> Result<ZkServer, StartError> {
        let settings = self.settings;
        let machine_settings = settings.machine()?;
        let listener = bind(settings.bind).await?;
        let bind_error = |source| StartError::Bind { addr: settings.bind, source };
        let local_addr = listener.local_addr().map_err(bind_error)?;
        let (store, state) = open(disk, settings.data_dir.clone()).await?;
        let clock = ServerClock::start();
        let machine = Machine::new(machine_settings, state, clock.now());
        Ok(ZkServer::run(settings, listener, local_addr, clock, machine, store))
    }
}

async fn bind(addr: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(addr).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::AddressInUse { addr },
        _ => StartError::Bind { addr, source },
    })
}

async fn open(disk: Disk, dir: Option<PathBuf>) -> Result<(Option<Store>, DurableState), StartError> {
    let Some(dir) = dir else { return Ok((None, DurableState::new())) };
    let folder = dir.clone();
    let opened = spawn_blocking(move || Store::open_on(disk, &folder)).await;
    let (store, state, report) =
        opened.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?;
    let RecoveryReport { snapshot_zxid, replayed, torn_tail } = report;
    if let Some(tail) = torn_tail {
        tracing::warn!(
            file = %tail.path.display(), offset = tail.offset, bytes = tail.bytes, reason = tail.reason,
            "cut off an unfinished write at the end of the log"
        );
    }
    tracing::info!(
        dir = %dir.display(), snapshot = %format_args!("0x{snapshot_zxid:x}"), replayed,
        nodes = state.tree.len(), sessions = state.sessions.len(), "recovered"
    );
    Ok((Some(store), state))
}

/// A running server. Dropping it stops it as a kill would, in the background; what clients were told
/// is durable either way.
#[derive(Debug)]
pub struct ZkServer {
    local_addr: SocketAddr,
    commands: mpsc::Sender<Command>,
    engine: Option<JoinHandle<Result<(), ServerError>>>,
    tracker: TaskTracker,
    cancel: CancellationToken,
    _stop_on_drop: DropGuard,
}

impl ZkServer {
    /// Starts to describe a server.
    pub fn builder() -> ZkServerBuilder {
        ZkServerBuilder::default()
    }

    fn run(
        settings: Settings,
        listener: TcpListener,
        local_addr: SocketAddr,
        clock: ServerClock,
        machine: Machine,
        store: Option<Store>,
    ) -> Self {
        let (commands, receiver) = mpsc::channel(COMMANDS_MAX);
        let cancel = CancellationToken::new();
        let tracker = TaskTracker::new();
        let shared = Shared::new(commands.clone(), settings.packet_bytes_max);
        let connections_max = settings.connections_max;
        let engine = Engine::new(settings, local_addr.port(), clock, machine, store);
        let engine = tokio::spawn(engine.run(receiver, cancel.clone()));
        let accept = listener::accept(listener, shared, connections_max, tracker.clone(), cancel.clone());
        tracker.spawn(accept);
        tracker.close();
        tracing::info!(addr = %local_addr, "serving ZooKeeper clients");
        let _stop_on_drop = cancel.clone().drop_guard();
        Self { local_addr, commands, engine: Some(engine), tracker, cancel, _stop_on_drop }
    }

    /// The address it listens on, with the port it got.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Address and port as a connect string for clients.
    pub fn connect_string(&self) -> String {
        self.local_addr.to_string()
    }

    /// Waits until the server has stopped by itself, and tells why. (Never, unless its disk fails.)
    pub async fn stopped(&mut self) -> Result<(), ServerError> {
        match &mut self.engine {
            None => Ok(()),
            Some(engine) => {
                let result = engine.await;
                self.engine = None;
                result?
            }
        }
    }

    /// Stops the server: finishes what it has begun, sends the answers, closes all connections and
    /// unlocks the data folder. Sessions live on in there, and get their full timeout when it starts
    /// again.
    pub async fn shutdown(mut self) -> Result<(), ServerError> {
        self.cancel.cancel();
        let result = self.stopped().await;
        if tokio::time::timeout(DRAIN_TIMEOUT, self.tracker.wait()).await.is_err() {
            tracing::warn!("some clients didn't take their last replies");
        }
        result
    }

    /// Expires a session at once, whatever its timeout; false if there is none of this id. Its
    /// ephemeral nodes are gone when this returns.
    pub async fn expire_session(&self, session: i64) -> bool {
        self.ask(|reply| Command::ExpireSession { session, reply }).await.unwrap_or_default()
    }

    /// Ends all connections, as a hiccup of server or network would; returns how many there were.
    /// Sessions live on, and clients may come back at once.
    pub async fn drop_connections(&self) -> usize {
        self.ask(|reply| Command::DropConnections { reply }).await.unwrap_or_default()
    }

    /// Counts nodes, sessions, watches and connections; `None` once the server has stopped.
    pub async fn counts(&self) -> Option<Counts> {
        self.ask(|reply| Command::Counts { reply }).await
    }

    /// Lists the sessions; none once the server has stopped.
    pub async fn sessions(&self) -> Vec<SessionInfo> {
        self.ask(|reply| Command::Sessions { reply }).await.unwrap_or_default()
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.ok()?;
        answer.await.ok()
    }
}

//! A session over TCP, by the crate `zookeeper-client`. Counterpart of `ZooKeeper` and `ClientCnxn`.
//!
//! What that crate does of its own, and what is made of it here:
//!
//! - It says that a session expired late, after 7/5 of its timeout without a server: who acts on the strength of a
//!   session holds a [`crate::lease::SessionLease`] and stops by that.
//! - A connection that went silent fails the operations under way with an error other than a lost connection. Only
//!   errors that a server certainly sent count as answers; every other one is
//!   [`crate::ZkErrorKind::OutcomeUnknown`].
//! - Its persistent watches aren't set again after a reconnect, and two kinds of watch on one path overwrite one
//!   another on servers of version 3.8. Only one-shot watches are used; they survive a reconnect.
//! - Waiting for a watch panics if the crate's own task is gone, and so does reading a reply that is too short: both
//!   are caught and become an event and an error.
//! - A request above the server's limit costs the connection, and all that is under way: it isn't sent. Nor are more
//!   watches left than fit into the one request that sets them again.
//! - An operation has no time limit while pings are answered: it gets one here.
//! - It keeps the session's password to itself: sessions are begun by [`super::handshake`] and handed to it.
//! - It doesn't tell null data from empty; neither does this crate.
//! - Its sockets and timers aren't tokio's, so paused time doesn't apply: for that there is
//!   [`crate::memory::MemoryZooKeeper`].

use std::fmt;
use std::io::ErrorKind;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt as _;
use parking_lot::RwLock;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;
use zookeeper_client as client;

use super::convert;
use super::handshake::{self, Adopted, Granted};
use super::{MultiOp, NodeWatch, SessionCredentials, SessionState, WatchEvent, ZkSession};
use crate::error::{Operation, ZkError, ZkErrorKind};
use crate::znode::{Acl, CreateMode, SessionId, Stat};

/// What a session over TCP needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionConfig {
    /// `host:port` of each server, separated by commas. Counterpart of the quorum servers string.
    pub servers: String,
    /// How long the servers are asked to keep a silent session; they may agree to less. `zookeeper.session.timeout`.
    pub timeout: Duration,
    /// A request above this isn't sent: `jute.maxbuffer` of the servers, above which they drop the connection.
    pub request_bytes_max: usize,
    /// How many watches may wait at a time: after a reconnect all are set again by one request.
    pub watches_max: usize,
    /// Whether the session is left to expire when this side drops or closes it, as when its process had died.
    pub outlives_client: bool,
}

/// A session over TCP. Closed when dropped, unless it is to [outlive](SessionConfig::outlives_client) this side.
pub struct RealSession {
    /// Gone once the session is closed on this side.
    client: RwLock<Option<client::Client>>,
    id: SessionId,
    servers: String,
    /// None when the crate began the session itself.
    credentials: Option<SessionCredentials>,
    timeout: Duration,
    request_bytes_max: usize,
    watches_max: usize,
    watches: Arc<AtomicUsize>,
    state: watch::Receiver<SessionState>,
    _forward_state: AbortOnDropHandle<()>,
    _introduction: Option<AbortOnDropHandle<()>>,
}

impl SessionConfig {
    /// A session with `servers`, all else as HBase and ZooKeeper have it by default.
    pub fn new(servers: impl Into<String>) -> Self {
        Self {
            servers: servers.into(),
            timeout: Duration::from_secs(90),
            request_bytes_max: 0xf_ffff,
            watches_max: 4_000,
            outlives_client: false,
        }
    }
}

impl RealSession {
    /// While the session is closed the server's answer is waited for no longer than this.
    const CLOSE_WAIT_MAX: Duration = Duration::from_secs(5);

    /// Establishes a session, trying the servers in random order for as long as the timeout asked for.
    ///
    /// # Errors
    /// When no server granted a session in that time, or the list of servers can't be read.
    pub async fn connect(config: &SessionConfig) -> Result<Arc<Self>, ZkError> {
        let connector = client::Client::connector().with_session_timeout(config.timeout);
        let connector = if config.outlives_client { connector.with_detached() } else { connector };
        let begun = begin(config).await?;
        let connector = match &begun {
            Some((_, adopted)) => connector.with_session(adopted.session.clone()),
            None => connector,
        };
        let connected = connector.connect(&config.servers).await;
        let client = connected.map_err(|error| {
            let reason = format!("no session: {error}");
            ZkError::new(Operation::Connect, &config.servers, ZkErrorKind::OutcomeUnknown(reason))
        })?;
        let (id, timeout) = (SessionId(client.session_id().0), client.session_timeout());
        let (granted, adopted) = begun.unzip();
        let credentials = granted.map(|granted| granted.credentials).filter(|begun| begun.id == id);
        tracing::info!(session = %id, ?timeout, servers = config.servers, "ZooKeeper session established");
        let (state, forward_state) = forward_state(&client);
        Ok(Arc::new(Self {
            client: RwLock::new(Some(client)),
            id,
            servers: config.servers.clone(),
            credentials,
            timeout,
            request_bytes_max: config.request_bytes_max,
            watches_max: config.watches_max,
            watches: Arc::default(),
            state,
            _forward_state: forward_state,
            _introduction: adopted.map(|adopted| adopted.listener),
        }))
    }

    fn call<'a>(&self, operation: Operation, path: &'a str) -> Result<Call<'a>, ZkError> {
        let client = self.client.read().clone();
        let client = client.ok_or_else(|| ZkError::new(operation, path, ZkErrorKind::Closed))?;
        // While disconnected the crate gives up after 7/5 of the timeout by itself.
        Ok(Call { client, operation, path, patience: self.timeout * 2 })
    }

    fn check_size(&self, operation: Operation, path: &str, bytes: usize) -> Result<(), ZkError> {
        let bytes_max = self.request_bytes_max;
        if bytes <= bytes_max {
            return Ok(());
        }
        Err(ZkError::new(operation, path, ZkErrorKind::TooLarge { bytes, bytes_max }))
    }

    fn slot(&self, operation: Operation, path: &str) -> Result<WatchSlot, ZkError> {
        let watches_max = self.watches_max;
        let slot = WatchSlot(Arc::clone(&self.watches));
        if slot.0.fetch_add(1, Ordering::Relaxed) < watches_max {
            return Ok(slot);
        }
        Err(ZkError::new(operation, path, ZkErrorKind::TooManyWatches { watches_max }))
    }
}

/// Begins a session whose password is known. None where that doesn't work: the crate then begins a session of its own,
/// and all that is lost is that nobody can end it when this process is gone.
async fn begin(config: &SessionConfig) -> Result<Option<(Granted, Adopted)>, ZkError> {
    let granted = match handshake::begin(&config.servers, config.timeout, config.timeout).await {
        Ok(granted) => granted,
        Err(error) if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::InvalidInput) => {
            tracing::debug!(%error, "a session without a known password");
            return Ok(None);
        }
        Err(error) => {
            let reason = format!("no session: {error}");
            return Err(ZkError::new(
                Operation::Connect,
                &config.servers,
                ZkErrorKind::OutcomeUnknown(reason),
            ));
        }
    };
    match handshake::adopt(&granted).await {
        Ok(adopted) => Ok(Some((granted, adopted))),
        Err(error) => {
            tracing::warn!(%error, "a ZooKeeper session without a known password");
            Ok(None)
        }
    }
}

/// One operation under way, with what its error will have to say.
struct Call<'a> {
    client: client::Client,
    operation: Operation,
    path: &'a str,
    patience: Duration,
}

impl Call<'_> {
    async fn finish<T>(&self, reply: impl Future<Output = Result<T, client::Error>>) -> Result<T, ZkError> {
        let guarded = AssertUnwindSafe(reply).catch_unwind();
        let kind = match tokio::time::timeout(self.patience, guarded).await {
            Ok(Ok(Ok(value))) => return Ok(value),
            Ok(Ok(Err(error))) => convert::error_kind(error),
            Ok(Err(_panic)) => ZkErrorKind::OutcomeUnknown("the reply can't be read".into()),
            Err(_elapsed) => ZkErrorKind::OutcomeUnknown(format!("no reply within {:?}", self.patience)),
        };
        Err(ZkError::new(self.operation, self.path, kind))
    }

    /// The crate takes what stands before the stat for the data, whatever length that claims.
    fn check_data(&self, data: &[u8], stat: &client::Stat) -> Result<(), ZkError> {
        if usize::try_from(stat.data_length) == Ok(data.len()) {
            return Ok(());
        }
        let reason = format!("{} bytes of data, and a stat that says {}", data.len(), stat.data_length);
        Err(ZkError::new(self.operation, self.path, ZkErrorKind::OutcomeUnknown(reason)))
    }
}

/// A place among the watches that may wait at a time, given back when dropped.
struct WatchSlot(Arc<AtomicUsize>);

impl Drop for WatchSlot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn node_watch(watcher: client::OneshotWatcher, slot: WatchSlot) -> NodeWatch {
    NodeWatch::new(async move {
        let fired = AssertUnwindSafe(watcher.changed()).catch_unwind().await;
        drop(slot);
        fired.map_or(WatchEvent::SessionOver, |event| convert::event(&event))
    })
}

/// A channel of our own for the state: the crate's stops without a word if its task does.
fn forward_state(client: &client::Client) -> (watch::Receiver<SessionState>, AbortOnDropHandle<()>) {
    let mut watcher = client.state_watcher();
    let (sender, receiver) = watch::channel(convert::state(watcher.state()));
    let forward = async move {
        while !sender.borrow().is_over() {
            let state = convert::state(watcher.changed().await);
            sender.send_if_modified(|old| std::mem::replace(old, state) != state);
        }
    };
    (receiver, AbortOnDropHandle::new(tokio::spawn(forward)))
}

#[async_trait]
impl ZkSession for RealSession {
    fn id(&self) -> SessionId {
        self.id
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }

    fn state(&self) -> watch::Receiver<SessionState> {
        self.state.clone()
    }

    async fn create(
        &self,
        path: &str,
        data: Bytes,
        mode: CreateMode,
        acl: &[Acl],
    ) -> Result<(String, Stat), ZkError> {
        self.check_size(Operation::Create, path, convert::create_bytes(path, &data, acl))?;
        let call = self.call(Operation::Create, path)?;
        let acl = convert::acls(acl);
        let options = convert::create_mode(mode).with_acls(client::Acls::new(&acl));
        let (stat, sequence) = call.finish(call.client.create(path, &data, &options)).await?;
        let created = if mode.is_sequential() { format!("{path}{sequence}") } else { path.to_owned() };
        Ok((created, convert::stat(&stat)))
    }

    async fn delete(&self, path: &str, version: Option<i32>) -> Result<(), ZkError> {
        let call = self.call(Operation::Delete, path)?;
        call.finish(call.client.delete(path, version)).await
    }

    async fn exists(&self, path: &str) -> Result<Option<Stat>, ZkError> {
        let call = self.call(Operation::Exists, path)?;
        let stat = call.finish(call.client.check_stat(path)).await?;
        Ok(stat.as_ref().map(convert::stat))
    }

    async fn exists_watch(&self, path: &str) -> Result<(Option<Stat>, NodeWatch), ZkError> {
        let slot = self.slot(Operation::Exists, path)?;
        let call = self.call(Operation::Exists, path)?;
        let (stat, watcher) = call.finish(call.client.check_and_watch_stat(path)).await?;
        Ok((stat.as_ref().map(convert::stat), node_watch(watcher, slot)))
    }

    async fn get(&self, path: &str) -> Result<(Bytes, Stat), ZkError> {
        let call = self.call(Operation::Get, path)?;
        let (data, stat) = call.finish(call.client.get_data(path)).await?;
        call.check_data(&data, &stat)?;
        Ok((data.into(), convert::stat(&stat)))
    }

    async fn get_watch(&self, path: &str) -> Result<(Bytes, Stat, NodeWatch), ZkError> {
        let slot = self.slot(Operation::Get, path)?;
        let call = self.call(Operation::Get, path)?;
        let (data, stat, watcher) = call.finish(call.client.get_and_watch_data(path)).await?;
        call.check_data(&data, &stat)?;
        Ok((data.into(), convert::stat(&stat), node_watch(watcher, slot)))
    }

    async fn set(&self, path: &str, data: Bytes, version: Option<i32>) -> Result<Stat, ZkError> {
        self.check_size(Operation::Set, path, convert::set_bytes(path, &data))?;
        let call = self.call(Operation::Set, path)?;
        let stat = call.finish(call.client.set_data(path, &data, version)).await?;
        Ok(convert::stat(&stat))
    }

    async fn children(&self, path: &str) -> Result<Vec<String>, ZkError> {
        let call = self.call(Operation::Children, path)?;
        call.finish(call.client.list_children(path)).await
    }

    async fn children_watch(&self, path: &str) -> Result<(Vec<String>, NodeWatch), ZkError> {
        let slot = self.slot(Operation::Children, path)?;
        let call = self.call(Operation::Children, path)?;
        let (names, watcher) = call.finish(call.client.list_and_watch_children(path)).await?;
        Ok((names, node_watch(watcher, slot)))
    }

    async fn multi(&self, ops: &[MultiOp]) -> Result<(), ZkError> {
        let Some(first) = ops.first() else { return Ok(()) };
        self.check_size(Operation::Multi, first.path(), convert::multi_bytes(ops))?;
        let call = self.call(Operation::Multi, first.path())?;
        let mut failed = None;
        let reply = async {
            let mut writer = call.client.new_multi_writer();
            for op in ops {
                convert::add(&mut writer, op)?;
            }
            writer.commit().await.map_err(|error| {
                if let client::MultiWriteError::OperationFailed { index, .. } = &error {
                    failed = ops.get(*index);
                }
                client::Error::from(error)
            })
        };
        let result = call.finish(reply).await;
        let named = |error: ZkError, op: &MultiOp| ZkError { path: op.path().to_owned(), ..error };
        result.map(drop).map_err(|error| failed.map_or(error.clone(), |op| named(error, op)))
    }

    async fn sync(&self, path: &str) -> Result<(), ZkError> {
        let call = self.call(Operation::Sync, path)?;
        call.finish(call.client.sync(path)).await
    }

    async fn close(&self) {
        // The crate closes the session when the last client is gone; operations under way hold one each.
        let taken = self.client.write().take();
        drop(taken);
        let mut state = self.state();
        let over = state.wait_for(|state| state.is_over());
        let wait = Self::CLOSE_WAIT_MAX.min(self.timeout);
        if tokio::time::timeout(wait, over).await.is_err() {
            tracing::warn!(session = %self.id, "no answer to closing the ZooKeeper session; it will expire");
        }
    }

    fn credentials(&self) -> Option<SessionCredentials> {
        self.credentials.clone()
    }

    async fn end_other(&self, credentials: &SessionCredentials) -> Result<(), ZkError> {
        let ended = handshake::end(&self.servers, credentials, Self::CLOSE_WAIT_MAX).await;
        let ended = ended.map_err(|error| {
            let unknown = ZkErrorKind::OutcomeUnknown(error.to_string());
            ZkError::new(Operation::EndSession, &self.servers, unknown)
        })?;
        if !ended {
            tracing::debug!(session = %credentials.id, "there is no such session any more");
        }
        Ok(())
    }
}

impl fmt::Debug for RealSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RealSession").field("id", &self.id).field("state", &*self.state.borrow()).finish()
    }
}

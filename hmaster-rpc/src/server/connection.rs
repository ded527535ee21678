//! One client's connection: reads what it asks for, gets it done, writes the answers. Counterpart of
//! `NettyServerRpcConnection`.
//!
//! [`Session`] decides what the bytes ask for; here it is done. One task serves a connection in both directions; calls
//! run elsewhere.

mod act;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hmaster_protocol::CallUser;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::call::Service;
use super::metrics::ServerMetrics;
use super::outbox::{Outbox, TooSlow};
use super::session::{Session, Step};
use super::shared::Shared;
use crate::stream::Stream;
use crate::wire::byte_queue::ByteQueue;
use crate::wire::connection_header::ConnectionInfo;

/// What calls know of the connection they came by.
#[derive(Debug)]
pub(crate) struct Connection {
    shared: Arc<Shared>,
    outbox: Arc<Outbox>,
    /// Calls that wait or run.
    calls: AtomicUsize,
    /// Told when the last of them is done.
    calls_done: Notify,
    gone: CancellationToken,
}

/// Who is at the other end, once the connection header was there.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    pub(crate) info: ConnectionInfo,
    pub(crate) user: Option<CallUser>,
    pub(crate) service: Service,
}

/// How serving a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// At once.
    Close,
    /// After the answers that are there were written.
    Flush,
    /// After the calls that wait or run were answered, too.
    Drain,
}

/// After its last answer a client gets this long to close, lest unread bytes make the system drop the answer.
const LINGER: Duration = Duration::from_secs(2);

/// Serves a client until it goes, errs, or the server stops.
pub(crate) async fn serve<S: Stream>(stream: S, peer: SocketAddr, shared: Arc<Shared>) {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let (outbox, outbox_writer) =
        Outbox::new(&shared.options, shared.outbound.clone(), shared.metrics.clone());
    let connection = Arc::new(Connection::new(shared.clone(), outbox.clone()));
    let gone = connection.gone.clone();
    let _gone = gone.clone().drop_guard();
    let write = outbox_writer.run(&mut writer);
    tokio::pin!(write);

    let ending = tokio::select! {
        biased;
        () = gone.cancelled() => Ending::Close,
        written = &mut write => {
            connection.write_ended(peer, &written);
            Ending::Close
        }
        () = shared.stop.cancelled() => Ending::Drain,
        ending = act::Reading::new(connection.clone(), peer).run(&mut reader) => ending,
    };
    if ending == Ending::Close {
        return;
    }
    let finish = async {
        if ending == Ending::Drain {
            connection.all_calls_done().await;
        }
        outbox.finish();
        write.await
    };
    tokio::select! {
        biased;
        () = gone.cancelled() => {}
        written = finish => if written.is_ok() { linger(&mut reader).await },
    }
}

impl Connection {
    fn new(shared: Arc<Shared>, outbox: Arc<Outbox>) -> Self {
        let (calls, calls_done) = (AtomicUsize::new(0), Notify::new());
        Self { shared, outbox, calls, calls_done, gone: CancellationToken::new() }
    }

    pub(crate) fn metrics(&self) -> &Arc<ServerMetrics> {
        &self.shared.metrics
    }

    /// True once nobody reads answers any more.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone.is_cancelled()
    }

    /// Sends an answer, or cuts the client off.
    pub(crate) fn send(&self, answer: ByteQueue) {
        if self.outbox.push(answer) == Err(TooSlow) && !self.gone.is_cancelled() {
            self.metrics().slow_readers_cut_off.add(1);
            tracing::warn!("cut off a client that doesn't take its answers");
            self.gone.cancel();
        }
    }

    fn call_begins(&self) {
        self.calls.fetch_add(1, Ordering::AcqRel);
    }

    /// A call was answered or given up.
    pub(crate) fn call_done(&self) {
        if self.calls.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.calls_done.notify_one();
        }
    }

    fn has_calls(&self) -> bool {
        self.calls.load(Ordering::Acquire) > 0
    }

    async fn all_calls_done(&self) {
        while self.has_calls() {
            self.calls_done.notified().await;
        }
    }

    pub(crate) fn warn_if_slow(&self, method: &str, client: &Peer, took: Duration, len: usize) {
        let options = &self.shared.options;
        if took > options.warn_response_time || len > options.warn_response_bytes {
            let (took_ms, peer) = (took.as_millis(), client.address);
            tracing::warn!(method, %peer, took_ms, response_bytes = len, "slow or large response");
        }
    }

    fn write_ended(&self, peer: SocketAddr, written: &io::Result<()>) {
        if let Err(error) = written {
            if error.kind() == io::ErrorKind::TimedOut {
                self.metrics().slow_readers_cut_off.add(1);
            }
            tracing::debug!(%peer, %error, "connection broke while answering");
        }
    }
}

/// Takes and drops what a client still sends, until it closes.
async fn linger(reader: &mut (impl AsyncRead + Unpin)) {
    let until = Instant::now() + LINGER;
    let mut scrap = [0; 4096];
    while let Ok(Ok(1..)) = timeout_at(until, reader.read(&mut scrap)).await {}
}

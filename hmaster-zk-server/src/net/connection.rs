//! One connection: its handshake, then its frames in both directions until either side ends it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use thiserror::Error;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::frames::{FrameError, FrameReader, Opening};
use super::outbox::{OutboxReader, outbox};
use crate::engine::command::{Command, Link, QueuedRequest};
use crate::engine::four_letter::FourLetterWord;
use crate::watches::ConnId;
use crate::wire::connect::ConnectRequest;
use crate::wire::jute::DecodeError;
use crate::wire::request_body::RequestFrame;

/// A connection that hasn't said anything by then is closed, as in `NIOServerCnxnFactory`.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// What a client gets to take the last replies of a connection that the server ends.
const CLOSE_GRACE: Duration = Duration::from_secs(1);

/// Requests of one connection that may wait for the engine (or in it, while the client doesn't read
/// replies), in KiB; each counts with [`REQUEST_KIB_MIN`] at least, which bounds their number to 1024.
const WAITING_KIB_MAX: u32 = 8 * 1024;

/// The same for all connections together.
const WAITING_TOTAL_KIB_MAX: usize = 128 * 1024;

const REQUEST_KIB_MIN: u32 = 8;

/// Why a connection ended that the client didn't just leave.
#[derive(Debug, Error)]
enum ConnectionError {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("malformed connect request: {0}")]
    Connect(DecodeError),
    #[error("malformed request: {0}")]
    Request(DecodeError),
    #[error("no connect request within {HANDSHAKE_TIMEOUT:?}")]
    Silent,
}

/// What all connections of a server share.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    /// Where requests go.
    pub engine: mpsc::Sender<Command>,
    /// Longest frame in bytes.
    pub frame_bytes_max: usize,
    waiting: Arc<Semaphore>,
}

impl Shared {
    /// Connections that send to this engine.
    pub(crate) fn new(engine: mpsc::Sender<Command>, frame_bytes_max: usize) -> Self {
        let total_kib = WAITING_TOTAL_KIB_MAX.max(2 * kib(frame_bytes_max) as usize);
        Self { engine, frame_bytes_max, waiting: Arc::new(Semaphore::new(total_kib)) }
    }
}

fn kib(bytes: usize) -> u32 {
    u32::try_from(bytes / 1024).unwrap_or(u32::MAX).saturating_add(1).max(REQUEST_KIB_MIN)
}

/// Serves a connection until it ends.
pub(crate) async fn serve(mut stream: TcpStream, conn: ConnId, peer: SocketAddr, shared: Shared) {
    if let Err(error) = converse(&mut stream, conn, peer, &shared).await {
        tracing::warn!(%peer, conn = conn.0, %error, "closing a connection");
    }
    // Java clients take a reset for a failure: say goodbye first.
    let _ = stream.shutdown().await;
}

async fn converse(
    stream: &mut TcpStream,
    conn: ConnId,
    peer: SocketAddr,
    shared: &Shared,
) -> Result<(), ConnectionError> {
    let (reader, mut writer) = stream.split();
    let mut frames = FrameReader::new(reader, shared.frame_bytes_max);
    let opening = timeout(HANDSHAKE_TIMEOUT, frames.opening()).await;
    let first = match opening.map_err(|_| ConnectionError::Silent)?? {
        Opening::End => return Ok(()),
        Opening::Word(word) => {
            answer_word(word, &mut writer, shared).await;
            return Ok(());
        }
        Opening::Frame(frame) => frame,
    };
    let request = ConnectRequest::decode(&first).map_err(ConnectionError::Connect)?;
    let (outbox, outbox_reader) = outbox();
    let closing = CancellationToken::new();
    let link = Link::new(peer, outbox, closing.clone().drop_guard());
    // An error from the engine's queue means that the server is stopping.
    if shared.engine.send(Command::Connect { conn, link, request }).await.is_err() {
        return Ok(());
    }
    let result = tokio::select! {
        biased;
        result = read(frames, conn, shared) => result,
        () = write(writer, outbox_reader, conn, shared) => Ok(()),
        () = async { closing.cancelled().await; sleep(CLOSE_GRACE).await } => Ok(()),
    };
    let _ = shared.engine.send(Command::Gone { conn }).await;
    result
}

async fn read(
    mut frames: FrameReader<ReadHalf<'_>>,
    conn: ConnId,
    shared: &Shared,
) -> Result<(), ConnectionError> {
    let waiting = Arc::new(Semaphore::new(WAITING_KIB_MAX.max(kib(shared.frame_bytes_max)) as usize));
    while let Some(bytes) = frames.next().await? {
        let weight = kib(bytes.len());
        let frame = RequestFrame::decode(&bytes).map_err(ConnectionError::Request)?;
        let Ok(mine) = Arc::clone(&waiting).acquire_many_owned(weight).await else { break };
        let Ok(total) = Arc::clone(&shared.waiting).acquire_many_owned(weight).await else { break };
        let request = QueuedRequest { conn, frame, bytes: bytes.len(), _permits: [mine, total] };
        if shared.engine.send(Command::Request(request)).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Writes until nothing more will come, or the client is gone.
async fn write(mut writer: WriteHalf<'_>, mut outbox: OutboxReader, conn: ConnId, shared: &Shared) {
    let mut frames: Vec<Bytes> = Vec::new();
    let mut buffer = Vec::new();
    while outbox.collect(&mut frames).await {
        buffer.clear();
        for frame in frames.drain(..) {
            buffer.extend_from_slice(&frame);
        }
        if writer.write_all(&buffer).await.is_err() {
            return;
        }
        if outbox.written(buffer.len()) && shared.engine.send(Command::Drained { conn }).await.is_err() {
            return;
        }
        buffer.shrink_to(64 * 1024);
    }
}

async fn answer_word(word: FourLetterWord, writer: &mut (impl AsyncWrite + Unpin), shared: &Shared) {
    let (reply, answer) = oneshot::channel();
    if shared.engine.send(Command::FourLetter { word, reply }).await.is_ok()
        && let Ok(text) = answer.await
    {
        let _ = timeout(HANDSHAKE_TIMEOUT, writer.write_all(text.as_bytes())).await;
    }
}

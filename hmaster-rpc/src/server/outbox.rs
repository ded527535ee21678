//! Answers on their way to one client. Counterpart of `NettyRpcServerChannelWritabilityHandler`.
//!
//! Handlers put answers in and never wait. A client that doesn't take them gets no more calls through from
//! `outbound_bytes_high` on, and is cut off when it takes nothing for `write_timeout`, when more than
//! `outbound_bytes_max` wait for it, or when answers of all clients together exceed their bound and it is behind.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Buf as _;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

use super::metrics::ServerMetrics;
use super::options::ServerOptions;
use crate::wire::byte_queue::ByteQueue;

/// The end where answers go in.
#[derive(Debug)]
pub(crate) struct Outbox {
    sender: mpsc::UnboundedSender<Outgoing>,
    /// Bytes that were put in and not yet written.
    pending: AtomicUsize,
    /// Told when `pending` has fallen.
    fell: Notify,
    high: usize,
    max: usize,
    total: Arc<OutboundTotal>,
}

/// The end where answers are written to the client.
#[derive(Debug)]
pub(crate) struct OutboxWriter {
    receiver: mpsc::UnboundedReceiver<Outgoing>,
    outbox: Arc<Outbox>,
    metrics: Arc<ServerMetrics>,
    write_timeout: Duration,
}

/// Bytes that wait for all clients.
#[derive(Debug, Default)]
pub(crate) struct OutboundTotal {
    pending: AtomicU64,
    max: u64,
}

/// The client doesn't take its answers and is to be cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooSlow;

#[derive(Debug)]
enum Outgoing {
    Frame(ByteQueue),
    /// No more frames: write what is there, and end the sending side.
    Finish,
}

/// Answers that are taken in one go to be written together.
const BATCH_MAX: usize = 128;

impl OutboundTotal {
    pub(crate) fn new(max: u64) -> Arc<Self> {
        Arc::new(Self { pending: AtomicU64::new(0), max })
    }

    pub(crate) fn pending(&self) -> u64 {
        self.pending.load(Ordering::Relaxed)
    }
}

impl Outbox {
    pub(crate) fn new(
        options: &ServerOptions,
        total: Arc<OutboundTotal>,
        metrics: Arc<ServerMetrics>,
    ) -> (Arc<Self>, OutboxWriter) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let (high, max) = (options.outbound_bytes_high, options.outbound_bytes_max);
        let outbox =
            Arc::new(Self { sender, pending: AtomicUsize::new(0), fell: Notify::new(), high, max, total });
        let write_timeout = options.write_timeout;
        (outbox.clone(), OutboxWriter { receiver, outbox, metrics, write_timeout })
    }

    /// Puts an answer in.
    pub(crate) fn push(&self, frame: ByteQueue) -> Result<(), TooSlow> {
        let len = frame.len();
        let before = self.pending.fetch_add(len, Ordering::AcqRel);
        let total = self.total.pending.fetch_add(len as u64, Ordering::AcqRel) + len as u64;
        let is_behind = before > 0; // a single answer may be as long as it is
        // An answer to a client that is gone is dropped with the channel.
        let _ = self.sender.send(Outgoing::Frame(frame));
        if is_behind && (before + len > self.max || total > self.total.max) { Err(TooSlow) } else { Ok(()) }
    }

    /// Nothing more will be put in.
    pub(crate) fn finish(&self) {
        let _ = self.sender.send(Outgoing::Finish);
    }

    /// Ends when the client has taken enough for further calls to be worth it.
    pub(crate) async fn has_room(&self) {
        while self.pending.load(Ordering::Acquire) > self.high {
            self.fell.notified().await;
        }
    }

    fn written(&self, len: usize) {
        let before = self.pending.fetch_sub(len, Ordering::AcqRel);
        self.total.pending.fetch_sub(len as u64, Ordering::AcqRel);
        if before > self.high && before - len <= self.high {
            self.fell.notify_one();
        }
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.total.pending.fetch_sub(*self.pending.get_mut() as u64, Ordering::AcqRel);
    }
}

impl OutboxWriter {
    /// Writes answers until [`Outbox::finish`].
    ///
    /// # Errors
    /// When the connection breaks, or the client takes nothing for too long (`TimedOut`).
    pub(crate) async fn run(mut self, writer: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let mut batch = Vec::new();
        let mut queue = ByteQueue::default();
        loop {
            self.receiver.recv_many(&mut batch, BATCH_MAX).await;
            let mut finish = batch.is_empty();
            for outgoing in batch.drain(..) {
                match outgoing {
                    Outgoing::Frame(frame) => queue.append(frame),
                    Outgoing::Finish => finish = true,
                }
            }
            self.write(writer, &mut queue).await?;
            if finish {
                return timeout(self.write_timeout, writer.shutdown()).await?;
            }
        }
    }

    async fn write(&self, writer: &mut (impl AsyncWrite + Unpin), queue: &mut ByteQueue) -> io::Result<()> {
        while queue.has_remaining() {
            let written = timeout(self.write_timeout, writer.write_buf(queue)).await??;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.metrics.bytes_sent.add(written as u64);
            self.outbox.written(written);
        }
        timeout(self.write_timeout, writer.flush()).await?
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tokio::io::AsyncReadExt as _;

    use super::*;

    fn outbox(high: usize, max: usize, total: u64) -> (Arc<Outbox>, OutboxWriter) {
        let options =
            ServerOptions { outbound_bytes_high: high, outbound_bytes_max: max, ..ServerOptions::default() };
        Outbox::new(&options, OutboundTotal::new(total), Arc::default())
    }

    fn frame(len: usize) -> ByteQueue {
        let mut frame = ByteQueue::default();
        frame.push(Bytes::from(vec![b'x'; len]));
        frame
    }

    #[tokio::test]
    async fn answers_arrive_and_the_stream_ends() {
        let (outbox, writer) = outbox(10, 100, 100);
        let (mut client, mut server) = tokio::io::duplex(3);
        outbox.push(frame(20)).unwrap();
        outbox.push(frame(5)).unwrap();
        outbox.finish();
        let (mut read, write) = (Vec::new(), writer.run(&mut server));
        let (read_len, written) = tokio::join!(client.read_to_end(&mut read), write);
        assert_eq!((read_len.unwrap(), written.is_ok()), (25, true));
        outbox.has_room().await;
        assert_eq!(outbox.total.pending(), 0);
    }

    #[tokio::test]
    async fn a_client_that_is_behind_is_cut_off_at_either_bound() {
        let (one, _writer) = outbox(10, 50, 1000);
        assert_eq!(one.push(frame(60)), Ok(()), "a single answer may be long");
        assert_eq!(one.push(frame(1)), Err(TooSlow));
        let (all, _writer) = outbox(10, 1000, 50);
        assert_eq!(all.push(frame(30)), Ok(()));
        assert_eq!(all.push(frame(30)), Err(TooSlow));
        let total = all.total.clone();
        drop((all, _writer));
        assert_eq!(total.pending(), 0, "what is lost no longer counts");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_times_out_and_one_that_takes_little_does_not() {
        let (outbox, writer) = outbox(10, 1000, 1000);
        let (mut client, mut server) = tokio::io::duplex(8);
        outbox.push(frame(20)).unwrap();
        let slow = async {
            for _ in 0..2 {
                tokio::time::sleep(Duration::from_secs(59)).await;
                client.read_exact(&mut [0; 4]).await.unwrap();
            }
            std::future::pending::<()>().await;
        };
        let start = tokio::time::Instant::now();
        let ended = tokio::select! {
            ended = writer.run(&mut server) => ended,
            () = slow => unreachable!(),
        };
        assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed().as_secs(), 59 + 59 + 60);
    }

    #[tokio::test]
    async fn room_comes_back_when_the_client_reads() {
        let (outbox, writer) = outbox(10, 1000, 1000);
        let (mut client, mut server) = tokio::io::duplex(1);
        outbox.push(frame(40)).unwrap();
        let writing = tokio::spawn(async move { writer.run(&mut server).await });
        let mut waiting = tokio_test_pending(outbox.clone());
        client.read_exact(&mut [0; 20]).await.unwrap();
        assert!(!waiting.is_finished());
        client.read_exact(&mut [0; 20]).await.unwrap();
        (&mut waiting).await.unwrap();
        writing.abort();
    }

    fn tokio_test_pending(outbox: Arc<Outbox>) -> tokio::task::JoinHandle<()> {
        tokio::spawn(async move { outbox.has_room().await })
    }
}

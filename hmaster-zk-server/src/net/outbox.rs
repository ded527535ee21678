//! What a connection still has to send, between the engine that queues it and the task that writes
//! it. Bounded in bytes: a client that doesn't read is not read from either, and one that lets too
//! much pile up (of events it once asked for) is given up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::{Notify, mpsc};

/// While this much waits to be sent, no further requests are read.
const QUEUED_BYTES_PAUSE: usize = 1024 * 1024;

/// With this much waiting to be sent, a connection is given up.
const QUEUED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Frames taken for one write.
const WRITE_FRAMES_MAX: usize = 256;

#[derive(Debug, Default)]
struct Shared {
    queued_bytes: AtomicUsize,
    drained: Notify,
}

/// The engine's end. Dropping it means: send what is queued, then close.
#[derive(Debug)]
pub(crate) struct Outbox {
    frames: mpsc::UnboundedSender<Bytes>,
    shared: Arc<Shared>,
}

/// The connection's end.
#[derive(Debug)]
pub(crate) struct OutboxReader {
    frames: mpsc::UnboundedReceiver<Bytes>,
    shared: Arc<Shared>,
}

/// Tells the reading side whether to go on.
#[derive(Debug)]
pub(crate) struct Backpressure(Arc<Shared>);

/// A new outbox.
pub(crate) fn outbox() -> (Outbox, OutboxReader, Backpressure) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let shared = Arc::new(Shared::default());
    let reader = OutboxReader { frames: receiver, shared: Arc::clone(&shared) };
    (Outbox { frames: sender, shared: Arc::clone(&shared) }, reader, Backpressure(shared))
}

impl Outbox {
    /// Queues a frame; false if the client has let too much pile up.
    #[must_use]
    pub(crate) fn send(&self, frame: Bytes) -> bool {
        let queued = self.shared.queued_bytes.fetch_add(frame.len(), Ordering::Relaxed) + frame.len();
        // An error means that the connection is gone, of which the engine will hear.
        let _ = self.frames.send(frame);
        queued <= QUEUED_BYTES_MAX
    }
}

impl OutboxReader {
    /// Collects what is to be written next; false when all is written and nothing more will come.
    pub(crate) async fn collect(&mut self, frames: &mut Vec<Bytes>) -> bool {
        self.frames.recv_many(frames, WRITE_FRAMES_MAX).await > 0
    }

    /// Counts bytes as written.
    pub(crate) fn written(&self, bytes: usize) {
        self.shared.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.shared.drained.notify_one();
    }
}

impl Backpressure {
    /// Waits until little enough waits to be sent.
    pub(crate) async fn ready(&self) {
        while self.0.queued_bytes.load(Ordering::Relaxed) > QUEUED_BYTES_PAUSE {
            self.0.drained.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn reading_pauses_until_enough_is_written() {
        let (outbox, mut reader, backpressure) = outbox();
        backpressure.ready().await;
        assert!(outbox.send(Bytes::from(vec![0; QUEUED_BYTES_PAUSE])));
        backpressure.ready().await;
        assert!(outbox.send(Bytes::from_static(b"x")));
        let waiting = tokio::spawn(async move { backpressure.ready().await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        let mut frames = Vec::new();
        assert!(reader.collect(&mut frames).await);
        reader.written(frames.iter().map(Bytes::len).sum());
        waiting.await.unwrap();
    }

    #[tokio::test]
    async fn too_much_is_noticed_and_a_dropped_outbox_is_drained_first() {
        let (outbox, mut reader, _backpressure) = outbox();
        assert!(outbox.send(Bytes::from(vec![0; QUEUED_BYTES_MAX])));
        assert!(!outbox.send(Bytes::from_static(b"x")));
        drop(outbox);
        let mut frames = Vec::new();
        assert!(reader.collect(&mut frames).await);
        assert_eq!(frames.len(), 2);
        assert!(!reader.collect(&mut frames).await);
    }
}

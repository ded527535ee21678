//! What a connection still has to send, between the engine that queues it and the task that writes
//! it. Bounded in bytes: requests of a client that doesn't read their replies wait in the engine, and
//! one that lets too much pile up (of events it once asked for) is given up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::mpsc;

/// While more than this waits to be sent, no further request of the client is taken up.
const QUEUED_BYTES_PAUSE: usize = 1024 * 1024;

/// With more than this waiting to be sent, a connection is given up.
const QUEUED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Frames taken for one write.
const WRITE_FRAMES_MAX: usize = 64;

#[derive(Debug, Default)]
struct Shared {
    queued_bytes: AtomicUsize,
    /// Whether the engine wants to hear when little enough is queued.
    is_awaited: AtomicBool,
}

impl Shared {
    fn is_choked(&self) -> bool {
        self.queued_bytes.load(Ordering::SeqCst) > QUEUED_BYTES_PAUSE
    }
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

/// A new outbox.
pub(crate) fn outbox() -> (Outbox, OutboxReader) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let shared = Arc::new(Shared::default());
    (Outbox { frames: sender, shared: Arc::clone(&shared) }, OutboxReader { frames: receiver, shared })
}

impl Outbox {
    /// Queues a frame; false if the client has let too much pile up.
    #[must_use]
    pub(crate) fn send(&self, frame: Bytes) -> bool {
        let queued = self.shared.queued_bytes.fetch_add(frame.len(), Ordering::SeqCst) + frame.len();
        // An error means that the connection is gone, of which the engine will hear.
        let _ = self.frames.send(frame);
        queued <= QUEUED_BYTES_MAX
    }

    /// Whether too much waits to be sent for another request to be taken up. If so, the connection
    /// tells when that is over.
    pub(crate) fn is_choked(&self) -> bool {
        if !self.shared.is_choked() {
            return false;
        }
        // Looks again after asking, lest what was written in between be missed.
        self.shared.is_awaited.store(true, Ordering::SeqCst);
        self.shared.is_choked() || !self.shared.is_awaited.swap(false, Ordering::SeqCst)
    }
}

impl OutboxReader {
    /// Collects what is to be written next; false when all is written and nothing more will come.
    pub(crate) async fn collect(&mut self, frames: &mut Vec<Bytes>) -> bool {
        self.frames.recv_many(frames, WRITE_FRAMES_MAX).await > 0
    }

    /// Counts bytes as written; true if the engine waits for that and must be told.
    #[must_use]
    pub(crate) fn written(&self, bytes: usize) -> bool {
        self.shared.queued_bytes.fetch_sub(bytes, Ordering::SeqCst);
        !self.shared.is_choked() && self.shared.is_awaited.swap(false, Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_choked_outbox_tells_once_when_it_is_not_any_more() {
        let (outbox, mut reader) = outbox();
        assert!(outbox.send(Bytes::from(vec![0; QUEUED_BYTES_PAUSE])));
        assert!(!outbox.is_choked());
        assert!(outbox.send(Bytes::from_static(b"xy")));
        assert!(outbox.is_choked());
        let mut frames = Vec::new();
        assert!(reader.collect(&mut frames).await);
        assert!(!reader.written(1), "still too much");
        assert!(reader.written(QUEUED_BYTES_PAUSE));
        assert!(!reader.written(1), "nobody has asked since");
        assert!(!outbox.is_choked());
    }

    #[tokio::test]
    async fn too_much_is_noticed_and_a_dropped_outbox_is_drained_first() {
        let (outbox, mut reader) = outbox();
        assert!(outbox.send(Bytes::from(vec![0; QUEUED_BYTES_MAX])));
        assert!(!outbox.send(Bytes::from_static(b"x")));
        drop(outbox);
        let mut frames = Vec::new();
        assert!(reader.collect(&mut frames).await);
        assert_eq!(frames.len(), 2);
        assert!(!reader.collect(&mut frames).await);
    }
}

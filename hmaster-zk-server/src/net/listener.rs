//! Accepts connections, as many as there may be.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::{self, Shared};
use crate::watches::ConnId;

/// Pause after accepting failed, mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts until the token is cancelled; each connection is a task of the tracker.
pub(crate) async fn accept(
    listener: TcpListener,
    shared: Shared,
    connections_max: usize,
    tracker: TaskTracker,
    cancel: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(connections_max.min(Semaphore::MAX_PERMITS)));
    let next_conn = AtomicU64::new(1);
    loop {
        let accepted = tokio::select! {
            biased;
            () = cancel.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "can't accept a connection");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tracing::warn!(%peer, connections_max, "too many connections; closing a new one");
            continue;
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, %error, "can't set TCP_NODELAY");
        }
        let conn = ConnId(next_conn.fetch_add(1, Ordering::Relaxed));
        let shared = shared.clone();
        tracker.spawn(async move {
            connection::serve(stream, conn, peer, shared).await;
            drop(place);
        });
    }
}

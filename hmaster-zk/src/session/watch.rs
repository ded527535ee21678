//! A watch that fires once. Counterpart of `Watcher` and `WatchedEvent`.

use std::fmt;
use std::pin::Pin;

use futures_util::FutureExt as _;
use parking_lot::Mutex;

/// What a watch saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchEvent {
    /// The znode was created.
    Created,
    /// The znode was deleted.
    Deleted,
    /// The znode has new data.
    DataChanged,
    /// The znode has another set of children.
    ChildrenChanged,
    /// The session is over; nothing was seen.
    SessionOver,
}

type Firing = Pin<Box<dyn Future<Output = WatchEvent> + Send>>;

/// A watch that a read left behind. Dropping it takes it back.
pub struct NodeWatch {
    /// Never locked: it lets the watch be shared between threads, which a future alone can't.
    firing: Mutex<Firing>,
    seen: Option<WatchEvent>,
}

impl NodeWatch {
    pub(crate) fn new(firing: impl Future<Output = WatchEvent> + Send + 'static) -> Self {
        Self { firing: Mutex::new(firing.boxed()), seen: None }
    }

    /// Waits until the watch fires. May be given up and called again; after it fired, gives the same event at once.
    pub async fn fired(&mut self) -> WatchEvent {
        match self.seen {
            Some(event) => event,
            None => {
                let event = self.firing.get_mut().as_mut().await;
                *self.seen.insert(event)
            }
        }
    }
}

impl fmt::Debug for NodeWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeWatch").field("seen", &self.seen).finish_non_exhaustive()
    }
}

//! When to read again.

use std::time::Duration;

use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep_until};

use crate::session::{NodeWatch, SessionState, WatchEvent, ZkSession};

/// Why it is time to read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// The watch fired.
    Event(WatchEvent),
    /// The connection was away and is back.
    Reconnected,
    /// It has been long enough.
    Period,
}

/// Waits for triggers of one session.
#[derive(Debug)]
pub(super) struct Triggers {
    state: Receiver<SessionState>,
    was_away: bool,
    period: Duration,
    /// When it will have been long enough. Kept here, so that waiting may be given up and begun again.
    due: Instant,
}

impl Triggers {
    pub(super) fn new(session: &dyn ZkSession) -> Self {
        let period = session.timeout();
        Self { state: session.state(), was_away: false, period, due: Instant::now() + period }
    }

    /// Says that it was read now.
    pub(super) fn was_read(&mut self) {
        self.due = Instant::now() + self.period;
    }

    pub(super) async fn next(&mut self, watch: &mut NodeWatch) -> Trigger {
        let due = self.due;
        tokio::select! {
            biased;
            event = watch.fired() => Trigger::Event(event),
            () = self.reconnected() => Trigger::Reconnected,
            () = sleep_until(due) => Trigger::Period,
        }
    }

    async fn reconnected(&mut self) {
        loop {
            match *self.state.borrow_and_update() {
                SessionState::Disconnected => self.was_away = true,
                SessionState::Connected if std::mem::take(&mut self.was_away) => return,
                _ => {}
            }
            if self.state.changed().await.is_err() {
                // The session is over; its watches say so.
                return std::future::pending().await;
            }
        }
    }
}

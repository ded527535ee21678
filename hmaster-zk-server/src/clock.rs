//! The clocks of a running server. Everything that decides gets the time as a parameter; this is
//! where it comes from.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::machine::Now;

/// Monotonic time since the server started (tokio's, so that a test may pause it), and wall time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServerClock {
    start: Instant,
}

impl ServerClock {
    /// Starts at 0.
    pub(crate) fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// The time now.
    #[expect(clippy::disallowed_methods, reason = "stats carry wall time; this crate has no other clock")]
    pub(crate) fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { monotonic_ms: millis(self.start.elapsed()), wall_ms: wall.as_millis() as i64 }
    }

    /// The instant at which the monotonic clock shows this, or somewhat later.
    pub(crate) fn instant(&self, monotonic_ms: u64) -> Instant {
        self.start + Duration::from_millis(monotonic_ms)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

//! The clock a lease goes by: never backwards, and on while the process or the machine stands still.

use std::fmt;
use std::time::Duration;

/// Time since some moment in the past.
pub trait MonotonicClock: Send + Sync + fmt::Debug {
    /// How long ago that moment was.
    fn now(&self) -> Duration;
}

/// The machine's clock, which goes on while the process is stopped and, on Linux, while the machine is suspended.
#[derive(Debug, Clone, Copy, Default)]
pub struct BootClock;

impl MonotonicClock for BootClock {
    fn now(&self) -> Duration {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        const ID: rustix::time::ClockId = rustix::time::ClockId::Boottime;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        const ID: rustix::time::ClockId = rustix::time::ClockId::Monotonic;
        let now = rustix::time::clock_gettime(ID);
        Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
    }
}

/// Tokio's clock, which may be paused: for tests and simulation.
#[derive(Debug, Clone, Copy)]
pub struct TokioClock(tokio::time::Instant);

impl TokioClock {
    /// A clock that counts from now.
    pub fn start() -> Self {
        Self(tokio::time::Instant::now())
    }
}

impl MonotonicClock for TokioClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boot_clock_moves_on() {
        let before = BootClock.now();
        let start = std::time::Instant::now();
        while start.elapsed() < Duration::from_millis(2) {}
        assert!(BootClock.now() >= before + Duration::from_millis(2));
    }
}

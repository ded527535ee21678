//! What goes wrong, decided before each operation.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::{FsErrorKind, FsPath, Operation};

/// Decides the fate of each operation. Closures of the same shape are plans too.
pub trait FaultPlan: Send + Sync {
    /// What happens to this call.
    fn decide(&self, call: &Call<'_>) -> Fault;
}

/// An operation that is about to be done.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// How many calls there were before it on this disk.
    pub index: u64,
    /// The name of the client that makes it.
    pub client: &'a str,
    /// What it does.
    pub operation: Operation,
    /// The path; of a rename, the source.
    pub path: &'a FsPath,
}

/// What happens to a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Fault {
    /// It is done.
    #[default]
    None,
    /// It is done after some time.
    Delay(Duration),
    /// It isn't done, and fails.
    Fail(FsErrorKind),
    /// It is done, but fails, as when the reply is lost.
    FailAfter(FsErrorKind),
    /// The client crashes before it is done.
    CrashBefore,
    /// The client crashes before it learns that it was done.
    CrashAfter,
}

/// Nothing goes wrong.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFaults;

/// The client crashes at its n-th change, counted from 0. For tests that try every n: when
/// [`CrashAtChange::reached`] stays false, there was no such change, and all have been tried.
#[derive(Debug)]
pub struct CrashAtChange {
    nth: u64,
    /// Whether the change is done before the crash.
    done: bool,
    seen: AtomicU64,
}

impl CrashAtChange {
    /// Just before the change.
    pub fn before(nth: u64) -> Self {
        Self { nth, done: false, seen: AtomicU64::new(0) }
    }

    /// Just after the change.
    pub fn after(nth: u64) -> Self {
        Self { nth, done: true, seen: AtomicU64::new(0) }
    }

    /// Whether it came to the crash.
    pub fn reached(&self) -> bool {
        self.seen.load(Ordering::Relaxed) > self.nth
    }
}

impl FaultPlan for CrashAtChange {
    fn decide(&self, call: &Call<'_>) -> Fault {
        if !call.operation.changes() || self.seen.fetch_add(1, Ordering::Relaxed) != self.nth {
            return Fault::None;
        }
        if self.done { Fault::CrashAfter } else { Fault::CrashBefore }
    }
}

impl FaultPlan for NoFaults {
    fn decide(&self, _call: &Call<'_>) -> Fault {
        Fault::None
    }
}

impl<F: Fn(&Call<'_>) -> Fault + Send + Sync> FaultPlan for F {
    fn decide(&self, call: &Call<'_>) -> Fault {
        self(call)
    }
}

impl<P: FaultPlan> FaultPlan for std::sync::Arc<P> {
    fn decide(&self, call: &Call<'_>) -> Fault {
        (**self).decide(call)
    }
}

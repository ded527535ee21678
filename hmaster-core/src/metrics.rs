//! What an active master counts, besides what its procedures count. The pages give it the names that Java uses.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only rises.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn increment(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// So many more.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// How many by now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The counters.
#[derive(Debug, Default)]
pub struct MasterMetrics {
    /// Opens and closes that were begun: `operationCount`.
    pub operations: Counter,
    /// Requests of all clients, as region servers report them: `clusterRequests`.
    pub cluster_requests: Counter,
}

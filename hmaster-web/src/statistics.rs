//! What the master's RPC server counts, as the pages need it. Whoever puts a master together fills it in, because neither
//! the pages nor the server know the other.

use std::collections::BTreeMap;

/// A look at an RPC server's counters.
pub trait RpcStatistics: Send + Sync {
    /// What was counted up to now.
    fn snapshot(&self) -> RpcSnapshot;
}

/// What an RPC server has counted. Counterpart of `MetricsHBaseServerWrapper` and `MetricsHBaseServerSource`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RpcSnapshot {
    /// Connections open now.
    pub connections_open: u64,
    /// Bytes of requests held now.
    pub queue_bytes: u64,
    /// Bytes of answers that wait for their clients now.
    pub outbound_bytes: u64,
    /// Bytes that came.
    pub received_bytes: u64,
    /// Bytes that went.
    pub sent_bytes: u64,
    /// Ordinary calls.
    pub general: CallClass,
    /// Urgent calls: of region servers, and of administrators.
    pub priority: CallClass,
    /// Reports about hbase:meta.
    pub meta_priority: CallClass,
    /// Replication.
    pub replication: CallClass,
    /// Ordinary calls turned away because too many waited.
    pub general_calls_dropped: u64,
    /// Connections cut off because their clients didn't take their answers.
    pub slow_readers_cut_off: u64,
    /// Exceptions answered.
    pub exceptions: u64,
    /// The same by the class's name without its package.
    pub exceptions_by_class: BTreeMap<String, u64>,
    /// Bytes of requests.
    pub request_bytes: Distribution,
    /// Bytes of answers.
    pub response_bytes: Distribution,
    /// Milliseconds from received to running.
    pub queue_ms: Distribution,
    /// Milliseconds from running to answered.
    pub process_ms: Distribution,
    /// Milliseconds from received to answered.
    pub total_ms: Distribution,
}

/// Calls that share handlers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallClass {
    /// Calls waiting now.
    pub waiting: u64,
    /// Calls running now.
    pub running: u64,
}

/// Where values lie. Counterpart of `MutableHistogram`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Distribution {
    /// How many values.
    pub count: u64,
    /// Their sum.
    pub sum: u64,
    /// The smallest; 0 without values.
    pub min: u64,
    /// The largest; 0 without values.
    pub max: u64,
    /// The values below which the [`Distribution::SHARES`] lie.
    pub quantiles: [u64; Distribution::SHARES.len()],
}

impl Distribution {
    /// The shares whose quantiles are given.
    pub const SHARES: [f64; 8] = [0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.999];

    /// From a histogram's numbers; `quantile` is asked for each of the [`Distribution::SHARES`].
    pub fn new(count: u64, sum: u64, min: u64, max: u64, quantile: impl Fn(f64) -> u64) -> Self {
        Self { count, sum, min, max, quantiles: Self::SHARES.map(quantile) }
    }

    /// The same in a unit that is `by` times as large, such as 1000 to come from microseconds to milliseconds.
    #[must_use]
    pub fn in_units_of(self, by: u64) -> Self {
        Self {
            count: self.count,
            sum: self.sum / by,
            min: self.min / by,
            max: self.max / by,
            quantiles: self.quantiles.map(|value| value / by),
        }
    }

    /// The mean, rounded down; 0 without values.
    pub fn mean(&self) -> u64 {
        self.sum.checked_div(self.count).unwrap_or(0)
    }
}

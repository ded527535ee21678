//! What a server counts. Counterpart of `MetricsHBaseServer`; the info server shows it as
//! `Hadoop:service=HBase,name=Master,sub=IPC`.
//!
//! Plain numbers of one server: no registry, no names of beans. Durations are in microseconds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hmaster_types::JavaException;
use parking_lot::Mutex;

use super::outbox::OutboundTotal;
use super::priority::QueueClass;
use crate::histogram::Histogram;
use crate::wire::budget::ByteBudget;

/// Counts of one server since its start.
#[derive(Debug, Default)]
pub struct ServerMetrics {
    /// Connections accepted.
    pub connections_accepted: Counter,
    /// Connections turned away because there were too many.
    pub connections_refused: Counter,
    /// Connections cut off because the client didn't take its answers.
    pub slow_readers_cut_off: Counter,
    /// Connections that ended with a fatal answer.
    pub fatal_answers: Counter,
    /// Connections open now: `numOpenConnections`.
    pub connections_open: Gauge,
    /// Bytes that came: `receivedBytes`.
    pub bytes_received: Counter,
    /// Bytes that went: `sentBytes`.
    pub bytes_sent: Counter,
    /// Exceptions answered, all classes: `exceptions`.
    pub exceptions: Counter,
    /// Calls whose caller had stopped waiting before a handler was free.
    pub calls_timed_out: Counter,
    /// Calls whose client was gone before a handler was free, or that waited when the server stopped.
    pub calls_abandoned: Counter,
    /// Panics of services.
    pub panics: Counter,
    /// Bytes of requests: `RequestSize`.
    pub request_bytes: Histogram,
    /// Bytes of answers: `ResponseSize`.
    pub response_bytes: Histogram,
    /// From received to running: `QueueCallTime`.
    pub queue_us: Histogram,
    /// From running to answered: `ProcessCallTime`.
    pub process_us: Histogram,
    /// From received to answered: `TotalCallTime`.
    pub total_us: Histogram,
    classes: [ClassMetrics; QueueClass::ALL.len()],
    exceptions_by_class: Mutex<BTreeMap<String, u64>>,
    call_bytes: Arc<ByteBudget>,
    outbound: Arc<OutboundTotal>,
}

/// Counts of the calls of one class.
#[derive(Debug, Default)]
pub struct ClassMetrics {
    /// Calls that came.
    pub received: Counter,
    /// Calls turned away because too many waited.
    pub refused: Counter,
    /// Calls that were answered, with an exception or without.
    pub answered: Counter,
    /// Calls waiting now: `numCallsIn…Queue`.
    pub waiting: Gauge,
    /// Calls running now: `numActive…Handler`.
    pub running: Gauge,
    /// From received to running.
    pub queue_us: Histogram,
    /// From running to answered.
    pub process_us: Histogram,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

/// A number that grows and shrinks.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

/// The most common classes are counted by name, at most this many; the rest under `other`.
const EXCEPTION_CLASSES_MAX: usize = 100;

impl ServerMetrics {
    pub(crate) fn new(call_bytes: Arc<ByteBudget>, outbound: Arc<OutboundTotal>) -> Self {
        Self { call_bytes, outbound, ..Self::default() }
    }

    /// Bytes of requests held now: `queueSize`.
    pub fn call_bytes(&self) -> u64 {
        self.call_bytes.held()
    }

    /// Bytes of answers that wait for their clients now: `nettyTotalPendingOutboundBytes`.
    pub fn outbound_bytes(&self) -> u64 {
        self.outbound.pending()
    }

    /// Counts of one class of calls.
    pub fn class(&self, class: QueueClass) -> &ClassMetrics {
        &self.classes[class.index()]
    }

    /// How often each exception class was answered, by its name without the package.
    pub fn exceptions_by_class(&self) -> BTreeMap<String, u64> {
        self.exceptions_by_class.lock().clone()
    }

    /// Calls running now, of all classes: `numActiveHandler`.
    pub fn running(&self) -> u64 {
        self.classes.iter().map(|class| class.running.get()).sum()
    }

    pub(crate) fn count_exception(&self, exception: &JavaException) {
        self.exceptions.add(1);
        let mut by_class = self.exceptions_by_class.lock();
        let name = exception.simple_class();
        let known = by_class.contains_key(name) || by_class.len() < EXCEPTION_CLASSES_MAX;
        *by_class.entry(if known { name } else { "other" }.to_owned()).or_default() += 1;
    }
}

impl Counter {
    /// Its value.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }
}

impl Gauge {
    /// Its value.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn rise(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn fall(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_are_counted_by_name_and_names_are_bounded() {
        let metrics = ServerMetrics::default();
        for i in 0..EXCEPTION_CLASSES_MAX + 20 {
            metrics.count_exception(&JavaException::named(format!("a.b.E{i}"), "", false));
        }
        metrics.count_exception(&JavaException::named("x.E7", "", false));
        let by_class = metrics.exceptions_by_class();
        assert_eq!((by_class["E7"], by_class["other"], by_class.len()), (2, 20, EXCEPTION_CLASSES_MAX + 1));
        assert_eq!(metrics.exceptions.get(), 121);
    }
}

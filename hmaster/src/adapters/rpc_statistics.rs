//! What the RPC server counts, as the pages show it.
//!
//! The server tells more classes of calls apart than Java's `SimpleRpcScheduler` has queues: what Java serves from one
//! queue is added up. Java counts times in milliseconds, the server in microseconds.

use std::sync::Arc;

use hmaster_rpc::Histogram;
use hmaster_rpc::server::{QueueClass, ServerMetrics};
use hmaster_web::{CallClass, Distribution, RpcSnapshot, RpcStatistics};

const US_PER_MS: u64 = 1000;

/// A server's counters.
pub(crate) struct RpcCounters(pub(crate) Arc<ServerMetrics>);

impl RpcStatistics for RpcCounters {
    fn snapshot(&self) -> RpcSnapshot {
        let counted = &*self.0;
        RpcSnapshot {
            connections_open: counted.connections_open.get(),
            queue_bytes: counted.call_bytes(),
            outbound_bytes: counted.outbound_bytes(),
            received_bytes: counted.bytes_received.get(),
            sent_bytes: counted.bytes_sent.get(),
            general: calls(counted, &[QueueClass::General, QueueClass::Registry]),
            priority: calls(counted, &[QueueClass::Priority, QueueClass::RegionTransition]),
            meta_priority: calls(counted, &[QueueClass::MetaTransition]),
            replication: calls(counted, &[QueueClass::Replication]),
            general_calls_dropped: counted.class(QueueClass::General).refused.get()
                + counted.class(QueueClass::Registry).refused.get(),
            slow_readers_cut_off: counted.slow_readers_cut_off.get(),
            exceptions: counted.exceptions.get(),
            exceptions_by_class: counted.exceptions_by_class(),
            request_bytes: spread(&counted.request_bytes),
            response_bytes: spread(&counted.response_bytes),
            queue_ms: spread(&counted.queue_us).in_units_of(US_PER_MS),
            process_ms: spread(&counted.process_us).in_units_of(US_PER_MS),
            total_ms: spread(&counted.total_us).in_units_of(US_PER_MS),
        }
    }
}

fn calls(counted: &ServerMetrics, classes: &[QueueClass]) -> CallClass {
    let mut sum = CallClass::default();
    for class in classes.iter().map(|class| counted.class(*class)) {
        sum.waiting += class.waiting.get();
        sum.running += class.running.get();
    }
    sum
}

fn spread(histogram: &Histogram) -> Distribution {
    let counted = histogram.snapshot();
    let (count, sum, min, max) = (counted.count, counted.sum, counted.min, counted.max);
    Distribution::new(count, sum, min, max, |share| counted.quantile(share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_in_milliseconds_and_sizes_in_bytes() {
        let counted = ServerMetrics::default();
        counted.request_bytes.record(300);
        for ms in [1, 2, 40] {
            counted.process_us.record(ms * US_PER_MS);
        }
        let shown = RpcCounters(Arc::new(counted)).snapshot();
        assert_eq!((shown.request_bytes.min, shown.request_bytes.max), (300, 300));
        let times = shown.process_ms;
        assert_eq!((times.count, times.sum, times.min, times.max), (3, 43, 1, 40));
        assert_eq!(shown.total_ms, Distribution::default());
        assert_eq!(shown.general, CallClass::default());
    }
}

//! `sub=IPC`. Counterpart of `MetricsHBaseServerSource`.

use super::{Bean, Content};
use crate::statistics::RpcSnapshot;

/// Java's names of the exceptions that are counted by themselves, and their classes. One that HBase counts and no
/// master throws is in it, too.
const EXCEPTIONS: [(&str, &[&str]); 15] = [
    ("exceptions.FailedSanityCheckException", &["FailedSanityCheckException"]),
    ("exceptions.NotServingRegionException", &["NotServingRegionException"]),
    ("exceptions.OutOfOrderScannerNextException", &["OutOfOrderScannerNextException"]),
    ("exceptions.RegionMovedException", &["RegionMovedException"]),
    ("exceptions.RegionTooBusyException", &["RegionTooBusyException"]),
    ("exceptions.ScannerResetException", &["ScannerResetException"]),
    ("exceptions.UnknownScannerException", &["UnknownScannerException"]),
    ("exceptions.callDropped", &["CallDroppedException"]),
    ("exceptions.callQueueTooBig", &["CallQueueTooBigException"]),
    ("exceptions.callTimedOut", &["CallTimeoutException", "TimeoutIOException"]),
    ("exceptions.multiResponseTooLarge", &["MultiActionResultTooLarge"]),
    ("exceptions.quotaExceeded", &["SpaceLimitingException", "QuotaExceededException"]),
    ("exceptions.requestTooBig", &["RequestTooBigException"]),
    ("exceptions.rpcThrottling", &["RpcThrottlingException"]),
    ("exceptions.otherExceptions", &[]),
];

pub(super) fn ipc(rpc: &RpcSnapshot) -> Bean {
    let mut bean = Bean::of_master("IPC", "The RPC server");
    queues(&mut bean, rpc);
    bean.gauge("numOpenConnections", rpc.connections_open, "Connections");
    bean.counter("receivedBytes", rpc.received_bytes, "Bytes that came");
    bean.counter("sentBytes", rpc.sent_bytes, "Bytes that went");
    bean.gauge("nettyTotalPendingOutboundBytes", rpc.outbound_bytes, "Bytes that wait for their clients");
    bean.counter(
        "maxOutboundBytesExceeded",
        rpc.slow_readers_cut_off,
        "Clients cut off that didn't take answers",
    );
    bean.counter("numGeneralCallsDropped", rpc.general_calls_dropped, "Ordinary calls turned away");
    exceptions(&mut bean, rpc);
    bean.spread("RequestSize", rpc.request_bytes, "Bytes of requests");
    bean.spread("ResponseSize", rpc.response_bytes, "Bytes of answers");
    bean.spread("QueueCallTime", rpc.queue_ms, "Milliseconds from received to running");
    bean.spread("ProcessCallTime", rpc.process_ms, "Milliseconds from running to answered");
    bean.spread("TotalCallTime", rpc.total_ms, "Milliseconds from received to answered");
    uncounted(&mut bean);
    bean
}

fn queues(bean: &mut Bean, rpc: &RpcSnapshot) {
    let classes = [rpc.general, rpc.priority, rpc.meta_priority, rpc.replication];
    let running = classes.iter().map(|class| class.running).sum();
    bean.gauge("queueSize", rpc.queue_bytes, "Bytes of requests that are held");
    bean.gauge("numCallsInGeneralQueue", rpc.general.waiting, "Ordinary calls that wait");
    bean.gauge("numCallsInPriorityQueue", rpc.priority.waiting, "Urgent calls that wait");
    bean.gauge(
        "numCallsInMetaPriorityQueue",
        rpc.meta_priority.waiting,
        "Reports about hbase:meta that wait",
    );
    bean.gauge("numCallsInReplicationQueue", rpc.replication.waiting, "Calls of replication that wait");
    bean.gauge("numActiveHandler", running, "Calls that run");
    bean.gauge("numActiveGeneralHandler", rpc.general.running, "Ordinary calls that run");
    bean.gauge("numActivePriorityHandler", rpc.priority.running, "Urgent calls that run");
    bean.gauge("numActiveReplicationHandler", rpc.replication.running, "Calls of replication that run");
}

fn exceptions(bean: &mut Bean, rpc: &RpcSnapshot) {
    bean.counter("exceptions", rpc.exceptions, "Exceptions that were answered");
    let count = |class: &&str| rpc.exceptions_by_class.get(*class).copied().unwrap_or(0);
    let mut named = 0;
    for (name, classes) in EXCEPTIONS {
        let of_name = match classes {
            [] => rpc.exceptions.saturating_sub(named),
            classes => classes.iter().map(count).sum(),
        };
        named += of_name;
        bean.counter(name, of_name, "Exceptions of this kind that were answered");
    }
}

/// Queues that a master here doesn't have, and what waits for security.
fn uncounted(bean: &mut Bean) {
    let gauges = [
        "numCallsInBulkLoadQueue",
        "numActiveBulkLoadHandler",
        "numCallsInWriteQueue",
        "numCallsInReadQueue",
        "numCallsInScanQueue",
        "numActiveWriteHandler",
        "numActiveReadHandler",
        "numActiveScanHandler",
        "numLifoModeSwitches",
        "nettyDirectMemoryUsage",
        "nettyMaxPendingOutboundBytes",
    ];
    bean.uncounted(&Content::Gauge(0), &gauges);
    let counters = [
        "authenticationSuccesses",
        "authenticationFailures",
        "authenticationFallbacks",
        "authorizationSuccesses",
        "authorizationFailures",
    ];
    bean.uncounted(&Content::Counter(0), &counters);
    bean.uncounted(&Content::Spread(Box::default()), &["UnwritableTime"]);
}

//! Bounds and counts of a server, with the key that sets each.
//!
//! Where HBase has a key, its name and default are used. Bounds that a Java server doesn't have, or has off, have keys
//! of their own below `hmaster.ipc.server`.

use std::time::Duration;

use super::priority::QueueClass;
use crate::options::{Lookup, OptionError};

/// What a server is allowed to take.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// The longest request: `hbase.ipc.max.request.size`, 256 MiB. A longer one ends its connection.
    pub request_bytes_max: usize,
    /// All requests that are being received, wait or are handled: `hbase.ipc.server.max.callqueue.size`, 1 GiB.
    /// Further ones are turned away with `CallQueueTooBigException`.
    pub call_bytes_max: u64,
    /// Handlers and waiting calls of each class.
    pub queues: QueueOptions,
    /// A caller that waits for less is given this much: `hbase.ipc.min.client.request.timeout`, 20 ms.
    pub call_timeout_min: Duration,
    /// Open connections: `hmaster.ipc.server.connections.max`, 16384. Further ones are closed at once.
    pub connections_max: usize,
    /// From accepting to the connection header: `hmaster.ipc.server.handshake.timeout`, 60 s.
    pub handshake_timeout: Duration,
    /// Silence in the midst of a request: `hmaster.ipc.server.receive.timeout`, 60 s.
    pub receive_timeout: Duration,
    /// Silence without any call in hand: `hmaster.ipc.server.idle.timeout`, 10 min. Java clients close after 2 min.
    pub idle_timeout: Duration,
    /// Time for a client to take at least some bytes of its answers: `hmaster.ipc.server.write.timeout`, 60 s.
    pub write_timeout: Duration,
    /// Answers waiting to be taken by one client above which it gets no more calls through:
    /// `hbase.server.netty.writable.watermark.high`, here 16 MiB where Java has it off.
    pub outbound_bytes_high: usize,
    /// Answers waiting to be taken by one client above which it is cut off:
    /// `hbase.server.netty.writable.watermark.fatal`, here 1 GiB where Java has it off.
    pub outbound_bytes_max: usize,
    /// Answers waiting to be taken by all clients, `hmaster.ipc.server.outbound.bytes.max`, 2 GiB. A client for which
    /// there is no more room is cut off.
    pub outbound_total_bytes_max: u64,
    /// How long calls that run may take to end when the server stops: `hmaster.ipc.server.stop.timeout`, 5 s.
    pub stop_timeout: Duration,
    /// A call that takes longer is logged: `hbase.ipc.warn.response.time`, 10 s.
    pub warn_response_time: Duration,
    /// A longer answer is logged: `hbase.ipc.warn.response.size`, 100 MiB.
    pub warn_response_bytes: usize,
    /// `hbase.ipc.server.tcpnodelay`, on.
    pub tcp_no_delay: bool,
    /// `hbase.ipc.server.tcpkeepalive`, on.
    pub tcp_keep_alive: bool,
    /// Connections waiting to be accepted: `hbase.ipc.server.listen.queue.size`, 128.
    pub listen_queue_len: u32,
}

/// Handlers and waiting calls of each class of calls.
#[derive(Debug, Clone)]
pub struct QueueOptions([QueueBounds; QueueClass::ALL.len()]);

/// How many calls of one class run and wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueBounds {
    /// Calls handled at the same time.
    pub handlers_max: usize,
    /// Calls waiting for a handler. Further ones are turned away with `CallQueueTooBigException`.
    pub waiting_max: usize,
}

/// `RpcServer.DEFAULT_MAX_CALLQUEUE_LENGTH_PER_HANDLER`.
const WAITING_PER_HANDLER: usize = 10;

/// Reports of transitions that may be under way for each urgent call that may. They wait for a group commit, and while
/// the master starts for its end; one that is turned away makes its region server pause for up to 200 s.
const REPORTS_PER_HANDLER: usize = 10;

impl Default for ServerOptions {
    fn default() -> Self {
        Self::from_keys(&|_| None).expect("defaults need no parsing")
    }
}

impl ServerOptions {
    /// Options by what `value` says of each key.
    ///
    /// # Errors
    /// When a value isn't what its key needs.
    pub fn from_keys(value: &dyn Fn(&str) -> Option<String>) -> Result<Self, OptionError> {
        let conf = Lookup(value);
        let seconds = Duration::from_secs;
        Ok(Self {
            request_bytes_max: conf.number("hbase.ipc.max.request.size", 256 << 20)?,
            call_bytes_max: conf.number("hbase.ipc.server.max.callqueue.size", 1 << 30)?,
            queues: QueueOptions::from_keys(&conf)?,
            call_timeout_min: conf
                .millis("hbase.ipc.min.client.request.timeout", Duration::from_millis(20))?,
            connections_max: conf.number("hmaster.ipc.server.connections.max", 16_384)?,
            handshake_timeout: conf.millis("hmaster.ipc.server.handshake.timeout", seconds(60))?,
            receive_timeout: conf.millis("hmaster.ipc.server.receive.timeout", seconds(60))?,
            idle_timeout: conf.millis("hmaster.ipc.server.idle.timeout", seconds(600))?,
            write_timeout: conf.millis("hmaster.ipc.server.write.timeout", seconds(60))?,
            outbound_bytes_high: positive(&conf, "hbase.server.netty.writable.watermark.high", 16 << 20)?,
            outbound_bytes_max: positive(&conf, "hbase.server.netty.writable.watermark.fatal", 1 << 30)?,
            outbound_total_bytes_max: conf.number("hmaster.ipc.server.outbound.bytes.max", 2 << 30)?,
            stop_timeout: conf.millis("hmaster.ipc.server.stop.timeout", seconds(5))?,
            warn_response_time: conf.millis("hbase.ipc.warn.response.time", seconds(10))?,
            warn_response_bytes: conf.number("hbase.ipc.warn.response.size", 100 << 20)?,
            tcp_no_delay: conf.flag("hbase.ipc.server.tcpnodelay", true)?,
            tcp_keep_alive: conf.flag("hbase.ipc.server.tcpkeepalive", true)?,
            listen_queue_len: conf.number("hbase.ipc.server.listen.queue.size", 128)?,
        })
    }
}

/// Java takes 0 for off; a bound is never off here.
fn positive(conf: &Lookup<'_>, key: &'static str, otherwise: usize) -> Result<usize, OptionError> {
    conf.number(key, otherwise).map(|value| if value == 0 { otherwise } else { value })
}

impl QueueOptions {
    fn from_keys(conf: &Lookup<'_>) -> Result<Self, OptionError> {
        let handlers = |key, otherwise| conf.number(key, otherwise).map(|count: usize| count.max(1));
        let general = handlers("hbase.regionserver.handler.count", 30)?;
        let priority = handlers("hbase.regionserver.metahandler.count", 20)?;
        let replication = handlers("hbase.regionserver.replication.handler.count", 3)?;
        let meta = handlers("hbase.master.meta.transition.handler.count", 1)?;
        let registry = handlers("hmaster.ipc.server.registry.handler.count", 10)?;
        let waiting = |key, handlers| conf.number(key, handlers * WAITING_PER_HANDLER);
        let general_waiting = waiting("hbase.ipc.server.max.callqueue.length", general)?;
        let priority_waiting = waiting("hbase.ipc.server.priority.max.callqueue.length", priority)?;
        let replication_waiting = waiting("hbase.ipc.server.replication.max.callqueue.length", replication)?;
        let registry_waiting = waiting("hmaster.ipc.server.registry.max.callqueue.length", registry)?;
        let bounds = |handlers_max, waiting_max| QueueBounds { handlers_max, waiting_max };
        Ok(Self(QueueClass::ALL.map(|class| match class {
            QueueClass::MetaTransition => bounds(meta, priority_waiting),
            QueueClass::RegionTransition => {
                bounds(priority * REPORTS_PER_HANDLER, priority_waiting * REPORTS_PER_HANDLER)
            }
            QueueClass::Priority => bounds(priority, priority_waiting),
            QueueClass::Replication => bounds(replication, replication_waiting),
            QueueClass::Registry => bounds(registry, registry_waiting),
            QueueClass::General => bounds(general, general_waiting),
        })))
    }

    /// The bounds of one class.
    pub fn of(&self, class: QueueClass) -> QueueBounds {
        self.0[class.index()]
    }

    /// Sets the bounds of one class.
    pub fn set(&mut self, class: QueueClass, bounds: QueueBounds) {
        self.0[class.index()] = bounds;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_hbase_s() {
        let options = ServerOptions::default();
        assert_eq!((options.request_bytes_max, options.call_bytes_max), (268_435_456, 1_073_741_824));
        let bounds =
            QueueClass::ALL.map(|class| options.queues.of(class)).map(|of| (of.handlers_max, of.waiting_max));
        assert_eq!(bounds, [(1, 200), (200, 2000), (20, 200), (3, 30), (10, 100), (30, 300)]);
    }

    #[test]
    fn keys_change_them_and_nonsense_is_named() {
        let conf = |key: &str| match key {
            "hbase.regionserver.handler.count" => Some("4".to_owned()),
            "hbase.ipc.server.priority.max.callqueue.length" => Some("9".to_owned()),
            "hbase.server.netty.writable.watermark.high" => Some("0".to_owned()),
            _ => None,
        };
        let options = ServerOptions::from_keys(&conf).unwrap();
        let of = |class| options.queues.of(class);
        assert_eq!(of(QueueClass::General), QueueBounds { handlers_max: 4, waiting_max: 40 });
        assert_eq!(of(QueueClass::MetaTransition), QueueBounds { handlers_max: 1, waiting_max: 9 });
        assert_eq!(options.outbound_bytes_high, 16 << 20);
        let bad = |key: &str| (key == "hbase.ipc.max.request.size").then(|| "256m".to_owned());
        assert_eq!(ServerOptions::from_keys(&bad).unwrap_err().key, "hbase.ipc.max.request.size");
    }
}

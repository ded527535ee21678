//! What a server is told when it is built: where it lives, how long sessions last, and its bounds.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::error::StartError;
use crate::machine::MachineSettings;

/// ZooKeeper's own default, and what HBase's `hbase.zookeeper.property.tickTime` leaves it at.
const TICK_TIME: Duration = Duration::from_millis(2000);

/// `jute.maxbuffer`: the largest frame a client may send.
const PACKET_BYTES_MAX: usize = 0xf_ffff;

/// `snapCount`: ZooKeeper's default.
const SNAPSHOT_TRANSACTIONS: u64 = 100_000;

/// A log that has grown to this takes a snapshot too, whatever the number of transactions: recovery
/// reads a log as a whole.
const SNAPSHOT_LOG_BYTES: u64 = 256 * 1024 * 1024;

/// Connections of the whole server. ZooKeeper's default is 60 for each host (`maxClientCnxns`), HBase's
/// 300; here all clients may be on one host.
const CONNECTIONS_MAX: usize = 4096;

/// Watches of one connection: a region server has a handful, one that watches the ACL of each table
/// some ten thousand.
const WATCHES_PER_CONNECTION_MAX: usize = 500_000;

/// Everything a server can be told; see the builder for what each means.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub data_dir: Option<PathBuf>,
    pub bind: SocketAddr,
    pub tick_time: Duration,
    pub min_session_timeout: Option<Duration>,
    pub max_session_timeout: Option<Duration>,
    pub packet_bytes_max: usize,
    pub connections_max: usize,
    pub snapshot_transactions: u64,
    pub snapshot_log_bytes: u64,
    pub watches_per_connection_max: usize,
    pub container_check: Duration,
    pub super_digest: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: None,
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tick_time: TICK_TIME,
            min_session_timeout: None,
            max_session_timeout: None,
            packet_bytes_max: PACKET_BYTES_MAX,
            connections_max: CONNECTIONS_MAX,
            snapshot_transactions: SNAPSHOT_TRANSACTIONS,
            snapshot_log_bytes: SNAPSHOT_LOG_BYTES,
            watches_per_connection_max: WATCHES_PER_CONNECTION_MAX,
            container_check: Duration::from_secs(60),
            super_digest: None,
        }
    }
}

impl Settings {
    /// Session timeouts are 2 to 20 ticks unless told otherwise, in milliseconds.
    pub(crate) fn session_timeouts_ms(&self) -> (i32, i32) {
        let ticks = |count: u32| self.tick_time.saturating_mul(count);
        let min = self.min_session_timeout.unwrap_or_else(|| ticks(2));
        let max = self.max_session_timeout.unwrap_or_else(|| ticks(20));
        (millis(min), millis(max))
    }

    /// What the state machine needs, or which option makes no sense.
    pub(crate) fn machine(&self) -> Result<MachineSettings, StartError> {
        let (min_session_timeout_ms, max_session_timeout_ms) = self.session_timeouts_ms();
        let bad = |option, reason| Err(StartError::BadOption { option, reason });
        if millis(self.tick_time) < 1 {
            return bad("tick time", "it must be at least a millisecond");
        }
        if max_session_timeout_ms < min_session_timeout_ms {
            return bad("max session timeout", "it is shorter than the min session timeout");
        }
        if self.packet_bytes_max < 1024 || self.packet_bytes_max > i32::MAX as usize {
            return bad("max packet size", "it must be from 1 KiB to 2 GiB");
        }
        if self.connections_max == 0 {
            return bad("max connections", "it must be at least one");
        }
        if self.snapshot_transactions == 0 {
            return bad("snapshot count", "it must be at least one");
        }
        Ok(MachineSettings {
            tick_ms: millis(self.tick_time) as u64,
            min_session_timeout_ms,
            max_session_timeout_ms,
            super_digest: self.super_digest.clone(),
            watches_per_connection_max: self.watches_per_connection_max,
            container_check_ms: millis(self.container_check).max(1) as u64,
        })
    }
}

fn millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}

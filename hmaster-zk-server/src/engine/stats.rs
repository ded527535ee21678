//! Statistics as the four-letter words tell them. Counterparts: `ServerStats` and the statistics of
//! `ServerCnxn`.

use super::command::Link;
use crate::machine::Now;
use crate::watches::ConnId;
use crate::wire::op_code as op;

/// A request whose answer is about to go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Served {
    /// The connection.
    pub conn: ConnId,
    /// The client's number for it.
    pub xid: i32,
    /// Operation code.
    pub op: i32,
    /// The last transaction after it.
    pub zxid: i64,
    /// When it was taken up.
    pub taken: Now,
}

/// The operation code under which the handshake is counted.
const CREATE_SESSION: i32 = -10;

impl Served {
    /// A handshake.
    pub(crate) fn session(conn: ConnId, taken: Now) -> Self {
        Self { conn, xid: -1, op: CREATE_SESSION, zxid: -1, taken }
    }
}

/// Smallest, largest and mean of times in milliseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Latency {
    /// Smallest.
    pub min_ms: u64,
    /// Largest.
    pub max_ms: u64,
    sum_ms: u64,
    count: u64,
}

impl Latency {
    fn add(&mut self, ms: u64) {
        self.min_ms = if self.count == 0 { ms } else { self.min_ms.min(ms) };
        self.max_ms = self.max_ms.max(ms);
        self.sum_ms += ms;
        self.count += 1;
    }

    /// Mean.
    pub(crate) fn average_ms(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum_ms as f64 / self.count as f64 }
    }
}

/// Of one connection.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LinkStats {
    /// Frames received.
    pub received: u64,
    /// Frames sent, events included.
    pub sent: u64,
    /// When its session was established, wall clock in milliseconds.
    pub established_ms: i64,
    /// The last operation.
    pub last_op: &'static str,
    /// The client's number for it.
    pub last_xid: Option<i32>,
    /// The last transaction it was told of.
    pub last_zxid: i64,
    /// When the last reply went, monotonic clock in milliseconds.
    pub last_reply_ms: u64,
    /// What the last request took, in milliseconds.
    pub last_latency_ms: u64,
    /// What requests took.
    pub latency: Latency,
}

/// Of the whole server.
#[derive(Debug, Default)]
pub(crate) struct ServerStats {
    /// Frames received.
    pub received: u64,
    /// Frames sent, events included.
    pub sent: u64,
    /// What requests took.
    pub latency: Latency,
}

impl ServerStats {
    /// Counts a frame received.
    pub(crate) fn received(&mut self, link: Option<&mut Link>) {
        self.received += 1;
        if let Some(link) = link {
            link.stats.received += 1;
        }
    }

    /// Counts a frame sent.
    pub(crate) fn sent(&mut self, link: &mut Link) {
        self.sent += 1;
        link.stats.sent += 1;
    }

    /// Counts a request answered.
    pub(crate) fn served(&mut self, served: &Served, now: Now, link: Option<&mut Link>) {
        let took_ms = now.monotonic_ms.saturating_sub(served.taken.monotonic_ms);
        self.latency.add(took_ms);
        let Some(link) = link else { return };
        let stats = &mut link.stats;
        stats.latency.add(took_ms);
        stats.last_latency_ms = took_ms;
        stats.last_reply_ms = now.monotonic_ms;
        stats.last_op = short_name(served.op);
        stats.last_zxid = served.zxid;
        if served.op == CREATE_SESSION {
            stats.established_ms = now.wall_ms;
        }
        if served.xid >= 0 {
            stats.last_xid = Some(served.xid);
        }
    }
}

/// What `cons` calls an operation.
fn short_name(op: i32) -> &'static str {
    match op {
        CREATE_SESSION => "SESS",
        op::PING => "PING",
        op::MULTI => "MULT",
        op::MULTI_READ => "MLTR",
        op::CREATE | op::CREATE2 | op::CREATE_TTL | op::CREATE_CONTAINER => "CREA",
        op::DELETE | op::DELETE_CONTAINER => "DELE",
        op::SET_DATA => "SETD",
        op::SET_ACL => "SETA",
        op::CLOSE_SESSION => "CLOS",
        op::SYNC => "SYNC",
        op::CHECK => "CHEC",
        op::EXISTS => "EXIS",
        op::GET_DATA => "GETD",
        op::SET_WATCHES => "SETW",
        op::SET_WATCHES2 => "STW2",
        op::ADD_WATCH => "ADDW",
        op::GET_ACL => "GETA",
        op::GET_CHILDREN | op::GET_CHILDREN2 => "GETC",
        op::GET_ALL_CHILDREN_NUMBER => "GETACN",
        op::CHECK_WATCHES => "CHKW",
        op::REMOVE_WATCHES => "REMW",
        op::WHO_AM_I => "HOMI",
        op::GET_EPHEMERALS => "GETE",
        op::RECONFIG => "RECO",
        _ => "NA",
    }
}

//! What reaches the engine, from connections and from the server's handle.

use std::collections::VecDeque;
use std::net::SocketAddr;

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio_util::sync::DropGuard;

use super::four_letter::FourLetterWord;
use super::stats::LinkStats;
use crate::net::outbox::Outbox;
use crate::watches::ConnId;
use crate::wire::connect::ConnectRequest;
use crate::wire::request_body::RequestFrame;

/// A request on its way.
#[derive(Debug)]
pub(crate) struct QueuedRequest {
    /// The connection.
    pub conn: ConnId,
    /// The request.
    pub frame: RequestFrame,
    /// Its length in bytes.
    pub bytes: usize,
    /// Its share of the bounds on waiting requests; given back when it has been dealt with.
    pub _permits: [OwnedSemaphorePermit; 2],
}

/// The engine's end of a connection. Dropping it ends the connection, after what is queued.
#[derive(Debug)]
pub(crate) struct Link {
    /// The client's address.
    pub peer: SocketAddr,
    /// Where frames for the client go.
    pub outbox: Outbox,
    /// Requests that wait until the client has read the replies to earlier ones.
    pub parked: VecDeque<QueuedRequest>,
    /// For `stat` and `cons`.
    pub stats: LinkStats,
    _closing: DropGuard,
}

impl Link {
    /// A connection; `closing` fires when the engine is done with it.
    pub(crate) fn new(peer: SocketAddr, outbox: Outbox, closing: DropGuard) -> Self {
        Self { peer, outbox, parked: VecDeque::new(), stats: LinkStats::default(), _closing: closing }
    }
}

/// Something for the engine to do.
#[derive(Debug)]
pub(crate) enum Command {
    /// A connection's first frame.
    Connect {
        /// The connection.
        conn: ConnId,
        /// The engine's end of it.
        link: Link,
        /// What it asks for.
        request: ConnectRequest,
    },
    /// A later frame.
    Request(QueuedRequest),
    /// A connection that was choked has sent enough to go on.
    Drained {
        /// The connection.
        conn: ConnId,
    },
    /// A connection ended.
    Gone {
        /// The connection.
        conn: ConnId,
    },
    /// A four-letter word.
    FourLetter {
        /// The word.
        word: FourLetterWord,
        /// Takes the text.
        reply: oneshot::Sender<String>,
    },
    /// Expire a session now.
    ExpireSession {
        /// The session.
        session: i64,
        /// Takes whether there was such a session.
        reply: oneshot::Sender<bool>,
    },
    /// End all connections.
    DropConnections {
        /// Takes how many there were.
        reply: oneshot::Sender<usize>,
    },
    /// Count things.
    Counts {
        /// Takes the counts.
        reply: oneshot::Sender<Counts>,
    },
    /// List sessions.
    Sessions {
        /// Takes the list.
        reply: oneshot::Sender<Vec<SessionInfo>>,
    },
}

/// How much of everything a server has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Nodes, those of `/zookeeper` included.
    pub nodes: usize,
    /// Ephemeral nodes.
    pub ephemerals: usize,
    /// Sessions, connected or not.
    pub sessions: usize,
    /// Watches; a persistent one counts twice.
    pub watches: usize,
    /// Connections past their handshake.
    pub connections: usize,
    /// The last transaction.
    pub zxid: i64,
}

/// A session as seen from within the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionInfo {
    /// Its id.
    pub id: i64,
    /// The timeout it was created with, in milliseconds.
    pub timeout_ms: i32,
    /// Whether a client is connected to it.
    pub connected: bool,
    /// Its ephemeral nodes.
    pub ephemerals: Vec<String>,
}

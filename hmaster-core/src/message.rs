//! What procedures wait for and what they are told.

use bytes::Bytes;
use hmaster_protocol::pb::region_state_transition::TransitionCode;
use hmaster_types::{JavaException, SeqNum, ServerName};

/// Something that is so or not so.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// The master has read hbase:meta, so it knows every region.
    MetaLoaded,
    /// hbase:meta's region is open.
    MetaAssigned,
    /// The master has done all that comes before it serves clients.
    Initialized,
    /// Some server can be given regions.
    ServerAssignable,
    /// Some server has room for another WAL to split.
    SplitWorkerFree,
}

/// News for a procedure.
#[derive(Debug)]
pub enum Message {
    /// A region server reports what became of an open or a close, or was found to have done.
    Transition {
        /// Who reports.
        server: ServerName,
        /// What happened.
        code: TransitionCode,
        /// With an open region: the sequence number it was opened with.
        open_seq_num: SeqNum,
    },
    /// A command wasn't carried out and won't be.
    NotDispatched {
        /// Why.
        reason: String,
    },
    /// The server that a command went to is dead, and its WALs are split.
    ServerCrashed {
        /// Which server.
        server: ServerName,
        /// Whether the region should go elsewhere rather than back to the same host.
        force_new_plan: bool,
    },
    /// A region server reports what became of a remote procedure.
    RemoteDone {
        /// What it left, or why it failed.
        result: Result<Bytes, JavaException>,
    },
    /// A client that holds a lock is still there, or lets it go.
    LockHeartbeat {
        /// Whether it still wants the lock.
        keep: bool,
    },
}

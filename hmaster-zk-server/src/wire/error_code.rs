//! Error codes of replies. Counterpart of `KeeperException.Code`, as far as one server uses it.

use thiserror::Error;

/// Why a request failed, as it goes over the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[repr(i32)]
pub(crate) enum ErrorCode {
    /// An earlier operation of the same multi failed, so this one wasn't tried.
    #[error("another operation of this multi failed")]
    RuntimeInconsistency = -2,
    /// The request's body isn't what its operation code promises.
    #[error("the request can't be decoded")]
    MarshallingError = -5,
    /// The operation isn't there.
    #[error("the operation isn't implemented")]
    Unimplemented = -6,
    /// A path, flag or number that can't be.
    #[error("an argument of the request is invalid")]
    BadArguments = -8,
    /// No node at this path (or no parent).
    #[error("no such node")]
    NoNode = -101,
    /// The ACL doesn't allow it.
    #[error("not permitted by the node's ACL")]
    NoAuth = -102,
    /// The expected version isn't the node's.
    #[error("the version differs")]
    BadVersion = -103,
    /// An ephemeral node can't be a parent.
    #[error("ephemeral nodes have no children")]
    NoChildrenForEphemerals = -108,
    /// There is such a node already.
    #[error("the node exists")]
    NodeExists = -110,
    /// The node has children.
    #[error("the node has children")]
    NotEmpty = -111,
    /// The ACL is empty or names an unknown scheme or identity.
    #[error("the ACL is invalid")]
    InvalidAcl = -114,
    /// The credentials weren't accepted.
    #[error("authentication failed")]
    AuthFailed = -115,
    /// This connection has no such watch.
    #[error("no such watch")]
    NoWatcher = -121,
    /// Reconfiguration is switched off.
    #[error("reconfiguration is disabled")]
    ReconfigDisabled = -123,
    /// A bound of the server is reached.
    #[error("a limit of the server is reached")]
    ThrottledOp = -127,
}

impl ErrorCode {
    /// The number on the wire.
    pub(crate) fn wire(self) -> i32 {
        self as i32
    }
}

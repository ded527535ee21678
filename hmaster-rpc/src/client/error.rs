//! How a call fails, and what that proves.
//!
//! A master that isn't sure whether a server has its order must not give the same order to another one: it would open a
//! region twice. So the kinds are apart: [`Failure::NotSent`] proves that no server had all of the request and hence
//! that nothing was done; [`Failure::OutcomeUnknown`] proves nothing; [`Failure::Remote`] is the server's own word,
//! which means as much as the exception it names; [`Failure::Malformed`] proves that the server did something.
//!
//! Java throws an `IOException` for all of them and leaves it to callers to guess from its class.

use std::io;
use std::sync::Arc;

use hmaster_types::{Address, JavaException};

use crate::wire::exception::RemoteException;

/// A call that failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("call {service}.{method} at {address}: {failure}")]
pub struct RpcError {
    /// Who was called.
    pub address: Address,
    /// The service's name on the wire.
    pub service: &'static str,
    /// The method's name on the wire.
    pub method: &'static str,
    /// What happened.
    pub failure: Failure,
}

/// What happened to a call that failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// No server has all of the request: it was certainly not carried out.
    #[error("not sent: {0}")]
    NotSent(NotSent),
    /// All of the request may have reached the server: it may or may not have been carried out.
    #[error("sent, outcome unknown: {0}")]
    OutcomeUnknown(OutcomeUnknown),
    /// The server answered with an exception.
    #[error("{}", .0.exception)]
    Remote(RemoteException),
    /// The server answered, but with something unreadable.
    #[error("unreadable answer: {0}")]
    Malformed(String),
}

/// Why a request wasn't sent, or not all of it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotSent {
    /// There is no connection.
    #[error("{0}")]
    Connect(ConnectFailure),
    /// Connecting failed a moment ago and isn't tried again yet.
    #[error("this server failed a moment ago")]
    FailedServer,
    /// As many calls, or as many bytes of them, are under way as may be.
    #[error("too many calls are under way")]
    TooManyCalls,
    /// The time was over before the request was on its way.
    #[error("timed out before it could be sent")]
    TimedOut,
    /// The connection ended before all of the request was on its way.
    #[error("{0}")]
    ConnectionLost(ConnectionLost),
    /// The server turned the connection away, and with it all its calls.
    #[error("the server refused the connection: {0}")]
    Rejected(JavaException),
    /// The client was closed.
    #[error("the client is closed")]
    Closed,
    /// The request can't be sent by this client.
    #[error("can't be sent: {0}")]
    Unsendable(String),
}

/// Why nobody knows what became of a request.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OutcomeUnknown {
    /// No answer came in time.
    #[error("no answer in time")]
    TimedOut,
    /// The connection ended.
    #[error("{0}")]
    ConnectionLost(ConnectionLost),
}

/// Why there is no connection.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConnectFailure {
    /// Nothing listens there: the process is gone, or not there yet.
    #[error("connection refused")]
    Refused,
    /// There is no such host.
    #[error("unknown host")]
    UnknownHost,
    /// It took too long.
    #[error("connecting timed out")]
    TimedOut,
    /// The network fails otherwise.
    #[error("can't connect: {0}")]
    Other(Arc<io::Error>),
}

/// How a connection ended.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConnectionLost {
    /// The server closed it.
    #[error("the server closed the connection")]
    Closed,
    /// The network failed.
    #[error("the connection broke: {0}")]
    Broke(Arc<io::Error>),
    /// The server took nothing for too long.
    #[error("the server took nothing for too long")]
    WriteTimedOut,
    /// The server stopped in the midst of an answer.
    #[error("the server stopped in the midst of an answer")]
    ReadTimedOut,
    /// The server sent what is no answer.
    #[error("the server sent {0}")]
    Garbled(String),
    /// The server ended it with an exception, after it had answered calls.
    #[error("the server ended the connection: {0}")]
    Fatal(JavaException),
    /// The client was closed, or told to give up this server.
    #[error("the connection was given up")]
    GivenUp,
}

impl RpcError {
    /// True if the request was certainly not carried out, so that it may be given to another server.
    pub fn is_not_sent(&self) -> bool {
        matches!(self.failure, Failure::NotSent(_))
    }

    /// The exception, if the server answered with one.
    pub fn exception(&self) -> Option<&JavaException> {
        match &self.failure {
            Failure::Remote(remote) => Some(&remote.exception),
            Failure::NotSent(_) | Failure::OutcomeUnknown(_) | Failure::Malformed(_) => None,
        }
    }
}

impl ConnectFailure {
    /// By the kind of the error: `NotFound` stands for an unknown host.
    pub(crate) fn new(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::NotFound => Self::UnknownHost,
            io::ErrorKind::TimedOut => Self::TimedOut,
            _ => Self::Other(Arc::new(error)),
        }
    }
}

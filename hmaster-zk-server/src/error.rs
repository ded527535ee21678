//! Why a server doesn't start, or stops by itself.

use std::io;
use std::net::SocketAddr;

use thiserror::Error;

use crate::store::StoreError;

/// Why a server doesn't start. Each variant is about one option, so that a caller can name it in one
/// line.
#[derive(Debug, Error)]
pub enum StartError {
    /// The address or port is taken.
    #[error("{addr} is in use by another process")]
    AddressInUse {
        /// The address asked for.
        addr: SocketAddr,
    },
    /// The address can't be bound for another reason.
    #[error("can't listen on {addr}: {source}")]
    Bind {
        /// The address asked for.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The data folder can't be used: locked, unreadable, damaged, or another server's.
    #[error(transparent)]
    DataDir(#[from] StoreError),
    /// An option makes no sense.
    #[error("the {option} is invalid: {reason}")]
    BadOption {
        /// The option.
        option: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// Why a server stopped by itself. Its clients were disconnected; nothing that it answered is lost.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The log couldn't be written. Whether the last transactions are durable only a new start can
    /// tell.
    #[error("the transaction log failed: {0}")]
    Log(#[from] StoreError),
    /// A task of the server ended in a way it never should.
    #[error("the server's task failed: {0}")]
    Task(#[from] tokio::task::JoinError),
}

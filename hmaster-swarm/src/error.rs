//! Why a swarm doesn't do what a scenario wants.

use std::io;
use std::time::Duration;

use hmaster_fs::rootdir::RootDirError;
use hmaster_protocol::meta::MetaError;
use hmaster_rpc::OptionError;
use hmaster_rpc::client::RpcError;
use hmaster_rpc::server::BindError;
use hmaster_sim::{Ended, StartError};
use hmaster_types::{JavaException, ParseError};
use hmaster_zk::ZkError;

use crate::light::CommonError;
use crate::limits::TooFewFiles;

/// Why a swarm doesn't do what a scenario wants.
#[derive(Debug, thiserror::Error)]
pub enum SwarmError {
    /// The configuration isn't one that servers can be run with.
    #[error(transparent)]
    Common(#[from] CommonError),
    /// A value isn't what its key needs.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// There can't be as many servers.
    #[error(transparent)]
    Files(#[from] TooFewFiles),
    /// A scenario can't be read, or asks for what isn't there.
    #[error("scenario: {0}")]
    Scenario(String),
    /// ZooKeeper doesn't do what it is asked for.
    #[error("ZooKeeper")]
    ZooKeeper(#[from] ZkError),
    /// The server with rows doesn't start.
    #[error("start the server that carries hbase:meta")]
    Meta(#[source] StartError),
    /// A light server can't listen.
    #[error("start a light server")]
    Bind(#[from] BindError),
    /// A light server ended before it was online.
    #[error("a light server ended before it was online: {0}")]
    Ended(Ended),
    /// The master can't be started or ended.
    #[error("{operation} a master: {reason}")]
    Master {
        /// What was to be done.
        operation: &'static str,
        /// Why it isn't done.
        reason: String,
    },
    /// A call failed, or was refused.
    #[error(transparent)]
    Call(#[from] RpcError),
    /// The procedure that should have done it failed.
    #[error("{what}: {exception}")]
    Procedure {
        /// What was asked for.
        what: String,
        /// Why it isn't done.
        exception: JavaException,
    },
    /// Files can't be written.
    #[error("write the files of a table")]
    Root(#[from] RootDirError),
    /// hbase:meta has a row that can't be read.
    #[error(transparent)]
    Row(#[from] MetaError),
    /// hbase:meta didn't take a row.
    #[error("write to hbase:meta: {0}")]
    Refused(String),
    /// A name isn't one.
    #[error(transparent)]
    Name(#[from] ParseError),
    /// A file can't be read.
    #[error("read {path}")]
    File {
        /// Which file.
        path: String,
        /// Why it can't.
        #[source]
        source: io::Error,
    },
    /// What should have come didn't.
    #[error("{what}: not within {waited:?}; {state}")]
    Late {
        /// What was waited for.
        what: String,
        /// How long.
        waited: Duration,
        /// What was there instead.
        state: String,
    },
    /// What is there isn't right.
    #[error("{} findings, the first: {}", .0.len(), .0.first().map(String::as_str).unwrap_or_default())]
    Wrong(Vec<String>),
}

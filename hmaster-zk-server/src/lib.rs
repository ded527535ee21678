//! An embeddable single-node ZooKeeper server, compatible with ZooKeeper 3.8 on the wire.
//!
//! It is for `hmaster standalone` and for tests: a server starts in a few milliseconds within the
//! process, in memory or with a data folder, on any port, as many at a time as wanted. Unmodified Java
//! clients, HBase's masters and region servers among them, take it for a standalone ZooKeeper; the
//! [`conformance`] suite (with the feature of that name) is what they rely on, and runs against the
//! real one too.
//!
//! ```
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use hmaster_zk_server::ZkServer;
//!
//! let server = ZkServer::builder().start().await?; // in memory, on a free port
//! println!("clients may connect to {}", server.connect_string());
//! server.shutdown().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # How it is built
//!
//! - `wire`: bytes to requests, replies to bytes.
//! - `machine`: the server as a pure function of its inputs: sessions, tree, watches, access control. No
//!   clock, no socket, no disk; `state` is its durable part, `tree`, `watches`, `access` and `expiry` its
//!   organs.
//! - `store`: the transaction log and snapshots; its header describes the format.
//! - `engine`: the one task that feeds the machine, makes its transactions durable, and then lets the
//!   answers go. What arrives meanwhile is committed together next.
//! - `net`: accepts connections and cuts streams into frames.
//!
//! # What it promises
//!
//! Nothing is answered before it is durable, reads of it and events about it included: `kill -9` and
//! power cuts lose nothing a client was told of. Sessions survive a restart with their timeouts begun
//! anew. If the log can't be written the server stops ([`ZkServer::stopped`]) rather than go on with
//! something it might forget. Whatever a client sends, memory stays within named bounds.
//!
//! # What is different from ZooKeeper
//!
//! - One server: no ensemble, no observers, no reconfiguration; files are in a format of its own.
//! - No TLS and no SASL (a client that offers SASL is told to go on without, as by a ZooKeeper without
//!   it); ACL schemes are `world`, `auth`, `ip` and `digest`.
//! - No quotas, no admin HTTP server; time-to-live nodes are unimplemented, as in a ZooKeeper without
//!   `extendedTypesEnabled`.
//! - A wrong password doesn't end the connection of a session's owner, a server that was asleep doesn't
//!   expire the sessions it couldn't hear, and `check` outside of a multi is answered.

pub(crate) mod access;
pub(crate) mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
pub(crate) mod engine;
pub(crate) mod error;
pub(crate) mod expiry;
pub(crate) mod machine;
pub(crate) mod net;
#[doc(hidden)]
pub mod parsers;
pub(crate) mod server;
pub(crate) mod settings;
pub(crate) mod state;
pub(crate) mod store;
pub(crate) mod transaction;
pub(crate) mod tree;
pub(crate) mod watches;
pub(crate) mod wire;

pub use engine::command::{Counts, SessionInfo};
pub use error::{ServerError, StartError};
pub use server::{ZkServer, ZkServerBuilder};
pub use store::StoreError;

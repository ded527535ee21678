//! An embeddable single-node ZooKeeper server

pub(crate) mod access;
pub(crate) mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
pub(crate) mod engine;
pub mod error;
pub(crate) mod expiry;
pub(crate) mod machine;
pub(crate) mod net;
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

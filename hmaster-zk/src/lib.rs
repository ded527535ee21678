//! ZooKeeper for HBase (draft essay).

mod error;
pub mod lease;
pub mod memory;
pub mod session;
pub mod znode;

pub use error::{Operation, ZkError, ZkErrorKind};
pub use session::{MultiOp, NodeWatch, RealSession, SessionConfig, SessionState, WatchEvent, ZkSession};
pub use znode::{Acl, CreateMode, SessionId, Stat, Zxid};

//! ZooKeeper for HBase (draft essay).

pub mod acl;
pub mod codec;
pub mod config;
pub mod election;
pub mod envelope;
mod error;
pub mod lease;
pub mod memory;
pub mod mirror;
mod paths;
pub mod recoverable;
pub mod session;
pub mod tracker;
mod watcher;
pub mod znode;

pub use acl::AclPolicy;
pub use codec::{
    ClusterId, ClusterUp, CodecError, CodecReason, MasterInfo, MetaLocation, Payload, RegionServerInfo,
    SwitchKind,
};
pub use config::ZkConfig;
pub use election::{ActiveRole, Elector, ElectorConfig, End, Role};
pub use error::{Operation, ZkError, ZkErrorKind};
pub use lease::{BootClock, LeaseKeeper, LeaseLoss, LeaseTerms, MonotonicClock, SessionLease, TokioClock};
pub use paths::{BarrierPaths, ZnodePaths};
pub use recoverable::{RecoverableZooKeeper, RetryPolicy};
pub use session::{MultiOp, NodeWatch, RealSession, SessionConfig, SessionState, WatchEvent, ZkSession};
pub use watcher::{ZkWatcher, Znode};
pub use znode::{Acl, CreateMode, SessionId, Stat, Zxid};

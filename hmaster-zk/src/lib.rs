//! ZooKeeper as HBase uses it: who is active, who lives, where things are.
//!
//! A master and its region servers meet in ZooKeeper. A region server lives as long as its ephemeral znode; the active
//! master is whoever made `/hbase/master`; clients find hbase:meta by a znode that the master keeps current. This crate
//! has all of that and knows nothing of what a master does with it. Names, payloads and the envelope around them are
//! Java's, so that a Java master, region server or client reads what this writes, and the other way around.
//!
//! # From the wire upwards
//!
//! - [`session`]: a ZooKeeper session as a trait, [`ZkSession`], with [`RealSession`] over TCP and
//!   [`memory::MemorySession`] in memory, with faults and virtual time.
//! - [`lease`]: how long one may act on the strength of a session. ZooKeeper's client learns too late that its session is
//!   over; [`SessionLease`] ends before another master can take over, by this machine's own clock.
//! - [`recoverable`]: operations that are repeated after a lost connection, without being done twice.
//! - [`ZkWatcher`]: a session with the paths of one cluster ([`ZnodePaths`]) and the ways HBase writes znodes. What
//!   stands in them is in [`codec`], the envelope around it in [`envelope`].
//! - [`tracker`]: znodes that are followed as they change: region servers, the cluster's state, the active master.
//! - [`mirror`]: what a master writes for others to read, and finds of its predecessors.
//! - [`election`]: who is active. [`Elector`] takes part in it and gives an [`ActiveRole`] with its lease.
//!
//! # What to rely on
//!
//! - An error never reads as an empty answer: a list of region servers that couldn't be read reports nobody gone.
//! - [`ZkErrorKind::OutcomeUnknown`] is the only error after which a write may or may not have been done in a session
//!   that goes on; [`RecoverableZooKeeper`] resolves it where ZooKeeper allows it.
//! - Nothing here sleeps to find something out. What is followed is followed by watches; besides, each view is read
//!   again after a session's timeout, in case an event got lost.
//! - Of two masters at most one has a valid lease. A process that is stopped between asking its lease and acting can still
//!   act late: what must not happen then needs a fence where it would happen, such as the lease of a WAL.
//!
//! # A master's life
//!
//! ```no_run
//! # async fn run(config: hmaster_zk::ZkConfig, me: hmaster_zk::MasterInfo) -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//!
//! use hmaster_types::Chance;
//! use hmaster_zk::tracker::RegionServerTracker;
//! use hmaster_zk::{BootClock, Elector, ElectorConfig, ZkWatcher};
//!
//! let zk = ZkWatcher::connect(&config, "master:16000", Chance::from_entropy()).await?;
//! zk.create_base_znodes().await?;
//! let elector = Elector::start(zk.clone(), ElectorConfig::new(me, Arc::new(BootClock)));
//! let active = elector.active().await?; // waits here as long as another master is active
//! let mut region_servers = RegionServerTracker::new(zk.clone());
//! while active.lease.valid() {
//!     let changes = tokio::select! {
//!         biased;
//!         _ = active.lease.lost() => break,
//!         changes = region_servers.next() => changes?,
//!     };
//!     for server in changes.removed { /* recover it */ }
//! }
//! elector.stop().await;
//! zk.zk.session().close().await;
//! # Ok(())
//! # }
//! ```
//!
//! Not built: SASL and TLS towards ZooKeeper, which are refused where they are configured ([`AclPolicy`]), and the
//! coordinator of barrier procedures, of which only the znodes are made ([`mirror::barrier`]).

pub mod session;

pub mod lease;

pub mod recoverable;

mod acl;
pub mod codec;
mod config;
pub mod envelope;
mod error;
mod paths;
mod watcher;
pub mod znode;

pub mod tracker;

pub mod mirror;

pub mod election;

pub mod memory;

pub use acl::AclPolicy;
pub use codec::{
    ClusterId, ClusterUp, CodecError, CodecReason, MasterInfo, MasterSession, MetaLocation, Payload,
    RegionServerInfo, SwitchKind,
};
pub use config::ZkConfig;
pub use election::{ActiveRole, Elector, ElectorConfig, End, Role};
pub use error::{Operation, ZkError, ZkErrorKind};
pub use lease::{BootClock, LeaseKeeper, LeaseLoss, LeaseTerms, MonotonicClock, SessionLease, TokioClock};
pub use paths::{BarrierPaths, ZnodePaths};
pub use recoverable::{RecoverableZooKeeper, RetryPolicy};
pub use session::{
    MultiOp, NodeWatch, RealSession, SessionConfig, SessionCredentials, SessionState, WatchEvent, ZkSession,
};
pub use watcher::{ZkWatcher, Znode};
pub use znode::{Acl, CreateMode, SessionId, Stat, Zxid};

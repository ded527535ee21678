//! The master's mind: what an active master knows, decides and does, without sockets and files.
//!
//! Counterpart of the package `org.apache.hadoop.hbase.master` without its transports. What it needs of the outside are
//! traits, [`ports`]; who implements them decides whether this is a master of a real cluster or one of a thousand runs of
//! a simulation.
//!
//! # One reign
//!
//! [`environment::MasterEnv`] is one won election. [`startup`] makes it from what is stored: the procedures that go on, the
//! regions and tables as hbase:meta has them, the region servers as ZooKeeper has them. Whatever ends it (a lost session, a
//! store that doesn't take writes) ends all of it, and the next reign is loaded anew. There is no other recovery.
//!
//! ```text
//!  clients, region servers                 ZooKeeper
//!        │ services                            │ servers
//!        ▼                                     ▼
//!   procedures: tables, namespaces, regions, assignment, crash ──► step, message
//!        │                │                    │
//!        │ catalog        │ remote             │ placement
//!        ▼                ▼                    ▼
//!   hbase:meta       region servers        the balancer          (all of them behind ports)
//! ```
//!
//! # What is where
//!
//! - [`services`]: what can be asked of a master. Requests become nouns at the door.
//! - [`tables`], [`namespaces`], [`regions`]: what operators do, as procedures. [`registry`] lists every class.
//! - [`assignment`]: the state of each region, and the procedures that change it.
//! - [`snapshots`]: taken of tables, and brought back in them.
//! - [`crash`]: dead region servers. [`servers`]: those that live. [`remote`]: orders to them.
//! - [`catalog`]: hbase:meta, written in batches. [`placement`]: where regions go. [`janitor`]: what is left to tidy.
//! - [`changes`]: waiting for any of these.
//! - [`role`], [`progress`], [`switches`], [`metrics`]: what is asked about the master itself. [`online`]: settings that
//!   change while it runs.
//! - `testing` (with the feature of that name): a cluster in memory that can go wrong in every way we know.
//!
//! # Rules
//!
//! - What is announced is durable first: the engine of [`hmaster_procedure`] sees to it for steps, messages and answers.
//! - A step may run twice, also half of it, also after another master ran it.
//! - What isn't known isn't assumed: an order in doubt is not given to another server, a server that couldn't be listed
//!   isn't dead, a file that couldn't be looked up is needed.
//! - Time and chance come from [`hmaster_types::Clock`] and [`hmaster_types::Chance`].
//!
//! Where code guards against one of the numbered dangers of HBase's protocol, a comment names its number.

pub mod assignment;
pub mod balancing;
pub mod catalog;
pub mod changes;
pub mod cleaners;
mod codec;
pub mod crash;
pub mod environment;
pub mod error;
pub mod janitor;
pub mod locking;
pub mod message;
pub mod metrics;
pub mod namespaces;
pub mod online;
pub mod placement;
pub mod ports;
pub mod progress;
pub mod regions;
pub mod registry;
pub mod remote;
pub mod role;
pub mod servers;
pub mod services;
pub mod snapshots;
pub mod startup;
pub mod step;
pub mod switches;
mod system_tables;
pub mod tables;
pub mod takeover;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

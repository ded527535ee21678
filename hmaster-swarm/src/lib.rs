//! The swarm: thousands of region servers in one process, over real sockets, against any HBase 2.6 master, and scenarios
//! that measure what the master does with them.
//!
//! A master is only as good as it is at scale, and a cluster of a thousand machines is nothing to test with. What a master
//! sees of one fits on a laptop: ports, ZooKeeper sessions, reports, orders and their outcomes. Rows it doesn't see. So a
//! swarm consists of *light* servers, which are region servers in everything but rows ([`Light`]), and one server with
//! rows, which carries hbase:meta and the other system tables (`hmaster_sim::RegionServer`).
//!
//! # From a file to figures
//!
//! - [`scenario`]: what is to be there and what happens, read from a file. The same file runs against any master.
//! - [`run`](mod@run): does it: bootstraps a cluster, brings its regions into being, goes from step to step, and measures.
//! - [`checker`]: whether, after each step, every region is open on exactly one live server as the *servers* see it,
//!   hbase:meta says the same, and the master has nothing left to do.
//! - [`results`]: the figures, as a table and as JSON.
//! - [`swarm`]: the servers; `preload` writes a table with any number of regions into hbase:meta as open; `client` is what
//!   a scenario asks of masters.
//! - [`masters`]: starting and killing masters, of whatever kind, as processes.
//!
//! # What to rely on
//!
//! - A light server says nothing that isn't so: what it can't do is reported as failed, and whoever asks it for rows is
//!   refused.
//! - All that goes wrong by order of a scenario is drawn from one seed.
//!
//! # What isn't there
//!
//! Scenarios in which hbase:meta's server dies, racks, clock skew, half-open connections, duplicate registrations, and
//! pictures. Light servers split no WALs, take no snapshots, and their regions can't be split or merged.

#![expect(clippy::result_large_err, reason = "an error ends a scenario")]

pub mod checker;
mod client;
mod error;
mod light;
pub mod limits;
pub mod masters;
mod preload;
pub mod process;
pub mod results;
pub mod run;
pub mod scenario;
pub mod swarm;
mod tally;

pub use client::Client;
pub use error::SwarmError;
pub use light::{Common, CommonError, Faults, LIGHT_VERSION, Light, LightRegion, Range};
pub use tally::{Counts, Latency, Tally};

//! A real master in a cluster in memory, see [`hmaster_core::testing`].

#![expect(clippy::unwrap_used, reason = "tests")]

mod balancing;
mod bootstrap;
mod calls;
mod cleaners;
mod crashes;
mod enumerate;
mod gates;
mod hbck;
mod locking;
mod lost_store;
mod moments;
mod namespaces;
mod reconcile;
mod regions;
mod rpcs;
mod servers;
mod snapshots;
mod successors;
mod support;
mod tables;

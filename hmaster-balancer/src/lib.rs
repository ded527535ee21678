//! Where regions go.
//!
//! [`placement`] finds a server for regions that are nowhere: new ones, those of a dead server, those that come back.
//! Everything here is plain code over snapshots: no clock, no I/O, and randomness only from a seeded
//! [`hmaster_types::Chance`], so that one seed gives one plan.

pub mod placement;

pub use placement::{LoadBalancer, Placement, Replicas, RoundRobin};

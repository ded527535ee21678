//! Where regions go.
//!
//! [`placement`] finds a server for regions that are nowhere: new ones, those of a dead server, those that come back.
//! Everything here is plain code over snapshots: no clock, no I/O, and randomness only from a seeded
//! [`hmaster_types::Chance`], so that one seed gives one plan.

mod balancer;
mod budget;
mod cluster;
mod config;
mod constraints;
mod cost;
mod error;
mod history;
pub mod placement;
mod search;
mod state;
pub mod status;

pub use balancer::Balancer;
pub use budget::Budget;
pub use cluster::{
    Cluster, ClusterBuilder, Copies, Locality, Region, Server, ServerInfo, Table, WhatIf, rack_by_host_name,
};
pub use config::Config;
pub use constraints::{Broken, Constraints, Group};
pub use cost::array::{Counts, Skew, scale};
pub use cost::custom::CustomCost;
pub use cost::{Function, LOADS, PerFunction};
pub use error::BalancerError;
pub use history::{LoadHistory, Sample};
pub use placement::{LoadBalancer, Placement, Replicas, RoundRobin};
pub use search::Milestone;
pub use state::{Action, State, sum_of_multipliers};

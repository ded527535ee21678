//! Where regions go.
//!
//! [`placement`] finds a server for regions that are nowhere: new ones, those of a dead server, those that come back.
//! [`Balancer`] improves a running cluster: a [`Cluster`] snapshot and a [`Budget`] in, a [`Plan`] out that says what it
//! costs ([`Judgement`]), how good any plan could be ([`Bounds`]), why each region moves or stays, and which
//! [`Constraints`] it couldn't keep. Costs are HBase's to the last digits ([`State`], [`Function`], [`Config`]); the way
//! to lower them isn't: where Java takes random steps, the search here works out how many regions of each table every
//! server should have, moves just the surplus, and then exchanges regions of one table between two servers.
//!
//! A cluster comes from the messages a master sends ([`status`]) or is put together ([`ClusterBuilder`]); loads are
//! remembered between statuses in a [`LoadHistory`].
//!
//! Everything here is plain code over snapshots: no clock, no I/O, and randomness only from a seeded
//! [`hmaster_types::Chance`], so that one seed gives one plan.

mod balancer;
mod bounds;
mod budget;
mod cluster;
mod config;
mod constraints;
mod cost;
mod error;
mod history;
mod need;
pub mod placement;
mod plan;
mod report;
mod search;
mod state;
pub mod status;

pub use balancer::{Balancer, Method};
pub use bounds::Bounds;
pub use budget::Budget;
pub use cluster::{
    CapacityRules, Cluster, ClusterBuilder, Copies, Locality, Region, Server, ServerInfo, Table, WhatIf,
    rack_by_host_name,
};
pub use config::Config;
pub use constraints::{Broken, Constraints, ConstraintsText, Group};
pub use cost::array::{Counts, Skew, scale};
pub use cost::custom::CustomCost;
pub use cost::{Function, LOADS, PerFunction};
pub use error::BalancerError;
pub use history::{LoadHistory, Sample};
pub use need::{Verdict, needs_balance};
pub use placement::{LoadBalancer, Placement, Replicas, RoundRobin};
pub use plan::{
    BalancerDecision, BalancerRejection, Judgement, Move, MoveReason, Plan, StayReason, read_plan,
};
pub use report::{EXPLAINED_MAX, Report};
pub use search::Milestone;
pub use state::{Action, State, sum_of_multipliers};

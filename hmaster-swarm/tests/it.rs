//! The swarm against hmaster in this process, over real sockets, each scenario small; and single light servers against a
//! master that records what it is told.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[path = "../../hmaster-sim/tests/it/cluster.rs"]
#[allow(dead_code, reason = "servers with rows are told more")]
mod cluster;
#[path = "it/ground.rs"]
mod ground;
#[path = "it/orders.rs"]
mod orders;
#[path = "it/scenarios.rs"]
mod scenarios;

//! Region servers over real sockets, with an embedded ZooKeeper and a master that does what the test says.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "it/cluster.rs"]
mod cluster;
#[path = "it/life.rs"]
mod life;
#[path = "it/orders.rs"]
mod orders;
#[path = "it/rows.rs"]
mod rows;
#[path = "it/running.rs"]
mod running;
#[path = "it/scans.rs"]
mod scans;

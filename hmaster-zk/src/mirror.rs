//! What the master writes into ZooKeeper for others to read, and reads back where a predecessor left it.
//!
//! None of it is the truth (that is in the master's local region and in hbase:meta) but clients, region servers and
//! older masters go by it.

pub mod barrier;
pub mod cluster_id;
pub mod meta_location;
pub mod namespace;
pub mod old_switch;
pub mod split_wal;
pub mod table_state;
#[cfg(test)]
mod tests;

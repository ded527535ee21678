//! `hmaster standalone` as its users run it: killed with -9 in the midst of writes and of changes of tables, stopped with
//! SIGINT, and used by the unmodified hbase shell.
//!
//! Those in `durability.rs` need no Java: rows are written and read by hmaster's own RPC client, over sockets.

#[path = "standalone/cluster.rs"]
mod cluster;
#[path = "standalone/durability.rs"]
mod durability;
#[path = "standalone/handover.rs"]
mod handover;
#[path = "standalone/shell.rs"]
mod shell;

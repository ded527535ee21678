//! The ports of the master's mind, connected to sockets and files. Each adapter translates, and decides nothing.

pub(crate) mod balancer;
pub(crate) mod files;
pub(crate) mod host_names;
pub(crate) mod presence;
pub(crate) mod region_servers;
mod rows;
pub(crate) mod rpc_statistics;
pub(crate) mod store;
pub(crate) mod zookeeper;

//! ZooKeeper's client protocol: what the bytes of a frame mean, and nothing else.
//!
//! A frame is a big-endian length and that many bytes of jute, ZooKeeper's own serialization.
//! Everything here is a pure function between bytes and types; sockets are in
//! [`net`](crate::net), behaviour in [`machine`](crate::machine). Counterparts:
//! `BinaryInputArchive`, `ZooDefs.OpCode`, `KeeperException.Code` and the classes generated from
//! `zookeeper.jute`.

pub(crate) mod connect;
pub(crate) mod error_code;
pub(crate) mod jute;
pub(crate) mod op_code;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod request_body;
pub(crate) mod types;

#[cfg(test)]
mod fuzz_tests;

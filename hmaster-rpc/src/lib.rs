//! HBase RPC, server and client

pub mod wire;

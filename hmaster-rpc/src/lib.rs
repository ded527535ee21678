//! HBase RPC, server and client

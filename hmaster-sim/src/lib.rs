//! Region servers in Rust, for standalone clusters, tests and simulation

mod cell_tags;
mod filter;
mod log;
mod memstore;
mod nonces;
mod query;
mod region;
mod scan;
mod schema;
mod server;
mod service;
mod store_file;

pub use server::{
    End, Ended, HostError, RegionServer, RegionServerBuilder, RegionServerHandle, RegionServerOptions,
    StartError,
};

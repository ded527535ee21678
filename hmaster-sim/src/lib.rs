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
mod store_file;

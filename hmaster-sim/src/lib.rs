//! Region servers in Rust, for standalone clusters, tests and simulation

mod cell_tags;
mod filter;
mod memstore;
mod query;
mod scan;
mod schema;
mod store_file;

//! Region servers in Rust, for standalone clusters, tests and simulation

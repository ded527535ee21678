//! The `hmaster` binary.
fn main() {}

//! Tests across crates and against real peers

//! Benches, with the Java master beside

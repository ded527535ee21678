//! An Apache HBase master: library and binary

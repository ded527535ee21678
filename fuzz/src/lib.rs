//! Fuzz targets: one function for each kind of bytes that come from outside.
//!
//! `cargo +nightly fuzz run wal` lets libFuzzer look for inputs that make [`targets::wal`] panic, hang or take too much
//! memory. What is in `corpus` is what it starts from, and what the project's ordinary tests replay, cut and changed in
//! a thousand ways, without libFuzzer (`cargo test -p hmaster-tests --test fuzz_corpora`). When libFuzzer finds
//! something, add the input to `corpus`, as small as it gets (`cargo +nightly fuzz tmin`).
//!
//! A new target is a function in `targets.rs` and a line in its list, a file in `fuzz_targets`, and inputs in `corpus`:
//! some that are right, some that aren't.

pub mod targets;

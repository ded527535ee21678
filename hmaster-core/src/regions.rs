//! What is done to single regions: split, merge, truncate, flush, and the removal of those that are no longer needed.
//! Counterpart of the region procedures of the packages `master.assignment` and `master.procedure`.

mod common;
pub mod flush;
pub mod gc;
pub mod gc_merged;
pub mod merge;
pub mod split;
pub mod truncate;

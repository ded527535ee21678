//! Which region is where, and how it gets there. Counterpart of the package `master.assignment`.

pub mod region_node;
pub mod region_states;

pub use region_node::{RegionNode, RegionRecord, UnexpectedState};
pub use region_states::{RegionError, RegionStates};

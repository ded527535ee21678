//! Which region is where, and how it gets there. Counterpart of the package `master.assignment`.

pub mod locks;
pub mod region_node;
pub mod region_remote;
pub mod region_states;
pub mod transit;

pub use region_node::{Claim, Owner, RegionNode, RegionRecord, UnexpectedState};
pub use region_states::{RegionError, RegionStates};

//! Tables: their states, their schemas, their procedures.

pub mod close_regions;
pub mod create;
pub mod delete;
pub mod disable;
pub mod enable;
pub mod init_meta;
pub mod prepare;
pub mod sanity;
pub mod schemas;
pub mod states;

pub use prepare::{Prepared, prepared};
pub use schemas::Schemas;
pub use states::TableStates;

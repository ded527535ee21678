//! Tables: their states, their schemas, their procedures.

pub(crate) mod change;
pub mod close_regions;
pub mod create;
pub mod delete;
pub mod disable;
pub mod enable;
pub mod excess_replicas;
pub mod flush;
pub mod init_meta;
pub mod modify;
pub mod prepare;
pub mod reopen;
pub mod sanity;
pub mod schemas;
pub mod states;
pub mod store_file_tracker;
pub mod truncate;

pub use prepare::{Prepared, prepared};
pub use schemas::Schemas;
pub use states::TableStates;

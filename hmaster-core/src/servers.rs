//! Region servers: who is there, who is gone, what they report.

pub mod fatal_errors;
pub mod flushed;
mod follow;
pub mod manager;
mod presence;

pub use fatal_errors::FatalErrors;
pub use flushed::{FlushedSequenceIds, RegionFlush};
pub use manager::{
    Dead, Expire, Liveness, Online, Registered, ServerLimits, ServerManager, ServerVersion, StartUp,
    ZnodeChanges,
};

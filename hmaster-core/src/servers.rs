//! Region servers: who is there, who is gone, what they report.

pub mod flushed;
pub mod manager;

pub use flushed::{FlushedSequenceIds, RegionFlush};
pub use manager::{Dead, Expire, Liveness, Online, Registered, ServerLimits, ServerManager, StartUp};

//! The master's mind.

pub mod assignment;
pub mod catalog;
mod codec;
pub mod crash;
pub mod environment;
pub mod error;
pub mod janitor;
pub mod message;
pub mod metrics;
pub mod namespaces;
pub mod placement;
pub mod ports;
pub mod progress;
pub mod regions;
pub mod registry;
pub mod remote;
pub mod role;
pub mod servers;
pub mod services;
pub mod startup;
pub mod step;
pub mod switches;
mod system_tables;
pub mod tables;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

//! The master's mind.

pub mod assignment;
pub mod servers;

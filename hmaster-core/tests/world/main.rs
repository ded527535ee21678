//! A real master in a cluster in memory, see [`hmaster_core::testing`].

mod bootstrap;
mod support;

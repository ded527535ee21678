//! What calls come to. Counterpart of `RSRpcServices`.
//!
//! [`Client`] is rows: gets, scans, changes. [`Admin`] is what masters and tools ask for. [`Registry`] and [`Bootstrap`]
//! are how clients find the cluster. What isn't there is refused as Java refuses what it doesn't know, never answered as
//! if it were done.

mod admin;
mod client;
mod exec;
mod get;
mod multi;
mod mutate;
mod registry;
mod results;
mod scan;

pub(crate) use admin::Admin;
pub(crate) use client::Client;
pub(crate) use registry::{Bootstrap, ClusterId, Registry};
pub(crate) use scan::ClientScanner;

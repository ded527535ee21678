//! The master's pages, `/jmx`, `/metrics` and health checks, over HTTP. Counterpart of `InfoServer` with the servlets and
//! pages of HBase's master.
//!
//! It reads what the master's mind knows and shows it; it changes nothing, and there is no request that would.
//!
//! ```text
//!   RoleCell ─► Standing ─┬─► health                        alive, ready
//!   ClusterView ──────────┤
//!   MasterEnv ─► status/* ┼─► pages/* ─► templates/*.html   rows, cut to pages while they are read
//!                         ├─► dump                          the same rows as plain text
//!   counters ──► beans/* ─┴─► jmx, metrics                  the same numbers as JSON and for Prometheus
//!                                  ▲
//!        site: which path, who answers ◄── server: connections, within limits of number, size and time
//! ```
//!
//! # Paths
//! | path | shows | a backup |
//! |---|---|---|
//! | `/`, `/master-status` | the master, region servers, tables, transitions, procedures, start-up | leads to the active master |
//! | `/servers.jsp`, `/tablesDetailed.jsp`, `/table.jsp?name=`, `/rits.jsp`, `/procedures.jsp` | long lists: `?filter=`, `?page=`, `?rows=` | leads to the active master |
//! | `/dump` | all of it as plain text | leads to the active master |
//! | `/jmx` | Java's beans as JSON: `?qry=`, `?get=`, `?excl=`, `?description=true` | answers |
//! | `/metrics` | Prometheus' text format, names `hbase_master_…` | answers |
//! | `/prometheus` | the same numbers under the names of Java's `/prometheus` | answers |
//! | `/conf` | the configuration without secrets: `?format=xml`, `json` | answers |
//! | `/healthz` | 200 as long as the process works | answers |
//! | `/readyz` | 200 if the master serves clients, or waits and sees an active one; else 503 with the stage of its start | answers |
//!
//! # Putting it in
//! The server listens as soon as it is bound, so its port can be shown in ZooKeeper and in the cluster's status before
//! anything runs:
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use hmaster_web::{BindError, InfoServer, Sources};
//! # use tokio_util::sync::CancellationToken;
//! # async fn example(sources: Sources, shutdown: CancellationToken) -> Result<(), BindError> {
//! let pages = InfoServer::bind(sources)?; // none with hbase.master.info.port = -1
//! let info_port = pages.as_ref().map_or(0, |pages| pages.local_addr().port());
//! // MasterInfo { info_port: Some(info_port), .. }, Identity { info_port, .. }
//! if let Some(pages) = pages {
//!     tokio::spawn(pages.run(shutdown));
//! }
//! # Ok(())
//! # }
//! ```
//!
//! - [`Sources::view`] must forget the active master when the session with ZooKeeper ends: a backup is ready as long as it
//!   sees one.
//! - [`Sources::rpc`] is the RPC server's counters behind [`RpcStatistics`]; without it the bean `sub=IPC` isn't there.
//! - To leave one backup alone with a page of its own, `hbase.master.infoserver.redirect` is false.
//!
//! # Promises
//! - Nothing that comes from the cluster reaches a page unescaped, and no page loads or runs anything from elsewhere.
//! - No page grows with the cluster: lists are cut while they are read, and what is too much to collect is not collected.
//! - A client can hold one of 256 connections for 150 s at most, and 16 KB of memory for what it sends.
//! - Pages are made on threads of their own, `hbase.http.max.threads` at a time; calls never wait for them.
//! - Secrets are never shown, neither in `/conf` nor in the dump.
//!
//! # Not here
//! HTTPS, authentication, changing log levels, profiles, stacks, logs. What Java shows and this master doesn't count is in
//! `/jmx` with Java's first value, is called so by `?description=true`, and is in neither of Prometheus' paths.

mod server;
mod site;
mod standing;
mod statistics;

mod health;
mod pages;
mod status;

mod conf;
mod dump;

mod beans;
mod jmx;
mod metrics;
mod process;

mod reply;

#[cfg(test)]
mod testing;

pub use server::{BindError, InfoServer, Sources};
pub use statistics::{CallClass, Distribution, RpcSnapshot, RpcStatistics};

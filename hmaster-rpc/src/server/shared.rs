//! What all connections of a server share.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::auth::Authenticator;
use super::call::{Call, Service};
use super::metrics::ServerMetrics;
use super::options::ServerOptions;
use super::outbox::OutboundTotal;
use super::priority::PriorityFunction;
use super::registry::ClusterIdSource;
use super::scheduler::Scheduler;
use crate::stream::StreamAcceptor;
use crate::wire::budget::ByteBudget;

pub(crate) struct Shared {
    pub(crate) options: ServerOptions,
    pub(crate) services: HashMap<&'static str, Service>,
    pub(crate) authenticator: Arc<dyn Authenticator>,
    pub(crate) acceptor: Arc<dyn StreamAcceptor>,
    pub(crate) cluster_id: Arc<dyn ClusterIdSource>,
    pub(crate) priority: Arc<dyn PriorityFunction>,
    pub(crate) metrics: Arc<ServerMetrics>,
    pub(crate) scheduler: Arc<Scheduler<Call>>,
    /// Bytes of requests.
    pub(crate) calls: Arc<ByteBudget>,
    /// Bytes of answers.
    pub(crate) outbound: Arc<OutboundTotal>,
    /// No more reading.
    pub(crate) stop: CancellationToken,
    /// No more anything.
    pub(crate) kill: CancellationToken,
}

impl Shared {
    /// When a call's client stops waiting, if it said how long that is. Java reads the number as signed.
    pub(crate) fn deadline(&self, timeout_ms: u32, received_at: Instant) -> Option<Instant> {
        let timeout_ms = i32::try_from(timeout_ms).ok().filter(|ms| *ms > 0)?;
        let timeout = Duration::from_millis(u64::from(timeout_ms.unsigned_abs()));
        Some(received_at + timeout.max(self.options.call_timeout_min))
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("services", &self.services.keys()).finish_non_exhaustive()
    }
}

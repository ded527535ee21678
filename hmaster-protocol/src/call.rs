//! What a server knows about a call beside its request. Counterpart of `RpcCall`, `RpcCallContext` and the cells of
//! `HBaseRpcController`.
//!
//! Java keeps the call in a thread local; here every method of a service gets it as its first argument. It lies in this
//! crate because both sides of it do: the transport that fills it, and the services that read it.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hmaster_types::Cell;

use crate::pb;

/// One call, as a service sees it.
#[derive(Debug)]
pub struct CallContext {
    /// The caller's address. Region servers that register get the host name that belongs to it.
    pub peer: SocketAddr,
    /// Who calls; absent if the client didn't say.
    pub user: Option<CallUser>,
    /// The caller's release; region servers always say theirs.
    pub client_version: Option<Arc<pb::VersionInfo>>,
    /// The service's name on the wire.
    pub service: &'static str,
    /// The method's name on the wire.
    pub method: &'static str,
    /// What the call was queued by: 0 for most, 200 for reports of region servers, 300 for those about hbase:meta.
    pub priority: i32,
    /// When the request was there.
    pub received_at: Instant,
    /// When the caller stops waiting; absent if it didn't say. An [`Instant`] of tokio's clock when that is paused.
    pub deadline: Option<Instant>,
    /// Trace context.
    pub trace: Option<pb::RpctInfo>,
    /// Attributes of the connection.
    pub connection_attributes: Arc<BTreeMap<String, Bytes>>,
    /// Attributes of the request.
    pub attributes: BTreeMap<String, Bytes>,
    /// Cells that came beside the request.
    pub cells: Vec<Cell>,
    /// Whether cells may go beside the answer: the client named a codec.
    pub accepts_cells: bool,
    response_cells: Mutex<Vec<Cell>>,
}

/// Who calls, and on whose behalf. Counterpart of `UserGroupInformation`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CallUser {
    /// The user whose permissions count.
    pub name: Box<str>,
    /// The user that was authenticated, if it acts for another one.
    pub real: Option<Box<str>>,
}

impl CallContext {
    /// A call from nowhere without anything that is optional, for whoever calls a service within the process.
    pub fn new(service: &'static str, method: &'static str) -> Self {
        Self {
            peer: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            user: None,
            client_version: None,
            service,
            method,
            priority: 0,
            received_at: Instant::now(),
            deadline: None,
            trace: None,
            connection_attributes: Arc::default(),
            attributes: BTreeMap::new(),
            cells: Vec::new(),
            accepts_cells: false,
            response_cells: Mutex::default(),
        }
    }

    /// How long the caller will wait from `now` on; absent if it didn't say.
    pub fn time_left(&self, now: Instant) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(now))
    }

    /// The user's name, or an empty one.
    pub fn user_name(&self) -> &str {
        self.user.as_ref().map_or("", |user| &user.name)
    }

    /// Adds cells that go beside the answer. Only for callers with [`CallContext::accepts_cells`]: for others they
    /// belong into the answer, and here make the call fail.
    pub fn respond_with_cells(&self, cells: impl IntoIterator<Item = Cell>) {
        self.response_cells.lock().unwrap_or_else(PoisonError::into_inner).extend(cells);
    }

    /// The cells that go beside the answer.
    pub fn take_response_cells(&self) -> Vec<Cell> {
        std::mem::take(&mut *self.response_cells.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl CallUser {
    /// A user that acts for itself.
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self { name: name.into(), real: None }
    }

    /// `name` on whose behalf `real` acts.
    pub fn proxied(name: impl Into<Box<str>>, real: impl Into<Box<str>>) -> Self {
        Self { name: name.into(), real: Some(real.into()) }
    }
}

impl fmt::Display for CallUser {
    /// `name`, or `name via real`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.real {
            Some(real) => write!(f, "{} via {real}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_for_the_answer_are_handed_over_once() {
        let call = CallContext::new("ClientService", "Get");
        call.respond_with_cells([Cell::put(b"r", b"f", b"q", 1, b"v").unwrap()]);
        assert_eq!((call.take_response_cells().len(), call.take_response_cells().len()), (1, 0));
    }

    #[test]
    fn time_left_never_is_negative() {
        let mut call = CallContext::new("MasterService", "ListTables");
        assert_eq!(call.time_left(call.received_at), None);
        call.deadline = Some(call.received_at + Duration::from_secs(2));
        assert_eq!(call.time_left(call.received_at), Some(Duration::from_secs(2)));
        assert_eq!(call.time_left(call.received_at + Duration::from_secs(3)), Some(Duration::ZERO));
    }

    #[test]
    fn users_print_with_who_is_behind_them() {
        assert_eq!(CallUser::new("a").to_string(), "a");
        assert_eq!(CallUser::proxied("a", "b").to_string(), "a via b");
    }
}

//! One call from its frame to its answer. Counterpart of `CallRunner` and `RpcServer.call`.
//!
//! Unlike Java's, an exception that means "no time left" is answered like any other; only calls whose time ran out
//! while they waited are dropped without a word. A call that runs is never stopped because its client is gone or has
//! stopped waiting: half of a change may be done.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt as _;
use hmaster_protocol::{CallContext, RpcService, pb};
use hmaster_types::{Cell, JavaException, class};
use tokio::time::Instant;

use super::connection::{Connection, Peer};
use super::metrics::ServerMetrics;
use super::priority::Lane;
use super::scheduler::{GivenUp, Job};
use crate::wire::budget::Held;
use crate::wire::byte_queue::ByteQueue;
use crate::wire::cell_block::decode_cell_block;
use crate::wire::connection_header::attributes;
use crate::wire::request::RequestBody;
use crate::wire::response::{encode_answer, encode_exception};

/// A service of a server.
pub type Service = Arc<dyn RpcService<CallContext>>;

/// A call that waits or runs.
pub(crate) struct Call {
    pub(crate) connection: Arc<Connection>,
    pub(crate) client: Arc<Peer>,
    pub(crate) method: &'static str,
    pub(crate) header: pb::RequestHeader,
    pub(crate) body: RequestBody,
    pub(crate) lane: Lane,
    pub(crate) received_at: Instant,
    pub(crate) deadline: Option<Instant>,
    /// The request's share of the bytes that all connections may hold.
    pub(crate) held: Held,
}

/// The longest frame that its length can say.
const FRAME_BYTES_MAX: usize = i32::MAX as usize;

impl Job for Call {
    fn is_stale(&self) -> bool {
        self.connection.is_gone() || self.is_expired()
    }

    fn give_up(self, why: GivenUp) {
        let metrics = self.connection.metrics();
        if self.connection.is_gone() || why == GivenUp::Stopping {
            metrics.calls_abandoned.add(1);
        } else {
            metrics.calls_timed_out.add(1);
            tracing::warn!(method = self.method, peer = %self.client.address, "dropped a call that timed out");
        }
        self.connection.call_done();
    }

    async fn run(self) {
        let started = Instant::now();
        let call_id = self.header.call_id();
        let (connection, client, method) = (self.connection.clone(), self.client.clone(), self.method);
        let (class, received_at) = (self.lane.class, self.received_at);
        let metrics = connection.metrics().clone();
        metrics.request_bytes.record(self.held.bytes());
        let queued = micros(received_at, started);
        metrics.queue_us.record(queued);
        metrics.class(class).queue_us.record(queued);

        let answer = self.answer().await.unwrap_or_else(|exception| failed(&metrics, call_id, &exception));

        let now = Instant::now();
        let took = micros(started, now);
        metrics.process_us.record(took);
        metrics.class(class).process_us.record(took);
        metrics.total_us.record(micros(received_at, now));
        metrics.response_bytes.record(answer.len() as u64);
        connection.warn_if_slow(method, &client, now - started, answer.len());
        connection.send(answer);
        connection.call_done();
    }
}

impl Call {
    fn is_expired(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() > deadline)
    }

    async fn answer(self) -> Result<ByteQueue, JavaException> {
        let call_id = self.header.call_id();
        let codec = self.client.info.codec;
        let (service, method, metrics) =
            (self.client.service.clone(), self.method, self.connection.metrics().clone());
        let cells = request_cells(&self)?;
        let (param, held) = (self.body.param.clone(), self.held);
        let mut context = CallContext::new(service.name(), method);
        context.peer = self.client.address;
        context.user = self.client.user.clone();
        context.client_version = self.client.info.version.clone();
        context.priority = self.lane.level;
        context.received_at = self.received_at.into_std();
        context.deadline = self.deadline.map(Instant::into_std);
        context.trace = self.header.trace_info;
        context.connection_attributes = self.client.info.attributes.clone();
        context.attributes = attributes(self.header.attribute);
        context.cells = cells;
        context.accepts_cells = codec.is_some();
        let result = AssertUnwindSafe(service.dispatch(&context, method, param)).catch_unwind().await;
        drop(held);
        let message = result.unwrap_or_else(|panic| Err(panicked(&metrics, &context, &*panic)))?;
        let cells = context.take_response_cells();
        let cell_block = match codec {
            Some(codec) => codec.encode(&cells),
            None if cells.is_empty() => Bytes::new(),
            None => return Err(cells_without_codec()),
        };
        let answer = encode_answer(call_id, &message, &cell_block);
        if answer.len() > FRAME_BYTES_MAX {
            let message =
                format!("the answer has {} bytes, at most {FRAME_BYTES_MAX} can be sent", answer.len());
            return Err(JavaException::new(class::DO_NOT_RETRY_IO, message));
        }
        Ok(answer)
    }
}

fn request_cells(call: &Call) -> Result<Vec<Cell>, JavaException> {
    let Some(block) = &call.body.cell_block else { return Ok(Vec::new()) };
    let refuse = |message: String| JavaException::new(class::DO_NOT_RETRY_IO, message);
    if call.client.info.codec.is_none() {
        return Err(refuse("cells came with a call, but the connection has no codec".into()));
    }
    decode_cell_block(block.clone()).map_err(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        refuse(format!("cell block of a call: {error}{}", cause.unwrap_or_default()))
    })
}

fn failed(metrics: &ServerMetrics, call_id: u32, exception: &JavaException) -> ByteQueue {
    metrics.count_exception(exception);
    encode_exception(call_id, exception)
}

/// Java wraps what isn't an `IOException` into one; callers may try again.
fn panicked(metrics: &ServerMetrics, context: &CallContext, panic: &(dyn Any + Send)) -> JavaException {
    metrics.panics.add(1);
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    tracing::error!(service = context.service, method = context.method, text, "a service panicked");
    JavaException::new(class::IO, format!("{}.{} panicked: {text}", context.service, context.method))
}

fn cells_without_codec() -> JavaException {
    let message = "the answer has cells, but the connection has no codec";
    JavaException::new(class::CELL_SCANNER_BUT_NO_CODEC, message)
}

fn micros(from: Instant, to: Instant) -> u64 {
    u64::try_from((to - from).as_micros()).unwrap_or(u64::MAX)
}

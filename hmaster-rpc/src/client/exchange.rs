//! The calls of one connection: what is to be written, what was written, whose answer this is. Counterpart of
//! `NettyRpcDuplexHandler`.
//!
//! Decides only; [`connection`](super::connection) moves the bytes. Its one promise is the difference between
//! [`Failure::NotSent`] and [`Failure::OutcomeUnknown`]: a call is unknown from the moment on that the last byte of its
//! frame was given away, or that its bytes are on their way and nothing holds them back any more.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::error::{ConnectionLost, Failure, NotSent, OutcomeUnknown};
use crate::wire::budget::ByteBudget;
use crate::wire::byte_queue::ByteQueue;
use crate::wire::frame::{Frame, FrameReader};
use crate::wire::request::OutgoingCall;
use crate::wire::response::{Answer, CONNECTION_CALL_ID, Response, ResponseError, parse_header};

/// Calls under way on one connection. `T` stands for whoever waits for the answer.
#[derive(Debug)]
pub(crate) struct Exchange<T> {
    /// Bytes that arrive.
    pub(crate) incoming: FrameReader,
    /// Bytes to write; say [`Exchange::wrote`] when some are.
    pub(crate) outgoing: ByteQueue,
    /// Bytes that ever were in `outgoing`, and of these, written ones.
    pushed: u64,
    written: u64,
    /// Where the frames in `outgoing` end, counted from the connection's first byte.
    ends: VecDeque<(u64, u32)>,
    /// Calls not yet in `outgoing`.
    waiting: VecDeque<u32>,
    calls: HashMap<u32, Call<T>>,
    deadlines: BTreeSet<(Instant, u32)>,
    next_id: u32,
    has_answers: bool,
    response_bytes_max: usize,
    budget: Arc<ByteBudget>,
}

/// What a server said to a call that succeeded.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) message: Bytes,
    pub(crate) cell_block: Option<Bytes>,
}

/// A call's end, for whoever waits for it.
pub(crate) type Ended<T> = (T, Result<Answered, Failure>);

/// What came out of the bytes that arrived.
#[derive(Debug)]
pub(crate) enum Arrival<T> {
    /// A call's answer.
    Ended(Ended<T>),
    /// The connection is of no use any more; say [`Exchange::lost`].
    Lost(Loss),
}

/// Why a connection is of no use any more.
#[derive(Debug, Clone)]
pub(crate) enum Loss {
    /// It ended.
    Connection(ConnectionLost),
    /// There never was one.
    NotSent(NotSent),
}

#[derive(Debug)]
struct Call<T> {
    waiter: T,
    deadline: Instant,
    progress: Progress,
}

#[derive(Debug)]
enum Progress {
    /// None of it is in `outgoing`.
    Waiting(OutgoingCall),
    /// It is in `outgoing` and will be written unless the connection ends.
    Begun,
    /// All of it was written.
    Sent,
}

/// Frames are put into `outgoing` as long as it has fewer bytes: what waits elsewhere can still be taken back.
const OUTGOING_BYTES: usize = 64 << 10;

impl<T> Exchange<T> {
    /// Begins with `greeting`, which is preamble and connection header.
    pub(crate) fn new(greeting: &[Bytes], response_bytes_max: usize) -> Self {
        let mut outgoing = ByteQueue::default();
        greeting.iter().for_each(|bytes| outgoing.push(bytes.clone()));
        Self {
            incoming: FrameReader::new(response_bytes_max),
            pushed: outgoing.len() as u64,
            outgoing,
            written: 0,
            ends: VecDeque::new(),
            waiting: VecDeque::new(),
            calls: HashMap::new(),
            deadlines: BTreeSet::new(),
            next_id: 0,
            has_answers: false,
            response_bytes_max,
            budget: ByteBudget::new(u64::MAX),
        }
    }

    /// Takes a call.
    pub(crate) fn submit(&mut self, call: OutgoingCall, deadline: Instant, waiter: T) {
        let id = self.free_id();
        self.calls.insert(id, Call { waiter, deadline, progress: Progress::Waiting(call) });
        self.deadlines.insert((deadline, id));
        self.waiting.push_back(id);
    }

    /// Puts calls into `outgoing`, except those whose waiter `has_left`.
    pub(crate) fn fill(&mut self, now: Instant, has_left: impl Fn(&T) -> bool) {
        while self.outgoing.len() < OUTGOING_BYTES {
            let Some(id) = self.waiting.pop_front() else { return };
            let Some(call) = self.calls.get_mut(&id) else { continue };
            if has_left(&call.waiter) {
                self.remove(id);
                continue;
            }
            if let Progress::Waiting(request) = std::mem::replace(&mut call.progress, Progress::Begun) {
                let before = self.outgoing.len();
                request.encode(id, timeout_ms(call.deadline - now), &mut self.outgoing);
                self.pushed += (self.outgoing.len() - before) as u64;
                self.ends.push_back((self.pushed, id));
            }
        }
    }

    /// So many bytes of `outgoing` were written and taken out of it.
    pub(crate) fn wrote(&mut self, len: usize) {
        self.written += len as u64;
        while let Some((end, id)) = self.ends.front().copied().filter(|(end, _)| *end <= self.written) {
            debug_assert!(end <= self.pushed);
            self.ends.pop_front();
            if let Some(call) = self.calls.get_mut(&id) {
                call.progress = Progress::Sent;
            }
        }
    }

    /// What the bytes in `incoming` say, one thing at a time.
    pub(crate) fn arrival(&mut self) -> Option<Arrival<T>> {
        loop {
            let budget = &self.budget;
            let parsed = match self.incoming.next(|| budget.share()) {
                Ok(None) => return None,
                Ok(Some(Frame::Whole(frame, _))) => Response::parse(frame),
                Ok(Some(Frame::Skipped { mut head, len, .. })) => {
                    let too_long = ResponseError::TooLong { len, max: self.response_bytes_max };
                    parse_header(&mut head)
                        .and_then(|header| header.call_id.ok_or(ResponseError::NoCallId))
                        .map(|call_id| Response { call_id, outcome: Err(too_long) })
                }
                Err(error) => return Some(garbled(error.to_string())),
            };
            match parsed {
                Ok(response) => {
                    if let Some(arrival) = self.response(response) {
                        return Some(arrival);
                    }
                }
                Err(error) => return Some(garbled(format!("an unreadable answer: {error}"))),
            }
        }
    }

    fn response(&mut self, response: Response) -> Option<Arrival<T>> {
        let Response { call_id, outcome } = response;
        if call_id == CONNECTION_CALL_ID {
            return match outcome {
                Ok(Answer::Exception(remote)) if self.has_answers => {
                    Some(Arrival::Lost(Loss::Connection(ConnectionLost::Fatal(remote.exception))))
                }
                // Servers end a connection this way only before they look at its calls.
                Ok(Answer::Exception(remote)) => {
                    Some(Arrival::Lost(Loss::NotSent(NotSent::Rejected(remote.exception))))
                }
                Ok(Answer::Message { .. }) | Err(_) => Some(garbled("an answer to no call".into())),
            };
        }
        if matches!(self.calls.get(&call_id), Some(Call { progress: Progress::Waiting(_), .. })) {
            return Some(garbled("an answer to a call that it doesn't have".into()));
        }
        self.has_answers = true;
        let call = self.remove(call_id)?; // timed out before
        Some(Arrival::Ended((call.waiter, ended(outcome))))
    }

    /// Calls whose time is over.
    pub(crate) fn expired(&mut self, now: Instant) -> Vec<Ended<T>> {
        let mut expired = Vec::new();
        while let Some((_, id)) = self.deadlines.first().copied().filter(|(deadline, _)| *deadline <= now) {
            let Some(call) = self.remove(id) else { continue };
            let failure = match call.progress {
                Progress::Waiting(_) => Failure::NotSent(NotSent::TimedOut),
                Progress::Begun | Progress::Sent => Failure::OutcomeUnknown(OutcomeUnknown::TimedOut),
            };
            expired.push((call.waiter, Err(failure)));
        }
        expired
    }

    /// Ends all calls: no byte will be written any more.
    pub(crate) fn lost(mut self, loss: &Loss) -> Vec<Ended<T>> {
        let mut ids: Vec<_> = self.calls.keys().copied().collect();
        ids.sort_unstable();
        let calls = ids.into_iter().filter_map(|id| self.calls.remove(&id));
        calls.map(|call| (call.waiter, Err(loss.failure(&call.progress)))).collect()
    }

    /// When the next call's time is over.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// True without any call under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.calls.is_empty() && self.outgoing.is_empty()
    }

    /// Ids count from 0 and begin anew after Java's largest `int`; those of calls under way are left out.
    fn free_id(&mut self) -> u32 {
        loop {
            let id = self.next_id;
            self.next_id = if id >= i32::MAX as u32 { 0 } else { id + 1 };
            if !self.calls.contains_key(&id) {
                return id;
            }
        }
    }

    fn remove(&mut self, id: u32) -> Option<Call<T>> {
        let call = self.calls.remove(&id)?;
        self.deadlines.remove(&(call.deadline, id));
        Some(call)
    }
}

impl Loss {
    fn failure(&self, progress: &Progress) -> Failure {
        match (self, progress) {
            (Self::NotSent(not_sent), _) => Failure::NotSent(not_sent.clone()),
            (Self::Connection(lost), Progress::Sent) => {
                Failure::OutcomeUnknown(OutcomeUnknown::ConnectionLost(lost.clone()))
            }
            (Self::Connection(lost), Progress::Waiting(_) | Progress::Begun) => {
                Failure::NotSent(NotSent::ConnectionLost(lost.clone()))
            }
        }
    }
}

fn garbled<T>(what: String) -> Arrival<T> {
    Arrival::Lost(Loss::Connection(ConnectionLost::Garbled(what)))
}

fn ended(outcome: Result<Answer, ResponseError>) -> Result<Answered, Failure> {
    match outcome {
        Ok(Answer::Message { message, cell_block }) => Ok(Answered { message, cell_block }),
        Ok(Answer::Exception(remote)) => Err(Failure::Remote(remote)),
        Err(error) => Err(Failure::Malformed(error.to_string())),
    }
}

/// What the header says; 0 would stand for no limit.
fn timeout_ms(left: Duration) -> u32 {
    u32::try_from(left.as_millis()).unwrap_or(u32::MAX).clamp(1, i32::MAX as u32)
}

#[cfg(test)]
#[path = "exchange_tests.rs"]
mod tests;

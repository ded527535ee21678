//! One connection to a server: connects, writes calls, reads answers, keeps time. Counterpart of
//! `NettyRpcConnection`.
//!
//! A task of its own per connection. It answers every call it was given, whatever happens; calls that it never took
//! because it was about to end go back to be given to another connection.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use hmaster_types::Address;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::error::{ConnectFailure, ConnectionLost, Failure, NotSent};
use super::exchange::{Answered, Arrival, Ended, Exchange, Loss};
use super::options::ClientOptions;
use crate::stream::{BoxStream, Connector};
use crate::wire::budget::Held;
use crate::wire::request::OutgoingCall;

/// A call handed to a connection.
#[derive(Debug)]
pub(super) struct Submission {
    pub(super) call: OutgoingCall,
    pub(super) deadline: Instant,
    pub(super) waiter: Waiter,
}

/// Whoever waits for a call's answer, and its share of the bytes and calls that may be under way.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) reply: oneshot::Sender<Reply>,
    pub(super) held: [Held; 2],
}

/// What becomes of a [`Submission`].
#[derive(Debug)]
pub(super) enum Reply {
    /// It ended.
    Ended(Result<Answered, Failure>),
    /// The connection ended before it took the call: try another one.
    TryAgain,
}

/// What a connection needs.
pub(super) struct Connecting {
    pub(super) address: Address,
    pub(super) connector: Arc<dyn Connector>,
    pub(super) options: Arc<ClientOptions>,
    /// Preamble and connection header.
    pub(super) greeting: Vec<Bytes>,
    pub(super) submissions: mpsc::UnboundedReceiver<Submission>,
    /// Is told why there never was a connection, before calls can't be submitted any more.
    pub(super) failed: Arc<OnceLock<NotSent>>,
    /// Ends it.
    pub(super) give_up: CancellationToken,
}

/// A connection that is there.
struct Connection<'a> {
    options: &'a ClientOptions,
    exchange: &'a mut Exchange<Waiter>,
    submissions: &'a mut mpsc::UnboundedReceiver<Submission>,
    reader: ReadHalf<BoxStream>,
    writer: WriteHalf<BoxStream>,
    last_read: Instant,
    last_write: Instant,
    /// Since when there has been no call.
    idle_since: Instant,
}

/// Calls taken from the channel in one go.
const BATCH_MAX: usize = 64;

impl Connecting {
    /// Connects and serves calls until the connection ends. `connected` is told how connecting went.
    pub(super) async fn run(mut self, connected: impl FnOnce(bool)) {
        let mut exchange = Exchange::new(&self.greeting, self.options.response_bytes_max);
        let give_up = self.give_up.clone();
        let loss = tokio::select! {
            biased;
            () = give_up.cancelled() => Some(Loss::Connection(ConnectionLost::GivenUp)),
            loss = self.connect_and_serve(&mut exchange, connected) => loss,
        };
        if let Some(Loss::NotSent(reason)) = &loss {
            let _ = self.failed.set(reason.clone()); // told once: the task ends here
        }
        self.submissions.close();
        // A connection that ends for want of calls has none to answer.
        let loss = loss.unwrap_or(Loss::Connection(ConnectionLost::GivenUp));
        exchange.lost(&loss).into_iter().for_each(answer);
        // Not `try_recv`: a call that is being handed over just now would stay in the channel, unanswered for ever, since
        // whoever waits for it keeps the channel.
        while let Some(submission) = self.submissions.recv().await {
            // What came while connecting failed hears of that, as what was taken before does.
            let reply = match &loss {
                Loss::NotSent(reason) => Reply::Ended(Err(Failure::NotSent(reason.clone()))),
                Loss::Connection(_) => Reply::TryAgain,
            };
            let _ = submission.waiter.reply.send(reply);
        }
    }

    async fn connect_and_serve(
        &mut self,
        exchange: &mut Exchange<Waiter>,
        connected: impl FnOnce(bool),
    ) -> Option<Loss> {
        let result = self.connect(exchange).await;
        connected(result.is_ok());
        let stream = match result {
            Ok(stream) => stream,
            Err(failure) => return Some(Loss::NotSent(NotSent::Connect(failure))),
        };
        let (reader, writer) = tokio::io::split(stream);
        let now = Instant::now();
        let (options, submissions) = (&*self.options, &mut self.submissions);
        let (last_read, last_write, idle_since) = (now, now, now);
        Connection { options, exchange, submissions, reader, writer, last_read, last_write, idle_since }
            .serve()
            .await
    }

    /// Connects, while calls come and run out of time.
    async fn connect(&mut self, exchange: &mut Exchange<Waiter>) -> Result<BoxStream, ConnectFailure> {
        let (connector, address) = (self.connector.clone(), self.address.clone());
        let connecting = timeout(self.options.connect_timeout, connector.connect(&address));
        tokio::pin!(connecting);
        loop {
            let deadline = exchange.next_deadline();
            tokio::select! {
                biased;
                stream = &mut connecting => {
                    return stream.unwrap_or_else(|elapsed| Err(elapsed.into())).map_err(ConnectFailure::new);
                }
                Some(Submission { call, deadline, waiter }) = self.submissions.recv() => {
                    exchange.submit(call, deadline, waiter);
                }
                () = until(deadline) => exchange.expired(Instant::now()).into_iter().for_each(answer),
            }
        }
    }
}

impl Connection<'_> {
    /// Serves calls until the connection ends, with a reason, or there are no more calls for a while.
    async fn serve(mut self) -> Option<Loss> {
        let mut batch = Vec::new();
        let alarm = sleep_until(Instant::now());
        tokio::pin!(alarm);
        loop {
            self.exchange.fill(Instant::now(), |waiter| waiter.reply.is_closed());
            self.set_alarm(alarm.as_mut());
            tokio::select! {
                biased;
                written = self.writer.write_buf(&mut self.exchange.outgoing), if self.has_outgoing() => {
                    match written {
                        Ok(len @ 1..) => self.wrote(len),
                        Ok(0) => return Some(broke(io::ErrorKind::WriteZero.into())),
                        Err(error) => return Some(broke(error)),
                    }
                }
                read = self.reader.read_buf(self.exchange.incoming.buffer()) => match read {
                    Ok(0) => return Some(Loss::Connection(ConnectionLost::Closed)),
                    Ok(_) => if let Some(loss) = self.read() { return Some(loss) },
                    Err(error) => return Some(broke(error)),
                },
                () = &mut alarm => match self.alarm() {
                    Some(End::Lost(lost)) => return Some(Loss::Connection(lost)),
                    Some(End::Idle) => return None,
                    None => {}
                },
                count = self.submissions.recv_many(&mut batch, BATCH_MAX) => {
                    if count == 0 {
                        return Some(Loss::Connection(ConnectionLost::GivenUp));
                    }
                    self.submit(&mut batch);
                }
            }
        }
    }

    fn has_outgoing(&self) -> bool {
        !self.exchange.outgoing.is_empty()
    }

    fn wrote(&mut self, len: usize) {
        self.last_write = Instant::now();
        self.exchange.wrote(len);
    }

    /// Bytes arrived.
    fn read(&mut self) -> Option<Loss> {
        self.last_read = Instant::now();
        while let Some(arrival) = self.exchange.arrival() {
            match arrival {
                Arrival::Ended(ended) => answer(ended),
                Arrival::Lost(loss) => return Some(loss),
            }
        }
        if self.exchange.is_idle() {
            self.idle_since = self.last_read;
        }
        None
    }

    fn submit(&mut self, batch: &mut Vec<Submission>) {
        if self.exchange.outgoing.is_empty() {
            self.last_write = Instant::now(); // from here on the server may take its time
        }
        for Submission { call, deadline, waiter } in batch.drain(..) {
            self.exchange.submit(call, deadline, waiter);
        }
    }

    /// A time has come: a call's, or the connection's own.
    fn alarm(&mut self) -> Option<End> {
        let now = Instant::now();
        if !self.exchange.is_idle() {
            self.idle_since = now;
        }
        self.exchange.expired(now).into_iter().for_each(answer);
        self.due().filter(|(when, _)| *when <= now).map(|(_, end)| end)
    }

    /// When the connection ends by itself, if nothing happens.
    fn due(&self) -> Option<(Instant, End)> {
        let options = self.options;
        if self.has_outgoing() {
            return Some((self.last_write + options.write_timeout, End::Lost(ConnectionLost::WriteTimedOut)));
        }
        if !self.exchange.incoming.is_between_frames() {
            return Some((self.last_read + options.read_timeout, End::Lost(ConnectionLost::ReadTimedOut)));
        }
        self.exchange.is_idle().then_some((self.idle_since + options.idle_timeout, End::Idle))
    }

    /// Moves the alarm only when it would come too late: moving it for each call costs more than a call too many.
    fn set_alarm(&self, mut alarm: Pin<&mut Sleep>) {
        let due = self.due().map(|(when, _)| when);
        let next = [due, self.exchange.next_deadline()].into_iter().flatten().min();
        let next = next.unwrap_or_else(|| Instant::now() + Duration::from_secs(3600));
        if alarm.is_elapsed() || next < alarm.deadline() {
            alarm.as_mut().reset(next);
        }
    }
}

/// How a connection ends by itself.
enum End {
    Lost(ConnectionLost),
    Idle,
}

fn broke(error: io::Error) -> Loss {
    let lost = match error.kind() {
        io::ErrorKind::UnexpectedEof => ConnectionLost::Closed,
        _ => ConnectionLost::Broke(Arc::new(error)),
    };
    Loss::Connection(lost)
}

/// Whoever has left gets nothing.
fn answer((waiter, result): Ended<Waiter>) {
    drop(waiter.held);
    let _ = waiter.reply.send(Reply::Ended(result));
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

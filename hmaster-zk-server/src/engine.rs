//! The one task that changes state: takes commands, lets the [machine](crate::machine) decide, makes
//! its transactions durable, then lets the answers go. Counterpart of `SyncRequestProcessor` between
//! its neighbours.
//!
//! Group commit comes by itself: what arrives while a batch is synced makes the next batch.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::mem;

use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::clock::ServerClock;
use crate::error::ServerError;
use crate::machine::{CloseReason, Effects, Input, Machine, Now, Output};
use crate::settings::Settings;
use crate::store::{Store, StoreError};
use crate::watches::ConnId;
use crate::wire::connect::Password;

pub(crate) mod command;
pub(crate) mod four_letter;
pub(crate) mod report;
pub(crate) mod stats;

use command::{Command, Counts, Link, QueuedRequest, SessionInfo};
use stats::{Served, ServerStats};

/// Commands that may wait for the engine; further senders wait in line.
pub(crate) const COMMANDS_MAX: usize = 4096;

/// Commands taken at once.
const BATCH_COMMANDS_MAX: usize = 1024;

/// Requests are made durable at the latest when they sum up to this many bytes.
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;

/// And when their replies and events do: a small request may have a large reply.
const BATCH_OUTPUT_BYTES_MAX: usize = 1024 * 1024;

/// Something to be done when the batch is durable.
type Deferred = Box<dyn FnOnce() + Send>;

/// The engine's state.
pub(crate) struct Engine {
    settings: Settings,
    local_port: u16,
    clock: ServerClock,
    machine: Machine,
    /// `None` in memory.
    store: Option<Store>,
    links: HashMap<ConnId, Link>,
    stats: ServerStats,
    effects: Effects,
    /// Requests of this batch, for the statistics.
    served: Vec<Served>,
    deferred: Vec<Deferred>,
    /// Bytes of requests in this batch.
    batch_bytes: usize,
    transactions_since_snapshot: u64,
    snapshot: Option<JoinHandle<Result<(), StoreError>>>,
}

impl Engine {
    /// An engine over a recovered (or new) state.
    pub(crate) fn new(
        settings: Settings,
        local_port: u16,
        clock: ServerClock,
        machine: Machine,
        store: Option<Store>,
    ) -> Self {
        Self {
            settings,
            local_port,
            clock,
            machine,
            store,
            links: HashMap::new(),
            stats: ServerStats::default(),
            effects: Effects::default(),
            served: Vec::new(),
            deferred: Vec::new(),
            batch_bytes: 0,
            transactions_since_snapshot: 0,
            snapshot: None,
        }
    }

    /// Works until the token is cancelled or the log fails. Either way connections end with it.
    pub(crate) async fn run(
        mut self,
        mut commands: mpsc::Receiver<Command>,
        cancel: CancellationToken,
    ) -> Result<(), ServerError> {
        let mut batch = Vec::new();
        let result = loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => break Ok(()),
                count = commands.recv_many(&mut batch, BATCH_COMMANDS_MAX) => {
                    if count == 0 {
                        break Ok(()); // nobody is left to ask for anything
                    }
                }
                () = sleep_until(self.next_tick()) => {}
            }
            if let Err(error) = self.work(&mut batch).await {
                tracing::error!(%error, "the transaction log failed; the server stops");
                break Err(error);
            }
        };
        cancel.cancel();
        self.links.clear();
        self.finish_snapshot().await;
        result
    }

    fn next_tick(&self) -> Instant {
        self.clock.instant(self.machine.next_tick_ms())
    }

    async fn work(&mut self, batch: &mut Vec<Command>) -> Result<(), ServerError> {
        let mut commands: VecDeque<Command> = batch.drain(..).collect();
        while let Some(command) = commands.pop_front() {
            if let Command::Drained { conn } = command {
                self.unpark(conn, &mut commands);
                continue;
            }
            self.take(command);
            let is_full = self.batch_bytes >= BATCH_BYTES_MAX;
            if is_full || self.effects.output_bytes >= BATCH_OUTPUT_BYTES_MAX {
                self.flush().await?;
            }
        }
        self.flush().await?;
        let now = self.clock.now();
        if now.monotonic_ms >= self.machine.next_tick_ms() {
            self.machine.tick(now, &mut self.effects);
            self.flush().await?;
        }
        self.snapshot_if_due().await
    }

    fn take(&mut self, command: Command) {
        let now = self.clock.now();
        match command {
            Command::Connect { conn, link, request } => {
                let ip = link.peer.ip();
                self.links.insert(conn, link);
                self.stats.received(self.links.get_mut(&conn));
                self.machine.apply(Input::Accepted { conn, ip }, now, &mut self.effects);
                let input = Input::Connect { conn, request, new_password: new_password() };
                self.machine.apply(input, now, &mut self.effects);
                self.served.push(Served::session(conn, now));
            }
            Command::Request(request) => self.take_request(request, now),
            Command::Drained { .. } => {} // dealt with where the queue is
            Command::Gone { conn } => {
                self.links.remove(&conn);
                self.machine.apply(Input::Gone { conn }, now, &mut self.effects);
            }
            Command::FourLetter { word, reply } => {
                self.stats.received(None);
                let _ = reply.send(self.report(word, now));
            }
            Command::ExpireSession { session, reply } => {
                let expired = self.machine.expire(session, now, &mut self.effects);
                self.answer_later(reply, expired);
            }
            Command::DropConnections { reply } => {
                let conns: Vec<ConnId> = self.links.keys().copied().collect();
                for conn in &conns {
                    self.machine.apply(Input::Gone { conn: *conn }, now, &mut self.effects);
                    self.links.remove(conn);
                }
                let _ = reply.send(conns.len());
            }
            Command::Counts { reply } => {
                let counts = self.counts();
                self.answer_later(reply, counts);
            }
            Command::Sessions { reply } => {
                let sessions = self.sessions();
                self.answer_later(reply, sessions);
            }
        }
    }

    fn take_request(&mut self, request: QueuedRequest, now: Now) {
        let Some(link) = self.links.get_mut(&request.conn) else { return };
        if !link.parked.is_empty() || link.outbox.is_choked() {
            self.machine.touch(request.conn, now);
            link.parked.push_back(request);
            return;
        }
        let QueuedRequest { conn, frame, bytes, _permits } = request;
        self.stats.received(Some(link));
        self.batch_bytes += bytes;
        let (xid, op) = (frame.xid, frame.op);
        self.machine.apply(Input::Request { conn, frame }, now, &mut self.effects);
        self.served.push(Served { conn, xid, op, zxid: self.machine.state().zxid, taken: now });
    }

    /// Puts the parked requests of a connection first. They come before any of its later requests,
    /// and are parked again in the same order if their replies choke it again.
    fn unpark(&mut self, conn: ConnId, commands: &mut VecDeque<Command>) {
        let Some(link) = self.links.get_mut(&conn) else { return };
        for request in mem::take(&mut link.parked).into_iter().rev() {
            commands.push_front(Command::Request(request));
        }
    }

    /// Nothing is told before it is durable, to those who ask from within the process either.
    fn answer_later<T: Send + 'static>(&mut self, reply: oneshot::Sender<T>, answer: T) {
        self.deferred.push(Box::new(move || {
            let _ = reply.send(answer); // an error means that nobody waits any more
        }));
    }

    fn counts(&self) -> Counts {
        let state = self.machine.state();
        Counts {
            nodes: state.tree.len(),
            ephemerals: state.tree.ephemerals().values().map(BTreeSet::len).sum(),
            sessions: state.sessions.len(),
            watches: self.machine.watches().count(),
            connections: self.links.len(),
            zxid: state.zxid,
        }
    }

    fn sessions(&self) -> Vec<SessionInfo> {
        let state = self.machine.state();
        let info = |(id, session): (&i64, &crate::state::SessionRecord)| SessionInfo {
            id: *id,
            timeout_ms: session.timeout_ms,
            connected: self.machine.is_attached(*id),
            ephemerals: state.tree.ephemerals_of(*id).map(str::to_owned).collect(),
        };
        state.sessions.iter().map(info).collect()
    }

    /// Makes the batch durable, then lets its answers go.
    async fn flush(&mut self) -> Result<(), ServerError> {
        self.batch_bytes = 0;
        self.effects.output_bytes = 0;
        let transactions = mem::take(&mut self.effects.transactions);
        self.transactions_since_snapshot += transactions.len() as u64;
        if !transactions.is_empty() {
            self.on_store(move |store| store.append(&transactions)).await?;
        }
        let now = self.clock.now();
        for served in self.served.drain(..) {
            self.stats.served(&served, now, self.links.get_mut(&served.conn));
        }
        for output in mem::take(&mut self.effects.outputs) {
            self.release(output);
        }
        for answer in self.deferred.drain(..) {
            answer();
        }
        Ok(())
    }

    /// Does something with the store where it may block. In memory there is nothing to do.
    async fn on_store(
        &mut self,
        work: impl FnOnce(&mut Store) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), ServerError> {
        let Some(mut store) = self.store.take() else { return Ok(()) };
        let (store, result) = spawn_blocking(move || {
            let result = work(&mut store);
            (store, result)
        })
        .await?;
        self.store = Some(store);
        Ok(result?)
    }

    fn release(&mut self, output: Output) {
        match output {
            Output::Reply(conn, frame) | Output::Event(conn, frame) => {
                let Some(link) = self.links.get_mut(&conn) else { return };
                self.stats.sent(link);
                if !link.outbox.send(frame) {
                    tracing::warn!(peer = %link.peer, "a client doesn't read what it gets; closing it");
                    self.links.remove(&conn);
                    let now = self.clock.now();
                    self.machine.apply(Input::Gone { conn }, now, &mut self.effects);
                }
            }
            Output::Close(conn, reason) => {
                let Some(link) = self.links.remove(&conn) else { return };
                match reason {
                    CloseReason::SessionClosed => tracing::debug!(peer = %link.peer, "session closed"),
                    _ => tracing::info!(peer = %link.peer, ?reason, "closing a connection"),
                }
            }
        }
    }

    async fn snapshot_if_due(&mut self) -> Result<(), ServerError> {
        if self.snapshot.as_ref().is_some_and(|snapshot| !snapshot.is_finished()) {
            return Ok(());
        }
        self.finish_snapshot().await;
        let Some(store) = &self.store else { return Ok(()) };
        let due = self.transactions_since_snapshot >= self.settings.snapshot_transactions
            || store.log_bytes() >= self.settings.snapshot_log_bytes;
        if due {
            self.transactions_since_snapshot = 0;
            let job = store.snapshot_job(self.machine.state());
            self.on_store(Store::roll).await?;
            self.snapshot = Some(spawn_blocking(move || job.run()));
        }
        Ok(())
    }

    /// A snapshot that failed costs a longer recovery, no data: the logs stay until one succeeds.
    async fn finish_snapshot(&mut self) {
        match self.snapshot.take() {
            None => {}
            Some(snapshot) => match snapshot.await {
                Ok(Ok(())) => tracing::debug!("snapshot written"),
                Ok(Err(error)) => tracing::error!(%error, "can't write a snapshot"),
                Err(error) => tracing::error!(%error, "the snapshot's task failed"),
            },
        }
    }
}

#[cfg(test)]
mod tests;

/// The password of a new session: nobody else shall take it over.
fn new_password() -> Password {
    use rustix::rand::{GetRandomFlags, getrandom};
    let mut password = Password::default();
    let filled = getrandom(&mut password, GetRandomFlags::empty());
    debug_assert_eq!(filled, Ok(password.len()), "Linux gives this many random bytes at once");
    password
}

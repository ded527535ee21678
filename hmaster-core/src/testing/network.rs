//! Calls between processes: they take time, get lost, come twice, and go on when their caller is dead.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hmaster_types::{JavaException, ServerName, class};
use tokio::sync::oneshot;

use super::World;
use super::faults::{Call, CallFault};
use super::master::MasterProcess;
use super::server;
use crate::ports::RemoteError;

/// How long callers wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest that chance makes a call take.
const DELAY_MS_MAX: u64 = 8000;

/// What was decided about one call.
#[derive(Debug, Default, Clone, Copy)]
struct Fate {
    request_lost: bool,
    reply_lost: bool,
    twice: bool,
    delay: Duration,
}

impl World {
    fn fate(&self, call: Call) -> Fate {
        self.with(|state| {
            let chance = self.chance();
            let faults = &mut state.faults;
            let mut fate = Fate {
                request_lost: chance.happens(faults.lost_requests),
                reply_lost: chance.happens(faults.lost_replies),
                twice: chance.happens(faults.duplicates),
                delay: Duration::ZERO,
            };
            if chance.happens(faults.delays) {
                fate.delay = Duration::from_millis(chance.bits() % DELAY_MS_MAX);
            }
            match faults.scripted(call) {
                Some(CallFault::LoseRequest) => fate.request_lost = true,
                Some(CallFault::LoseReply) => fate.reply_lost = true,
                Some(CallFault::Duplicate) => fate.twice = true,
                Some(CallFault::Delay(ms)) => fate.delay = Duration::from_millis(ms),
                None => {}
            }
            fate
        })
    }

    /// Calls a region server. What it does, it does at once; the rest is the network's.
    pub(super) async fn call_server<T: Send + 'static>(
        &self,
        server: &ServerName,
        call: Call,
        handle: impl Fn(&World) -> Result<T, JavaException> + Send + Sync + 'static,
    ) -> Result<T, RemoteError> {
        self.latency().await;
        let fate = self.fate(call);
        let unknown = |reason: &str| RemoteError::Unknown { server: server.clone(), reason: reason.into() };
        if !self.is_up(server) {
            let reason = "connection refused".into();
            return Err(RemoteError::NotSent { server: server.clone(), reason, refused: true });
        }
        if fate.request_lost {
            tokio::time::sleep(TIMEOUT).await;
            return Err(unknown("no answer"));
        }
        let handle = Arc::new(handle);
        let answer = self.deliver(server, fate.delay, handle.clone());
        if fate.twice {
            let late = fate.delay + Duration::from_millis(self.chance().bits() % DELAY_MS_MAX);
            drop(self.deliver(server, late, handle));
        }
        if fate.reply_lost {
            tokio::time::sleep(TIMEOUT).await;
            return Err(unknown("no answer"));
        }
        match tokio::time::timeout(TIMEOUT, answer).await {
            Ok(Ok(Ok(done))) => Ok(done),
            Ok(Ok(Err(exception))) => Err(RemoteError::Refused { server: server.clone(), exception }),
            Ok(Err(_)) => Err(unknown("the connection broke")),
            Err(_) => Err(unknown("no answer in time")),
        }
    }

    fn deliver<T: Send + 'static>(
        &self,
        server: &ServerName,
        delay: Duration,
        handle: Arc<impl Fn(&World) -> Result<T, JavaException> + Send + Sync + 'static>,
    ) -> oneshot::Receiver<Result<T, JavaException>> {
        let (sender, receiver) = oneshot::channel();
        let (world, server) = (self.clone(), server.clone());
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            world.latency().await;
            world.awake(&server).await;
            if world.is_up(&server) {
                let done = handle(&world);
                world.latency().await;
                // Whoever asked may be dead.
                let _ = sender.send(done);
            }
        });
        receiver
    }

    /// Calls the active master from a region server.
    pub(super) async fn call_master<T: Send + 'static>(
        &self,
        server: &ServerName,
        call: Call,
        ask: impl Fn(Arc<MasterProcess>) -> BoxFuture<'static, Result<T, JavaException>> + Send + Sync,
    ) -> Result<T, JavaException> {
        let io = |reason: &str| JavaException::new(class::IO, reason);
        self.latency().await;
        let fate = self.fate(call);
        if fate.request_lost {
            tokio::time::sleep(TIMEOUT).await;
            return Err(io("no answer"));
        }
        let Some(master) = self.known_master(server) else { return Err(io("there is no active master")) };
        let answer = Self::at_master(&master, fate.delay, ask(master.clone()));
        if fate.twice {
            let late = fate.delay + Duration::from_millis(self.chance().bits() % DELAY_MS_MAX);
            drop(Self::at_master(&master, late, ask(master.clone())));
        }
        if fate.reply_lost {
            tokio::time::sleep(TIMEOUT).await;
            return Err(io("no answer"));
        }
        let answer = tokio::time::timeout(TIMEOUT, answer).await;
        self.latency().await;
        self.awake(server).await;
        if !matches!(answer, Ok(Ok(Ok(_)))) {
            self.with(|state| state.server_mut(server).master = None);
        }
        match answer {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(io("the connection broke")),
            Err(_) => Err(io("no answer in time")),
        }
    }

    /// The master that a server is connected to, even if another is active by now.
    fn known_master(&self, server: &ServerName) -> Option<Arc<MasterProcess>> {
        self.with(|state| {
            let active = state.active.clone();
            let known = &mut state.server_mut(server).master;
            if known.as_ref().is_none_or(|master| master.life().is_cancelled()) {
                known.clone_from(&active);
            }
            known.clone()
        })
    }

    /// Runs in the master's process, whatever becomes of the caller.
    fn at_master<T: Send + 'static>(
        master: &Arc<MasterProcess>,
        delay: Duration,
        answer: BoxFuture<'static, Result<T, JavaException>>,
    ) -> oneshot::Receiver<Result<T, JavaException>> {
        let (sender, receiver) = oneshot::channel();
        let (life, gate) = (master.life().clone(), master.gate().clone());
        tokio::spawn(async move {
            let answered = async {
                tokio::time::sleep(delay).await;
                gate.passed().await;
                let answered = answer.await;
                gate.passed().await;
                answered
            };
            tokio::select! {
                biased;
                () = life.cancelled() => {}
                answer = answered => drop(sender.send(answer)),
            }
        });
        receiver
    }

    /// Gives a region server its commands.
    pub(super) async fn send_commands(
        &self,
        server: &ServerName,
        request: hmaster_protocol::pb::ExecuteProceduresRequest,
    ) -> Result<(), RemoteError> {
        let name = server.clone();
        self.call_server(server, Call::Execute, move |world| server::accept(world, &name, &request)).await
    }
}

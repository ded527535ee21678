//! Two servers, the same random requests, the same answers.
//!
//! A dice with a seed picks requests of a few sessions over a few paths, valid ones and others,
//! reconnects and closes sessions now and then. Replies and events of both servers must agree in
//! everything but what can't: times, session ids, passwords, and orders that the protocol leaves open.
//! Transaction numbers must advance in step, so nobody else may use the servers meanwhile.

use std::net::SocketAddr;

use super::raw::{Event, Frame, Greeting, RawClient};
use super::{CaseFailure, CaseResult};
use crate::wire::op_code as op;

mod dice;
mod normal;
mod steps;

use dice::Dice;
use normal::{Names, normal_body};
use steps::Step;

/// Sessions on each server.
const CLIENTS: usize = 3;

/// Sends `count` random requests to both servers. The seed is in every failure: with it the run can be
/// repeated.
pub async fn compare(one: SocketAddr, other: SocketAddr, seed: u64, count: usize) -> CaseResult {
    let mut dice = Dice::new(seed);
    let root = format!("/compare-{seed:x}");
    let mut sides = [Side::open(one, &root).await?, Side::open(other, &root).await?];
    for number in 0..count {
        let client = dice.below(CLIENTS);
        let step = Step::roll(&mut dice, &root);
        let [ours, theirs] = [sides[0].take(client, &step).await, sides[1].take(client, &step).await];
        let about = || format!("seed {seed}, step {number}, client {client}, {step:?}");
        let ours = ours.map_err(|error| CaseFailure::new(format!("{one}: {}: {error}", about())))?;
        let theirs = theirs.map_err(|error| CaseFailure::new(format!("{other}: {}: {error}", about())))?;
        if ours != theirs {
            return Err(CaseFailure::new(format!("{}\n{one}: {ours:?}\n{other}: {theirs:?}", about())));
        }
    }
    for side in &mut sides {
        for client in &mut side.clients {
            client.call(op::CLOSE_SESSION, &[]).await?;
        }
    }
    Ok(())
}

/// What a step showed, in a form that both servers must share.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    events: Vec<Event>,
    reply: Option<(i32, i64, i32, String)>,
}

/// One of the two servers.
struct Side {
    addr: SocketAddr,
    clients: Vec<RawClient>,
    /// Whether events of a client may come in any order, because a session was closed.
    unordered: Vec<bool>,
    names: Names,
}

impl Side {
    async fn open(addr: SocketAddr, root: &str) -> Result<Self, CaseFailure> {
        let mut clients = Vec::new();
        let mut names = Names::default();
        for _ in 0..CLIENTS {
            let client = RawClient::connect(addr).await?;
            names.add_session(client.session_id());
            clients.push(client);
        }
        let base = clients[0].create(root).await?.zxid;
        names.set_base(base);
        Ok(Self { addr, clients, unordered: vec![false; CLIENTS], names })
    }

    async fn take(&mut self, client: usize, step: &Step) -> Result<Seen, CaseFailure> {
        let reply = match step {
            Step::Request { op, body } => {
                let frame = self.clients[client].call(*op, body).await?;
                Some(self.normal(*op, &frame)?)
            }
            Step::Reconnect => {
                match RawClient::reattach(self.addr, &self.clients[client]).await? {
                    Greeting::Session(again, _) => self.clients[client] = again,
                    other => return Err(CaseFailure::new(format!("can't attach again: {other:?}"))),
                }
                None
            }
            Step::NewSession => {
                let frame = self.clients[client].call(op::CLOSE_SESSION, &[]).await?;
                self.unordered.fill(true);
                self.clients[client] = RawClient::connect(self.addr).await?;
                self.names.add_session(self.clients[client].session_id());
                Some(self.normal(op::CLOSE_SESSION, &frame)?)
            }
        };
        let mut events = self.clients[client].events().await?;
        if std::mem::take(&mut self.unordered[client]) {
            events.sort();
        }
        Ok(Seen { events, reply })
    }

    fn normal(&self, op: i32, frame: &Frame) -> Result<(i32, i64, i32, String), CaseFailure> {
        let body = normal_body(op, frame, &self.names)?;
        Ok((frame.xid, self.names.zxid(frame.zxid), frame.error, body))
    }
}

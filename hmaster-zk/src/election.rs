//! Which master is active. Counterpart of `ActiveMasterManager`.
//!
//! Whoever makes the ephemeral znode `master` is active; the others wait below `backup-masters` until it is gone.
//! [`Election`] decides, on what it is told, what to do next; [`Elector`] does it and tells what came of it.
//!
//! Where this differs from Java:
//!
//! - A waiting master acts on the event that `master` is gone, without another look and without sleeping.
//! - An active master stops when its [`crate::lease::SessionLease`] runs out, and when its znode was removed or
//!   replaced; Java goes on in both cases until it is told that its session expired.
//! - A znode that can't be read, or a former life's that can't be deleted, is looked at again when it changes or after a
//!   session's timeout; Java tries without a pause, or gives up.
//! - A master that waits until another one is there first (`--backup`) waits for an event.
//! - Whoever makes `master` also writes `backup-masters`, in one transaction. Nobody reads that, but its version tells
//!   whoever is about to delete a former life's `master` whether another master has meanwhile taken its place; the
//!   version of `master` begins anew with each. (A Java master that takes its place in that moment isn't seen.)
//! - An active hmaster leaves its session's id and password in a znode of its own. A waiting one that is told that the
//!   active's process is gone ([`Elector::process_gone`]) ends that session instead of waiting until it runs out. If the
//!   process lives after all, its connection to ZooKeeper is closed with the session, and it stops as soon as it notices.
//!
//! Once it ended it never begins again: a new election takes a new [`Elector`], and a new session if that is over.

mod elector;
mod hands;
#[cfg(test)]
mod machine_tests;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use hmaster_types::ServerName;

use crate::codec::MasterInfo;
use crate::error::ZkError;
use crate::lease::LeaseLoss;
use crate::znode::{SessionId, Zxid};

pub use elector::{ActiveRole, Elector, ElectorConfig, Role};

/// Decides about one master's part in the election.
#[derive(Debug)]
pub struct Election {
    me: ServerName,
    session: SessionId,
    /// Let another master be active first.
    backup: bool,
    /// The cluster went down while this master waited.
    cluster_down: bool,
    phase: Phase,
}

/// Where a master is in the election.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    New,
    /// Waits until any master is active.
    LettingOthersGoFirst,
    /// Is making `master`.
    Creating,
    /// Has made `master`, and is reading it to be sure of it and to watch it.
    Confirming,
    /// Is reading `master`.
    Looking,
    /// Someone else is active.
    Waiting(Holder),
    /// Is deleting `master`, which is its own of an earlier life, or ending the session of a process that is gone.
    Removing(Holder),
    Active,
    Ended,
}

/// What is in `master`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Who, none if that can't be read.
    pub master: Option<MasterInfo>,
    /// The session the znode belongs to.
    pub owner: Option<SessionId>,
    /// The transaction that made the znode.
    pub czxid: Zxid,
}

/// What an election is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Begin.
    Start,
    /// `master` was made by this master's session.
    Created,
    /// `master` wasn't made, or it isn't known whether it was.
    NotCreated,
    /// `master` was read: who holds it, none if it isn't there.
    Seen(Option<Holder>),
    /// `master` couldn't be read for now.
    NotSeen,
    /// `master` is gone, by an event.
    Vanished,
    /// There may be something new about `master`.
    Changed,
    /// `master` was deleted as commanded, or was gone.
    Removed,
    /// `master` couldn't be deleted.
    NotRemoved,
    /// `running` was there and is gone.
    ClusterDown,
    /// The process of this master is gone, although its session isn't: nobody listens where it listened.
    ProcessGone(ServerName),
    /// The lease is no more, or the session.
    Lost(LeaseLoss),
    /// ZooKeeper refuses something that is needed.
    Failed(ZkError),
    /// Someone wants this master to stop.
    Stop,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Make the znode below `backup-masters`.
    Register,
    /// Delete it.
    Deregister,
    /// Make `master`.
    Create,
    /// Read `master` and watch it.
    Look,
    /// Delete `master` if it is the one that this transaction made.
    Remove(Zxid),
    /// End the session that `master` belongs to, if its owner has left what that takes.
    EndSession(Holder),
    /// Be active; `master` was made by this transaction.
    Activate(Zxid),
    /// Delete `master` if it is this session's.
    Resign,
    /// Take no more part.
    End(End),
}

/// Why a master's part in the election ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum End {
    /// It was told to.
    #[error("stopped")]
    Stopped,
    /// The cluster went down before it became active.
    #[error("the cluster went down before this master became active")]
    ClusterDown,
    /// It may not act any more.
    #[error("lost: {0}")]
    Lost(LeaseLoss),
    /// ZooKeeper refused something that is needed.
    #[error(transparent)]
    Failed(ZkError),
}

impl Election {
    /// The election for master `me` with `session`. With `backup` it lets another be active first.
    pub fn new(me: ServerName, session: SessionId, backup: bool) -> Self {
        Self { me, session, backup, cluster_down: false, phase: Phase::New }
    }

    /// Who is active as far as this master knows: itself, or whom it waits for.
    pub fn active(&self) -> Option<&ServerName> {
        match &self.phase {
            Phase::Active => Some(&self.me),
            Phase::Waiting(holder) | Phase::Removing(holder) => {
                holder.master.as_ref().map(|master| &master.server)
            }
            _ => None,
        }
    }

    /// Whether this master takes no more part.
    pub fn has_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// What to do next, in order.
    pub fn step(&mut self, input: Input) -> Vec<Command> {
        match (input, &self.phase) {
            (_, Phase::Ended) => Vec::new(),
            (Input::Lost(loss), _) => self.end(End::Lost(loss)),
            (Input::Failed(error), _) => self.end(End::Failed(error)),
            (Input::Stop, _) => {
                let mut commands = vec![Command::Resign, Command::Deregister];
                commands.extend(self.end(End::Stopped));
                commands
            }
            (Input::ClusterDown, _) => {
                self.cluster_down = true;
                Vec::new()
            }
            (Input::Start, _) => self.start(),
            (Input::Seen(holder), _) => self.seen(holder),
            (Input::Vanished, Phase::Waiting(_)) => self.contend(),
            (Input::Vanished, Phase::Active) => self.end(End::Lost(LeaseLoss::Deposed)),
            (Input::Vanished | Input::Changed, _) => vec![Command::Look],
            (Input::Created, _) => self.look(Phase::Confirming),
            (Input::NotCreated | Input::Removed, _) => self.look(Phase::Looking),
            (Input::NotRemoved, Phase::Removing(holder)) => {
                self.phase = Phase::Waiting(holder.clone());
                Vec::new()
            }
            (Input::ProcessGone(gone), Phase::Waiting(holder)) if holder.is(&gone) => {
                let holder = holder.clone();
                self.phase = Phase::Removing(holder.clone());
                vec![Command::EndSession(holder)]
            }
            (Input::NotSeen | Input::NotRemoved | Input::ProcessGone(_), _) => Vec::new(),
        }
    }

    fn start(&mut self) -> Vec<Command> {
        if self.backup {
            self.phase = Phase::LettingOthersGoFirst;
            return vec![Command::Register, Command::Look];
        }
        self.phase = Phase::Creating;
        vec![Command::Register, Command::Create]
    }

    fn seen(&mut self, holder: Option<Holder>) -> Vec<Command> {
        match (holder, &self.phase) {
            (Some(holder), Phase::Active) if holder.owner == Some(self.session) => Vec::new(),
            (_, Phase::Active) => self.end(End::Lost(LeaseLoss::Deposed)),
            (None, Phase::LettingOthersGoFirst) => Vec::new(),
            (None, _) => self.contend(),
            (Some(holder), Phase::Confirming) if holder.owner == Some(self.session) => {
                self.phase = Phase::Active;
                vec![Command::Activate(holder.czxid), Command::Deregister]
            }
            (Some(holder), _) if holder.is_life_of(&self.me) => self.remove(holder),
            (Some(holder), _) => {
                self.phase = Phase::Waiting(holder);
                Vec::new()
            }
        }
    }

    fn contend(&mut self) -> Vec<Command> {
        if self.cluster_down {
            let mut commands = vec![Command::Deregister];
            commands.extend(self.end(End::ClusterDown));
            return commands;
        }
        self.phase = Phase::Creating;
        vec![Command::Create]
    }

    fn remove(&mut self, holder: Holder) -> Vec<Command> {
        let czxid = holder.czxid;
        self.phase = Phase::Removing(holder);
        vec![Command::Remove(czxid)]
    }

    fn look(&mut self, phase: Phase) -> Vec<Command> {
        self.phase = phase;
        vec![Command::Look]
    }

    fn end(&mut self, end: End) -> Vec<Command> {
        self.phase = Phase::Ended;
        vec![Command::End(end)]
    }
}

impl Holder {
    fn is(&self, server: &ServerName) -> bool {
        self.master.as_ref().is_some_and(|master| master.server == *server)
    }

    /// Whether it is this or another life of `server`.
    fn is_life_of(&self, server: &ServerName) -> bool {
        self.master.as_ref().is_some_and(|master| master.server.same_address(server))
    }
}

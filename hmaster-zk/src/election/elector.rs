//! Takes part in the election: carries out what [`Election`] decides and tells it what came of it.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use hmaster_types::ServerName;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::hands::Hands;
use super::{Election, End, Input};
use crate::codec::MasterInfo;
use crate::lease::{LeaseLoss, MonotonicClock, SessionLease};
use crate::session::SessionState;
use crate::watcher::ZkWatcher;
use crate::znode::Zxid;

/// What a master brings into the election.
#[derive(Debug, Clone)]
pub struct ElectorConfig {
    /// Who it is.
    pub me: MasterInfo,
    /// Whether another master is to be active first. `hbase.master.backup` and `--backup`.
    pub backup: bool,
    /// What the lease of the active role goes by: [`crate::BootClock`], or tokio's in simulation.
    pub clock: Arc<dyn MonotonicClock>,
    /// Where this master's process listens, none for every address of its host.
    pub address: Option<SocketAddr>,
    /// Whether to leave the session for others to end it when this process is gone.
    pub leave_session: bool,
}

impl ElectorConfig {
    /// A master that waits for nobody and leaves its session for others.
    pub fn new(me: MasterInfo, clock: Arc<dyn MonotonicClock>) -> Self {
        Self { me, backup: false, clock, address: None, leave_session: true }
    }
}

/// A master's part in the election. Dropping it ends that part: the lease is given up, the znodes stay until the session
/// ends. [`Elector::stop`] removes them.
#[derive(Debug)]
pub struct Elector {
    role: watch::Receiver<Role>,
    gone: mpsc::Sender<ServerName>,
    stop: CancellationToken,
    _task: AbortOnDropHandle<()>,
}

/// A master's role.
#[derive(Debug, Clone, Default)]
pub enum Role {
    /// Not known yet.
    #[default]
    Starting,
    /// Another master is active, or none yet.
    Waiting {
        /// Who is active, none if that isn't known.
        active: Option<ServerName>,
    },
    /// This master is active, as long as its lease is valid.
    Active(ActiveRole),
    /// This master takes no more part.
    Ended(End),
}

/// The active role.
#[derive(Debug, Clone)]
pub struct ActiveRole {
    /// Leave to act. Whoever acts for the master asks it first.
    pub lease: SessionLease,
    /// The transaction that made `master`: higher than that of every active master before.
    pub epoch: Zxid,
}

impl Elector {
    /// Reports of dead masters that may wait to be looked at.
    const GONE_MAX: usize = 16;

    /// Begins to take part. The base znodes must be there.
    pub fn start(zk: ZkWatcher, config: ElectorConfig) -> Self {
        let (role, role_receiver) = watch::channel(Role::default());
        let (gone, gone_receiver) = mpsc::channel(Self::GONE_MAX);
        let stop = CancellationToken::new();
        let election = Election::new(config.me.server.clone(), zk.zk.session().id(), config.backup);
        let interrupts = Interrupts { stop: stop.clone(), state: zk.zk.session().state(), lease: None };
        let hands = Hands::new(zk, config, role, gone_receiver);
        let task = AbortOnDropHandle::new(tokio::spawn(run(election, hands, interrupts)));
        Self { role: role_receiver, gone, stop, _task: task }
    }

    /// The role, as it changes.
    pub fn role(&self) -> watch::Receiver<Role> {
        self.role.clone()
    }

    /// Waits until this master is active.
    ///
    /// # Errors
    /// Why it won't be.
    pub async fn active(&self) -> Result<ActiveRole, End> {
        let mut role = self.role();
        let decided = role.wait_for(|role| matches!(role, Role::Active(_) | Role::Ended(_))).await;
        match decided.as_deref() {
            Ok(Role::Active(active)) => Ok(active.clone()),
            Ok(Role::Ended(end)) => Err(end.clone()),
            _ => Err(End::Stopped),
        }
    }

    /// Waits until this master takes no more part, and says why.
    pub async fn ended(&self) -> End {
        let mut role = self.role();
        let ended = role.wait_for(|role| matches!(role, Role::Ended(_))).await;
        match ended.as_deref() {
            Ok(Role::Ended(end)) => end.clone(),
            _ => End::Stopped,
        }
    }

    /// Says that the process of a master is gone: if it is the active one and has left what that takes, its session is
    /// ended. Otherwise its session is waited for as usual. Dropped if too many such reports wait.
    pub fn process_gone(&self, master: ServerName) {
        let _ = self.gone.try_send(master);
    }

    /// Takes no more part: ends the lease, then removes `master` if it is this session's, and the znode below
    /// `backup-masters`. Waits for ZooKeeper only for so long.
    pub async fn stop(&self) -> End {
        self.stop.cancel();
        self.ended().await
    }
}

/// What ends whatever is under way.
struct Interrupts {
    stop: CancellationToken,
    state: watch::Receiver<SessionState>,
    lease: Option<SessionLease>,
}

impl Interrupts {
    async fn next(&mut self) -> Input {
        let lost = async {
            match &self.lease {
                Some(lease) => lease.lost().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            loss = lost => Input::Lost(loss),
            over = self.state.wait_for(|state| state.is_over()) => {
                Input::Lost(LeaseLoss::SessionOver(over.map_or(SessionState::Closed, |over| *over)))
            }
            () = self.stop.cancelled() => Input::Stop,
        }
    }
}

async fn run(mut election: Election, mut hands: Hands, mut interrupts: Interrupts) {
    let mut commands = VecDeque::from(election.step(Input::Start));
    loop {
        interrupts.lease = hands.lease();
        let input = if election.has_ended() {
            let Some(command) = commands.pop_front() else { return };
            hands.finish(command).await;
            continue;
        } else {
            let next = hands.next(commands.pop_front());
            tokio::select! {
                biased;
                interrupt = interrupts.next() => {
                    commands.clear();
                    Some(interrupt)
                }
                input = next => input,
            }
        };
        if let Some(input) = input {
            tracing::debug!(?input, "election");
            commands.extend(election.step(input));
        }
        hands.publish(&election);
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting => f.write_str("starting"),
            Self::Waiting { active: Some(active) } => write!(f, "waiting for {active}"),
            Self::Waiting { active: None } => f.write_str("waiting"),
            Self::Active(_) => f.write_str("active"),
            Self::Ended(end) => write!(f, "ended: {end}"),
        }
    }
}

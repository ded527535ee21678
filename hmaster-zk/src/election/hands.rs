//! What a master does in the election: the commands of [`super::Election`] as operations on ZooKeeper.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hmaster_types::ServerName;
use tokio::sync::{mpsc, watch};

use super::{ActiveRole, Command, Election, ElectorConfig, End, Holder, Input, Role};
use crate::codec::{MasterSession, Payload as _};
use crate::error::{ZkError, ZkErrorKind};
use crate::lease::{LeaseKeeper, LeaseLoss, LeaseTerms, SessionLease};
use crate::session::{MultiOp, WatchEvent};
use crate::tracker::{NodeTracker, Trigger};
use crate::watcher::{ZkWatcher, Znode};
use crate::znode::{CreateMode, Zxid, join};

/// Does what is decided.
pub(super) struct Hands {
    zk: ZkWatcher,
    config: ElectorConfig,
    role: watch::Sender<Role>,
    gone: mpsc::Receiver<ServerName>,
    master: NodeTracker,
    running: NodeTracker,
    /// Whether `running` was there; none when it was seen to go, which is final.
    was_running: Option<bool>,
    keeper: Option<LeaseKeeper>,
}

impl Hands {
    /// A master that stops waits no longer than this for each of its znodes to go.
    const FINISH_WAIT_MAX: Duration = Duration::from_secs(5);

    pub(super) fn new(
        zk: ZkWatcher,
        config: ElectorConfig,
        role: watch::Sender<Role>,
        gone: mpsc::Receiver<ServerName>,
    ) -> Self {
        let master = NodeTracker::new(zk.clone(), &*zk.paths.master);
        let running = NodeTracker::new(zk.clone(), &*zk.paths.running);
        Self { zk, config, role, gone, master, running, was_running: Some(false), keeper: None }
    }

    pub(super) fn lease(&self) -> Option<SessionLease> {
        self.keeper.as_ref().map(|keeper| keeper.lease().clone())
    }

    /// Says who waits for whom; being active and having ended is said where it happens.
    pub(super) fn publish(&self, election: &Election) {
        if self.keeper.is_some() || election.has_ended() {
            return;
        }
        let active = election.active().cloned();
        self.role.send_if_modified(|role| match role {
            Role::Waiting { active: said } if *said == active => false,
            _ => {
                *role = Role::Waiting { active };
                true
            }
        });
    }

    /// Carries out a command, or without one waits until something happens.
    pub(super) async fn next(&mut self, command: Option<Command>) -> Option<Input> {
        match command {
            None => Some(self.happens().await),
            Some(Command::Register) => self.register().await,
            Some(Command::Create) => Some(self.create().await),
            Some(Command::Look) => Some(self.look().await),
            Some(Command::Remove(czxid)) => Some(self.remove(czxid).await),
            Some(Command::EndSession(holder)) => Some(self.end_session(&holder).await),
            Some(Command::Activate(epoch)) => {
                self.activate(epoch);
                self.leave_session().await;
                None
            }
            Some(command) => {
                self.finish(command).await;
                None
            }
        }
    }

    /// Commands that are carried out also after the end, or without I/O.
    pub(super) async fn finish(&mut self, command: Command) {
        let wait = Self::FINISH_WAIT_MAX;
        match command {
            Command::Activate(epoch) => self.activate(epoch),
            Command::Resign => {
                self.give_up(LeaseLoss::GivenUp);
                let _ = tokio::time::timeout(wait, self.resign()).await;
            }
            Command::Deregister => {
                let path = self.backup_path();
                match tokio::time::timeout(wait, self.zk.delete_if_present(&path)).await {
                    Ok(Ok(())) => {}
                    failed => tracing::warn!(path, ?failed, "the znode of a backup master stays"),
                }
            }
            Command::End(end) => {
                self.give_up(if let End::Lost(loss) = end { loss } else { LeaseLoss::GivenUp });
                tracing::info!(me = %self.config.me.server, reason = %end, "no more part in the election");
                self.role.send_replace(Role::Ended(end));
            }
            Command::Register
            | Command::Create
            | Command::Look
            | Command::Remove(_)
            | Command::EndSession(_) => {}
        }
    }

    fn give_up(&mut self, loss: LeaseLoss) {
        if let Some(keeper) = self.keeper.take() {
            keeper.lease().lose(loss);
        }
    }

    fn activate(&mut self, epoch: Zxid) {
        if let Some(lease) = self.lease() {
            tracing::info!(me = %self.config.me.server, epoch = epoch.0, "active master");
            self.role.send_replace(Role::Active(ActiveRole { lease, epoch }));
        }
    }

    async fn happens(&mut self) -> Input {
        loop {
            let waits = self.keeper.is_none();
            tokio::select! {
                biased;
                trigger = self.running.triggered(), if waits && self.was_running.is_some() => {
                    if self.has_gone_down(trigger).await {
                        return Input::ClusterDown;
                    }
                }
                trigger = self.master.triggered() => return match trigger {
                    Some(Trigger::Event(WatchEvent::Deleted)) => Input::Vanished,
                    _ => Input::Changed,
                },
                Some(gone) = self.gone.recv() => return Input::ProcessGone(gone),
            }
        }
    }

    async fn has_gone_down(&mut self, trigger: Option<Trigger>) -> bool {
        let gone = trigger == Some(Trigger::Event(WatchEvent::Deleted))
            || match self.running.read().await {
                Ok(Some(_)) => {
                    self.was_running = Some(true);
                    false
                }
                Ok(None) => self.was_running == Some(true),
                Err(error) => {
                    tracing::warn!(%error, "is the cluster to be up?");
                    false
                }
            };
        if gone {
            self.was_running = None;
        }
        gone
    }

    async fn register(&mut self) -> Option<Input> {
        let (path, payload) = (self.backup_path(), self.config.me.encode());
        match self.zk.create(&path, &payload, CreateMode::Ephemeral).await {
            Ok(_) => {}
            // Whether it is listed as waiting doesn't decide who becomes active.
            Err(error) => tracing::warn!(%error, "not listed as a backup master"),
        }
        None
    }

    async fn create(&mut self) -> Input {
        let before = self.config.clock.now();
        let (path, payload) = (&self.zk.paths.master, self.config.me.encode());
        let claim =
            MultiOp::Set { path: self.zk.paths.backup_masters.clone(), data: Bytes::new(), version: None };
        match self.zk.create_with(path, &payload, CreateMode::Ephemeral, vec![claim]).await {
            Ok(()) => {
                let since = self.newest_proof(before).await;
                let session = Arc::clone(self.zk.zk.session());
                self.keeper = Some(LeaseKeeper::start(session, Arc::clone(&self.config.clock), since));
                Input::Created
            }
            Err(error) if error.is_node_exists() => Input::NotCreated,
            Err(error) => or_failed(error, Input::NotCreated),
        }
    }

    /// A create that was repeated may have begun long ago: too long for a lease that counts from then.
    async fn newest_proof(&self, before: Duration) -> Duration {
        let session = self.zk.zk.session();
        let now = self.config.clock.now();
        if now.saturating_sub(before) < LeaseTerms::of(session.timeout()).renew_every {
            return before;
        }
        let nothing = MultiOp::Check { path: "/".into(), version: None };
        if session.multi(&[nothing]).await.is_ok() { now } else { before }
    }

    async fn look(&mut self) -> Input {
        match self.master.read().await {
            Ok(znode) => Input::Seen(znode.as_ref().map(holder)),
            Err(error) => or_failed(error, Input::NotSeen),
        }
    }

    async fn remove(&mut self, czxid: Zxid) -> Input {
        tracing::info!(path = self.zk.paths.master, "removing the znode of a master that is no more");
        match self.try_remove(czxid).await {
            Ok(true) => Input::Removed,
            Ok(false) => Input::Changed,
            Err(error) if error.is_no_node() => Input::Removed,
            Err(error) => {
                tracing::warn!(%error, "waiting for it to expire");
                Input::NotRemoved
            }
        }
    }

    /// Deletes `master` if it is the one made by `czxid`; says whether it was.
    async fn try_remove(&self, czxid: Zxid) -> Result<bool, ZkError> {
        let (master, backups) = (&self.zk.paths.master, &self.zk.paths.backup_masters);
        // In this order: whoever made the znode after this look at the version has changed the version.
        let claims = self.zk.zk.exists(backups).await?.map(|stat| stat.version);
        let stat = self.zk.zk.exists(master).await?;
        let Some(stat) = stat.filter(|stat| stat.czxid == czxid) else { return Ok(false) };
        let ops = vec![
            MultiOp::Check { path: backups.clone(), version: claims },
            MultiOp::Delete { path: master.clone(), version: Some(stat.version) },
        ];
        match self.zk.zk.multi(ops).await {
            Err(error) if error.kind == ZkErrorKind::BadVersion => Ok(false),
            done => done.map(|()| true),
        }
    }

    /// Leaves this session for whoever finds the process gone. What an earlier master left there is of no use any more.
    async fn leave_session(&self) {
        let credentials = self.zk.zk.session().credentials().filter(|_| self.config.leave_session);
        let Some(credentials) = credentials else { return };
        let (server, address) = (self.config.me.server.clone(), self.config.address);
        let payload = MasterSession { server, credentials, address }.encode();
        let path = &self.zk.paths.master_session;
        let left = async {
            self.zk.delete_if_present(path).await?;
            self.zk.create(path, &payload, CreateMode::Ephemeral).await
        };
        if let Err(error) = left.await {
            tracing::warn!(%error, "if this process dies its session will be waited for");
        }
    }

    async fn end_session(&self, holder: &Holder) -> Input {
        match self.try_end_session(holder).await {
            Ok(true) => Input::Removed,
            Ok(false) => Input::NotRemoved,
            Err(error) => {
                tracing::warn!(%error, "waiting for the session to expire");
                Input::NotRemoved
            }
        }
    }

    /// Ends the session that made `master`, if what its owner left is of that session. Says whether it did.
    async fn try_end_session(&self, holder: &Holder) -> Result<bool, ZkError> {
        let Some(znode) = self.zk.get(&self.zk.paths.master_session).await? else { return Ok(false) };
        let left = match znode.decode::<MasterSession>() {
            Ok(left) => left,
            Err(error) => {
                tracing::warn!(?error, "a session that can't be read is waited for");
                return Ok(false);
            }
        };
        let owner = Some(left.credentials.id);
        if holder.owner != owner || znode.stat.ephemeral_owner != owner || !holder.is(&left.server) {
            return Ok(false);
        }
        tracing::warn!(master = %left.server, session = %left.credentials.id, "its process is gone, ending its session");
        self.zk.zk.session().end_other(&left.credentials).await?;
        Ok(true)
    }

    async fn resign(&self) -> Result<(), ZkError> {
        let path = &self.zk.paths.master;
        let Some(znode) = self.zk.get(path).await? else { return Ok(()) };
        if znode.stat.ephemeral_owner != Some(self.zk.zk.session().id()) {
            return Ok(());
        }
        self.zk.zk.delete(path, Some(znode.stat.version)).await
    }

    fn backup_path(&self) -> String {
        join(&self.zk.paths.backup_masters, self.config.me.server.as_str())
    }
}

fn holder(znode: &Znode) -> Holder {
    let unread = |error| tracing::warn!(?error, "an active master that can't be read");
    let master = znode.decode().map_err(unread).ok();
    Holder { master, owner: znode.stat.ephemeral_owner, czxid: znode.stat.czxid }
}

/// An outcome that isn't known is `input`: another look shows it. What is refused stays refused, and the end of the
/// session is told by an interrupt.
fn or_failed(error: ZkError, input: Input) -> Input {
    if error.kind.is_outcome_unknown() || error.kind.is_session_over() {
        tracing::warn!(%error, "election");
        return input;
    }
    Input::Failed(error)
}

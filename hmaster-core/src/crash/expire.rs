//! A server is gone: from then on it isn't listened to, and its recovery begins. Counterpart of
//! `ServerManager.expireServer` and `AssignmentManager.submitServerCrash`.

use hmaster_procedure::StateMachineProcedure;
use hmaster_types::{ProcId, ServerName};

use super::ServerCrash;
use crate::environment::MasterEnv;
use crate::message::{Event, Message};
use crate::servers::Expire;

impl MasterEnv {
    /// Declares a server dead and submits its recovery, unless that was done before. Returns the recovery, if one was
    /// submitted.
    ///
    /// The server is put on the list of the dead first: from then on its reports are refused, so that what the recovery
    /// finds out about its regions stays true.
    pub async fn expire_server(&self, server: &ServerName) -> Option<ProcId> {
        match self.servers.expire(server) {
            Expire::AlreadyDead => None,
            Expire::GoingDown { last } => {
                tracing::info!(%server, last, "left the cluster, which is going down");
                self.server_left(server).await;
                None
            }
            Expire::Recover => {
                let recovery = self.recover_server(server).await;
                self.server_left(server).await;
                recovery
            }
        }
    }

    /// Declares a server dead at an operator's word, whether it is known or not, and submits its recovery, unless one
    /// runs. Differs from Java in that a server whose recovery has ended is recovered again: regions may have come to
    /// refer to it since.
    pub async fn expire_by_order(&self, server: &ServerName) -> Option<ProcId> {
        if self.servers.is_recovering(server) || *server == self.identity.server {
            return None;
        }
        let expired = self.servers.expire(server);
        let recovery = match expired {
            Expire::GoingDown { .. } => None,
            Expire::Recover | Expire::AlreadyDead => {
                self.servers.recovering(server);
                let recovery = ServerCrash::by_order(server.clone(), self.regions.is_carrying_meta(server));
                self.submit_recovery(server, recovery).await
            }
        };
        self.server_left(server).await;
        recovery
    }

    /// Submits the recovery of a server that is on the list of the dead.
    pub(crate) async fn recover_server(&self, server: &ServerName) -> Option<ProcId> {
        let carrying_meta = self.regions.is_carrying_meta(server);
        self.submit_recovery(server, ServerCrash::procedure(server.clone(), carrying_meta)).await
    }

    async fn submit_recovery(
        &self,
        server: &ServerName,
        recovery: StateMachineProcedure<ServerCrash>,
    ) -> Option<ProcId> {
        let carrying_meta = recovery.machine().is_carrying_meta();
        tracing::warn!(%server, carrying_meta, "the region server is dead, recovering it");
        if carrying_meta {
            self.catalog.set_place(None);
            self.set_condition(Event::MetaAssigned, false);
        }
        let recovery = match self.submit(recovery).await {
            Ok(recovery) => recovery,
            Err(error) => {
                tracing::warn!(%server, %error, "the recovery is left to the next master");
                return None;
            }
        };
        // Now that the recovery is durable the list of servers with possibly unsplit WALs doesn't need it any more.
        if let Err(error) = self.store.remove_server(server).await {
            self.end_reign(error.to_string());
        }
        Some(recovery)
    }

    /// What goes with the server, however it left.
    async fn server_left(&self, server: &ServerName) {
        for procedure in self.dispatcher.server_gone(server) {
            let reason = format!("{server} died");
            // If the reign has ended, the next one dispatches anew.
            let _ = self.deliver(procedure, Message::NotDispatched { reason }).await;
        }
        if self.servers.assignable().is_empty() {
            self.set_condition(Event::ServerAssignable, false);
        }
        if let Err(error) = self.zookeeper.set_draining(server, false).await {
            tracing::warn!(%server, %error, "its mark as draining stays in ZooKeeper");
        }
    }

    /// A server came, or reported for the first time: who waits for servers goes on.
    pub(crate) fn server_joined(&self) {
        if !self.servers.assignable().is_empty() {
            self.set_condition(Event::ServerAssignable, true);
        }
        self.set_condition(Event::SplitWorkerFree, true);
    }
}

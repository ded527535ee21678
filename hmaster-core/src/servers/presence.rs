//! Region servers whose processes are gone are recovered at once, not when their sessions with ZooKeeper run out. No Java
//! counterpart.
//!
//! # What is certain, and why that is enough
//!
//! A region server listens before it registers and until it has closed its WALs. So when its host says that nobody
//! listens, its process is dead, or has closed its regions and is about to go; its znode follows sooner or later.
//!
//! Something between the two may say so in the host's stead: a firewall that rejects. Then the server lives and may even
//! have clients. What keeps their edits is the same as when a session ran out behind a partition: its WAL folder is
//! renamed and the WALs' leases are recovered before anything is split (danger 1), so no edit is acknowledged that
//! isn't split, and the server aborts with the next one, or when its next report is refused. Until then it may answer
//! reads with what was true when the recovery began, as such a server may, too.
//!
//! On a file system without leases, local disk, all servers are on the master's own host: what it says of its own ports
//! is so.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use hmaster_types::ServerName;

use crate::environment::MasterEnv;

impl MasterEnv {
    /// Watches the processes of all servers that are online, and expires those that are gone, for as long as the reign
    /// lasts.
    pub(crate) async fn watch_processes(self: Arc<Self>) {
        if !self.options.own.recover_refusing_servers {
            return;
        }
        let mut changes = self.servers.changes();
        let mut watched = BTreeSet::new();
        let mut gone: FuturesUnordered<BoxFuture<'static, ServerName>> = FuturesUnordered::new();
        loop {
            changes.mark_unchanged();
            let online: BTreeSet<ServerName> =
                self.servers.online().into_iter().map(|(server, _)| server).collect();
            gone.extend(online.difference(&watched).map(|server| self.clone().gone(server.clone()).boxed()));
            watched = online;
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return,
                Some(server) = gone.next() => self.expire_gone(&server).await,
                () = changes.changed() => {}
            }
        }
    }

    /// Ends when the server is gone, or isn't online any more.
    async fn gone(self: Arc<Self>, server: ServerName) -> ServerName {
        let mut changes = self.servers.changes();
        let left = async {
            while self.servers.is_online(&server) {
                changes.changed().await;
            }
        };
        tokio::select! {
            biased;
            () = left => {}
            () = self.region_servers.gone(&server) => {}
        }
        server
    }

    async fn expire_gone(&self, server: &ServerName) {
        if self.servers.is_online(server) {
            tracing::warn!(%server, "nobody listens at its port any more");
            self.expire_server(server).await;
        }
    }
}

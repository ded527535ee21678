//! A waiting master watches the process of the active one, so that its death is noticed at once. No Java counterpart: a
//! Java master waits until the session has run out.
//!
//! # What is certain, and what it rests on
//!
//! An active hmaster leaves where it listens, with its session. It listens before it takes part in the election, and until
//! its reign is over and its znode is gone. So when its host says that nobody listens there, its process is dead.
//!
//! A firewall that rejects may say so in the host's stead. Then the master lives, and ending its session deposes it: its
//! connection to ZooKeeper is closed with the session, and it stops when it notices, which is at once unless it is cut
//! off from ZooKeeper, too. Whatever it does until then, it can't persist any more: its successor has taken its log before
//! it reads anything, and its orders to region servers carry ids of procedures that were persisted before. Who has such a
//! firewall between masters can switch this off (`hmaster.failover.on.refused.connection`).

use std::time::Duration;

use hmaster_types::ServerName;
use hmaster_zk::tracker::NodeTracker;
use hmaster_zk::{Elector, MasterSession, ZkWatcher};

use super::view::or_pause;
use crate::adapters::presence::{self, Place};

/// Pause between attempts to end one session.
const PAUSE: Duration = Duration::from_secs(1);

/// Tells the elector when the active master's process is gone. Doesn't end.
pub(super) async fn watch_active(zk: &ZkWatcher, elector: &Elector, me: &ServerName) {
    let mut left = NodeTracker::new(zk.clone(), zk.paths.master_session.clone());
    let mut session: Option<MasterSession> = None;
    loop {
        let gone = until_gone(session.as_ref());
        tokio::select! {
            biased;
            next = or_pause("the active master's session", left.next()) => {
                let Some(znode) = next else { continue };
                session = znode.and_then(|znode| znode.decode().ok());
                session = session.filter(|session: &MasterSession| session.server != *me);
            }
            gone = gone => {
                tracing::warn!(master = %gone, "nobody listens where the active master did");
                elector.process_gone(gone);
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn until_gone(session: Option<&MasterSession>) -> ServerName {
    let Some(session) = session else { return std::future::pending().await };
    let by_name = || Place::Host(session.server.host().to_owned(), session.server.port());
    let place = session.address.map_or_else(by_name, Place::Address);
    presence::until_refused(&place).await;
    session.server.clone()
}

//! The lists behind [`super::ServerManager`], without lock, clock or limits.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use hmaster_types::{JavaException, ServerName, class};

use super::{Registered, ServerVersion};
use crate::ports::zookeeper::RegionServerNode;

/// A server that is online.
#[derive(Debug, Clone)]
pub struct Online {
    /// Its version.
    pub version: ServerVersion,
    /// The last `ServerLoad` as it came, kept whole because clients get it whole; empty before the first report.
    pub load: Bytes,
    /// When it reported last, in milliseconds of the master's clock; 0 before the first report.
    pub last_report_ms: u64,
    /// Whether it can be given regions: its znode was seen, it reported, or was found running. Its first report comes a
    /// report interval after its znode, three seconds by default, which nobody has to wait for.
    pub is_assignable: bool,
    /// Whether its znode was seen. One that starts makes it a moment after it registered.
    pub has_znode: bool,
}

/// A server that is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dead {
    /// When the master found out, in milliseconds of its clock.
    pub since_ms: u64,
    /// Its WALs are being split and its regions assigned.
    pub is_recovering: bool,
}

/// What a look at the znodes of region servers has changed.
#[derive(Debug, Default)]
pub struct ZnodeChanges {
    /// Servers whose znodes were seen before and are gone: they are to be expired.
    pub gone: Vec<ServerName>,
    /// Some server can be given regions that couldn't before.
    pub joined: bool,
}

/// What the master knows of a server's life. Counterpart of `ServerLiveState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// Online.
    Live,
    /// Died, or was replaced by a later life.
    Dead,
    /// Never heard of.
    Unknown,
}

#[derive(Debug, Default)]
pub(super) struct Registry {
    online: BTreeMap<ServerName, Online>,
    dead: BTreeMap<ServerName, Dead>,
    draining: BTreeSet<ServerName>,
    going_down: bool,
}

impl Online {
    pub(super) fn starting(version: ServerVersion) -> Self {
        Self { version, load: Bytes::new(), last_report_ms: 0, is_assignable: false, has_znode: false }
    }

    /// True when this made the server assignable.
    pub(super) fn reported(&mut self, load: Bytes, now_ms: u64) -> bool {
        self.load = load;
        self.last_report_ms = now_ms;
        !std::mem::replace(&mut self.is_assignable, true)
    }
}

impl Registry {
    pub(super) fn online(&self) -> impl Iterator<Item = (&ServerName, &Online)> {
        self.online.iter()
    }

    pub(super) fn online_mut(&mut self, server: &ServerName) -> Option<&mut Online> {
        self.online.get_mut(server)
    }

    pub(super) fn at_address_of(&self, server: &ServerName) -> Option<&ServerName> {
        // Few servers share a host, and start codes sort last: a range scan would be no simpler than this.
        self.online.keys().find(|online| online.same_address(server))
    }

    /// Refuses a server that is being recovered. Its earlier lives at this address go off the list of the dead.
    pub(super) fn check_not_dead(
        &mut self,
        server: &ServerName,
        what: &str,
        initialized: bool,
    ) -> Result<(), JavaException> {
        if self.is_dead(server) {
            let message = format!("Server {what} rejected; currently processing {server} as dead server");
            return Err(JavaException::new(class::YOU_ARE_DEAD, message));
        }
        if initialized {
            self.dead.retain(|dead, state| state.is_recovering || !dead.same_address(server));
        }
        Ok(())
    }

    pub(super) fn register(&mut self, server: &ServerName, new: Online) -> Result<Registered, JavaException> {
        let existing = self.at_address_of(server).cloned();
        if existing.as_ref().is_some_and(|existing| existing.start_code() > server.start_code()) {
            let message = format!(
                "Report received from {server}, but another server with the same name and higher startcode is already \
                 registered, ignoring"
            );
            return Err(JavaException::new(class::YOU_ARE_DEAD, message));
        }
        let is_new = self.online.insert(server.clone(), new).is_none();
        Ok(Registered {
            is_new,
            stale: existing.filter(|existing| existing != server),
            skew_ms: None,
            aliases: self.aliases_of(server),
        })
    }

    /// A process has one port and one start code, so two names that share both and differ in the host are one server that
    /// is resolved in two ways, or a rare coincidence: worth a word, not an action.
    fn aliases_of(&self, server: &ServerName) -> Vec<ServerName> {
        let same_process = |other: &&ServerName| {
            other.port() == server.port() && other.start_code() == server.start_code() && *other != server
        };
        self.online.keys().filter(same_process).cloned().collect()
    }

    /// True when the server was online.
    pub(super) fn kill(&mut self, server: &ServerName, now_ms: u64) -> bool {
        let was_online = self.online.remove(server).is_some();
        self.draining.remove(server);
        self.recovering(server, now_ms);
        was_online
    }

    pub(super) fn recovering(&mut self, server: &ServerName, now_ms: u64) {
        self.online.remove(server);
        let dead = self.dead.entry(server.clone()).or_insert(Dead { since_ms: now_ms, is_recovering: true });
        dead.is_recovering = true;
    }

    pub(super) fn recovered(&mut self, server: &ServerName) {
        let returned = self.at_address_of(server).is_some();
        if let Some(dead) = self.dead.get_mut(server) {
            dead.is_recovering = false;
        }
        if returned {
            self.dead.remove(server);
        }
    }

    pub(super) fn clear_dead(&mut self, servers: &[ServerName]) -> Vec<ServerName> {
        let (busy, done): (Vec<_>, Vec<_>) =
            servers.iter().partition(|server| self.dead.get(*server).is_none_or(|dead| dead.is_recovering));
        for server in done {
            self.dead.remove(server);
        }
        busy.into_iter().cloned().collect()
    }

    pub(super) fn is_dead(&self, server: &ServerName) -> bool {
        self.dead.contains_key(server)
    }

    pub(super) fn dead(&self) -> Vec<(ServerName, Dead)> {
        self.dead.iter().map(|(server, dead)| (server.clone(), *dead)).collect()
    }

    pub(super) fn liveness(&self, server: &ServerName) -> Liveness {
        if self.online.contains_key(server) {
            return Liveness::Live;
        }
        let replaced = self.at_address_of(server).is_some_and(|life| life.start_code() > server.start_code());
        if replaced || self.is_dead(server) { Liveness::Dead } else { Liveness::Unknown }
    }

    /// Takes in that `nodes` are there.
    pub(super) fn znodes(&mut self, nodes: &[RegionServerNode]) -> ZnodeChanges {
        let there: BTreeSet<_> = nodes.iter().map(|node| &node.server).collect();
        let mut changes = ZnodeChanges::default();
        for (server, online) in &mut self.online {
            if there.contains(server) {
                online.has_znode = true;
                changes.joined |= !std::mem::replace(&mut online.is_assignable, true);
            } else if online.has_znode {
                changes.gone.push(server.clone());
            }
        }
        changes
    }

    /// True when that changed anything.
    pub(super) fn set_draining(&mut self, draining: BTreeSet<ServerName>) -> bool {
        let changed = self.draining != draining;
        self.draining = draining;
        changed
    }

    pub(super) fn assignable(&self) -> Vec<ServerName> {
        let may = |(server, online): &(&ServerName, &Online)| {
            online.is_assignable && !self.draining.contains(*server)
        };
        self.online.iter().filter(may).map(|(server, _)| server.clone()).collect()
    }

    pub(super) fn drain(&mut self, server: &ServerName) {
        self.draining.insert(server.clone());
    }

    pub(super) fn undrain(&mut self, server: &ServerName) {
        self.draining.remove(server);
    }

    pub(super) fn draining(&self) -> Vec<ServerName> {
        self.draining.iter().cloned().collect()
    }

    pub(super) fn is_draining_host(&self, host: &str) -> bool {
        self.draining.iter().any(|server| server.host().eq_ignore_ascii_case(host))
    }

    pub(super) fn go_down(&mut self) {
        self.going_down = true;
    }

    pub(super) fn is_going_down(&self) -> bool {
        self.going_down
    }
}

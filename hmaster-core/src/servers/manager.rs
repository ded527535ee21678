//! Which region servers are online, dead or draining. Counterpart of `ServerManager` and `DeadServer`.
//!
//! Decides only: a method that finds a server to be dead says so, and the caller submits the recovery. A server is
//! told that it is dead only when it is certain, because it aborts on that word: when a recovery for exactly this
//! start code was submitted, or a newer start code has its address (protocol.md, danger 18).

mod registry;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use hmaster_protocol::pb;
use hmaster_types::{Clock, JavaException, ServerName, class};
use parking_lot::Mutex;

use crate::changes::{ChangeWatch, Changes};
use crate::ports::zookeeper::RegionServerNode;
use registry::Registry;

pub use registry::{Dead, Liveness, Online, ZnodeChanges};

/// What a region server says when it starts.
#[derive(Debug, Clone)]
pub struct StartUp {
    /// Its name, with the host that the master sees.
    pub server: ServerName,
    /// Its clock, in milliseconds since 1970.
    pub clock_ms: u64,
    /// Its version, from the connection's header.
    pub version: ServerVersion,
    /// Whether hosts of decommissioned servers are refused at the moment: `hbase.master.reject.decommissioned.hosts`.
    pub refuse_decommissioned: bool,
}

/// The version of a region server's software.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerVersion {
    /// As text, such as `2.6.4`; empty when unknown.
    pub text: String,
    /// As Java packs it: major, minor and patch in 8, 12 and 12 bits; 0 when unknown.
    pub number: u32,
}

/// Bounds for clocks.
#[derive(Debug, Clone)]
pub struct ServerLimits {
    /// `hbase.master.maxclockskew`: a server whose clock is further off is rejected.
    pub clock_skew_ms_max: u64,
    /// `hbase.master.warningclockskew`: a server whose clock is further off is mentioned.
    pub clock_skew_ms_warn: u64,
}

impl ServerVersion {
    /// From what a server says of itself.
    pub fn of(info: &pb::VersionInfo) -> Self {
        let mut parts = info.version.split(['.', '-']).map(|part| part.parse::<u32>().unwrap_or(0));
        let mut next = || parts.next().unwrap_or(0);
        let (major, minor, patch) = (next(), next(), next());
        let (major, minor) = (info.version_major.unwrap_or(major), info.version_minor.unwrap_or(minor));
        // Whatever it says, it stays a number: each part has the room that Java gives it.
        let number = (major & 0xfff) << 20 | (minor & 0xff) << 12 | (patch & 0xfff);
        Self { text: info.version.clone(), number }
    }
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self { clock_skew_ms_max: 30_000, clock_skew_ms_warn: 10_000 }
    }
}

/// What taking in a server has shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registered {
    /// The server wasn't known before.
    pub is_new: bool,
    /// An earlier life at the same address, to be expired.
    pub stale: Option<ServerName>,
    /// Clock difference in milliseconds, when it is worth a warning.
    pub skew_ms: Option<u64>,
    /// Other names under which what seems to be the same process is online: same port and start code, another host.
    pub aliases: Vec<ServerName>,
}

/// What becomes of a server that is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expire {
    /// A recovery must be submitted.
    Recover,
    /// It is being recovered already.
    AlreadyDead,
    /// The cluster is going down; servers that leave are not recovered.
    GoingDown {
        /// No server is left.
        last: bool,
    },
}

/// The region servers.
#[derive(Debug)]
pub struct ServerManager {
    clock: Arc<dyn Clock>,
    limits: ServerLimits,
    registry: Mutex<Registry>,
    /// Counts changes of who is online, and first reports.
    changes: Changes,
}

impl ServerManager {
    /// Nobody is online yet.
    pub fn new(clock: Arc<dyn Clock>, limits: ServerLimits) -> Self {
        Self { clock, limits, registry: Mutex::default(), changes: Changes::default() }
    }

    /// Takes in a server that starts. The caller expires [`Registered::stale`] and makes the name durable before it
    /// answers.
    ///
    /// # Errors
    /// `ClockOutOfSyncException`, `YouAreDeadException` or `DecommissionedHostRejectedException`; the server then aborts.
    pub fn start_up(&self, start: &StartUp, initialized: bool) -> Result<Registered, JavaException> {
        let skew_ms = self.check_skew(start)?;
        let mut registry = self.registry.lock();
        if start.refuse_decommissioned && registry.is_draining_host(start.server.host()) {
            return Err(JavaException::new(
                class::DECOMMISSIONED_HOST_REJECTED,
                format!(
                    "Host {} exists in the list of decommissioned servers and Master is configured to reject \
                     decommissioned hosts",
                    start.server.host()
                ),
            ));
        }
        registry.check_not_dead(&start.server, "STARTUP", initialized)?;
        let mut registered = registry.register(&start.server, Online::starting(start.version.clone()))?;
        drop(registry);
        registered.skew_ms = skew_ms;
        self.changed();
        Ok(registered)
    }

    /// Takes in a server's report; one that isn't known is let in, as after a change of masters.
    ///
    /// # Errors
    /// `YouAreDeadException` when it is certain that the server is dead; it then aborts.
    pub fn report(
        &self,
        server: &ServerName,
        load: Bytes,
        version: ServerVersion,
        initialized: bool,
    ) -> Result<Registered, JavaException> {
        let now_ms = self.clock.now_ms();
        let mut registry = self.registry.lock();
        registry.check_not_dead(server, "REPORT", initialized)?;
        if let Some(online) = registry.online_mut(server) {
            let first = online.reported(load, now_ms);
            drop(registry);
            if first {
                self.changed();
            }
            return Ok(Registered::default());
        }
        let mut joined = Online::starting(version);
        joined.reported(load, now_ms);
        // A server makes its znode before its first report: if there is none now, its session is over.
        joined.has_znode = true;
        let registered = registry.register(server, joined)?;
        drop(registry);
        self.changed();
        Ok(registered)
    }

    /// Takes in a server whose znode was found when this master became active: it runs, whatever it last reported.
    pub fn found(&self, server: &ServerName, version: ServerVersion) {
        let mut online = Online::starting(version);
        online.is_assignable = true;
        online.has_znode = true;
        // Two lives with znodes at one address can only be an old session on its way out: the newer one stays.
        if self.registry.lock().register(server, online).is_ok() {
            self.changed();
        }
    }

    /// A server is gone: its znode disappeared, or it doesn't answer any more. The caller submits the recovery.
    pub fn expire(&self, server: &ServerName) -> Expire {
        let now_ms = self.clock.now_ms();
        let mut registry = self.registry.lock();
        if registry.is_dead(server) {
            return Expire::AlreadyDead;
        }
        let was_online = registry.kill(server, now_ms);
        let decision = match registry.is_going_down() {
            true => Expire::GoingDown { last: registry.online().next().is_none() },
            false => Expire::Recover,
        };
        drop(registry);
        if was_online {
            self.changed();
        }
        decision
    }

    /// Takes in which servers have znodes. A server that has registered and whose znode nobody has seen yet isn't gone.
    pub fn znodes(&self, nodes: &[RegionServerNode]) -> ZnodeChanges {
        let changes = self.registry.lock().znodes(nodes);
        if changes.joined {
            self.changed();
        }
        changes
    }

    /// Takes in which servers are marked as draining.
    pub fn set_draining(&self, draining: impl IntoIterator<Item = ServerName>) {
        if self.registry.lock().set_draining(draining.into_iter().collect()) {
            self.changed();
        }
    }

    /// A recovery for this server was read from the store, or is about to be submitted.
    pub fn recovering(&self, server: &ServerName) {
        let now_ms = self.clock.now_ms();
        self.registry.lock().recovering(server, now_ms);
    }

    /// The server's recovery is complete. It stays on the list of dead servers for show.
    pub fn recovered(&self, server: &ServerName) {
        self.registry.lock().recovered(server);
        self.changed();
    }

    /// Takes dead servers off the list, except those whose recovery runs; returns these.
    pub fn clear_dead(&self, servers: &[ServerName]) -> Vec<ServerName> {
        self.registry.lock().clear_dead(servers)
    }

    /// Puts a server on the list of those that get no regions.
    pub fn drain(&self, server: &ServerName) {
        self.registry.lock().drain(server);
        self.changed();
    }

    /// Lets a server have regions again.
    pub fn undrain(&self, server: &ServerName) {
        self.registry.lock().undrain(server);
        self.changed();
    }

    /// From now on servers that leave aren't recovered.
    pub fn go_down(&self) {
        self.registry.lock().go_down();
        self.changed();
    }

    fn check_skew(&self, start: &StartUp) -> Result<Option<u64>, JavaException> {
        let skew = self.clock.now_ms().abs_diff(start.clock_ms);
        if skew > self.limits.clock_skew_ms_max {
            return Err(JavaException::new(
                class::CLOCK_OUT_OF_SYNC,
                format!(
                    "Server {} has been rejected; Reported time is too far out of sync with master.  Time difference \
                     of {skew}ms > max allowed of {}ms",
                    start.server, self.limits.clock_skew_ms_max
                ),
            ));
        }
        Ok((skew > self.limits.clock_skew_ms_warn).then_some(skew))
    }

    fn changed(&self) {
        self.changes.announce();
    }
}

/// Questions.
impl ServerManager {
    /// Wakes whenever a server comes, goes, reports for the first time, or is drained.
    pub fn changes(&self) -> ChangeWatch {
        self.changes.subscribe()
    }

    /// The servers online, with what they reported last.
    pub fn online(&self) -> Vec<(ServerName, Online)> {
        self.registry.lock().online().map(|(server, online)| (server.clone(), online.clone())).collect()
    }

    /// How many servers are online.
    pub fn online_count(&self) -> usize {
        self.registry.lock().online().count()
    }

    /// True for a server that is online under exactly this name.
    pub fn is_online(&self, server: &ServerName) -> bool {
        self.registry.lock().liveness(server) == Liveness::Live
    }

    /// Online, dead, or never heard of.
    pub fn liveness(&self, server: &ServerName) -> Liveness {
        self.registry.lock().liveness(server)
    }

    /// The life that is online at the address of `server`.
    pub fn at_address_of(&self, server: &ServerName) -> Option<ServerName> {
        self.registry.lock().at_address_of(server).cloned()
    }

    /// The servers that may be given regions: they have reported, and aren't draining.
    pub fn assignable(&self) -> Vec<ServerName> {
        self.registry.lock().assignable()
    }

    /// The dead servers, with when they died and whether their recovery runs.
    pub fn dead(&self) -> Vec<(ServerName, Dead)> {
        self.registry.lock().dead()
    }

    /// True while this server's recovery runs.
    pub fn is_recovering(&self, server: &ServerName) -> bool {
        self.registry.lock().dead().iter().any(|(dead, state)| dead == server && state.is_recovering)
    }

    /// True while some server's recovery runs.
    pub fn is_recovering_any(&self) -> bool {
        self.registry.lock().dead().iter().any(|(_, dead)| dead.is_recovering)
    }

    /// The servers that get no regions.
    pub fn draining(&self) -> Vec<ServerName> {
        self.registry.lock().draining()
    }

    /// True once [`ServerManager::go_down`] was called.
    pub fn is_going_down(&self) -> bool {
        self.registry.lock().is_going_down()
    }
}

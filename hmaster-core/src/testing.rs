//! A whole cluster in memory, around real masters: region servers, the root folder, ZooKeeper and the master's own store,
//! with everything that can go wrong between and within them.
//!
//! Only the master is real: [`crate::startup`], services and procedures run as in a process of their own, over ports that
//! lead into a [`World`]. What a master makes durable stays when it dies; the next one starts from there. Region servers
//! are imitated closely where the master depends on them: what is silent in Java is silent here, what is reported before
//! it is so is reported before it is so (protocol.md §4.1).
//!
//! A world runs on tokio's paused time and one thread. Everything that could happen this way or that is drawn from one
//! seed, so one seed is one run:
//!
//! ```
//! # use hmaster_core::testing::{World, WorldConfig, run};
//! run(async {
//!     let world = World::start(WorldConfig::default()).await;
//!     assert!(world.env().conditions.is_initialized());
//! });
//! ```
//!
//! - [`Faults`] says what goes wrong: requests and replies that are lost, late or come twice, file operations that fail
//!   before or after they were done, a store that fails.
//! - [`World::kill_master`], [`World::crash_server`], [`World::pause_server`], [`World::pause_master`] end or hold up
//!   processes; [`World::depose`] makes room for another master while the old one still runs.
//! - [`World::crash_after`] kills the master after its n-th change to anything that outlives it.
//! - [`Snapshot`] is what can be compared between runs.
//! - `invariants/` holds what must hold in every run.

mod clients;
mod clock;
mod faults;
mod gate;
mod invariants;
mod link;
mod master;
mod network;
mod root;
mod rows;
mod server;
mod snapshot;
mod state;

use std::sync::Arc;
use std::time::Duration;

use hmaster_config::Options;
use hmaster_types::{Chance, Clock, ProcId, ServerName, StartCode};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::changes::{ChangeWatch, Changes};
use crate::environment::MasterEnv;

pub use crate::environment::Bug;
pub use clients::table_schema;
pub use clock::WorldClock;
pub use faults::{Call, CallFault, Faults};
pub use invariants::Truth;
pub use master::MasterProcess;
pub use root::{FileName, RegionFolder, Root, StoreFile, TableFolder, Wal};
pub use snapshot::Snapshot;
pub use state::{State, Store, Znodes};

use server::Server;

/// How a world is made.
#[derive(Debug, Clone)]
pub struct WorldConfig {
    /// What decides everything that could happen otherwise.
    pub seed: u64,
    /// Region servers at the beginning.
    pub servers: usize,
    /// Settings of masters.
    pub options: Options,
    /// What goes wrong from the beginning.
    pub faults: Faults,
}

impl Default for WorldConfig {
    fn default() -> Self {
        Self { seed: 1, servers: 3, options: Options::default(), faults: Faults::default() }
    }
}

/// A cluster in memory. Clones are handles to the same one.
#[derive(Clone)]
pub struct World(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    chance: Chance,
    beginning: Instant,
    options: Mutex<Options>,
    znodes: Changes,
}

/// Steps at which [`World::until`] looks.
const LOOK: Duration = Duration::from_millis(20);
/// The longest that a deposed master goes on before it notices.
const NOTICE_MS_MAX: u64 = 300;
/// The longest that anything may take, in the world's time.
const PATIENCE: Duration = Duration::from_secs(1800);

/// Runs a test on paused time and one thread.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O can be made").block_on(test)
}

/// Making, and time.
impl World {
    /// A world in which nobody runs yet.
    pub fn new(config: WorldConfig) -> Self {
        let state = State { faults: config.faults, ..State::default() };
        Self(Arc::new(Shared {
            state: Mutex::new(state),
            chance: Chance::seeded(config.seed),
            beginning: Instant::now(),
            options: Mutex::new(config.options),
            znodes: Changes::default(),
        }))
    }

    /// A world with a master that serves clients.
    pub async fn start(config: WorldConfig) -> Self {
        let servers = config.servers;
        let world = Self::new(config);
        world.start_master();
        for number in 0..servers {
            world.start_server(number);
        }
        world.until_initialized().await;
        let all_reported = |world: &Self| world.env().servers.assignable().len() == servers;
        world.until("all servers have reported", all_reported).await;
        world
    }

    /// Looks at, or changes, the world.
    pub fn with<R>(&self, look: impl FnOnce(&mut State) -> R) -> R {
        look(&mut self.0.state.lock())
    }

    /// What decides.
    pub fn chance(&self) -> &Chance {
        &self.0.chance
    }

    /// The right time, in milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        self.new_clock().now_ms()
    }

    fn new_clock(&self) -> WorldClock {
        WorldClock::new(self.0.beginning)
    }

    fn options(&self) -> Options {
        self.0.options.lock().clone()
    }

    /// Writes other settings for masters: for those that start from now on, and for one that is told to read them again.
    pub fn write_options(&self, options: Options) {
        *self.0.options.lock() = options;
    }

    /// Time that anything takes.
    async fn latency(&self) {
        let max = self.with(|state| state.faults.latency_ms_max);
        if max == 0 {
            return tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_micros(self.chance().bits() % (max * 1000))).await;
    }

    /// Waits until something is so.
    ///
    /// # Panics
    /// When it takes longer than anything may.
    pub async fn until(&self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        let began = Instant::now();
        while !is_so(self) {
            assert!(began.elapsed() < PATIENCE, "{what}: it doesn't come to that\n{}", self.describe());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What is going on, for whoever looks for the reason of a failure.
    pub fn describe(&self) -> String {
        let mut text = String::new();
        if let Some(env) = self.active_master().and_then(|master| master.env().ok()) {
            let conditions = &env.conditions;
            let stages: Vec<_> = env.progress.stages().iter().map(|stage| stage.name).collect();
            text += &format!(
                "master {}: started {}, meta assigned {}, meta loaded {}, initialized {}; stages {stages:?}\n",
                env.identity.server,
                conditions.is_services_started(),
                conditions.is_meta_assigned(),
                conditions.is_meta_loaded(),
                conditions.is_initialized()
            );
            text += &format!(
                "online: {:?}\n",
                env.servers.online().into_iter().map(|(server, _)| server).collect::<Vec<_>>()
            );
            text += &format!("dead: {:?}\n", env.servers.dead());
            for view in env.executor().into_iter().flat_map(|executor| executor.views()) {
                text += &format!(
                    "  {} {} {} {:?} {:?}, waits {}\n",
                    view.place.id,
                    view.place.parent.map(|id| format!("of {id}")).unwrap_or_default(),
                    view.details,
                    view.state_name,
                    view.record.state(),
                    view.waiting
                );
            }
            env.regions.for_each(|node| text += &format!("  {} {node} {:?}\n", node.info(), node.owner()));
        } else {
            text += "no active master\n";
        }
        self.with(|state| {
            for server in state.servers.values() {
                let regions: Vec<_> =
                    server.regions.values().map(|region| (&region.info, region.is_online)).collect();
                text += &format!("  {} up: {}, {regions:?}\n", server.name, server.is_up);
            }
            text += &format!("  znodes: {:?}\n", state.znodes.region_servers);
            text += &format!("  WALs: {:?}\n", state.root.wals.keys().collect::<Vec<_>>());
            text += &format!("  aborts: {:?}\n", state.truth.aborts);
        });
        text
    }
}

/// Processes.
impl World {
    /// Starts a region server; those of one number follow each other at one address.
    pub fn start_server(&self, number: usize) -> ServerName {
        let name = ServerName::new(&format!("server{number}"), 16020, StartCode(self.start_code()));
        let name = name.expect("a host without blanks or commas");
        self.with(|state| state.servers.insert(name.clone(), Server::new(name.clone())));
        let life = self.with(|state| state.server_mut(&name).life.clone());
        let (world, server) = (self.clone(), name.clone());
        tokio::spawn(async move {
            tokio::select! {
                biased;
                () = life.cancelled() => {}
                () = world.live(server) => {}
            }
        });
        name
    }

    /// Rises from one process to the next, as time does.
    fn start_code(&self) -> u64 {
        self.with(|state| {
            state.masters += 1;
            state.masters + self.now_ms()
        })
    }

    fn is_up(&self, server: &ServerName) -> bool {
        self.with(|state| state.servers.get(server).is_some_and(|server| server.is_up))
    }

    /// Starts a master that is elected at once.
    pub fn start_master(&self) -> Arc<MasterProcess> {
        let master = MasterProcess::new(self, self.start_code());
        self.with(|state| state.active = Some(master.clone()));
        tokio::spawn(master.clone().run(self.clone()));
        master
    }

    /// The active master dies at once.
    pub fn kill_master(&self) {
        if let Some(master) = self.with(|state| state.active.take()) {
            master.kill();
        }
    }

    /// Holds a master up, or lets it go on. Until its session ends it stays the active one.
    pub fn pause_master(&self, master: &MasterProcess, paused: bool) {
        master.gate().set_closed(paused);
    }

    /// A master's session ends, and another may become active. The process goes on, with whatever it was about to do,
    /// until it notices: a while after [`World::wake_deposed`].
    pub fn depose(&self, master: &Arc<MasterProcess>) {
        master.link().end_session();
        self.ended(master);
    }

    /// Lets a deposed master go on that was held up. Soon it notices, and dies.
    pub async fn wake_deposed(&self, master: &MasterProcess) {
        master.gate().set_closed(false);
        self.pass(self.chance().bits() % NOTICE_MS_MAX).await;
        master.kill();
    }

    /// The active master, if there is one.
    pub fn active_master(&self) -> Option<Arc<MasterProcess>> {
        self.with(|state| state.active.clone())
    }

    fn ended(&self, master: &Arc<MasterProcess>) {
        self.with(|state| {
            if state.active.as_ref().is_some_and(|active| Arc::ptr_eq(active, master)) {
                state.active = None;
            }
        });
    }

    /// The active master, which has opened its store.
    ///
    /// # Panics
    /// When there is none.
    pub fn env(&self) -> Arc<MasterEnv> {
        let master = self.active_master().expect("a master is active");
        master.env().expect("the master has opened its store")
    }

    /// Waits until the active master serves clients.
    pub async fn until_initialized(&self) {
        let is_initialized = |world: &Self| match world.active_master() {
            Some(master) => master.env().is_ok_and(|env| env.conditions.is_initialized()),
            None => false,
        };
        self.until("initialized", is_initialized).await;
    }

    /// Waits until no procedure is left.
    pub async fn until_idle(&self) {
        let is_idle = |world: &Self| {
            let env = world.active_master().and_then(|master| master.env().ok());
            env.and_then(|env| env.executor()).is_some_and(|executor| executor.is_empty())
        };
        self.until("no procedure is left", is_idle).await;
    }

    /// Whoever watches ZooKeeper sees what has changed there by now.
    pub fn show_znodes(&self) {
        self.znodes_changed();
    }

    fn znodes_changed(&self) {
        self.0.znodes.announce();
    }

    fn znode_changes(&self) -> ChangeWatch {
        self.0.znodes.subscribe()
    }
}

/// Deaths at a certain point.
impl World {
    /// The active master dies right after its n-th change from now on of anything that outlives it.
    pub fn crash_after(&self, changes: usize) {
        self.with(|state| {
            state.effects.until_crash = Some(changes);
            state.effects.log.clear();
        });
    }

    /// A procedure is asked to give up right after the active master's n-th change from now on. After so many more the
    /// master dies.
    pub fn abort_after(&self, changes: usize, procedure: ProcId, then: usize) {
        self.crash_after(changes);
        self.with(|state| {
            state.effects.abort = Some((procedure, then));
            state.effects.has_aborted = false;
        });
    }

    /// True once the procedure of [`World::abort_after`] was asked.
    pub fn has_aborted(&self) -> bool {
        self.with(|state| state.effects.has_aborted)
    }

    /// True once the master has died of [`World::crash_after`].
    pub fn has_crashed(&self) -> bool {
        self.with(|state| state.effects.until_crash.is_none())
    }

    /// The master doesn't die any more; what it has changed since [`World::crash_after`].
    pub fn changes(&self) -> Vec<String> {
        self.with(|state| {
            state.effects.until_crash = None;
            std::mem::take(&mut state.effects.log)
        })
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("World")
    }
}

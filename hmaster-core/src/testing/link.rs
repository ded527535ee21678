//! Core's ports as a master's process has them in a world. When the process is dead, nothing that it does has any effect.

mod files;
mod old_files;
mod procedures;
mod servers;
pub(super) mod snapshots;
mod store;
mod zookeeper;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use hmaster_types::ProcId;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::World;
use super::gate::Gate;
use super::state::State;
use procedures::Waiting;

/// The way of one master's process to the world.
#[derive(Debug)]
pub(super) struct MasterLink {
    world: World,
    me: Weak<Self>,
    /// Tells masters apart.
    number: u64,
    dead: AtomicBool,
    /// Closed while the process is held up.
    pub(super) gate: Gate,
    /// Somebody else may be active.
    session_over: AtomicBool,
    /// The process ends with this.
    pub(super) life: CancellationToken,
    /// Batches of procedures that aren't durable yet.
    waiting: Mutex<Waiting>,
}

impl MasterLink {
    pub(super) fn new(world: World, number: u64) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            world,
            me: me.clone(),
            number,
            dead: AtomicBool::new(false),
            gate: Gate::default(),
            session_over: AtomicBool::new(false),
            life: CancellationToken::new(),
            waiting: Mutex::default(),
        })
    }

    pub(super) fn kill(&self) {
        self.dead.store(true, Ordering::SeqCst);
        self.life.cancel();
    }

    fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    /// The process's session with ZooKeeper has ended, whether it knows it or not.
    pub(super) fn end_session(&self) {
        self.session_over.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_session_over(&self) -> bool {
        self.session_over.load(Ordering::SeqCst)
    }

    /// Whoever opens the store takes it from everybody before.
    pub(super) fn take_store(&self, state: &mut State) {
        state.store.owner = self.number;
    }

    /// A process that is held up does nothing for now, a dead one nothing any more.
    async fn alive(&self) {
        self.gate.passed().await;
        self.not_dead().await;
    }

    /// What is on its way arrives even if the process is held up meanwhile.
    async fn not_dead(&self) {
        if self.is_dead() {
            std::future::pending::<()>().await;
        }
    }

    /// Looks at something, which takes a while.
    async fn read<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        self.alive().await;
        self.world.latency().await;
        let seen = self.world.with(look);
        self.alive().await;
        seen
    }

    /// Changes something that outlives the process. The process may die of it.
    async fn write<T>(&self, what: impl FnOnce() -> String, change: impl FnOnce(&mut State) -> T) -> T {
        self.alive().await;
        self.world.latency().await;
        self.not_dead().await;
        let changed = self.world.with(|state| {
            let changed = change(state);
            self.effect(state, what);
            changed
        });
        self.alive().await;
        changed
    }

    /// Asks a procedure to give up, as soon as whoever is at work lets go of the executor.
    fn abort(&self, procedure: ProcId) {
        let world = self.world.clone();
        tokio::spawn(async move {
            let env = world.active_master().and_then(|master| master.env().ok());
            if let Some(executor) = env.and_then(|env| env.executor()) {
                // One that doesn't heed it goes on to its end.
                let _ = executor.abort(procedure, true).await;
            }
        });
    }

    /// Counts a change that outlives the process; it dies if that was the one.
    fn effect(&self, state: &mut State, what: impl FnOnce() -> String) {
        let effects = &mut state.effects;
        let Some(left) = effects.until_crash.as_mut() else { return };
        effects.log.push(what());
        *left = left.saturating_sub(1);
        if *left == 0 {
            effects.until_crash = None;
            match effects.abort.take() {
                Some((procedure, then)) => {
                    effects.has_aborted = true;
                    effects.until_crash = Some(then);
                    self.abort(procedure);
                }
                None => self.kill(),
            }
        }
    }
}

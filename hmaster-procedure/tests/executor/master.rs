//! A master of the tests: an executor, its store and its world.

use std::sync::Arc;

use hmaster_procedure::{
    EngineConfig, LoadPlan, MemoryStore, Outcome, ProcedureExecutor, ProcedureStore as _,
};
use hmaster_types::{ManualClock, ProcId};

use crate::script::{Script, registry};
use crate::world::World;

pub(crate) struct Master {
    pub(crate) world: Arc<World>,
    pub(crate) store: MemoryStore,
    pub(crate) executor: ProcedureExecutor<World>,
}

impl Master {
    /// A master with an empty store.
    pub(crate) async fn new() -> Self {
        Self::with(Arc::default(), MemoryStore::with_log()).await
    }

    /// A master that goes on with what is in a store.
    pub(crate) async fn with(world: Arc<World>, store: MemoryStore) -> Self {
        let master = Self::loaded(world, store).await;
        master.executor.start();
        master
    }

    /// As [`Master::with`], not started.
    pub(crate) async fn loaded(world: Arc<World>, store: MemoryStore) -> Self {
        let plan = LoadPlan::new(store.load().await.unwrap(), &registry());
        let executor = ProcedureExecutor::load(
            Arc::clone(&world),
            Arc::new(store.clone()),
            Arc::new(ManualClock::at(1_000_000)),
            EngineConfig::default(),
            plan,
            ProcId(0),
        );
        let executor = executor.unwrap();
        *world.executor.lock() = executor.downgrade();
        for event in world.events() {
            executor.set_event(event);
        }
        Self { world, store, executor }
    }

    pub(crate) async fn submit(&self, script: &Script) -> ProcId {
        self.executor.submit(script.submit()).await.unwrap()
    }

    /// Runs a script to its end.
    pub(crate) async fn run(&self, script: &Script) -> Outcome {
        let id = self.submit(script).await;
        self.executor.wait(id).await.unwrap().unwrap()
    }
}

//! The master dies in the middle of something, and all that it knew is lost with its store: which procedures were under
//! way, which commands region servers have taken, which servers live. What is left are hbase:meta, files, ZooKeeper and
//! region servers that go on with what they were told. The next master must find out what was the matter, and bring every
//! region and table to an end; and if it dies in the middle of that, the one after it.

use hmaster_core::testing::{Faults, Store, World, WorldConfig, run};

use hmaster_types::ProcId;

use crate::enumerate::{Case, is_over, submit};
use crate::moments;
use crate::support::check;

/// A network in which commands are under way when a master dies.
fn config(latency_ms_max: u64, seed: u64) -> WorldConfig {
    let faults = Faults { latency_ms_max, ..Faults::default() };
    WorldConfig { seed, faults, ..WorldConfig::default() }
}

/// The master is dead, and its store is gone.
pub(crate) fn lose_store(world: &World) {
    world.kill_master();
    world.with(|state| state.store = Store::default());
}

/// Of the changes of the second master so many are passed over; other ones for each change of the first.
const STRIDE: usize = 16;

/// How many changes it takes, of the first master and of the next, when they die after so many.
struct End {
    first: usize,
    next: usize,
}

fn one(case: &Case, config: WorldConfig, first: usize, next: usize) -> End {
    run(async {
        let world = World::start(config).await;
        (case.prepare)(world.clone()).await;
        world.until_idle().await;
        let procedure = (case.make)(world.clone()).await;
        let executor = world.env().executor().unwrap();
        // Ids are given out one after the other.
        let id = ProcId(executor.last_id().0 + 1);
        world.crash_after(first);
        submit(executor, procedure);
        world.until("crashed or done", |world| world.has_crashed() || is_over(world, id)).await;
        let first = world.changes().len();
        lose_store(&world);
        world.crash_after(next);
        world.start_master();
        world.until("crashed or done", |world| world.has_crashed() || is_idle(world)).await;
        let (has_crashed, next) = (world.has_crashed(), world.changes().len());
        if has_crashed {
            world.kill_master();
            world.start_master();
        }
        world.until_initialized().await;
        world.until_idle().await;
        // Servers report what they have; what is too much is closed, what is missing is opened.
        world.pass(15_000).await;
        world.until_idle().await;
        check(&world);
        End { first, next }
    })
}

fn is_idle(world: &World) -> bool {
    let env = world.active_master().and_then(|master| master.env().ok());
    let is_idle = |env: std::sync::Arc<hmaster_core::environment::MasterEnv>| {
        env.conditions.is_initialized() && env.executor().is_some_and(|executor| executor.is_empty())
    };
    env.is_some_and(is_idle)
}

/// Lets the store be lost after each change that a procedure makes, with few and with many commands under way.
fn every_loss(case: &Case) {
    for (latency, seed) in [(0, 1), (300, 2)] {
        let all = one(case, config(latency, seed), usize::MAX, usize::MAX).first;
        assert!(all > 0, "it does nothing");
        for n in 1..=all {
            one(case, config(latency, seed), n, usize::MAX);
        }
    }
}

/// As above, and the master that finds out dies after some of its changes.
fn every_loss_twice(case: &Case) {
    let config = || config(100, 3);
    let all = one(case, config(), usize::MAX, usize::MAX).first;
    assert!(all > 0, "it does nothing");
    for n in 1..=all {
        let changes = one(case, config(), n, usize::MAX).next;
        for m in (1 + n % STRIDE..=changes).step_by(STRIDE) {
            one(case, config(), n, m);
        }
    }
}

macro_rules! losses {
    ($how:ident: $($case:ident),* $(,)?) => {
        mod $how { $(#[test] fn $case() { super::$how(&super::moments::$case()); })* }
    };
}

losses!(
    every_loss: move_region,
    reopen_region,
    assign_region,
    disable_table,
    enable_table,
    split_region,
    merge_regions,
    move_meta,
    server_crash,
    crash_of_the_server_with_meta,
    modify_table,
    collect_a_split_parent,
);

losses!(every_loss_twice: move_region, disable_table, move_meta);

//! One seed: a cluster, its clients, what goes wrong, its healing, the checks.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use hmaster_core::testing::{Bug, Faults, World, WorldConfig, run};
use hmaster_types::Chance;

use crate::chaos::Chaos;
use crate::clients::Clients;

/// What was found with a seed.
#[derive(Debug)]
pub(crate) struct Failure {
    seed: u64,
    what: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, what } = self;
        write!(f, "seed {seed}: {what}\nto run it again: cargo xtask simulate --seed {seed}")
    }
}

/// Runs one seed. What it returns is the same whenever the run is.
pub(crate) fn simulate(seed: u64, bugs: &[Bug]) -> Result<String, Failure> {
    let ended = std::panic::catch_unwind(AssertUnwindSafe(|| run(cluster(seed, bugs.to_vec()))));
    let failed = |what: String| Failure { seed, what };
    match ended {
        Ok(Ok(fingerprint)) => Ok(fingerprint),
        Ok(Err(violations)) => Err(failed(violations)),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            Err(failed(text.or(panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()))
        }
    }
}

async fn cluster(seed: u64, bugs: Vec<Bug>) -> Result<String, String> {
    let chance = Chance::seeded(seed);
    let servers = 3 + chance.below(3);
    let world = World::new(WorldConfig { seed, servers, ..WorldConfig::default() });
    world.with(|state| {
        state.bugs = bugs;
        state.faults.latency_ms_max = 1 + chance.bits() % 20;
    });
    world.start_master();
    for number in 0..servers {
        world.start_server(number);
    }
    world.until_initialized().await;
    world.with(|state| state.faults = faults(&chance, state.faults.latency_ms_max));
    let clients = Rc::new(Clients::new(world.clone(), chance.fork()));
    let at_work = clients.start();
    let mut chaos = Chaos::new(world.clone(), clients.clone(), chance.fork(), servers);
    let troubles = async {
        for _ in 0..60 {
            chaos.act();
            world.pass(chance.bits() % 1500).await;
        }
        chaos.heal().await;
        clients.stop();
        let done = || at_work.iter().all(tokio::task::JoinHandle::is_finished);
        world.until("clients get their answers", |_| done()).await;
        chaos.settle().await;
    };
    clients.run_until(troubles).await;
    let mut found = clients.check();
    world.with(|state| {
        state.check_rest();
        found.append(&mut state.truth.violations);
    });
    match found.is_empty() {
        true => Ok(format!("{} {} {:?}", world.now_ms(), world.chance().bits(), world.snapshot())),
        false => Err(format!("{found:#?}\n{}", world.describe())),
    }
}

/// Each seed has its own mixture.
fn faults(chance: &Chance, latency_ms_max: u64) -> Faults {
    let share = |max: f64| if chance.happens(0.5) { max * (chance.below(100) as f64) / 100.0 } else { 0.0 };
    Faults {
        latency_ms_max,
        lost_requests: share(0.05),
        lost_replies: share(0.05),
        duplicates: share(0.05),
        delays: share(0.1),
        files_before: share(0.05),
        files_after: share(0.05),
        slow_files: share(0.02),
        zookeeper: share(0.02),
        store: share(0.002),
        opens: share(0.2),
        splits: share(0.2),
        ..Faults::default()
    }
}

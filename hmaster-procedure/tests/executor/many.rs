//! Many procedures at once, on one thread and on several.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hmaster_procedure::MemoryStore;

use crate::master::Master;
use crate::script::{Script, Step};
use crate::world::World;

/// Scripts that get in each other's way.
fn scripts(count: usize) -> Vec<Script> {
    (0..count)
        .map(|n| {
            let table = format!("table:t{}:{}", n % 7, if n % 3 == 0 { "x" } else { "s" });
            let child = Script::new(&format!("p{n}.c"), vec![Step::Do, Step::Repeat(2)]).locks(&[&table]);
            let last = if n % 11 == 0 { Step::Fail } else { Step::Do };
            let steps = vec![Step::Do, Step::Children(vec![child]), Step::Yield, last];
            let script = Script::new(&format!("p{n}"), steps).locks(&[&table]);
            if n % 5 == 0 { script.holds() } else { script }
        })
        .collect()
}

async fn run(count: usize) -> Arc<World> {
    let world = Arc::new(World::default());
    world.pauses.store(true, Ordering::Relaxed);
    let master = Master::with(world.clone(), MemoryStore::with_log()).await;
    let scripts = scripts(count);
    let ids = master.executor.submit_all(scripts.iter().map(Script::submit).collect()).await.unwrap();
    for (n, id) in ids.into_iter().enumerate() {
        let outcome = master.executor.wait(id).await.unwrap().unwrap();
        assert_eq!(outcome.exception().is_some(), n % 11 == 0, "p{n}");
    }
    assert!(master.executor.is_empty() && master.executor.locks().is_empty());
    world
}

/// The world itself objects to two steps at once that exclude each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_several_threads() {
    run(500).await;
}

#[test]
fn one_thread_and_paused_time_make_a_run_repeatable() {
    let history = || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true);
        runtime.build().unwrap().block_on(run(60)).history()
    };
    assert_eq!(history(), history());
}

//! Stores that fail, masters that die at any await.

use std::sync::Arc;
use std::time::Duration;

use hmaster_procedure::{ExecutorError, Fault, MemoryStore};
use tokio::time::timeout;

use crate::master::Master;
use crate::script::{Script, Step};
use crate::world::{Told, World};

fn script() -> Script {
    let child =
        |name: &str| Script::new(name, vec![Step::Do, Step::Message(1), Step::Do]).locks(&["table:t:s"]);
    let steps = vec![Step::Do, Step::Sleep(31), Step::Children(vec![child("p.a"), child("p.b")]), Step::Do];
    Script::new("p", steps).locks(&["table:t:x"])
}

/// Tells whoever waits for it what it waits for, until the procedure ends or the executor does.
async fn run_to_the_end(master: &Master) -> bool {
    loop {
        for id in 1..=3 {
            // A master that has died acknowledges nothing.
            let told = master.executor.deliver(hmaster_types::ProcId(id), Told::Number(1));
            if let Ok(Err(ExecutorError::Stopped)) = timeout(Duration::from_secs(1), told).await {
                return false;
            }
        }
        let ended = timeout(Duration::from_secs(1), master.executor.wait(hmaster_types::ProcId(1)));
        match ended.await {
            Ok(Ok(Some(outcome))) => return outcome.exception().is_none(),
            Ok(Ok(None) | Err(ExecutorError::Stopped)) => return false,
            Ok(Err(error)) => panic!("{error}"),
            Err(_) if master.store.is_dead() => return false,
            Err(_) => {}
        }
    }
}

/// HBASE-28803, HBASE-29251: a failure of the store is told, once and for all, and nothing is acknowledged after it.
#[tokio::test(start_paused = true)]
async fn a_store_that_fails_ends_the_executor_wherever_it_does() {
    for after in 0.. {
        let world = Arc::new(World::default());
        let store = MemoryStore::with_log();
        store.fault_after(after, Fault::Refuse);
        let master = Master::with(world.clone(), store.clone()).await;
        let submitted = master.executor.submit(script().submit()).await;
        assert_eq!(submitted.is_ok(), after > 0);
        if submitted.is_ok() && run_to_the_end(&master).await {
            assert!(after > 10, "the script takes a while");
            break;
        }
        if submitted.is_ok() {
            let error = master.executor.failed().await;
            assert_eq!(error.to_string(), "write a batch in the procedure store: refused by the test");
        }
        assert_eq!(master.executor.submit(script().submit()).await, Err(ExecutorError::Stopped));
        assert_eq!(store.batches(), after, "nothing is written after the failure");
        // The next master ends it.
        store.heal();
        world.crash();
        let next = Master::with(world.clone(), store).await;
        if after == 0 {
            next.submit(&script()).await;
        }
        assert!(run_to_the_end(&next).await);
        assert_eq!(world.marks_of("p"), [0, 1, 2, 3]);
        assert_eq!((world.marks_of("p.a").len(), world.marks_of("p.b").len()), (3, 3));
    }
}

#[tokio::test(start_paused = true)]
async fn a_master_that_dies_after_any_batch_is_followed_by_one_that_goes_on() {
    for after in 1.. {
        let world = Arc::new(World::default());
        let store = MemoryStore::with_log();
        store.fault_after(after, Fault::Crash);
        let master = Master::with(world.clone(), store.clone()).await;
        master.submit(&script()).await;
        let ended = run_to_the_end(&master).await;
        drop(master);
        world.crash();
        store.heal();
        let next = Master::with(world.clone(), store).await;
        assert!(run_to_the_end(&next).await, "died after batch {after}");
        assert_eq!(world.marks_of("p"), [0, 1, 2, 3]);
        if ended {
            break;
        }
    }
}

/// Dropping the executor drops what is running, and nothing further enters the store.
#[tokio::test(start_paused = true)]
async fn dropping_is_dying() {
    let mut cut = 0;
    for polls in 0..200 {
        let world = Arc::new(World::default());
        world.pauses.store(true, std::sync::atomic::Ordering::Relaxed);
        let store = MemoryStore::with_log();
        let master = Master::with(world.clone(), store.clone()).await;
        master.submit(&script()).await;
        for _ in 0..polls {
            tokio::task::yield_now().await;
        }
        drop(master);
        let batches = store.batches();
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_secs(100)).await;
        assert_eq!(store.batches(), batches);
        assert_eq!(Arc::strong_count(&world), 1, "no task is left that knows the world");
        cut += usize::from(world.marks_of("p").len() < 4);
        let next = Master::with(world.clone(), store).await;
        assert!(run_to_the_end(&next).await, "cut after {polls} polls");
        assert_eq!(world.marks_of("p"), [0, 1, 2, 3]);
    }
    assert!(cut > 100);
}

#[tokio::test(start_paused = true)]
async fn a_refused_plan_starts_nothing() {
    let mut row = hmaster_protocol::pb::Procedure { proc_id: 1, ..Default::default() };
    row.class_name = "org.example.Gone".into();
    let store = MemoryStore::with_records([row]);
    let loaded = hmaster_procedure::ProcedureStore::load(&store).await.unwrap();
    let plan = hmaster_procedure::LoadPlan::new(loaded, &crate::script::registry());
    let refused = hmaster_procedure::ProcedureExecutor::load(
        Arc::new(World::default()),
        Arc::new(store),
        Arc::new(hmaster_types::ManualClock::at(0)),
        hmaster_procedure::EngineConfig::default(),
        plan,
        hmaster_types::ProcId(0),
    );
    let error = refused.err().unwrap();
    assert_eq!(
        error.to_string(),
        "load procedures: 1 rows or trees are broken, first: pid=1 org.example.Gone: unknown class"
    );
}

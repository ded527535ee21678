//! What callers see of procedures.

use std::time::Duration;

use hmaster_procedure::engine::Waiting;
use hmaster_procedure::{Delivery, ExecutorError, NonceRegistration, Priority, Status};
use hmaster_types::{JavaException, Nonce, ProcId, class};
use tokio::time::{Instant, timeout};

use crate::master::Master;
use crate::script::{Script, Step};
use crate::world::Told;

fn linear(name: &str) -> Script {
    Script::new(name, vec![Step::Do, Step::Do])
}

/// Lets all other tasks do what they can.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_procedure_runs_to_its_end() {
    let master = Master::new().await;
    let children = vec![linear("p.a").locks(&["table:t:s"]), linear("p.b").locks(&["table:t:s"])];
    let steps =
        vec![Step::Do, Step::Sleep(40), Step::Retry(3), Step::Children(children), Step::Yield, Step::Do];
    let began = Instant::now();
    let outcome = master.run(&Script::new("p", steps).locks(&["table:t:x"])).await;
    assert_eq!(outcome.to_result().unwrap().unwrap(), "p");
    assert_eq!(master.world.marks_of("p"), [0, 1, 2, 3, 4, 5]);
    // 40 ms, and three attempts with waits of 1, 2 and 4 seconds.
    assert_eq!(began.elapsed(), Duration::from_millis(7_040));
    assert_eq!((master.world.completed("p"), master.world.completed("p.a")), (1, 1));
    assert!(master.executor.is_empty() && master.executor.locks().is_empty());
    let metrics = master.executor.metrics();
    assert_eq!((metrics[0].1.submitted, metrics[0].1.succeeded, metrics[0].1.failed), (3, 3, 0));
}

#[tokio::test(start_paused = true)]
async fn nothing_runs_before_the_start() {
    let master = Master::loaded(Default::default(), Default::default()).await;
    let id = master.submit(&linear("p")).await;
    settle().await;
    assert!(master.world.begun().is_empty());
    assert!(matches!(master.executor.status(id, true), Status::Running { .. }));
    master.executor.start();
    assert!(master.executor.wait(id).await.unwrap().is_some());
    assert_eq!(master.executor.wait(ProcId(99)).await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn a_panic_fails_the_procedure_and_nothing_else() {
    let master = Master::new().await;
    let outcome = master.run(&Script::new("p", vec![Step::Do, Step::Panic])).await;
    let error = outcome.exception().unwrap();
    assert!(error.message.contains("CODE-BUG") && error.message.contains("p panics"), "{error}");
    assert!(master.world.marks().is_empty(), "undone");
    assert!(master.run(&linear("q")).await.exception().is_none());
}

#[tokio::test(start_paused = true)]
async fn messages_events_and_wake_ups() {
    let master = Master::new().await;
    let id = master.submit(&Script::new("p", vec![Step::Message(1), Step::Wait("e".into())])).await;
    settle().await;
    assert_eq!(master.executor.view(id).unwrap().waiting, Waiting::ForMessage);
    assert_eq!(master.executor.deliver(id, Told::Number(1)).await, Ok(Delivery::Accepted));
    settle().await;
    assert_eq!(master.executor.view(id).unwrap().waiting, Waiting::ForEvent("\"e\"".into()));
    master.world.happen("e");
    let weak = master.executor.downgrade();
    weak.wake(id);
    settle().await;
    assert_eq!(master.executor.deliver(id, Told::Nothing).await, Ok(Delivery::NoSuchProcedure));
    weak.set_event("e".into());
    assert!(master.executor.is_event_set(&"e".into()));
    weak.clear_event("e".into());
    assert!(!master.executor.is_event_set(&"e".into()));
}

#[tokio::test(start_paused = true)]
async fn marked_requests_are_carried_out_once() {
    let master = Master::new().await;
    let executor = &master.executor;
    let nonce = Nonce { group: 1, value: 2 };
    let Ok(NonceRegistration::New(guard)) = executor.register_nonce(nonce).await else { panic!("new") };
    let waits = executor.register_nonce(nonce);
    tokio::pin!(waits);
    assert!(timeout(Duration::from_secs(60), &mut waits).await.is_err(), "somebody is at it");
    // Who carries it out gives up; who waits for it has gone away, too; so the next gets it.
    drop(guard);
    settle().await;
    let Ok(NonceRegistration::New(guard)) = waits.await else { panic!("new again") };
    let gone = executor.register_nonce(nonce);
    assert!(timeout(Duration::from_secs(60), gone).await.is_err());
    drop(guard);
    settle().await;
    let Ok(NonceRegistration::New(guard)) = executor.register_nonce(nonce).await else { panic!("new") };
    let id = executor.submit_marked(linear("p").submit(), guard).await.unwrap();
    assert!(
        matches!(executor.register_nonce(nonce).await, Ok(NonceRegistration::Known(known)) if known == id)
    );

    let other = Nonce { group: 1, value: 3 };
    let Ok(NonceRegistration::New(guard)) = executor.register_nonce(other).await else { panic!("new") };
    let failed = guard.id();
    let error = JavaException::new(class::TABLE_EXISTS, "t");
    guard.fail("CREATE t", None, &error);
    assert!(matches!(executor.register_nonce(other).await, Ok(NonceRegistration::Known(id)) if id == failed));
    assert_eq!(executor.wait(failed).await.unwrap().unwrap().to_result(), Err(error));
}

/// Whoever loses interest between the answer and its hearing leaves no mark behind that nobody can use.
#[tokio::test(start_paused = true)]
async fn a_mark_that_nobody_heard_of_goes_to_the_next() {
    let master = Master::new().await;
    let nonce = Nonce { group: 1, value: 2 };
    let Ok(NonceRegistration::New(guard)) = master.executor.register_nonce(nonce).await else {
        panic!("new")
    };
    let mut waits = Box::pin(master.executor.register_nonce(nonce));
    assert!(futures_util::poll!(&mut waits).is_pending());
    drop(guard);
    drop(waits);
    assert!(matches!(master.executor.register_nonce(nonce).await, Ok(NonceRegistration::New(_))));
}

#[tokio::test(start_paused = true)]
async fn bypass_waits_for_a_running_step() {
    let master = Master::new().await;
    let id = master.submit(&Script::new("p", vec![Step::Message(1)])).await;
    settle().await;
    let wait = Duration::from_secs(5);
    let ids = [id, ProcId(99)];
    assert_eq!(master.executor.bypass(&ids, wait, false, false).await, Ok(vec![true, false]));
    assert!(master.executor.wait(id).await.unwrap().unwrap().exception().is_none());
    assert!(master.world.marks().is_empty());
}

#[tokio::test(start_paused = true)]
async fn abort_is_answered() {
    let master = Master::new().await;
    let id = master.submit(&Script::new("p", vec![Step::Do, Step::Message(1)])).await;
    settle().await;
    assert_eq!(master.executor.abort(id, false).await, Ok(false));
    assert_eq!(master.executor.abort(id, true).await, Ok(true));
    let error = master.executor.wait(id).await.unwrap().unwrap().exception().unwrap();
    assert!(error.is(class::PROCEDURE_ABORTED));
}

#[tokio::test(start_paused = true)]
async fn stop_lets_running_steps_end_and_be_stored() {
    let master = Master::new().await;
    let id = master.submit(&linear("p")).await;
    let parked = master.submit(&Script::new("q", vec![Step::Message(1)])).await;
    settle().await;
    master.store.hold();
    let last = master.executor.submit(linear("r").submit());
    let stop = async {
        settle().await;
        master.executor.stop().await;
    };
    let release = async {
        for _ in 0..5 {
            settle().await;
            master.store.release(1);
        }
    };
    let (submitted, (), ()) = tokio::join!(last, stop, release);
    assert!(submitted.is_ok(), "it came before the stop");
    assert_eq!(master.executor.submit(linear("s").submit()).await, Err(ExecutorError::Stopped));
    assert_eq!(master.executor.deliver(parked, Told::Nothing).await, Err(ExecutorError::Stopped));
    assert_eq!(master.executor.wait(id).await, Err(ExecutorError::Stopped));
    // The next master goes on.
    let next = Master::with(master.world.clone(), master.store.clone()).await;
    next.store.release(100);
    let r = next.executor.wait(submitted.unwrap());
    let feed = async {
        loop {
            settle().await;
            next.store.release(1);
        }
    };
    tokio::select! {
        outcome = r => assert!(outcome.unwrap().unwrap().exception().is_none()),
        () = feed => {}
    }
}

#[tokio::test(start_paused = true)]
async fn hooks_may_set_events() {
    let master = Master::new().await;
    // `completed` of `a` sets the event that `b` waits for, from within the engine.
    let b = master.submit(&Script::new("b", vec![Step::Wait("a completed".into()), Step::Do])).await;
    settle().await;
    master.world.announce_completions();
    master.run(&linear("a")).await;
    assert!(master.executor.wait(b).await.unwrap().unwrap().exception().is_none());
}

#[tokio::test(start_paused = true)]
async fn what_pages_show() {
    let master = Master::new().await;
    let a = master.submit(&Script::new("a", vec![Step::Message(1)]).locks(&["peer:p:x"]).holds()).await;
    let b = master.submit(&Script::new("b", vec![Step::Do]).locks(&["peer:p:s"])).await;
    settle().await;
    let views = master.executor.views();
    let brief: Vec<_> =
        views.iter().map(|view| (view.place.id, view.details.as_str(), view.state_name)).collect();
    assert_eq!(brief, [(a, "a", Some("STEP")), (b, "b", Some("STEP"))]);
    assert_eq!(views[1].waiting.to_string(), "for peer p");
    let locks = master.executor.locks();
    assert_eq!((locks[0].resource.to_string(), locks[0].waiters[0].proc_id), ("peer p".into(), b.0));
    assert_eq!(master.executor.records().len(), 2);
    assert_eq!(master.executor.load_of(Priority::Table), (0, 0));
}

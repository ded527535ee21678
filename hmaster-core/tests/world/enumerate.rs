//! Every procedure, and every point at which the master may die in it. The next master must bring it to the same end.

use std::collections::BTreeMap;
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use hmaster_core::environment::MasterEnv;
use hmaster_core::testing::{Snapshot, World, WorldConfig, run};
use hmaster_procedure::engine::NewProcedure;
use hmaster_procedure::{Procedure, ProcedureExecutor};
use hmaster_types::{JavaException, ProcId};

use crate::support::check;

type Make = Rc<dyn Fn(World) -> LocalBoxFuture<'static, Box<dyn Procedure<MasterEnv>>>>;
type Prepare = Rc<dyn Fn(World) -> LocalBoxFuture<'static, ()>>;

/// What is done to a procedure in each of its moments.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Blow {
    /// The master dies right after its n-th change.
    Crash(usize),
    /// It is asked to give up after its n-th change.
    Abort(usize),
    /// Nothing.
    None,
}

/// How a run ended.
struct End {
    /// Before the procedure.
    before: Snapshot,
    /// After it.
    after: Snapshot,
    result: Result<(), JavaException>,
    changes: Vec<String>,
    was_hit: bool,
}

/// Lets the master die at every change that a procedure makes, and compares each end with that of a run in which it
/// didn't; then asks the procedure to give up at every change: it must have done all, or nothing.
pub(crate) fn every_moment<P: Procedure<MasterEnv>>(
    prepare: impl AsyncFn(World) + 'static,
    make: impl AsyncFn(World) -> Box<P> + 'static,
) {
    let prepare = Rc::new(prepare);
    let prepare: Prepare = Rc::new(move |world| {
        let prepare = prepare.clone();
        Box::pin(async move { prepare(world).await })
    });
    let make = Rc::new(make);
    let make: Make = Rc::new(move |world| {
        let make = make.clone();
        Box::pin(async move { make(world).await as Box<dyn Procedure<MasterEnv>> })
    });
    let expected = one(&prepare, &make, Blow::None);
    assert!(!expected.changes.is_empty(), "it does nothing");
    let mut failures = BTreeMap::new();
    for n in 1..=expected.changes.len() {
        let crashed = one(&prepare, &make, Blow::Crash(n));
        let differences = expected.after.differences(&crashed.after);
        if crashed.was_hit && (!differences.is_empty() || expected.result != crashed.result) {
            failures.insert(n, (expected.changes.get(n - 1).cloned(), differences, crashed.result));
        }
    }
    assert!(failures.is_empty(), "crash after n changes: {failures:#?}\nchanges: {:#?}", expected.changes);
    for n in 1..=expected.changes.len() {
        let aborted = one(&prepare, &make, Blow::Abort(n));
        let like = if aborted.result.is_ok() { &expected.after } else { &aborted.before };
        let differences = like.differences(&aborted.after);
        if aborted.was_hit && !differences.is_empty() {
            failures.insert(n, (expected.changes.get(n - 1).cloned(), differences, aborted.result));
        }
    }
    assert!(failures.is_empty(), "abort after n changes: {failures:#?}\nchanges: {:#?}", expected.changes);
}

fn one(prepare: &Prepare, make: &Make, blow: Blow) -> End {
    run(async {
        let world = World::start(WorldConfig::default()).await;
        prepare(world.clone()).await;
        world.until_idle().await;
        let before = world.snapshot();
        let procedure = make(world.clone()).await;
        let executor = world.env().executor().unwrap();
        // Ids are given out one after the other.
        let id = ProcId(executor.last_id().0 + 1);
        match blow {
            Blow::Crash(n) => world.crash_after(n),
            Blow::Abort(n) => world.abort_after(n, id),
            Blow::None => world.crash_after(usize::MAX),
        }
        submit(executor, procedure);
        if let Blow::Crash(_) = blow {
            world.until("crashed or done", |world| world.has_crashed() || is_over(world, id)).await;
        }
        let was_hit = blow != Blow::None && world.has_crashed();
        if was_hit && matches!(blow, Blow::Crash(_)) {
            world.kill_master();
            world.start_master();
            world.until_initialized().await;
        }
        let result = world.outcome(id).await;
        world.until_idle().await;
        // Servers report what they have; what is too much is closed.
        world.pass(5000).await;
        world.until_idle().await;
        let changes = world.changes();
        check(&world);
        End { before, after: world.snapshot(), result, changes, was_hit }
    })
}

fn is_over(world: &World, id: ProcId) -> bool {
    let executor = world.active_master().and_then(|master| master.env().ok()).and_then(|env| env.executor());
    executor.is_some_and(|executor| executor.last_id() >= id && executor.view(id).is_none())
}

/// If the master dies of the submission there is no answer.
fn submit(executor: ProcedureExecutor<MasterEnv>, procedure: Box<dyn Procedure<MasterEnv>>) {
    tokio::spawn(async move {
        let new = NewProcedure { procedure, owner: None, nonce: None };
        // The test looks for its end by its id.
        let _ = executor.submit(new).await;
    });
}

//! Every procedure, and every point at which the master may die in it. The next master must bring it to the same end.
//!
//! A change is anything that outlives the master: a batch of procedures in the store, a row of hbase:meta, a file, a znode,
//! a command to a region server. Each run dies after another one of them, so each step is run a second time after it had
//! done half of its work, and after it had done all of it and wasn't stored. Then each run is asked to give up after
//! another change: it must go on and do all, or go back and leave nothing. One that goes back does so again with the
//! master dying after each change on the way.

use std::collections::{BTreeMap, BTreeSet};
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

/// A procedure, and what must be there before it.
pub(crate) struct Case {
    pub(crate) prepare: Prepare,
    pub(crate) make: Make,
}

/// A procedure by how it is made in a world that was prepared.
pub(crate) fn case<P: Procedure<MasterEnv>>(
    prepare: impl AsyncFn(World) + 'static,
    make: impl AsyncFn(World) -> Box<P> + 'static,
) -> Case {
    let (prepare, make) = (Rc::new(prepare), Rc::new(make));
    Case {
        prepare: Rc::new(move |world| {
            let prepare = prepare.clone();
            Box::pin(async move { prepare(world).await })
        }),
        make: Rc::new(move |world| {
            let make = make.clone();
            Box::pin(async move { make(world).await as Box<dyn Procedure<MasterEnv>> })
        }),
    }
}

/// What is done to a procedure in each of its moments.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Blow {
    /// The master dies right after its n-th change.
    Crash(usize),
    /// It is asked to give up after its n-th change, and the master dies so many changes later.
    Abort(usize, usize),
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
    has_crashed: bool,
    classes: BTreeSet<String>,
}

/// What went wrong: after which change of how many, and how the end differs.
type Failures = BTreeMap<(usize, usize), (Option<String>, Vec<String>, Result<(), JavaException>)>;

/// The Java classes of the procedures that run when nothing happens.
pub(crate) fn classes(case: &Case) -> BTreeSet<String> {
    one(case, Blow::None).classes
}

/// Lets the master die at every change that a procedure makes, and compares each end with that of a run in which it
/// didn't; then asks the procedure to give up at every change: it must have done all, or nothing.
pub(crate) fn every_moment(case: &Case) {
    let expected = one(case, Blow::None);
    assert!(!expected.changes.is_empty(), "it does nothing");
    let mut failures = Failures::new();
    for n in 1..=expected.changes.len() {
        let crashed = one(case, Blow::Crash(n));
        let differences = expected.after.differences(&crashed.after);
        if crashed.was_hit && (!differences.is_empty() || expected.result != crashed.result) {
            failures.insert((n, 0), (expected.changes.get(n - 1).cloned(), differences, crashed.result));
        }
    }
    assert!(failures.is_empty(), "crash after n changes: {failures:#?}\nchanges: {:#?}", expected.changes);
    for n in 1..=expected.changes.len() {
        give_up(case, &expected, n, &mut failures);
    }
    assert!(failures.is_empty(), "abort after n changes: {failures:#?}\nchanges: {:#?}", expected.changes);
}

fn give_up(case: &Case, expected: &End, n: usize, failures: &mut Failures) {
    let aborted = one(case, Blow::Abort(n, usize::MAX));
    let like = if aborted.result.is_ok() { &expected.after } else { &aborted.before };
    let differences = like.differences(&aborted.after);
    if !aborted.was_hit {
        return;
    }
    if !differences.is_empty() {
        failures.insert((n, 0), (expected.changes.get(n - 1).cloned(), differences, aborted.result));
        return;
    }
    // What lies between two writes of the store is done again anyway.
    let is_stored = expected.changes.get(n - 1).is_some_and(|change| change.starts_with("procedures"));
    if aborted.result.is_ok() || aborted.result == expected.result || !is_stored {
        return;
    }
    for then in 1..=aborted.changes.len().saturating_sub(n) {
        let crashed = one(case, Blow::Abort(n, then));
        // Whoever asks it to give up may come too late: then it has done all.
        let like = if crashed.result.is_ok() { &expected.after } else { &crashed.before };
        let differences = like.differences(&crashed.after);
        if crashed.has_crashed && !differences.is_empty() {
            let change = aborted.changes.get(n + then - 1).cloned();
            failures.insert((n, then), (change, differences, crashed.result));
        }
    }
}

fn one(case: &Case, blow: Blow) -> End {
    run(async {
        let world = World::start(WorldConfig::default()).await;
        (case.prepare)(world.clone()).await;
        world.until_idle().await;
        let before = world.snapshot();
        let procedure = (case.make)(world.clone()).await;
        let executor = world.env().executor().unwrap();
        // Ids are given out one after the other.
        let id = ProcId(executor.last_id().0 + 1);
        match blow {
            Blow::Crash(n) => world.crash_after(n),
            Blow::Abort(n, then) => world.abort_after(n, id, then),
            Blow::None => world.crash_after(usize::MAX),
        }
        submit(executor, procedure);
        if blow != Blow::None {
            world.until("crashed or done", |world| world.has_crashed() || is_over(world, id)).await;
        }
        let has_crashed = world.has_crashed();
        if has_crashed {
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
        let classes = world.with(|state| state.classes_since(id));
        let was_hit = has_crashed || world.has_aborted();
        End { before, after: world.snapshot(), result, changes, was_hit, has_crashed, classes }
    })
}

pub(crate) fn is_over(world: &World, id: ProcId) -> bool {
    let executor = world.active_master().and_then(|master| master.env().ok()).and_then(|env| env.executor());
    executor.is_some_and(|executor| executor.last_id() >= id && executor.view(id).is_none())
}

/// If the master dies of the submission there is no answer.
pub(crate) fn submit(executor: ProcedureExecutor<MasterEnv>, procedure: Box<dyn Procedure<MasterEnv>>) {
    tokio::spawn(async move {
        let new = NewProcedure { procedure, owner: None, nonce: None };
        // The test looks for its end by its id.
        let _ = executor.submit(new).await;
    });
}

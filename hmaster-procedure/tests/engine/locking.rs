//! Locks, turns and who goes first, as procedures see them.

use hmaster_procedure::engine::{StepBounds, Waiting};
use hmaster_procedure::{EngineConfig, LockMode};
use hmaster_types::ProcId;

use crate::driver::Driver;
use crate::script::{Script, Step};

fn waiting(driver: &Driver, id: u64) -> Waiting {
    driver.engine.view(ProcId(id)).unwrap().waiting
}

/// Lets whoever may begin do so; syncs what that needs.
fn settle(driver: &mut Driver) {
    while driver.begin() || driver.sync() {}
}

#[test]
fn that_it_holds_its_locks_is_durable_before_its_step() {
    let mut driver = Driver::new();
    driver.submit_durably(&[Script::new("p", vec![Step::Do, Step::Sleep(9)]).locks(&["table:t:x"])]);
    assert!(driver.begin() && driver.out.is_empty() && driver.queue.len() == 1);
    assert!(driver.sync() && driver.rows[&ProcId(1)].locked());
    assert!(driver.begin() && driver.out.len() == 1);
    driver.end(0);
    driver.sync();
    assert!(driver.rows[&ProcId(1)].locked(), "kept from step to step");
    driver.begin();
    driver.end(0);
    assert!(!driver.engine.locks().is_empty(), "nobody gets it before the row says so");
    driver.sync();
    assert!(!driver.rows[&ProcId(1)].locked() && driver.engine.locks().is_empty());
    assert_eq!(driver.log.len(), 4, "its locks cost one batch, not two");
}

#[test]
fn a_good_end_is_one_batch() {
    let mut driver = Driver::new();
    let child = |name: &str| Script::new(name, vec![Step::Do]).locks(&[&format!("peer:{name}:x")]).holds();
    let steps = vec![Step::Children(vec![child("p.a"), child("p.b")]), Step::Do];
    driver.submit_durably(&[Script::new("p", steps)]);
    driver.begin();
    driver.end(0);
    settle(&mut driver);
    driver.end(0);
    driver.sync();
    assert_eq!(driver.log.last().unwrap().len(), 1, "a child that isn't the last");
    driver.end(0);
    driver.sync();
    let last = driver.log.last().unwrap();
    assert_eq!(last.len(), 2, "the last child and its parent");
    let states: Vec<_> = last.iter().map(|op| driver.rows[&op.id()].state().as_str_name()).collect();
    assert_eq!(states, ["SUCCESS", "RUNNABLE"]);
    assert!(!driver.rows[&last[0].id()].locked());
    driver.begin();
    driver.end(0);
    driver.sync();
    assert_eq!(driver.log.last().unwrap().len(), 3, "the root and the ends of its children's rows");
    assert_eq!(driver.rows.len(), 1);
}

/// HBASE-28683: the lock is given up while children work, but no other change of the table steps in.
#[test]
fn changes_of_a_table_take_turns_until_they_end() {
    let mut driver = Driver::new();
    let child = Script::new("a.c", vec![Step::Message(1)]).locks(&["table:t:s"]);
    let change = |name: &str| Script::new(name, vec![Step::Do]).locks(&["table:t:x"]);
    let first = Script::new("a", vec![Step::Children(vec![child]), Step::Do]).locks(&["table:t:x"]);
    driver.generous = false;
    driver.submit_durably(&[
        first,
        change("c"),
        change("d"),
        Script::new("r", vec![Step::Do]).locks(&["table:t:s"]),
    ]);
    for _ in 0..3 {
        settle(&mut driver);
        while !driver.out.is_empty() {
            driver.end(0);
        }
    }
    assert_eq!(waiting(&driver, 2), Waiting::ForTurn);
    assert_eq!(waiting(&driver, 3), Waiting::ForTurn);
    assert!(driver.succeeded("r"), "who only reads isn't kept");
    // The next master gives the turn to whoever had begun, though the others' ids aren't higher.
    driver.crash();
    settle(&mut driver);
    assert_eq!(waiting(&driver, 2), Waiting::ForTurn);
    driver.generous = true;
    driver.run(&mut fastrand::Rng::with_seed(1));
    let begun = driver.world.begun();
    let at = |step: &str| begun.iter().rposition(|begun| begun == step).unwrap();
    assert!(at("a/1") < at("c/0") && at("c/0") < at("d/0"));
}

/// HBASE-28263: after a restart, too.
#[test]
fn who_had_begun_goes_first_after_a_restart() {
    let mut driver = Driver::new();
    let locks = ["table:t:x"];
    driver.submit_durably(&[
        Script::new("late", vec![Step::Do]).locks(&locks).before("late"),
        Script::new("early", vec![Step::Do, Step::Sleep(50), Step::Do]).locks(&locks),
    ]);
    // The first took its turn when it asked for a step, although it has to wait for something else.
    settle(&mut driver);
    assert_eq!(waiting(&driver, 2), Waiting::ForTurn);
    // Had it been otherwise before a crash, the one that has run goes first.
    let mut row = (*driver.rows[&ProcId(2)]).clone();
    row.executed = Some(true);
    row.stack_id = vec![0];
    driver.rows.insert(ProcId(2), row.into());
    driver.crash();
    settle(&mut driver);
    assert_eq!(waiting(&driver, 1), Waiting::ForTurn);
    driver.run(&mut fastrand::Rng::with_seed(1));
    assert!(driver.succeeded("late") && driver.succeeded("early"));
}

#[test]
fn held_locks_are_restored_to_parents_and_children() {
    let mut driver = Driver::new();
    driver.generous = false;
    let child = |name: &str| Script::new(name, vec![Step::Message(1)]).locks(&["peer:p:x"]).holds();
    let steps = vec![Step::Children(vec![child("a.1"), child("a.2")]), Step::Do];
    driver.submit_durably(&[
        Script::new("a", steps).locks(&["peer:p:x"]).holds(),
        Script::new("b", vec![Step::Do]).locks(&["peer:p:s"]),
    ]);
    settle(&mut driver);
    driver.end(0);
    settle(&mut driver);
    while !driver.out.is_empty() {
        driver.end(0);
    }
    settle(&mut driver);
    driver.crash();
    settle(&mut driver);
    let locks = driver.engine.locks();
    assert_eq!((locks.len(), locks[0].mode), (1, LockMode::Exclusive));
    assert_eq!((locks[0].holders[0].proc_id, locks[0].waiters[0].proc_id), (1, 2));
    driver.generous = true;
    driver.run(&mut fastrand::Rng::with_seed(1));
    assert!(driver.succeeded("a") && driver.succeeded("b"));
}

/// Rows of a Java master may say that two hold one lock (its children go on with what the parent gives up).
#[test]
fn who_finds_its_lock_taken_asks_for_it_again() {
    let mut driver = Driver::new();
    let script = |name: &str| Script::new(name, vec![Step::Do, Step::Do]).locks(&["peer:p:x"]).holds();
    driver.submit_durably(&[script("a"), script("b")]);
    for id in [1, 2] {
        let mut row = (*driver.rows[&ProcId(id)]).clone();
        row.locked = Some(true);
        driver.rows.insert(ProcId(id), row.into());
    }
    driver.crash();
    settle(&mut driver);
    assert_eq!(driver.out.len(), 1);
    assert!(matches!(waiting(&driver, 2), Waiting::ForLock(_)));
    driver.run(&mut fastrand::Rng::with_seed(1));
    assert!(driver.succeeded("a") && driver.succeeded("b"));
}

#[test]
fn exclusive_waiters_go_in_order_of_ids_and_dont_stop_shared_ones() {
    let mut driver = Driver::new();
    let script =
        |name: &str, mode: &str| Script::new(name, vec![Step::Do]).locks(&[&format!("peer:p:{mode}")]);
    driver.submit_durably(&[script("s1", "s"), script("x1", "x"), script("x2", "x"), script("s2", "s")]);
    settle(&mut driver);
    assert_eq!(driver.world.begun(), ["s1/0", "s2/0"], "a shared request passes exclusive waiters");
    let locks = driver.engine.locks();
    assert_eq!(locks[0].holders.len(), 2);
    assert_eq!(locks[0].waiters.iter().map(|row| row.proc_id).collect::<Vec<_>>(), [2, 3]);
    driver.end(0);
    settle(&mut driver);
    assert_eq!(driver.world.begun().len(), 2, "one still holds it");
    while !driver.out.is_empty() {
        driver.end(0);
        settle(&mut driver);
    }
    assert_eq!(driver.world.begun(), ["s1/0", "s2/0", "x1/0", "x2/0"]);
}

/// Steps that hang on a dead hbase:meta don't keep those from running that bring it back.
#[test]
fn recovery_of_meta_is_never_starved() {
    let mut driver = Driver::new();
    let bounds = StepBounds { table_steps_max: 3, meta_steps_max: 1, ..StepBounds::default() };
    let config = EngineConfig { steps: bounds, ..EngineConfig::default() };
    driver.restart_with(config);
    let hanging: Vec<_> = (0..10).map(|n| Script::new(&format!("u{n}"), vec![Step::Do])).collect();
    driver.submit_durably(&hanging);
    settle(&mut driver);
    assert_eq!(driver.out.len(), 3, "the others wait in line");
    // The children of what recovers meta are as urgent as it is.
    let child = Script::new("m.c", vec![Step::Do]);
    let recovery = Script { meta: true, ..Script::new("m", vec![Step::Children(vec![child]), Step::Do]) };
    driver.submit_durably(&[recovery]);
    for _ in 0..3 {
        settle(&mut driver);
        assert_eq!(driver.out.len(), 4);
        driver.end(3);
    }
    settle(&mut driver);
    assert!(driver.succeeded("m"));
    assert_eq!(driver.out.len(), 3);
}

//! Thousands of orders of events, without and with crashes, each from a seed.

use crate::driver::{Driver, quiet_panics};
use crate::family::{ill, lost, well};
use crate::script::Script;

/// Runs a family in an order given by a seed, dying with a chance of one in `crash_every` before each act.
fn run(scripts: &[Script], seed: u64, crash_every: Option<u32>) -> Driver {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut driver = Driver::new();
    driver.submit_durably(scripts);
    let mut crashes = 0;
    loop {
        if crash_every.is_some_and(|every| crashes < 20 && rng.u32(..every) == 0) {
            driver.crash();
            crashes += 1;
        }
        if !driver.act(&mut rng) {
            break;
        }
    }
    driver.assert_over(scripts);
    driver
}

/// Runs `check` for each family and seed; a failure names both.
fn for_each(
    families: &[Vec<Script>],
    seeds: u64,
    crash_every: Option<u32>,
    check: impl Fn(&Driver, &[Script]) + std::panic::RefUnwindSafe,
) {
    quiet_panics();
    for scripts in families {
        for seed in 0..seeds {
            let ran = std::panic::catch_unwind(|| check(&run(scripts, seed, crash_every), scripts));
            // What went wrong has been printed.
            assert!(ran.is_ok(), "family {:?}, seed {seed}, crash_every {crash_every:?}", scripts[0].name);
        }
    }
}

fn all_marks(driver: &Driver, scripts: &[Script]) {
    driver.assert_whole(scripts);
    for script in scripts.iter().flat_map(Script::all) {
        assert_eq!(driver.world.marks_of(&script.name).len(), script.steps.len(), "{}", script.name);
    }
    assert!(scripts.iter().all(|script| driver.succeeded(&script.name)));
}

fn undone(driver: &Driver, scripts: &[Script]) {
    driver.assert_whole(scripts);
    assert!(!driver.succeeded(&scripts[0].name));
    assert!(driver.world.marks_of(&scripts[0].name).is_empty(), "the root is undone");
}

/// What can't be undone stays, and those beside what failed come to their ends.
fn abandoned(driver: &Driver, scripts: &[Script]) {
    assert!(!driver.succeeded(&scripts[0].name));
    let finished = scripts.iter().flat_map(Script::all);
    let finished = finished.filter(|script| ["l1.b", "l1.c", "l1.c.x"].contains(&script.name.as_str()));
    for script in finished {
        assert_eq!(driver.world.marks_of(&script.name).len(), script.steps.len(), "{}", script.name);
    }
}

#[test]
fn what_ends_well_does_so_in_every_order() {
    for_each(&well(), 300, None, all_marks);
}

#[test]
fn what_ends_well_does_so_with_crashes() {
    for_each(&well(), 300, Some(12), all_marks);
}

#[test]
fn what_fails_is_undone_in_every_order() {
    for_each(&ill(), 300, None, undone);
}

#[test]
fn what_fails_is_undone_with_crashes() {
    for_each(&ill(), 300, Some(12), undone);
}

#[test]
fn what_cant_be_undone_ends_in_every_order() {
    for_each(&lost(), 300, None, abandoned);
}

#[test]
fn what_cant_be_undone_ends_with_crashes() {
    for_each(&lost(), 300, Some(12), abandoned);
}

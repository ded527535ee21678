//! Dying at every place there is, one after the other.

use std::collections::BTreeSet;

use crate::driver::{Driver, quiet_panics};
use crate::family::{ill, well};
use crate::script::Script;

/// Runs in the one order of a seed, and dies before act number `crash_at`. How many acts there were, and the driver.
fn run(scripts: &[Script], crash_at: Option<usize>) -> (usize, Driver) {
    let mut rng = fastrand::Rng::with_seed(1);
    let mut driver = Driver::new();
    driver.submit_durably(scripts);
    let mut acts = 0;
    loop {
        if crash_at == Some(acts) {
            driver.crash();
        }
        if !driver.act(&mut rng) {
            break;
        }
        acts += 1;
    }
    driver.assert_over(scripts);
    (acts, driver)
}

/// A crash between any two things that happen changes nothing of what comes out in the end.
#[test]
fn what_ends_well_does_so_wherever_it_was_cut() {
    quiet_panics();
    for scripts in well() {
        let (acts, uncut) = run(&scripts, None);
        for at in 0..acts {
            let (_, cut) = run(&scripts, Some(at));
            assert_eq!(cut.world.marks(), uncut.world.marks(), "cut at {at}");
            for script in &scripts {
                assert_eq!(
                    cut.outcomes[&script.name].result(),
                    uncut.outcomes[&script.name].result(),
                    "cut at {at}"
                );
            }
        }
    }
}

#[test]
fn what_fails_is_undone_wherever_it_was_cut() {
    quiet_panics();
    for scripts in ill() {
        let (acts, uncut) = run(&scripts, None);
        for at in 0..acts {
            let (_, cut) = run(&scripts, Some(at));
            cut.assert_whole(&scripts);
            let root = &scripts[0].name;
            assert!(cut.world.marks_of(root).is_empty(), "cut at {at}");
            assert_eq!(
                cut.outcomes[root].exception().map(|error| error.class),
                uncut.outcomes[root].exception().map(|error| error.class),
                "cut at {at}"
            );
        }
    }
}

/// As above, but the cut goes through the middle of a step: it has left its mark, and nobody knows.
#[test]
fn each_step_may_run_twice() {
    quiet_panics();
    for scripts in well() {
        let mut steps = 0;
        loop {
            let mut driver = Driver::new();
            driver.submit_durably(&scripts);
            let mut rng = fastrand::Rng::with_seed(3);
            let mut begun = 0;
            while begun <= steps {
                if driver.begin() {
                    begun += 1;
                } else if !driver.act(&mut rng) {
                    break;
                }
            }
            if begun <= steps {
                break;
            }
            driver.crash();
            driver.run(&mut rng);
            driver.assert_over(&scripts);
            driver.assert_whole(&scripts);
            assert!(scripts.iter().all(|script| driver.succeeded(&script.name)));
            steps += 1;
        }
        let names: BTreeSet<_> = scripts.iter().map(|script| &script.name).collect();
        assert!(steps >= names.len(), "every script has at least one step");
    }
}

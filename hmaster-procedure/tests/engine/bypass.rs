//! Bypassing procedures that are beyond help.

use hmaster_procedure::engine::{Answer, Bypass, Waiting};
use hmaster_types::ProcId;

use crate::driver::Driver;
use crate::script::{Script, Step};

fn bypass(driver: &mut Driver, id: u64, overrides: bool, recursive: bool) -> Bypass {
    let ticket = driver.ticket();
    let done = driver.engine.bypass(ProcId(id), overrides, recursive, ticket);
    driver.collect();
    if done == Bypass::Done {
        assert_eq!(driver.answers.get(&ticket), None, "not before it is durable");
        while driver.sync() {}
        assert_eq!(driver.answers[&ticket], Answer::Durable);
    }
    done
}

fn settle(driver: &mut Driver) {
    while driver.begin() || driver.sync() {}
    while !driver.out.is_empty() {
        driver.end(0);
        while driver.begin() || driver.sync() {}
    }
}

fn start(scripts: &[Script]) -> Driver {
    let mut driver = Driver::new();
    driver.generous = false;
    driver.submit_durably(scripts);
    settle(&mut driver);
    driver
}

#[test]
fn it_ends_whatever_it_waits_for() {
    let waits = [
        Script::new("p", vec![Step::Message(1)]),
        Script::new("p", vec![Step::Wait("never".into())]),
        Script::new("p", vec![Step::Sleep(80_001)]),
        Script::new("p", vec![Step::Do]).before("never").locks(&["peer:p:x"]),
        Script::new("p", vec![Step::Do]).locks(&["peer:held:x"]),
        Script::new("p", vec![Step::Do]).locks(&["table:held:x"]),
        Script::new("p", vec![Step::Do, Step::Stubborn(1_000), Step::Fail]),
    ];
    for script in waits {
        let holder = Script::new("h", vec![Step::Message(1)]).locks(&["peer:held:x", "table:held:x"]).holds();
        let mut driver = start(&[holder, script.clone()]);
        assert_eq!(bypass(&mut driver, 2, false, false), Bypass::Done, "{script:?}");
        settle(&mut driver);
        assert!(driver.outcomes.contains_key("p"), "{script:?}:\n{}", driver.state());
        assert!(driver.rows[&ProcId(2)].bypass());
        assert_eq!(bypass(&mut driver, 2, false, false), Bypass::Refused, "over");
        assert_eq!(bypass(&mut driver, 1, false, false), Bypass::Done);
        settle(&mut driver);
        driver.assert_over(&[script]);
    }
}

#[test]
fn ancestors_end_with_it_but_after_their_other_children() {
    let child = |n: u32| Script::new(&format!("p.{n}"), vec![Step::Message(n)]);
    let script = Script::new("p", vec![Step::Children(vec![child(1), child(2)]), Step::Fail]);
    let mut driver = start(&[script]);
    assert_eq!(bypass(&mut driver, 1, false, false), Bypass::Refused, "it has children");
    assert_eq!(bypass(&mut driver, 2, false, false), Bypass::Done);
    assert_eq!(driver.log.last().unwrap().len(), 2, "it and its parent, at once");
    driver.crash();
    settle(&mut driver);
    assert_eq!(driver.engine.view(ProcId(1)).unwrap().waiting, Waiting::ForChildren);
    assert_eq!(bypass(&mut driver, 3, false, false), Bypass::Done);
    settle(&mut driver);
    assert!(driver.succeeded("p"), "it didn't come to its next step, which fails");
}

#[test]
fn a_whole_tree_ends_at_once() {
    let leaf = |name: &str| Script::new(name, vec![Step::Message(1)]);
    let mid = Script::new("p.m", vec![Step::Children(vec![leaf("p.m.1"), leaf("p.m.2")])]);
    let script = Script::new("p", vec![Step::Children(vec![mid, leaf("p.l")]), Step::Fail]);
    let mut driver = start(&[script]);
    assert_eq!(bypass(&mut driver, 1, false, true), Bypass::Done);
    assert_eq!(driver.log.last().unwrap().len(), 5, "all in one batch");
    settle(&mut driver);
    assert!(driver.succeeded("p"));
}

#[test]
fn a_running_step_is_waited_for_or_overridden() {
    let mut driver = Driver::new();
    driver.submit_durably(&[Script::new("p", vec![Step::Do, Step::Fail])]);
    assert!(driver.begin());
    let ticket = driver.ticket();
    assert_eq!(driver.engine.bypass(ProcId(1), false, false, ticket), Bypass::Busy);
    driver.end(0);
    assert_eq!(driver.answers[&ticket], Answer::StepEnded);
    while driver.sync() {}
    assert!(driver.begin());
    assert_eq!(bypass(&mut driver, 1, true, false), Bypass::Done, "though its step is running");
    driver.crash();
    settle(&mut driver);
    assert!(driver.succeeded("p"), "the next master knows");
}

/// A procedure whose tree has ended must not come back as a row without a root.
#[test]
fn no_row_outlives_its_tree() {
    let child = |n: u32, last: Step| Script::new(&format!("p.{n}"), vec![Step::Do, last]);
    let mid = Script::new("p.3", vec![Step::Children(vec![child(4, Step::Fail)])]);
    let script = Script::new("p", vec![Step::Children(vec![child(2, Step::Do), mid])]).never_undone();
    let mut driver = start(&[]);
    driver.submit_durably(&[script]);
    while !driver.queue.iter().any(|(_, ops)| ops.len() > 3) || driver.log.len() < 4 {
        while driver.begin() {}
        if !driver.out.is_empty() {
            driver.end(0);
        } else if driver.queue.iter().any(|(_, ops)| ops.len() > 3) && driver.log.len() >= 4 {
            break;
        } else {
            assert!(driver.sync(), "{}", driver.state());
        }
    }
    // The batch that ends the tree is on its way.
    for id in 1..=4 {
        assert_eq!(bypass_now(&mut driver, id), Bypass::Refused, "pid={id}");
        let ticket = driver.ticket();
        driver.engine.deliver(ProcId(id), crate::world::Told::Number(9), ticket);
        driver.collect();
    }
    while driver.sync() {}
    assert_eq!(driver.rows.len(), 1);
}

fn bypass_now(driver: &mut Driver, id: u64) -> Bypass {
    let ticket = driver.ticket();
    let done = driver.engine.bypass(ProcId(id), true, true, ticket);
    driver.collect();
    done
}

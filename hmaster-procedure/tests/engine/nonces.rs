//! Requests that clients mark, and results that are kept for them.

use hmaster_procedure::NewProcedure;
use hmaster_procedure::engine::{Answer, NonceAnswer, Status, Ticket};
use hmaster_types::{JavaException, Nonce, ProcId, class};

use crate::driver::Driver;
use crate::script::{Script, Step};

const NONCE: Nonce = Nonce { group: 5, value: 7 };

fn register(driver: &mut Driver) -> Ticket {
    let ticket = driver.ticket();
    driver.engine.register_nonce(NONCE, ticket);
    driver.collect();
    ticket
}

fn answer(driver: &Driver, ticket: Ticket) -> Option<NonceAnswer> {
    driver.answers.get(&ticket).map(|answer| match answer {
        Answer::Nonce(answer) => *answer,
        other => panic!("{other:?}"),
    })
}

fn submit(driver: &mut Driver) -> ProcId {
    let script = Script::new("p", vec![Step::Do]);
    let new = NewProcedure { nonce: Some(NONCE), ..script.submit() };
    let ids = driver.engine.submit(vec![new], None).unwrap();
    driver.engine.release_nonce(NONCE);
    driver.collect();
    ids[0]
}

#[test]
fn a_repeated_request_gets_the_same_procedure_once_it_is_durable() {
    let mut driver = Driver::new();
    let first = register(&mut driver);
    assert_eq!(answer(&driver, first), Some(NonceAnswer::Reserved(NONCE, ProcId(1))));
    let waits = register(&mut driver);
    assert_eq!(answer(&driver, waits), None);
    assert_eq!(submit(&mut driver), ProcId(1));
    let later = register(&mut driver);
    assert_eq!((answer(&driver, waits), answer(&driver, later)), (None, None), "not durable yet");
    driver.sync();
    let known = Some(NonceAnswer::Known(ProcId(1)));
    assert_eq!((answer(&driver, waits), answer(&driver, later)), (known, known));
    driver.crash();
    let after = register(&mut driver);
    assert_eq!(answer(&driver, after), known, "the next master knows it, too");
    while !driver.outcomes.contains_key("p") {
        driver.begin();
        if !driver.out.is_empty() {
            driver.end(0);
        }
        driver.sync();
    }
    driver.crash();
    let after = register(&mut driver);
    assert_eq!(answer(&driver, after), known, "and after its end");
}

#[test]
fn a_request_that_is_given_up_goes_to_the_next() {
    let mut driver = Driver::new();
    register(&mut driver);
    let (second, third) = (register(&mut driver), register(&mut driver));
    driver.engine.release_nonce(NONCE);
    driver.collect();
    assert_eq!(answer(&driver, second), Some(NonceAnswer::Reserved(NONCE, ProcId(1))));
    assert_eq!(answer(&driver, third), None);
    driver.engine.release_nonce(NONCE);
    driver.engine.release_nonce(NONCE);
    driver.collect();
    assert_eq!(answer(&driver, third), Some(NonceAnswer::Reserved(NONCE, ProcId(1))));
    let fresh = register(&mut driver);
    assert_eq!(answer(&driver, fresh), Some(NonceAnswer::Reserved(NONCE, ProcId(2))));
}

#[test]
fn a_request_that_failed_early_gives_the_same_error_again() {
    let mut driver = Driver::new();
    register(&mut driver);
    let waits = register(&mut driver);
    let error = JavaException::new(class::TABLE_EXISTS, "t");
    driver.engine.fail_nonce(NONCE, "CREATE t", Some("alice"), &error);
    driver.collect();
    assert_eq!(answer(&driver, waits), Some(NonceAnswer::Known(ProcId(1))));
    let Status::Finished(outcome) = driver.engine.status(ProcId(1), false) else {
        panic!("there is a result")
    };
    assert_eq!(outcome.to_result(), Err(error));
    driver.elapse();
    while driver.elapse() {}
    assert!(driver.queue.is_empty(), "it has no row to delete");
    assert_eq!(driver.engine.status(ProcId(1), false), Status::NotFound);
}

#[test]
fn no_two_procedures_share_an_id_or_a_mark() {
    let mut driver = Driver::new();
    // Nobody has registered the mark: the procedure has it all the same, a second one doesn't.
    let (first, second) = (submit(&mut driver), submit(&mut driver));
    assert_ne!(first, second);
    while driver.sync() {}
    assert_eq!(driver.rows[&first].nonce, Some(7));
    assert_eq!(driver.rows[&second].nonce, None);
}

/// Java's defaults: a quarter of an hour, and five minutes after a client has asked.
#[test]
fn results_are_kept_until_somebody_has_asked_and_a_while_longer() {
    for (ask, kept_ms) in [(false, 15 * 60_000), (true, 5 * 60_000)] {
        let mut driver = Driver::new();
        assert_eq!(driver.engine.status(ProcId(1), true), Status::NotFound);
        driver.submit_durably(&[Script::new("p", vec![Step::Do])]);
        assert!(matches!(driver.engine.status(ProcId(1), true), Status::Running { .. }));
        driver.begin();
        driver.end(0);
        assert!(matches!(driver.engine.status(ProcId(1), true), Status::Running { .. }), "not durable");
        driver.sync();
        let began_ms = driver.now.mono_ms;
        let Status::Finished(outcome) = driver.engine.status(ProcId(1), ask) else { panic!("it has ended") };
        assert_eq!(outcome.to_result().unwrap().unwrap(), "p");
        while !matches!(driver.engine.status(ProcId(1), false), Status::NotFound) {
            assert!(driver.elapse());
        }
        while driver.sync() {}
        assert!(driver.rows.is_empty());
        assert!((kept_ms..=kept_ms + 30_000).contains(&(driver.now.mono_ms - began_ms)), "{kept_ms}");
        assert_eq!(driver.engine.next_deadline_ms(), None);
    }
}

#[test]
fn results_go_in_batches() {
    let mut driver = Driver::new();
    let scripts: Vec<_> = (0..70).map(|n| Script::new(&format!("p{n}"), vec![Step::Do])).collect();
    driver.submit_durably(&scripts);
    while driver.begin() {}
    while !driver.out.is_empty() {
        driver.end(0);
    }
    while driver.sync() {}
    while !driver.rows.is_empty() && driver.elapse() {
        if !driver.queue.is_empty() {
            let sizes: Vec<_> = driver.queue.iter().map(|(_, ops)| ops.len()).collect();
            assert_eq!(sizes, [32, 32, 6]);
            while driver.sync() {}
        }
    }
    assert!(driver.rows.is_empty());
}

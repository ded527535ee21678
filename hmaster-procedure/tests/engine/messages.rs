//! Messages, wake-ups, events and requests to give up, at every moment of a procedure's life.

use hmaster_procedure::Delivery;
use hmaster_procedure::engine::{Answer, INBOX_MESSAGES_MAX, Waiting};
use hmaster_types::ProcId;

use crate::driver::Driver;
use crate::script::{Script, Step};
use crate::world::Told;

fn one(steps: Vec<Step>) -> Driver {
    let mut driver = Driver::new();
    driver.generous = false;
    driver.submit_durably(&[Script::new("p", steps)]);
    driver
}

const ID: ProcId = ProcId(1);

impl Driver {
    /// Delivers a message: its ticket's answer, if it is there at once.
    fn tell(&mut self, told: Told) -> (hmaster_procedure::engine::Ticket, Option<Delivery>) {
        let ticket = self.ticket();
        self.engine.deliver(ID, told, ticket);
        self.collect();
        (ticket, self.delivery(ticket))
    }

    fn delivery(&self, ticket: hmaster_procedure::engine::Ticket) -> Option<Delivery> {
        match self.answers.get(&ticket) {
            Some(Answer::Delivered(delivery)) => Some(delivery.clone()),
            None => None,
            other => panic!("{other:?}"),
        }
    }

    fn waiting(&self) -> Waiting {
        self.engine.view(ID).unwrap().waiting
    }

    /// Begins a step, ends it, makes everything durable.
    fn step(&mut self) {
        assert!(self.begin());
        self.end(0);
        while self.sync() {}
    }
}

#[test]
fn a_message_is_acknowledged_once_what_it_changed_is_durable() {
    let mut driver = one(vec![Step::Message(1), Step::Do]);
    driver.step();
    assert_eq!(driver.waiting(), Waiting::ForMessage);
    let (first, answer) = driver.tell(Told::Number(1));
    assert_eq!(answer, None);
    // A repeated message changes nothing, but must not be acknowledged before the first either.
    let (again, answer) = driver.tell(Told::Number(1));
    assert_eq!(answer, None);
    assert!(!driver.begin(), "it goes on only when what it was told is durable");
    driver.sync();
    assert_eq!(driver.delivery(first), Some(Delivery::Accepted));
    assert_eq!(driver.delivery(again), Some(Delivery::Accepted));
    assert_eq!(driver.tell(Told::Nothing).1, Some(Delivery::Accepted), "nothing to wait for");
    driver.crash();
    driver.step();
    assert_eq!(driver.world.marks_of("p"), [0], "the next master knows what it was told");
}

#[test]
fn a_message_during_a_step_comes_after_it() {
    let mut driver = one(vec![Step::Message(1), Step::Do]);
    assert!(driver.begin());
    let (ticket, answer) = driver.tell(Told::Number(1));
    assert_eq!(answer, None);
    driver.end(0);
    assert_eq!(driver.queue.len(), 1, "the step and the message are one batch");
    assert_eq!(driver.delivery(ticket), None);
    driver.sync();
    assert_eq!(driver.delivery(ticket), Some(Delivery::Accepted));
    driver.step();
    assert_eq!(driver.world.marks_of("p"), [0], "it wasn't suspended, for it had been told meanwhile");
}

#[test]
fn a_wake_during_a_step_is_not_lost() {
    let mut driver = one(vec![Step::Message(1)]);
    assert!(driver.begin());
    driver.engine.wake(ID);
    driver.end(0);
    driver.sync();
    assert_eq!(driver.waiting(), Waiting::InLine);
    driver.step();
    assert_eq!(driver.waiting(), Waiting::ForMessage, "one wake, one step");
    driver.engine.wake(ID);
    assert_eq!(driver.waiting(), Waiting::InLine);
}

#[test]
fn a_wake_before_the_wait_is_durable_is_not_lost() {
    let mut driver = one(vec![Step::Message(1)]);
    assert!(driver.begin());
    driver.end(0);
    driver.engine.wake(ID);
    assert_eq!(driver.waiting(), Waiting::ForStore);
    driver.sync();
    assert_eq!(driver.waiting(), Waiting::InLine);
}

#[test]
fn a_message_may_be_refused_or_change_nothing() {
    let mut driver = one(vec![Step::Message(1)]);
    driver.step();
    assert!(matches!(driver.tell(Told::Refuse).1, Some(Delivery::Rejected(_))));
    assert_eq!(driver.tell(Told::Nothing).1, Some(Delivery::Accepted));
    assert_eq!(driver.waiting(), Waiting::ForMessage);
    assert_eq!(driver.tell(Told::Wake).1, Some(Delivery::Accepted));
    assert_eq!(driver.waiting(), Waiting::InLine);
    assert!(driver.queue.is_empty(), "nothing to store");
}

#[test]
fn a_message_that_panics_fails_the_procedure() {
    crate::driver::quiet_panics();
    for during_step in [false, true] {
        let mut driver = one(vec![Step::Do, Step::Message(1)]);
        driver.step();
        if during_step {
            assert!(driver.begin());
            driver.tell(Told::Panic);
            driver.end(0);
        } else {
            driver.step();
            driver.tell(Told::Panic);
        }
        driver.run(&mut fastrand::Rng::with_seed(1));
        assert!(driver.outcomes["p"].exception().unwrap().message.contains("CODE-BUG"));
        assert!(driver.world.marks_of("p").is_empty(), "undone");
    }
}

#[test]
fn nobody_is_there_to_be_told() {
    let mut driver = one(vec![Step::Do]);
    let ticket = driver.ticket();
    driver.engine.deliver(ProcId(77), Told::Nothing, ticket);
    driver.collect();
    assert_eq!(driver.delivery(ticket), Some(Delivery::NoSuchProcedure));
    // It ends while a message waits for the end of its step: that is known once the end is durable.
    assert!(driver.begin());
    let (during, _) = driver.tell(Told::Number(1));
    driver.end(0);
    let (after, answer) = driver.tell(Told::Number(1));
    assert_eq!((answer, driver.delivery(during)), (None, None));
    driver.sync();
    assert_eq!(driver.delivery(during), Some(Delivery::NoSuchProcedure));
    assert_eq!(driver.delivery(after), Some(Delivery::NoSuchProcedure));
    assert_eq!(driver.tell(Told::Nothing).1, Some(Delivery::NoSuchProcedure));
}

#[test]
fn too_many_messages_during_a_step_are_refused() {
    let mut driver = one(vec![Step::Do]);
    assert!(driver.begin());
    for _ in 0..INBOX_MESSAGES_MAX {
        assert_eq!(driver.tell(Told::Nothing).1, None);
    }
    let Some(Delivery::Rejected(error)) = driver.tell(Told::Nothing).1 else { panic!("refused at once") };
    assert_eq!(error.simple_class(), "CallQueueTooBigException");
}

#[test]
fn messages_keep_their_order() {
    let mut driver = one(vec![Step::Message(3), Step::Do]);
    assert!(driver.begin());
    let tickets: Vec<_> = [1, 2, 3].map(|number| driver.tell(Told::Number(number)).0).into();
    driver.end(0);
    let (late, _) = driver.tell(Told::Number(4));
    driver.sync();
    assert!(tickets.iter().all(|&ticket| driver.delivery(ticket) == Some(Delivery::Accepted)));
    assert_eq!(driver.delivery(late), None, "its own batch isn't durable yet");
    let heard = &driver.rows[&ID].state_message[1];
    let pair: hmaster_protocol::pb::NameStringPair = heard.unpack().unwrap();
    assert_eq!(pair.value, "[[1,2,3],0]");
}

#[test]
fn an_event_wakes_in_the_order_of_waiting() {
    let mut driver = Driver::new();
    let scripts: Vec<_> = ["a", "b", "c"].map(|name| Script::new(name, vec![Step::Wait("e".into())])).into();
    driver.submit_durably(&scripts);
    for _ in 0..3 {
        assert!(driver.begin());
    }
    for which in [1, 0, 0] {
        driver.end(which);
    }
    while driver.sync() {}
    driver.world.happen("e");
    driver.engine.set_event("e".into());
    while driver.begin() {}
    assert_eq!(driver.world.begun(), ["a/0", "b/0", "c/0", "b/0", "a/0", "c/0"]);
}

#[test]
fn an_event_that_is_set_doesnt_stop_anybody() {
    let mut driver = one(vec![Step::Wait("e".into()), Step::Do]);
    assert!(driver.begin());
    driver.engine.set_event("e".into());
    driver.end(0);
    driver.sync();
    assert_eq!(driver.waiting(), Waiting::InLine);
    driver.engine.clear_event(&"e".into());
    driver.step();
    assert_eq!(driver.waiting(), Waiting::ForEvent("\"e\"".into()), "cleared before it looked again");
}

#[test]
fn what_must_be_so_is_asked_before_each_taking_of_locks() {
    let mut driver = Driver::new();
    driver.generous = false;
    let script = Script::new("p", vec![Step::Message(1), Step::Do]).before("up").locks(&["peer:p:x"]);
    driver.submit_durably(&[script]);
    assert!(!driver.begin() && driver.engine.locks().is_empty(), "it doesn't even ask for its lock");
    driver.engine.set_event("up".into());
    driver.begin();
    while driver.sync() {}
    driver.engine.clear_event(&"up".into());
    driver.step();
    assert!(driver.engine.locks().is_empty(), "released while it waits");
    driver.tell(Told::Number(1));
    while driver.sync() {}
    assert!(!driver.begin() && driver.engine.locks().is_empty());
    driver.engine.set_event("up".into());
    driver.run(&mut fastrand::Rng::with_seed(1));
    assert!(driver.succeeded("p"));
}

/// Java's `abort`: whether it is heeded, and whether it is asked at all of one that has run.
#[test]
fn abort() {
    let abort = |driver: &mut Driver, may_interrupt| {
        let ticket = driver.ticket();
        driver.engine.abort(ID, may_interrupt, ticket);
        driver.collect();
        ticket
    };
    let mut driver = one(vec![Step::Do, Step::Sleep(60_000), Step::Do]);
    driver.step();
    let ticket = abort(&mut driver, false);
    assert_eq!(driver.answers[&ticket], Answer::Aborted(false), "it has run");
    assert!(driver.begin());
    let ticket = abort(&mut driver, true);
    assert_eq!(driver.answers.get(&ticket), None, "asked after its step");
    driver.end(0);
    driver.sync();
    assert_eq!(driver.answers[&ticket], Answer::Aborted(true));
    while !driver.outcomes.contains_key("p") {
        assert!(driver.begin(), "it doesn't sleep for a minute first");
        driver.end(0);
        driver.sync();
    }
    let error = driver.outcomes["p"].exception().unwrap();
    assert_eq!(error.simple_class(), "ProcedureAbortedException");
    assert!(driver.world.marks_of("p").is_empty());
    let ticket = abort(&mut driver, true);
    assert_eq!(driver.answers[&ticket], Answer::Aborted(false), "over");

    let mut driver = Driver::new();
    driver.submit_durably(&[Script::new("p", vec![Step::Do]).never_undone()]);
    let ticket = abort(&mut driver, true);
    assert_eq!(driver.answers[&ticket], Answer::Aborted(false), "it can't be undone");
}

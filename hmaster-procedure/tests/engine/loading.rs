//! Loading what another master left, good and bad.

use hmaster_procedure::engine::{Engine, Now, Waiting};
use hmaster_procedure::{EngineConfig, LoadPlan, Loaded};
use hmaster_protocol::pb::{self, ProcedureState};
use hmaster_types::ProcId;
use prost::Message as _;

use crate::driver::Driver;
use crate::script::{SCRIPT_CLASS, Script, Step, registry};

/// A row of a script that has entered `states`.
fn row(id: u64, parent: Option<u64>, script: &Script, states: &[u32]) -> pb::Procedure {
    let pair = pb::NameStringPair { name: serde_json::to_string(script).unwrap(), value: "[[],0]".into() };
    let data = pb::StateMachineProcedureData { state: states.to_vec() };
    pb::Procedure {
        class_name: SCRIPT_CLASS.into(),
        proc_id: id,
        parent_id: parent,
        submitted_time: 1,
        last_update: 2,
        state: ProcedureState::Runnable as i32,
        state_message: vec![pb::Any::pack(&data), pb::Any::pack(&pair)],
        executed: Some(!states.is_empty()),
        ..Default::default()
    }
}

fn linear(name: &str) -> Script {
    Script::new(name, vec![Step::Do, Step::Do, Step::Do])
}

fn plan(records: Vec<pb::Procedure>) -> LoadPlan<crate::world::World> {
    LoadPlan::new(Loaded { records, max_proc_id: 0 }, &registry())
}

/// Loads rows into a master, which runs to the end.
fn load(records: Vec<pb::Procedure>) -> Driver {
    let mut driver = Driver::new();
    driver.rows = records.into_iter().map(|row| (ProcId(row.proc_id), row.into())).collect();
    driver.crash();
    driver
}

fn finish(driver: &mut Driver) {
    driver.run(&mut fastrand::Rng::with_seed(1));
}

#[test]
fn the_old_form_of_state_data_is_read() {
    let mut record = row(1, None, &linear("p"), &[0, 1]);
    let messages = std::mem::take(&mut record.state_message);
    let old = messages.iter().flat_map(|any| {
        let mut delimited = Vec::new();
        prost::encoding::encode_varint(any.value.len() as u64, &mut delimited);
        delimited.extend_from_slice(&any.value);
        delimited
    });
    record.state_data = Some(old.collect::<Vec<u8>>().into());
    record.stack_id = vec![0];
    let record = pb::Procedure::decode(&*record.encode_to_vec()).unwrap();
    let mut driver = load(vec![record]);
    finish(&mut driver);
    assert!(driver.succeeded("p"));
    assert_eq!(driver.world.begun(), ["p/1", "p/2"]);
}

/// A master was killed after it had stored the last child's end, but before that of the parent's wait.
#[test]
fn a_parent_whose_children_are_done_goes_on() {
    let parent = Script::new("p", vec![Step::Do, Step::Do]);
    let mut rows = vec![row(1, None, &parent, &[0, 1]), row(2, Some(1), &linear("p.c"), &[0])];
    rows[0].state = ProcedureState::Waiting as i32;
    rows[1].state = ProcedureState::Success as i32;
    rows[0].stack_id = vec![0];
    rows[1].stack_id = vec![1];
    let mut driver = load(rows);
    finish(&mut driver);
    assert!(driver.succeeded("p"));
    driver.assert_over(&[parent]);
}

#[test]
fn a_parent_waits_for_the_children_it_has_whatever_its_row_says() {
    for state in [ProcedureState::Waiting, ProcedureState::Runnable, ProcedureState::WaitingTimeout] {
        let parent = Script::new("p", vec![Step::Do, Step::Do]);
        let mut rows = vec![row(1, None, &parent, &[0, 1]), row(2, Some(1), &linear("p.c"), &[])];
        rows[0].state = state as i32;
        rows[0].stack_id = vec![0];
        rows[0].timeout = Some(1);
        let mut driver = load(rows);
        finish(&mut driver);
        assert_eq!(driver.world.begun(), ["p.c/0", "p.c/1", "p.c/2", "p/1"], "{state:?}");
    }
}

#[test]
fn a_sleeper_sleeps_for_what_is_left() {
    let mut record = row(1, None, &linear("p"), &[0, 1]);
    record.state = ProcedureState::WaitingTimeout as i32;
    record.stack_id = vec![0];
    record.timeout = Some(10_000);
    record.last_update = 1_000_010 - 4_000;
    let mut driver = load(vec![record.clone()]);
    assert_eq!(driver.engine.next_deadline_ms(), Some(6_000));
    assert!(!driver.begin() && driver.elapse() && driver.begin());
    // A clock that was set back doesn't make it sleep for longer than it was to.
    record.last_update = 9_000_000_000;
    let driver = load(vec![record.clone()]);
    assert_eq!(driver.engine.next_deadline_ms(), Some(10_000));
    record.timeout = None;
    let driver = load(vec![record]);
    assert_eq!(driver.engine.next_deadline_ms(), Some(0));
}

#[test]
fn what_had_failed_is_undone_whoever_noticed() {
    for root_knows in [false, true] {
        let parent = Script::new("p", vec![Step::Do, Step::Do]);
        let mut rows = vec![
            row(1, None, &parent, &[0, 1]),
            row(2, Some(1), &linear("p.c"), &[0, 1]),
            row(3, Some(1), &linear("p.d"), &[0, 1]),
        ];
        rows[0].state = ProcedureState::Waiting as i32;
        for (row, stack) in rows.iter_mut().zip([vec![0], vec![1, 3], vec![2]]) {
            row.stack_id = stack;
        }
        let error = hmaster_types::JavaException::new(hmaster_types::class::TABLE_NOT_FOUND, "t");
        rows[1].exception = Some(pb::ForeignExceptionMessage::new(Some("p.c"), &error));
        rows[1].state = ProcedureState::Failed as i32;
        if root_knows {
            let exception = rows[1].exception.clone();
            rows[0].exception = exception;
            rows[0].state = ProcedureState::Failed as i32;
        }
        let mut driver = load(rows);
        for (name, step) in [("p", 0), ("p.c", 0), ("p.d", 0), ("p.d", 1)] {
            driver.world.mark(name, step);
        }
        finish(&mut driver);
        assert_eq!(driver.outcomes["p"].exception(), Some(error));
        assert!(driver.world.marks().is_empty(), "{:?}", driver.world.marks());
        driver.assert_over(&[parent]);
    }
}

/// States that no Java master stores, but that its loader dies of.
#[test]
fn odd_states_are_made_the_best_of() {
    let mut rows = vec![row(1, None, &linear("p"), &[])];
    rows[0].state = ProcedureState::Initializing as i32;
    let mut driver = load(rows);
    finish(&mut driver);
    assert!(driver.succeeded("p"));

    let parent = Script::new("p", vec![Step::Do, Step::Do]);
    let mut rows = vec![row(1, None, &parent, &[0, 1]), row(2, Some(1), &linear("p.c"), &[0])];
    rows[0].state = ProcedureState::Failed as i32;
    rows[0].stack_id = vec![0];
    rows[1].state = ProcedureState::Rolledback as i32;
    let mut driver = load(rows);
    finish(&mut driver);
    assert!(!driver.succeeded("p"));
    driver.assert_over(&[parent]);
}

#[test]
fn ids_go_on_above_everything_that_was_ever_given_out() {
    let last = |max_proc_id, floor| {
        let records = vec![row(7, None, &linear("p"), &[])];
        let plan = LoadPlan::new(Loaded { records, max_proc_id }, &registry());
        let engine: Engine<crate::world::World> =
            Engine::restore(Default::default(), EngineConfig::default(), Now::default(), plan, ProcId(floor));
        engine.last_id().0
    };
    assert_eq!((last(0, 0), last(9, 0), last(9, 20), last(u64::MAX, 0)), (7, 9, 20, 7));
}

#[test]
fn every_problem_is_named_and_decided_about() {
    let mut unknown = row(1, None, &linear("a"), &[]);
    unknown.class_name = "org.example.Gone".into();
    let mut bad_state = row(2, None, &linear("b"), &[0, 5_000]);
    bad_state.stack_id = vec![0];
    let mut hole = row(3, None, &linear("c"), &[0, 1]);
    hole.stack_id = vec![1];
    let orphan = row(4, Some(99), &linear("d"), &[]);
    let mut ended = row(5, None, &linear("e"), &[]);
    ended.state = ProcedureState::Success as i32;
    let left_over = row(6, Some(5), &linear("f"), &[]);
    let mut no_state = row(7, None, &linear("g"), &[]);
    no_state.state_message.truncate(1);
    let bad_id = row(u64::MAX, None, &linear("h"), &[]);
    let good = row(8, None, &linear("i"), &[]);
    let records = vec![unknown, bad_state, hole, orphan, ended, left_over, no_state, bad_id, good];
    let mut plan = plan(records);
    let text = plan.to_string();
    let class = SCRIPT_CLASS;
    let expected = [
        "1 procedures in 1 trees, 0 results, highest id 8".into(),
        "pid=1 org.example.Gone: unknown class".into(),
        format!("pid=2 {class}: unknown state number 5000"),
        format!("pid=3 {class}: step 0 of the tree is missing, the last is 1"),
        format!("pid=4 {class}: its parent pid=99 leads to no root"),
        format!("pid=6, root=5 {class}: its root has ended"),
        format!("pid=7 {class}: state data ends before message 1, hbase.pb.NameStringPair"),
        format!("pid={} {class}: its id is outside of 1..=2^63-1", u64::MAX),
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    assert!(!plan.bypass(ProcId(4)) && !plan.bypass(ProcId(6)) && !plan.bypass(ProcId(u64::MAX)));
    assert!(!plan.discard(ProcId(1)) && !plan.discard(ProcId(8)) && !plan.set_aside(ProcId(1234)));
    assert!(plan.bypass(ProcId(1)) && plan.bypass(ProcId(2)) && plan.bypass(ProcId(3)));
    assert!(plan.discard(ProcId(4)) && plan.discard(ProcId(6)) && plan.discard(ProcId(u64::MAX)));
    assert!(plan.set_aside(ProcId(7)));
    assert_eq!(plan.problems().count(), 0);
    assert!(plan.to_string().contains("set aside: tree of pid=7"));

    let mut driver = Driver::new();
    driver.rows.clear();
    driver.restore(plan);
    while driver.begin() || driver.sync() {
        while !driver.out.is_empty() {
            driver.end(0);
        }
    }
    assert_eq!(driver.world.begun(), ["i/0", "i/1", "i/2"], "what is bypassed does nothing");
    let deleted =
        driver.log.iter().flatten().filter(|op| matches!(op, hmaster_procedure::StoreOp::Delete(_)));
    assert_eq!(deleted.map(|op| op.id().0).collect::<Vec<_>>(), [4, 6, u64::MAX]);
    for id in [1, 2, 3, 8] {
        assert_eq!(driver.rows[&ProcId(id)].state(), ProcedureState::Success, "pid={id}");
    }
    assert_eq!(driver.rows[&ProcId(1)].class_name, "org.example.Gone");
    assert!(driver.engine.is_empty() && !driver.rows.contains_key(&ProcId(7)));
}

#[test]
fn a_broken_child_is_bypassed_with_its_ancestors() {
    let parent = Script::new("p", vec![Step::Do, Step::Fail]);
    let mut rows = vec![
        row(1, None, &parent, &[0, 1]),
        row(2, Some(1), &linear("p.c"), &[]),
        row(3, Some(1), &linear("p.d"), &[]),
    ];
    rows[0].state = ProcedureState::Waiting as i32;
    rows[0].stack_id = vec![0];
    rows[1].class_name = "org.example.Gone".into();
    let mut driver = Driver::new();
    driver.rows = rows.iter().map(|row| (ProcId(row.proc_id), row.clone().into())).collect();
    let mut plan = plan(rows);
    assert_eq!(plan.problems().count(), 1);
    assert!(plan.bypass(ProcId(2)));
    assert_eq!(plan.problems().count(), 0);
    driver.restore(plan);
    while driver.sync() {}
    // Whoever loads it after another crash need not decide again.
    driver.crash();
    finish(&mut driver);
    assert_eq!(driver.world.begun(), ["p.d/0", "p.d/1", "p.d/2"]);
    assert!(driver.engine.is_empty());
}

#[test]
fn loaded_procedures_are_shown_before_anything_runs() {
    let parent = Script::new("p", vec![Step::Do, Step::Do]);
    let mut rows = vec![row(1, None, &parent, &[0, 1]), row(2, Some(1), &linear("p.c"), &[])];
    rows[0].state = ProcedureState::Waiting as i32;
    let mut engine =
        Engine::restore(Default::default(), EngineConfig::default(), Now::default(), plan(rows), ProcId(0));
    let mut seen = Vec::new();
    engine.visit(|place, procedure| {
        seen.push((
            place.id.0,
            place.parent.map(|id| id.0),
            crate::script::script_of(procedure).unwrap().name.clone(),
        ));
    });
    assert_eq!(seen, [(1, None, "p".into()), (2, Some(1), "p.c".into())]);
    assert!(engine.next_step().is_none(), "it isn't started");
    assert_eq!(engine.view(ProcId(2)).unwrap().waiting, Waiting::InLine);
    engine.start();
    assert!(engine.next_step().is_some());
}

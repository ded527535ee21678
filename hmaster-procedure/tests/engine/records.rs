//! Rows, field by field, as Java 2.6.4's `ProcedureUtil.convertToProtoProcedure` would write them.

use hmaster_procedure::EOF_STATE;
use hmaster_procedure::NewProcedure;
use hmaster_protocol::pb::{self, ProcedureState};
use hmaster_types::{Nonce, ProcId};

use crate::driver::Driver;
use crate::script::{SCRIPT_CLASS, Script, Step};

fn states(row: &pb::Procedure) -> Vec<i32> {
    let data: pb::StateMachineProcedureData = row.state_message[0].unpack().unwrap();
    data.state.into_iter().map(u32::cast_signed).collect()
}

/// Runs to the end, in order; every version of every row.
fn history(script: &Script) -> Vec<pb::Procedure> {
    crate::driver::quiet_panics();
    let mut driver = Driver::new();
    driver.submit_durably(std::slice::from_ref(script));
    while !driver.outcomes.contains_key(&script.name) {
        let more = driver.begin() || driver.sync();
        if !driver.out.is_empty() {
            driver.end(0);
        } else if !more {
            assert!(driver.elapse(), "{}", driver.state());
        }
    }
    let puts = driver.log.iter().flatten().filter_map(|op| match op {
        hmaster_procedure::StoreOp::Put(row) => Some((**row).clone()),
        hmaster_procedure::StoreOp::Delete(_) => None,
    });
    puts.collect()
}

/// State, states entered, steps, and whether it is locked, has been executed, has failed.
fn brief(row: &pb::Procedure) -> String {
    let marks =
        [(row.locked(), " locked"), (row.executed(), " executed"), (row.exception.is_some(), " failed")];
    let marks: String = marks.iter().filter(|mark| mark.0).map(|mark| mark.1).collect();
    let states: Vec<_> =
        states(row).iter().map(|s| if *s == EOF_STATE { "E".into() } else { s.to_string() }).collect();
    let steps: Vec<_> = row.stack_id.iter().map(ToString::to_string).collect();
    format!(
        "{} {} [{}] ({}){marks}",
        row.proc_id,
        row.state().as_str_name(),
        states.join(" "),
        steps.join(" ")
    )
}

fn briefs(script: &Script) -> Vec<String> {
    history(script).iter().map(brief).collect()
}

#[test]
fn a_new_procedure_has_what_java_sets_and_nothing_else() {
    let mut driver = Driver::new();
    let script = Script::new("p", vec![Step::Do]);
    let nonce = Some(Nonce { group: 3, value: 4 });
    let new = NewProcedure { owner: Some("alice".into()), nonce, ..script.submit() };
    driver.engine.submit(vec![new, script.submit()], None).unwrap();
    driver.collect();
    driver.sync();
    let row = driver.rows[&ProcId(1)].clone();
    assert_eq!(row.class_name, SCRIPT_CLASS);
    let types: Vec<_> = row.state_message.iter().map(|any| any.type_url.as_str()).collect();
    let expected = [
        "type.googleapis.com/hbase.pb.StateMachineProcedureData",
        "type.googleapis.com/hbase.pb.NameStringPair",
    ];
    assert_eq!(types, expected);
    let expected = pb::Procedure {
        class_name: SCRIPT_CLASS.into(),
        parent_id: None,
        proc_id: 1,
        submitted_time: 1_000_000,
        owner: Some("alice".into()),
        state: ProcedureState::Runnable as i32,
        stack_id: vec![],
        last_update: 1_000_000,
        timeout: None,
        exception: None,
        result: None,
        state_data: None,
        nonce_group: Some(3),
        nonce: Some(4),
        state_message: row.state_message.clone(),
        locked: None,
        bypass: None,
        executed: Some(false),
    };
    assert_eq!(*row, expected);
    let bare = driver.rows[&ProcId(2)].clone();
    assert_eq!(*bare, pb::Procedure { proc_id: 2, owner: None, nonce_group: None, nonce: None, ..expected });
}

#[test]
fn a_state_machine_from_its_first_row_to_its_last() {
    let script = Script::new("p", vec![Step::Do, Step::Do]).locks(&["table:t:x"]);
    assert_eq!(
        briefs(&script),
        [
            "1 RUNNABLE [] ()",
            "1 RUNNABLE [] () locked",
            "1 RUNNABLE [0 1] (0) locked executed",
            "1 SUCCESS [0 1 E] (0 1) executed",
        ]
    );
}

#[test]
fn what_cant_be_undone_counts_no_steps() {
    let script = Script::new("p", vec![Step::Do, Step::Do]).never_undone();
    assert_eq!(
        briefs(&script),
        ["1 RUNNABLE [] ()", "1 RUNNABLE [0 1] () executed", "1 SUCCESS [0 1 E] () executed"]
    );
}

#[test]
fn children_in_the_last_state_come_after_its_end_is_marked() {
    let script = Script::new("p", vec![Step::Children(vec![Script::new("p.c", vec![Step::Do])])]);
    let rows = history(&script);
    assert_eq!(
        rows.iter().map(brief).collect::<Vec<_>>(),
        [
            "1 RUNNABLE [] ()",
            "1 WAITING [0 E] (0) executed",
            "2 RUNNABLE [] ()",
            "2 SUCCESS [0 E] (1) executed",
            "1 RUNNABLE [0 E] (0) executed",
            "1 SUCCESS [0 E] (0 2) executed",
        ]
    );
    assert_eq!((rows[2].parent_id, rows[5].result.as_deref()), (Some(1), Some(&b"p"[..])));
}

#[test]
fn a_failure_and_its_undoing() {
    let child = Script::new("p.c", vec![Step::Do, Step::Fail]);
    let script =
        Script::new("p", vec![Step::Do, Step::Children(vec![child]), Step::Do]).locks(&["table:t:x"]);
    let rows = history(&script);
    assert_eq!(
        rows.iter().map(brief).collect::<Vec<_>>(),
        [
            "1 RUNNABLE [] ()",
            "1 RUNNABLE [] () locked",
            "1 RUNNABLE [0 1] (0) locked executed",
            "1 WAITING [0 1 2] (0 1) executed",
            "2 RUNNABLE [] ()",
            "2 RUNNABLE [0 1] (2) executed",
            "2 FAILED [0 1] (2 3) executed failed",
            "1 FAILED [0 1 2] (0 1) executed failed",
            "2 FAILED [0] (2) executed failed",
            // The child is gone; the parent takes its lock again to undo its own.
            "1 FAILED [0 1 2] (0 1) locked executed failed",
            "1 FAILED [0 1] (0) locked executed failed",
            "1 ROLLEDBACK [] () executed failed",
        ]
    );
    let exception = rows[6].exception.clone().unwrap();
    assert_eq!(exception.source.as_deref(), Some("ScriptProcedure"));
    let generic = exception.generic_exception.unwrap();
    assert_eq!(generic.class_name.as_deref(), Some("org.apache.hadoop.hbase.DoNotRetryIOException"));
    assert_eq!(generic.message.as_deref(), Some("p.c fails"));
}

#[test]
fn sleeps_are_stored_only_if_asked() {
    let rows = history(&Script::new("p", vec![Step::Sleep(20), Step::Sleep(31)]));
    let sleeping: Vec<_> = rows.iter().map(|row| (row.state().as_str_name(), row.timeout)).collect();
    assert_eq!(
        sleeping,
        [
            ("RUNNABLE", None),
            ("RUNNABLE", None),
            ("RUNNABLE", None),
            ("WAITING_TIMEOUT", Some(31)),
            ("SUCCESS", None)
        ]
    );
    let rows = briefs(&Script::new("p", vec![Step::Retry(3), Step::Do]));
    assert_eq!(rows.len(), 3, "failed attempts leave nothing behind: {rows:?}");
}

#[test]
fn nothing_is_stored_of_a_lock_that_isnt_asked_for() {
    for locks in [vec![], vec!["peer:p:x"]] {
        let script = Script::new("p", vec![Step::Retry(2), Step::Do]).locks(&locks);
        let rows = briefs(&script);
        // Giving up a lock for a while is stored, even if the attempt isn't.
        assert_eq!(rows.len(), if locks.is_empty() { 3 } else { 8 }, "{rows:?}");
    }
}

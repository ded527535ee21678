//! The world that scripts leave their marks in. It outlives masters, and notices what must not be.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};

use hmaster_procedure::{Environment, LockMode, WeakExecutor};
use parking_lot::Mutex;

use crate::script::Script;

/// What scripts are told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Told {
    /// Something they have waited for, to be remembered.
    Number(u32),
    Nothing,
    Wake,
    Refuse,
    Panic,
}

#[derive(Default)]
pub(crate) struct World {
    state: Mutex<State>,
    pub executor: Mutex<WeakExecutor<Self>>,
    /// Steps give way once, so that others run in between.
    pub pauses: AtomicBool,
    /// The end of a procedure is an event.
    announces: AtomicBool,
}

#[derive(Default)]
struct State {
    marks: BTreeSet<(String, i32)>,
    /// Every mark that was made or unmade, in order.
    history: Vec<String>,
    failures: HashMap<(String, i32), u32>,
    events: BTreeSet<String>,
    inside: BTreeMap<String, Script>,
    completed: BTreeMap<String, u32>,
    /// Every step that was begun, in order.
    begun: Vec<String>,
}

impl Environment for World {
    type Event = String;
    type Message = Told;
}

/// Says that a step is over, even if it is dropped.
pub(crate) struct Inside<'a>(&'a World, String);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.state.lock().inside.remove(&self.1);
    }
}

impl World {
    /// A step begins. No other of its procedure may be running, nor one that holds what this one has locked.
    pub(crate) fn enter(&self, script: &Script, step: i32) -> Inside<'_> {
        let mut state = self.state.lock();
        state.begun.push(format!("{}/{step}", script.name));
        for other in state.inside.values() {
            assert_ne!(other.name, script.name, "two steps of one procedure at once");
            assert!(
                !conflict(other, script),
                "{} and {} hold locks that exclude one another",
                other.name,
                script.name
            );
        }
        state.inside.insert(script.name.clone(), script.clone());
        Inside(self, script.name.clone())
    }

    pub(crate) async fn pause(&self) {
        if self.pauses.load(Ordering::Relaxed) {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) fn mark(&self, name: &str, step: i32) {
        let mut state = self.state.lock();
        state.marks.insert((name.into(), step));
        state.history.push(format!("+{name}/{step}"));
    }

    pub(crate) fn unmark(&self, name: &str, step: i32) {
        let mut state = self.state.lock();
        state.marks.remove(&(name.into(), step));
        state.history.push(format!("-{name}/{step}"));
    }

    /// How often this was asked before.
    pub(crate) fn failures(&self, name: &str, step: i32) -> u32 {
        let mut state = self.state.lock();
        let failures = state.failures.entry((name.into(), step)).or_default();
        *failures += 1;
        *failures - 1
    }

    pub(crate) fn complete(&self, name: &str) {
        *self.state.lock().completed.entry(name.into()).or_default() += 1;
        if self.announces.load(Ordering::Relaxed) {
            let event = format!("{name} completed");
            self.happen(&event);
            self.executor.lock().set_event(event);
        }
    }

    pub(crate) fn announce_completions(&self) {
        self.announces.store(true, Ordering::Relaxed);
    }

    /// The master is gone: what it had in hand is forgotten, what was done stays.
    pub(crate) fn crash(&self) {
        self.state.lock().inside.clear();
    }

    pub(crate) fn happen(&self, event: &str) {
        self.state.lock().events.insert(event.into());
    }

    pub(crate) fn saw(&self, event: &str) -> bool {
        self.state.lock().events.contains(event)
    }

    pub(crate) fn events(&self) -> Vec<String> {
        self.state.lock().events.iter().cloned().collect()
    }

    pub(crate) fn marks(&self) -> BTreeSet<(String, i32)> {
        self.state.lock().marks.clone()
    }

    pub(crate) fn marks_of(&self, name: &str) -> Vec<i32> {
        self.state.lock().marks.iter().filter(|(of, _)| of == name).map(|(_, step)| *step).collect()
    }

    pub(crate) fn history(&self) -> Vec<String> {
        self.state.lock().history.clone()
    }

    pub(crate) fn begun(&self) -> Vec<String> {
        self.state.lock().begun.clone()
    }

    pub(crate) fn completed(&self, name: &str) -> u32 {
        self.state.lock().completed.get(name).copied().unwrap_or(0)
    }
}

/// Two scripts that can't both have their locks, unless one made the other.
fn conflict(a: &Script, b: &Script) -> bool {
    let related = |a: &Script, b: &Script| a.all().iter().any(|below| below.name == b.name);
    // Siblings may share what their parent holds; their names begin with it.
    let siblings = a.name.split('.').next() == b.name.split('.').next();
    if related(a, b) || related(b, a) || siblings {
        return false;
    }
    let (a, b) = (a.request(), b.request());
    a.parts().iter().any(|(resource, mode)| {
        b.parts().iter().any(|(other, other_mode)| {
            resource == other && (*mode == LockMode::Exclusive || *other_mode == LockMode::Exclusive)
        })
    })
}

//! A master made of an engine, a log and chance: it does one thing at a time, chosen by a seed, and can die at any.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use hmaster_procedure::engine::{
    Answer, Engine, EngineConfig, Now, Outcome, Seq, StepDone, StepKind, StepOutcome, StepTask, Ticket,
    Waiting,
};
use hmaster_procedure::{ChildResult, Delivery, LoadPlan, Loaded, StepContext, StepLink, StoreOp};
use hmaster_protocol::pb;
use hmaster_types::{JavaException, ManualClock, ProcId};

use crate::script::{Script, Step, registry, script_of};
use crate::world::{Told, World};

/// A master and what it can't lose: the world and the rows.
pub(crate) struct Driver {
    pub world: Arc<World>,
    pub engine: Engine<World>,
    /// The rows as they are on disk.
    pub rows: BTreeMap<ProcId, Arc<pb::Procedure>>,
    /// Batches on disk, in order, over all lives.
    pub log: Vec<Vec<StoreOp>>,
    max_id: u64,
    /// Batches on their way to the disk.
    pub queue: VecDeque<(Seq, Vec<StoreOp>)>,
    /// Steps that have done what they do, but whose ends aren't known yet.
    pub out: Vec<StepDone<World>>,
    pub answers: BTreeMap<Ticket, Answer>,
    pub outcomes: BTreeMap<String, Outcome>,
    pub now: Now,
    next_ticket: u64,
    /// Messages that were acknowledged: they are never sent again.
    acknowledged: BTreeSet<(String, u32)>,
    asked: BTreeMap<Ticket, (String, u32)>,
    /// Events and messages may come from now on.
    pub generous: bool,
    /// What was done, for whoever looks into a failure.
    pub trace: Vec<String>,
}

/// What may happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Begin,
    End,
    Sync,
    Time,
    Event,
    Message,
}

struct NoLink;

#[async_trait]
impl StepLink<World> for NoLink {
    async fn deliver(&self, _to: ProcId, _message: Told) -> Delivery {
        Delivery::NoSuchProcedure
    }

    fn child_results(&self, _parent: ProcId) -> Vec<ChildResult> {
        Vec::new()
    }
}

impl Driver {
    pub(crate) fn new() -> Self {
        let world = Arc::new(World::default());
        let now = Now { mono_ms: 0, wall_ms: 1_000_000 };
        let mut engine = Engine::new(Arc::clone(&world), EngineConfig::default(), now, ProcId(0));
        engine.start();
        Self {
            world,
            engine,
            rows: BTreeMap::new(),
            log: Vec::new(),
            max_id: 0,
            queue: VecDeque::new(),
            out: Vec::new(),
            answers: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            now,
            next_ticket: 0,
            acknowledged: BTreeSet::new(),
            asked: BTreeMap::new(),
            generous: true,
            trace: Vec::new(),
        }
    }

    pub(crate) fn ticket(&mut self) -> Ticket {
        self.next_ticket += 1;
        Ticket(self.next_ticket)
    }

    pub(crate) fn submit(&mut self, scripts: &[Script]) -> Vec<ProcId> {
        let new = scripts.iter().map(Script::submit).collect();
        let ids = self.engine.submit(new, None).unwrap();
        self.collect();
        ids
    }

    /// Makes the first batches durable that submit procedures, so that a crash doesn't lose them.
    pub(crate) fn submit_durably(&mut self, scripts: &[Script]) -> Vec<ProcId> {
        let ids = self.submit(scripts);
        while self.sync() {}
        ids
    }

    /// Takes from the engine what it wants done.
    pub(crate) fn collect(&mut self) {
        self.queue.extend(self.engine.take_batches());
        for (ticket, answer) in self.engine.take_answers() {
            if let Some(asked) = self.asked.remove(&ticket)
                && answer == Answer::Delivered(Delivery::Accepted)
            {
                self.acknowledged.insert(asked);
            }
            self.answers.insert(ticket, answer);
        }
    }

    /// Begins a step, and does all it does; its end is told later.
    pub(crate) fn begin(&mut self) -> bool {
        let Some(task) = self.engine.next_step() else {
            // Nobody may begin, but some may have got their locks.
            let queued = self.queue.len();
            self.collect();
            return self.queue.len() > queued;
        };
        let (id, kind) = (task.place.id, task.kind);
        let done = run(&self.world, self.now, task);
        self.trace.push(format!("step of pid={id}: {kind:?} {:?}", done.outcome));
        self.out.push(done);
        self.collect();
        true
    }

    /// Tells of the end of a step.
    pub(crate) fn end(&mut self, which: usize) {
        let done = self.out.remove(which);
        self.trace.push(format!("end of step of pid={}", done.id));
        self.engine.step_done(done);
        self.collect();
    }

    /// Makes the oldest batch durable. All that is on disk must make sense to whoever loads it.
    pub(crate) fn sync(&mut self) -> bool {
        let Some((seq, ops)) = self.queue.pop_front() else { return false };
        self.write(ops);
        self.engine.durable(seq);
        self.collect();
        true
    }

    pub(crate) fn write(&mut self, ops: Vec<StoreOp>) {
        for op in &ops {
            self.trace.push(match op {
                StoreOp::Delete(id) => format!("  delete pid={id}"),
                StoreOp::Put(row) => format!(
                    "  put pid={} {:?} steps={:?} locked={:?} executed={:?}",
                    row.proc_id,
                    row.state(),
                    row.stack_id,
                    row.locked,
                    row.executed
                ),
            });
            self.max_id = self.max_id.max(op.id().0);
            match op {
                StoreOp::Put(record) => drop(self.rows.insert(op.id(), Arc::clone(record))),
                StoreOp::Delete(id) => drop(self.rows.remove(id)),
            }
        }
        self.log.push(ops);
        let over = |state| matches!(state, pb::ProcedureState::Success | pb::ProcedureState::Rolledback);
        let roots = self.rows.values().filter(|record| record.parent_id.is_none() && over(record.state()));
        for record in roots.cloned().collect::<Vec<_>>() {
            self.note_outcome(record);
        }
        self.assert_loadable();
    }

    fn note_outcome(&mut self, record: Arc<pb::Procedure>) {
        let pair: pb::NameStringPair = record.state_message[1].unpack().unwrap();
        let script: Script = serde_json::from_str(&pair.name).unwrap();
        self.outcomes.entry(script.name).or_insert(Outcome { record });
    }

    /// Every row has a parent, and the steps of each tree are numbered without holes. What a plan would find, but quick.
    fn assert_loadable(&self) {
        let mut steps: BTreeMap<ProcId, Vec<u32>> = BTreeMap::new();
        for row in self.rows.values() {
            let mut root = row;
            while let Some(parent) = root.parent_id {
                let found = self.rows.get(&ProcId(parent));
                root = found.unwrap_or_else(|| {
                    panic!("pid={} has no parent, {}", root.proc_id, self.trace.join("\n"))
                });
            }
            if matches!(root.state(), pb::ProcedureState::Success | pb::ProcedureState::Rolledback) {
                assert_eq!(root.proc_id, row.proc_id, "its root has ended");
            } else {
                steps.entry(ProcId(root.proc_id)).or_default().extend(&row.stack_id);
            }
        }
        for (root, mut steps) in steps {
            let whole: Vec<u32> = (0..steps.len() as u32).collect();
            steps.sort_unstable();
            assert_eq!(steps, whole, "tree of pid={root}\n{}", self.trace.join("\n"));
        }
    }

    fn loaded(&self) -> Loaded {
        let records = self.rows.values().map(|record| (**record).clone()).collect();
        Loaded { records, max_proc_id: self.max_id }
    }

    /// Everything in memory is lost, and another master takes over.
    pub(crate) fn crash(&mut self) {
        self.restart_with(EngineConfig::default());
    }

    /// As [`Driver::crash`], with another configuration.
    pub(crate) fn restart_with(&mut self, config: EngineConfig) {
        let plan = LoadPlan::new(self.loaded(), &registry());
        self.restore_with(config, plan);
    }

    /// As [`Driver::crash`], with what is in a plan.
    pub(crate) fn restore(&mut self, plan: LoadPlan<World>) {
        self.restore_with(EngineConfig::default(), plan);
    }

    fn restore_with(&mut self, config: EngineConfig, plan: LoadPlan<World>) {
        assert_eq!(plan.problems().count(), 0, "{plan}");
        self.trace.push("crash".into());
        self.engine.kill();
        self.out.clear();
        self.queue.clear();
        self.asked.clear();
        self.world.crash();
        self.now.mono_ms = 0;
        self.now.wall_ms += 10;
        self.engine = Engine::restore(Arc::clone(&self.world), config, self.now, plan, ProcId(0));
        for event in self.world.events() {
            self.engine.set_event(event);
        }
        self.engine.start();
        self.collect();
    }

    pub(crate) fn elapse(&mut self) -> bool {
        let Some(deadline) = self.engine.next_deadline_ms().filter(|&at| at < self.now.mono_ms + 700_000)
        else {
            return false;
        };
        let step = deadline.saturating_sub(self.now.mono_ms);
        self.now.mono_ms += step;
        self.now.wall_ms += step;
        self.engine.set_now(self.now);
        self.engine.tick();
        self.collect();
        true
    }

    /// Procedures that wait for an event that hasn't happened, or for a message that wasn't acknowledged.
    fn wishes(&mut self) -> (Vec<String>, Vec<(ProcId, String, u32)>) {
        let mut messages = Vec::new();
        let mut wanted = BTreeSet::new();
        let waiting: BTreeMap<ProcId, Waiting> =
            self.engine.views().into_iter().map(|view| (view.place.id, view.waiting)).collect();
        self.engine.visit(|place, procedure| {
            let Some(script) = script_of(procedure) else { return };
            match &waiting[&place.id] {
                Waiting::ForEvent(event) => drop(wanted.insert(event.trim_matches('"').to_owned())),
                Waiting::ForMessage => {
                    let numbers = script.steps.iter().filter_map(|step| match step {
                        Step::Message(number) => Some((place.id, script.name.clone(), *number)),
                        _ => None,
                    });
                    messages.extend(numbers);
                }
                _ => {}
            }
        });
        messages.retain(|(_, name, number)| !self.acknowledged.contains(&(name.clone(), *number)));
        (wanted.into_iter().collect(), messages)
    }

    fn send(&mut self, id: ProcId, name: String, number: u32) {
        let ticket = self.ticket();
        self.asked.insert(ticket, (name, number));
        self.engine.deliver(id, Told::Number(number), ticket);
        self.collect();
    }

    /// Does one thing that can be done, chosen by chance. False if there is none.
    pub(crate) fn act(&mut self, rng: &mut fastrand::Rng) -> bool {
        let mut acts = vec![
            Act::Begin,
            Act::Begin,
            Act::End,
            Act::End,
            Act::Sync,
            Act::Sync,
            Act::Time,
            Act::Event,
            Act::Message,
        ];
        rng.shuffle(&mut acts);
        // What couldn't be done at first may be possible after what came later in the list.
        acts.iter().chain(&acts).any(|&act| self.try_act(act, rng))
    }

    fn try_act(&mut self, act: Act, rng: &mut fastrand::Rng) -> bool {
        match act {
            Act::Begin => self.begin(),
            Act::End if self.out.is_empty() => false,
            Act::End => {
                self.end(rng.usize(..self.out.len()));
                true
            }
            Act::Sync => self.sync(),
            Act::Time => self.elapse(),
            Act::Event | Act::Message if !self.generous => false,
            Act::Event => {
                let (events, _) = self.wishes();
                let Some(event) = rng.choice(events) else { return false };
                self.world.happen(&event);
                self.engine.set_event(event);
                self.collect();
                true
            }
            Act::Message => {
                let (_, messages) = self.wishes();
                let Some((id, name, number)) = rng.choice(messages) else { return false };
                self.send(id, name, number);
                true
            }
        }
    }

    /// Runs until nothing is left to do.
    pub(crate) fn run(&mut self, rng: &mut fastrand::Rng) {
        let mut acts = 0;
        while self.act(rng) {
            acts += 1;
            assert!(acts < 100_000, "runs for ever:\n{}", self.state());
        }
    }

    /// Everything has ended, and nothing is left of it but results.
    pub(crate) fn assert_over(&self, scripts: &[Script]) {
        for script in scripts {
            assert!(
                self.outcomes.contains_key(&script.name),
                "{} has not ended:\n{}",
                script.name,
                self.state()
            );
        }
        assert!(self.engine.is_empty(), "left over:\n{}", self.state());
        assert!(self.engine.locks().is_empty(), "locks left over: {:?}", self.engine.locks());
        assert!(self.rows.values().all(|row| row.parent_id.is_none()), "rows left over");
    }

    /// A script that ended well has left all of its marks; one that was undone, none.
    pub(crate) fn assert_whole(&self, scripts: &[Script]) {
        for script in scripts.iter().flat_map(Script::all) {
            let marks = self.world.marks_of(&script.name);
            let all: Vec<i32> = (0..script.steps.len() as i32).collect();
            assert!(
                marks.is_empty() || marks == all,
                "{} is left halfway: {marks:?}\n{}\n{:#?}",
                script.name,
                self.trace.join("\n"),
                self.world.history()
            );
        }
    }

    pub(crate) fn succeeded(&self, name: &str) -> bool {
        self.outcomes[name].exception().is_none()
    }

    pub(crate) fn state(&self) -> String {
        let views = self.engine.views().into_iter();
        let lines = views.map(|view| {
            format!(
                "pid={} {} {:?} {:?} steps={:?}",
                view.place.id,
                view.details,
                view.record.state(),
                view.waiting,
                view.record.stack_id
            )
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// Runs a step to its end, at once.
pub(crate) fn run(world: &World, now: Now, task: StepTask<World>) -> StepDone<World> {
    let StepTask { place, mut procedure, kind, progress } = task;
    let clock = ManualClock::at(now.wall_ms);
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut cx = StepContext::new(world, &NoLink, &clock, place, Default::default(), progress);
        match kind {
            StepKind::Execute => {
                let flow = now_or_never(procedure.execute(&mut cx));
                StepOutcome::Executed(flow, cx.notes())
            }
            StepKind::Rollback => StepOutcome::RolledBack(now_or_never(procedure.rollback(&mut cx))),
        }
    }));
    let bug = || JavaException::named("java.lang.RuntimeException", "CODE-BUG", false);
    let outcome = outcome.unwrap_or_else(|_| StepOutcome::Panicked(bug()));
    StepDone { id: place.id, procedure, outcome }
}

fn now_or_never<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("scripts don't wait in their steps"),
    }
}

/// Keeps panics that are part of a test out of its output.
pub(crate) fn quiet_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let default = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let text = info.payload_as_str().unwrap_or_default();
            if !text.contains("panics") {
                default(info);
            }
        }));
    });
}

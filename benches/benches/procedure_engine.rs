//! The procedure engine: scheduling, locks, steps that are stored, memory.
//!
//! Numbers to hold: 2 million scheduler operations a second (a procedure put in line, or taken out), 200,000 stored
//! changes a second with a store that commits in groups, 100,000 procedures at once.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use hmaster_procedure::engine::{Engine, Now, StepDone, StepOutcome};
use hmaster_procedure::{
    EngineConfig, Environment, Flow, LoadPlan, Loaded, LockRequest, MemoryStore, NewProcedure, Priority,
    Procedure, ProcedureExecutor, ProcedureStore, StepBounds, StepContext, StepNotes, StoreError, StoreOp,
};
use hmaster_protocol::pb;
use hmaster_types::{EncodedName, JavaException, ProcId, SystemClock, TableName};
use parking_lot::{Condvar, Mutex};
use prost::Message as _;
use tokio::sync::oneshot;

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

struct Nothing;

impl Environment for Nothing {
    type Event = u32;
    type Message = u32;
}

/// A procedure on a region, as most are: a table, a region, a few states.
#[derive(Debug)]
struct Transit {
    table: TableName,
    region: EncodedName,
    steps: u32,
    locks: bool,
}

impl Transit {
    fn new(table: &TableName, n: u32, steps: u32, locks: bool) -> Self {
        let mut name = [0; 16];
        name[..4].copy_from_slice(&n.to_le_bytes());
        Self { table: table.clone(), region: EncodedName::Md5(name), steps, locks }
    }

    fn submit(&self) -> NewProcedure<Nothing> {
        NewProcedure::new(Self { table: self.table.clone(), ..*self })
    }
}

#[async_trait]
impl Procedure<Nothing> for Transit {
    fn class_name(&self) -> &str {
        "org.apache.hadoop.hbase.master.assignment.TransitRegionStateProcedure"
    }

    fn locks(&self) -> LockRequest {
        if self.locks { LockRequest::regions(&self.table, [self.region]) } else { LockRequest::none() }
    }

    fn holds_lock(&self) -> bool {
        true
    }

    fn priority(&self) -> Priority {
        Priority::Table
    }

    async fn execute(&mut self, _cx: &mut StepContext<'_, Nothing>) -> Flow<Nothing> {
        if self.steps == u32::MAX {
            return Flow::Suspend;
        }
        self.steps -= 1;
        if self.steps == 0 { Flow::Done } else { Flow::Next }
    }

    fn is_rollback_supported(&self) -> bool {
        false
    }

    async fn rollback(&mut self, _cx: &mut StepContext<'_, Nothing>) -> Result<(), JavaException> {
        Ok(())
    }

    fn state_messages(&self) -> Vec<pb::Any> {
        let data = pb::StateMachineProcedureData { state: vec![1, 2] };
        let region = pb::RegionInfo {
            region_id: 1_700_000_000_000,
            table_name: pb::TableName {
                namespace: self.table.namespace().as_bytes().to_vec().into(),
                qualifier: self.table.qualifier().as_bytes().to_vec().into(),
            },
            start_key: Some(bytes::Bytes::from_static(b"0000000000")),
            end_key: Some(bytes::Bytes::from_static(b"1111111111")),
            offline: Some(false),
            split: Some(false),
            replica_id: Some(0),
        };
        vec![pb::Any::pack(&data), pb::Any::pack(&region)]
    }

    fn waits_for_client_ack(&self) -> bool {
        false
    }
}

fn tables() -> Vec<TableName> {
    (0..100).map(|n| format!("ns:table{n}").parse().expect("a legal name")).collect()
}

fn procedures(count: u32, steps: u32, locks: bool) -> Vec<Transit> {
    let tables = tables();
    (0..count).map(|n| Transit::new(&tables[n as usize % tables.len()], n, steps, locks)).collect()
}

fn wide() -> EngineConfig {
    let steps = StepBounds { table_steps_max: 1_000_000, ..StepBounds::default() };
    EngineConfig { steps, ..EngineConfig::default() }
}

/// An engine with procedures that are stored and in line.
fn engine(count: u32, steps: u32, locks: bool) -> Engine<Nothing> {
    let mut engine = Engine::new(Arc::new(Nothing), wide(), Now::default(), ProcId(0));
    engine.start();
    let new = procedures(count, steps, locks).iter().map(Transit::submit).collect();
    engine.submit(new, None).expect("they don't panic");
    sync(&mut engine);
    engine
}

/// Makes everything durable: how many rows there were.
fn sync(engine: &mut Engine<Nothing>) -> usize {
    let mut rows = 0;
    loop {
        let batches = engine.take_batches();
        let Some((last, _)) = batches.last() else { return rows };
        let last = *last;
        rows += batches.iter().map(|(_, ops)| ops.len()).sum::<usize>();
        engine.durable(last);
    }
}

/// Ends the steps that may run, one after the other, with the same flow.
fn run_steps(engine: &mut Engine<Nothing>, flow: fn() -> Flow<Nothing>, skip_persistence: bool) -> usize {
    let mut tasks = VecDeque::new();
    tasks.extend(std::iter::from_fn(|| engine.next_step()));
    let steps = tasks.len();
    let notes = StepNotes { skip_persistence, retrying: false };
    for task in tasks {
        let outcome = StepOutcome::Executed(flow(), notes);
        engine.step_done(StepDone { id: task.place.id, procedure: task.procedure, outcome });
    }
    steps
}

const PROCEDURES: u32 = 100_000;

/// 100,000 procedures that let each other go first: each round takes all out of the line and puts them back.
#[divan::bench(sample_count = 10)]
fn scheduler(bencher: Bencher<'_, '_>) {
    let mut engine = engine(PROCEDURES, 1, false);
    bencher
        .counter(ItemsCount::new(2 * PROCEDURES))
        .bench_local(|| run_steps(&mut engine, || Flow::Yield, true));
}

/// The same with locks on region, table and namespace, which are taken once and held.
#[divan::bench(sample_count = 10)]
fn scheduler_holding_locks(bencher: Bencher<'_, '_>) {
    let mut engine = engine(PROCEDURES, 1, true);
    run_steps(&mut engine, || Flow::Yield, true);
    sync(&mut engine);
    bencher
        .counter(ItemsCount::new(2 * PROCEDURES))
        .bench_local(|| run_steps(&mut engine, || Flow::Yield, true));
}

/// Whole lives: submitted, stored, locked, run, ended, released; one item is one life: four batches with a lock, else
/// two.
#[divan::bench(args = [false, true], sample_count = 10)]
fn lives(bencher: Bencher<'_, '_>, locks: bool) {
    let all = procedures(10_000, 1, locks);
    bencher
        .counter(ItemsCount::new(all.len()))
        .with_inputs(|| {
            let mut engine = Engine::new(Arc::new(Nothing), wide(), Now::default(), ProcId(0));
            engine.start();
            engine
        })
        .bench_local_values(|mut engine| {
            for new in &all {
                engine.submit(vec![new.submit()], None).expect("it doesn't panic");
            }
            sync(&mut engine);
            while run_steps(&mut engine, || Flow::Done, false) > 0 || sync(&mut engine) > 0 {}
            assert!(engine.is_empty());
            engine
        });
}

/// What 100,000 procedures in flight take, with their locks, parked: see the allocations.
#[divan::bench(sample_count = 1, sample_size = 1)]
fn memory_of_100_000() -> Engine<Nothing> {
    let mut engine = engine(PROCEDURES, u32::MAX, true);
    while run_steps(&mut engine, || Flow::Suspend, false) > 0 || sync(&mut engine) > 0 {}
    assert_eq!(engine.locks().len(), 100_000 + 100 + 1);
    engine
}

/// A store that encodes rows and commits in groups, on a thread of its own, as one with a disk does.
struct GroupStore(Arc<(Mutex<Group>, Condvar)>);

#[derive(Default)]
struct Group {
    batches: Vec<(Vec<StoreOp>, oneshot::Sender<()>)>,
    closed: bool,
}

impl GroupStore {
    fn new(sync: Duration) -> Self {
        let shared = Arc::new((Mutex::new(Group::default()), Condvar::new()));
        let store = Self(Arc::clone(&shared));
        std::thread::spawn(move || Self::write(&shared, sync));
        store
    }

    fn write(shared: &(Mutex<Group>, Condvar), sync: Duration) {
        let mut buffer = Vec::new();
        loop {
            let mut group = shared.0.lock();
            shared.1.wait_while(&mut group, |group| group.batches.is_empty() && !group.closed);
            let batches = std::mem::take(&mut group.batches);
            if batches.is_empty() {
                return;
            }
            drop(group);
            buffer.clear();
            for op in batches.iter().flat_map(|(ops, _)| ops) {
                if let StoreOp::Put(row) = op {
                    row.encode_length_delimited(&mut buffer).expect("a vector grows");
                }
            }
            divan::black_box(&buffer);
            park(sync);
            for (_, done) in batches {
                let _ = done.send(());
            }
        }
    }
}

/// The time that a disk takes.
fn park(sync: Duration) {
    if !sync.is_zero() {
        std::thread::park_timeout(sync);
    }
}

impl Drop for GroupStore {
    fn drop(&mut self) {
        self.0.0.lock().closed = true;
        self.0.1.notify_one();
    }
}

#[async_trait]
impl ProcedureStore for GroupStore {
    fn submit(&self, batch: Vec<StoreOp>) -> BoxFuture<'static, Result<(), StoreError>> {
        let (done, durable) = oneshot::channel();
        self.0.0.lock().batches.push((batch, done));
        self.0.1.notify_one();
        let lost =
            |_| StoreError { operation: "write a batch", reason: "the writer is gone".into(), source: None };
        durable.map(move |result| result.map_err(lost)).boxed()
    }

    async fn load(&self) -> Result<Loaded, StoreError> {
        Ok(Loaded::default())
    }
}

/// Submits procedures of four steps, 2,000 at a time, and waits for the last of them; items are stored rows.
fn run_executor(bencher: Bencher<'_, '_>, threads: usize, store: fn() -> Arc<dyn ProcedureStore>) {
    let runtime = match threads {
        1 => tokio::runtime::Builder::new_current_thread().enable_all().build(),
        n => tokio::runtime::Builder::new_multi_thread().worker_threads(n).enable_all().build(),
    };
    let runtime = runtime.expect("a runtime");
    let all = procedures(20_000, 4, true);
    // Insertion, locks, four steps.
    let rows = all.len() * 6;
    bencher.counter(ItemsCount::new(rows)).bench_local(|| {
        runtime.block_on(async {
            let executor = ProcedureExecutor::load(
                Arc::new(Nothing),
                store(),
                Arc::new(SystemClock),
                wide(),
                LoadPlan::empty(),
                ProcId(0),
            );
            let executor = executor.expect("an empty plan has no problems");
            executor.start();
            let mut ids = Vec::new();
            for chunk in all.chunks(2_000) {
                let new = chunk.iter().map(Transit::submit).collect();
                ids.extend(executor.submit_all(new).await.expect("it runs"));
            }
            for id in ids {
                executor.wait(id).await.expect("it runs");
            }
        });
    });
}

#[divan::bench(args = [1, 2], sample_count = 10, sample_size = 1)]
fn executor_in_memory(bencher: Bencher<'_, '_>, threads: usize) {
    run_executor(bencher, threads, || Arc::new(MemoryStore::new()));
}

#[divan::bench(args = [1, 2], sample_count = 10, sample_size = 1)]
fn executor_in_groups(bencher: Bencher<'_, '_>, threads: usize) {
    run_executor(bencher, threads, || Arc::new(GroupStore::new(Duration::ZERO)));
}

/// With a disk that takes 2 ms, what counts is how much goes into a group.
#[divan::bench(args = [2], sample_count = 5, sample_size = 1)]
fn executor_in_groups_of_2_ms(bencher: Bencher<'_, '_>, threads: usize) {
    run_executor(bencher, threads, || Arc::new(GroupStore::new(Duration::from_millis(2))));
}

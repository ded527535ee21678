//! Each scenario of this crate, small.

use std::path::Path;

use hmaster_swarm::SwarmError;
use hmaster_swarm::results::Results;
use hmaster_swarm::scenario::{Scenario, Step};

use crate::ground::Ground;

const SERVERS: usize = 5;
const REGIONS: usize = 200;

async fn run(name: &str) -> Results {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name).with_extension("json");
    let mut scenario = Scenario::read(&path).unwrap().resized(Some(SERVERS), Some(REGIONS));
    scenario.patience_seconds = 300; // a busy machine may stand still for long
    for step in &mut scenario.steps {
        match step {
            Step::RollingRestart { at_once, .. } => *at_once = 2,
            Step::Rest { seconds } => *seconds = 1,
            _ => {}
        }
    }
    let ground = Ground::new().await;
    let results = ground.run(scenario).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!((results.servers, &*results.scenario), (SERVERS, name));
    results
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restart_opens_nothing_again() {
    let results = run("restart").await;
    let step = &results.steps[0];
    assert_eq!((step.opened, step.closed, step.failed_opens), (0, 0, 0));
    assert!(step.initialized_s.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cold_start_opens_every_region_once() {
    let results = run("cold-start").await;
    assert_eq!((results.steps[0].opened, results.steps[0].closed), (REGIONS, 0));
    assert!(results.steps[0].open_latency.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failover_moves_nothing() {
    let results = run("failover").await;
    assert_eq!((results.steps[0].opened, results.steps[0].closed), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_server_s_regions_go_elsewhere() {
    let results = run("server-dies").await;
    assert_eq!((results.steps[0].opened, results.steps[0].closed), (REGIONS / SERVERS, 0));
    assert!(results.steps[0].last_order_s.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_server_is_restarted() {
    let results = run("rolling-restart").await;
    assert!(results.steps[0].opened >= REGIONS, "{results}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_is_created_disabled_and_enabled() {
    let results = run("tables").await;
    let counts: Vec<_> = results.steps.iter().map(|step| (step.opened, step.closed)).collect();
    assert_eq!(counts, [(REGIONS, 0), (0, REGIONS), (REGIONS, 0)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_alone_change_nothing() {
    let results = run("heartbeats").await;
    assert_eq!((results.steps[0].opened, results.steps[0].closed), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openings_that_fail_are_tried_again() {
    let results = run("slow-and-failing-opens").await;
    assert!(results.steps.iter().any(|step| step.failed_opens > 0), "{results}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_never_ends_is_told() {
    let text = r#"{"about": "x", "servers": 2, "patience_seconds": 1, "faults": {"failed_opens": 1.0},
        "steps": [{"do": "create-table", "table": "t", "regions": 3}]}"#;
    let ground = Ground::new().await;
    // The master tries again for ever: whoever waits has to give up.
    match ground.run(Scenario::parse(text).unwrap()).await {
        Err(SwarmError::Late { .. } | SwarmError::Procedure { .. }) => {}
        Err(error) => panic!("{error}"),
        Ok(results) => panic!("{results}"),
    }
}

//! From the won election to a master that serves. Counterpart of `HMaster.finishActiveMasterInitialization`.
//!
//! There is one way, whether the cluster is new, the master restarts, a backup takes over or the last master was Java's
//! (invariant 6). What is known is not waited for: region servers that are there count at once, and there is no fixed
//! pause.

mod covered;
mod loading;
mod namespace_table;
mod plan;
mod reconcile;
mod servers;
mod waiting;

use std::sync::Arc;

use hmaster_config::Options;
use hmaster_procedure::engine::EngineConfig;
use hmaster_procedure::{
    ExecutorError, LoadError, LoadPlan, LoadProblem, Loaded, ProcedureExecutor, ProcedureStore,
};
use hmaster_types::ProcId;

use crate::environment::{Conditions, MasterEnv, Reign, ReignTasks};
use crate::error::StepError;
use crate::message::Event;
use crate::registry::registry;

pub(crate) use covered::Covered;
pub(crate) use plan::{Known, ReconcilePlan};
pub(crate) use servers::Findings;
pub use waiting::{Enough, ServerCount};

/// Why a reign didn't begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Something it needs didn't work.
    #[error("{stage}: {source}")]
    Step {
        /// What was being done.
        stage: &'static str,
        /// What went wrong.
        #[source]
        source: StepError,
    },
    /// Procedures can't be read.
    #[error("load procedures: {0}")]
    Store(#[from] hmaster_procedure::StoreError),
    /// Some procedures can't be continued.
    #[error("{}", cannot_continue(.0))]
    Procedures(Vec<LoadProblem>),
    /// It ended before it began.
    #[error("the active role ended while starting: {0}")]
    Ended(String),
}

/// By name, and what can be done.
fn cannot_continue(problems: &[LoadProblem]) -> String {
    /// The rest is in the log.
    const NAMED_MAX: usize = 20;
    let mut text = format!("{} procedures can't be continued, and nothing was touched:", problems.len());
    for problem in problems.iter().take(NAMED_MAX) {
        text += &format!("\n  {problem}");
    }
    if problems.len() > NAMED_MAX {
        text += &format!("\n  and {} more", problems.len() - NAMED_MAX);
    }
    text + "\nLet the master finish them that began them, or have them end as they are by \
            hmaster.takeover.bypass.unknown.procedures=true"
}

impl From<LoadError> for StartError {
    fn from(error: LoadError) -> Self {
        Self::Procedures(error.0)
    }
}

/// What a reign is started with, besides its environment.
pub struct Start {
    /// The master.
    pub env: Arc<MasterEnv>,
    /// Its tasks.
    pub tasks: ReignTasks,
    /// Where procedures are kept.
    pub procedures: Arc<dyn ProcedureStore>,
    /// Ids of procedures are above this, whatever the store says.
    pub id_floor: ProcId,
}

/// Loads what is kept, and connects it. Nothing runs yet, and region servers aren't heard.
///
/// # Errors
/// When something can't be read, or a procedure can't be continued.
pub async fn load(start: Start) -> Result<Reign, StartError> {
    let Start { env, tasks, procedures, id_floor } = start;
    env.progress.begin("Load procedures");
    let loaded = procedures.load().await?;
    // What procedures have deleted hides what is put with an earlier timestamp, and nobody reads delete markers. The clock
    // of the master that stored these may have been ahead of this one (danger 11).
    let latest_ms = loaded.records.iter().map(|record| record.last_update).max().unwrap_or(0);
    env.catalog.clock.seen(latest_ms.cast_signed());
    let plan = plan(loaded, &env.options)?;
    let id_floor = id_floor.max(id_floor_of_lost_store(&env, plan.max_proc_id()).await?);
    tracing::info!(%plan, "procedures");
    let config = engine_config(&env);
    let executor =
        ProcedureExecutor::load(env.clone(), procedures, env.clock.clone(), config, plan, id_floor)?;
    let reign = Reign::new(env, executor, tasks);
    let env = &reign.env;
    env.progress.begin("Load the place of hbase:meta");
    stage(env, "load the place of hbase:meta", loading::load_meta_place(env)).await?;
    env.progress.begin("Find region servers");
    stage(env, "find region servers", servers::find_servers(&reign)).await?;
    env.progress.begin("Load switches");
    stage(env, "load switches", env.load_switches()).await?;
    Ok(reign)
}

/// Danger 5: a store without procedures doesn't know which ids an earlier one has given out, and region servers that were
/// there before ignore commands whose ids they have seen. Ids then begin with the time, which no earlier ones have
/// reached. A new cluster has no region servers yet, and counts from one.
async fn id_floor_of_lost_store(env: &MasterEnv, highest: u64) -> Result<ProcId, StartError> {
    if highest > 0 {
        return Ok(ProcId(0));
    }
    let find = async { Ok(env.zookeeper.region_servers().await?) };
    let servers = stage(env, "find region servers", find).await?;
    let floor = if servers.is_empty() { 0 } else { env.active_time.0 };
    tracing::info!(floor, "no procedure was ever stored");
    Ok(ProcId(floor))
}

/// Whether all procedures can be continued, or may be ended as they are. Touches nothing.
///
/// # Errors
/// Names those that can't be continued.
pub fn check_procedures(loaded: Loaded, options: &Options) -> Result<(), StartError> {
    plan(loaded, options).map(drop)
}

/// What is to be continued. With `hmaster.takeover.bypass.unknown.procedures` the rest is settled as it is settled by
/// hand: it ends without having done more, and rows that belong to nothing go.
fn plan(loaded: Loaded, options: &Options) -> Result<LoadPlan<MasterEnv>, StartError> {
    let mut plan = LoadPlan::new(loaded, &registry());
    let problems: Vec<LoadProblem> = plan.problems().cloned().collect();
    for problem in &problems {
        tracing::error!("{problem}");
    }
    if problems.is_empty() {
        return Ok(plan);
    }
    if !options.own.bypass_unknown_procedures {
        return Err(StartError::Procedures(problems));
    }
    for LoadProblem { id, .. } in &problems {
        let how = if plan.bypass(*id) {
            "it ends without having done more"
        } else if plan.discard(*id) {
            "its rows that belong to nothing go"
        } else {
            plan.set_aside(*id);
            "it is left where it is"
        };
        tracing::warn!(pid = %id, how, "bypassed as configured");
    }
    let left: Vec<LoadProblem> = plan.problems().cloned().collect();
    if left.is_empty() { Ok(plan) } else { Err(StartError::Procedures(left)) }
}

/// Begins to work and to listen, and ends when clients can be served.
///
/// # Errors
/// When something can't be read or written, or the reign ends.
pub async fn run(reign: &Reign) -> Result<(), StartError> {
    let env = &reign.env;
    let up = async { Ok(env.zookeeper.set_cluster_up(Some(env.clock.now_ms())).await?) };
    stage(env, "declare the cluster up", up).await?;
    env.conditions.set_services_started();
    let covered = Covered::of_reign(reign);
    reconcile::doubt(env, &covered);
    reign.executor().start();
    env.tasks.spawn(env.clone().watch_processes());
    env.server_joined();
    env.progress.begin("Assign hbase:meta");
    reconcile::settle_meta(env, &covered).await?;
    env.progress.begin("Wait for region servers");
    waiting::wait_for_servers(env).await?;
    env.progress.begin("Wait for hbase:meta");
    waiting::wait_for(env, Conditions::is_meta_assigned).await?;
    env.progress.begin("Load hbase:meta");
    let plan = stage(env, "load hbase:meta", loading::load_meta(env, &covered)).await?;
    env.progress.begin("Bring to an end what no procedure does");
    // Before anybody can be told what has become of them, the regions are spoken for.
    reconcile::submit_all(env, &plan).await?;
    env.set_condition(Event::MetaLoaded, true);
    env.progress.begin("Load namespaces");
    namespace_table::load(reign).await?;
    env.set_condition(Event::Initialized, true);
    env.tasks.spawn(env.clone().run_catalog_janitor());
    env.tasks.spawn(env.clone().run_balancer_status());
    env.tasks.spawn(env.clone().run_balancer());
    env.tasks.spawn(env.clone().run_consistency_checks());
    env.tasks.spawn(env.clone().run_cleaners());
    env.tasks.spawn(env.clone().run_snapshot_cleaner());
    env.progress.finish();
    Ok(())
}

fn engine_config(env: &MasterEnv) -> EngineConfig {
    let options = &env.options.procedures;
    let mut config = EngineConfig::default();
    config.retry.interval_ms = options.retry_pause.as_millis() as u64;
    config.retry.interval_ms_max = options.retry_pause_max.as_millis() as u64;
    config.results.evict_ttl_ms = options.evict_ttl.as_millis() as u64;
    config.results.evict_acked_ttl_ms = options.evict_acked_ttl.as_millis() as u64;
    config.results.interval_ms = options.cleaner_interval.as_millis() as u64;
    config.results.evict_batch_max = options.evict_batch as usize;
    config
}

async fn stage<T>(
    env: &MasterEnv,
    stage: &'static str,
    work: impl Future<Output = Result<T, StepError>>,
) -> Result<T, StartError> {
    tokio::select! {
        biased;
        () = env.shutdown.cancelled() => Err(ended(env)),
        done = work => done.map_err(|source| StartError::Step { stage, source }),
    }
}

async fn submit(
    env: &MasterEnv,
    procedure: impl hmaster_procedure::Procedure<MasterEnv>,
) -> Result<ProcId, StartError> {
    env.submit(procedure).await.map_err(|error: ExecutorError| match env.end_reason() {
        Some(reason) => StartError::Ended(reason.to_owned()),
        None => StartError::Ended(error.to_string()),
    })
}

fn ended(env: &MasterEnv) -> StartError {
    StartError::Ended(env.end_reason().unwrap_or("the master stops").to_owned())
}

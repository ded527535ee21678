//! Runs a scenario: bootstraps a cluster, brings its regions into being, goes from step to step, and measures.

mod steps;

use std::sync::Arc;
use std::time::Duration;

use hmaster_config::Configuration;
use hmaster_types::{Chance, Clock, ServerName, TableName};
use tokio::time::{Instant, sleep, timeout};

use crate::SwarmError;
use crate::checker;
use crate::client::Client;
use crate::light::Common;
use crate::masters::Masters;
use crate::preload::{preload, schema, split_keys};
use crate::process::Usage;
use crate::results::{Results, StepResult};
use crate::scenario::{Scenario, Table};
use crate::swarm::Swarm;
use crate::tally::{Counts, Latency};

/// What is to be run, and with what.
#[derive(Clone)]
pub struct Run {
    /// The configuration of masters and servers: that of the scenario is in it.
    pub config: Configuration,
    /// What is to happen.
    pub scenario: Scenario,
    /// Where masters come from.
    pub masters: Arc<dyn Masters>,
    /// Wall clock.
    pub clock: Arc<dyn Clock>,
    /// What random choices come from.
    pub seed: u64,
}

/// How many servers a master that starts waits for.
const WAIT_MIN: &str = "hbase.master.wait.on.regionservers.mintostart";
const WAIT_MAX: &str = "hbase.master.wait.on.regionservers.maxtostart";
/// Between two looks whether the master has anything in transition.
const LOOK_PAUSE: Duration = Duration::from_millis(5);

/// A scenario under way.
struct Stage {
    run: Run,
    swarm: Swarm,
    client: Client,
    tables: Vec<OnStage>,
    chance: Chance,
}

/// A table of the scenario.
struct OnStage {
    name: TableName,
    regions: usize,
    is_enabled: bool,
}

/// What a step came to, beside what servers have seen.
struct Done {
    began: Instant,
    initialized: Option<Instant>,
}

impl Run {
    /// Runs it. All servers end with it; a master that it has started is left to whoever gave the masters.
    ///
    /// # Errors
    /// When something can't be done, doesn't come in time, or isn't right afterwards.
    pub async fn run(self) -> Result<Results, SwarmError> {
        let mut stage = Box::pin(Stage::set(self)).await?;
        let began = Instant::now();
        for table in stage.run.scenario.tables.clone() {
            stage.bring(&table).await?;
        }
        stage.settle().await?;
        let prepared_s = began.elapsed().as_secs_f64();
        let mut steps = Vec::new();
        for step in stage.run.scenario.steps.clone() {
            tracing::info!(?step, "step");
            stage.swarm.common().tally.take();
            let before = stage.usage();
            let done = Box::pin(stage.act(&step)).await?;
            stage.settle().await?;
            steps.push(stage.measure(step.to_string(), &done, before));
            stage.check().await?;
        }
        stage.swarm.kill(&stage.swarm.numbers()).await;
        stage.client.close().await;
        let Scenario { name: scenario, servers, .. } = &stage.run.scenario;
        Ok(Results {
            scenario: scenario.clone(),
            seed: stage.run.seed,
            servers: *servers,
            regions: stage.run.scenario.regions(),
            prepared_s,
            steps,
        })
    }
}

impl Stage {
    /// A cluster with all servers, and without tables.
    async fn set(run: Run) -> Result<Self, SwarmError> {
        let chance = Chance::seeded(run.seed);
        let client = Client::connect(&run.config, chance.fork(), run.scenario.patience()).await?;
        if client.active().await?.is_none() {
            run.masters.start(&wait_for(1)).await?;
        }
        let expire = run.scenario.sessions_expire;
        let common = Common::new(&run.config, run.clock.clone(), chance.fork(), expire).await?;
        let starting = Swarm::start(&run.config, Arc::new(common), run.scenario.faults.clone());
        let swarm = timeout(run.scenario.patience(), starting).await.map_err(|_| SwarmError::Late {
            what: "a server for hbase:meta".into(),
            waited: run.scenario.patience(),
            state: "no master takes it".into(),
        })??;
        client.initialized(None).await?;
        // From now on it gets nothing more, so that all that is measured is about light servers.
        client.drain(swarm.meta()).await?;
        client.set_balancer(false).await?;
        swarm.add(run.scenario.servers).await?;
        Ok(Self { run, swarm, client, tables: Vec::new(), chance })
    }

    async fn bring(&mut self, table: &Table) -> Result<(), SwarmError> {
        let name: TableName = table.name.parse()?;
        if table.preload {
            let old = self.kill_master().await?;
            preload(&self.swarm, &self.client, &name, table.regions, table.folders).await?;
            self.start_master(old.as_ref()).await?;
        } else {
            self.client.create_table(&schema(&name), split_keys(table.regions)).await?;
        }
        self.tables.push(OnStage { name, regions: table.regions, is_enabled: true });
        Ok(())
    }

    /// Kills the active master, and waits until its session has ended, which is hastened: nothing of it is left to protect.
    async fn kill_master(&self) -> Result<Option<ServerName>, SwarmError> {
        let old = self.client.active().await?;
        self.run.masters.kill().await?;
        if let Some(old) = &old {
            self.client.forget_master(old).await?;
        }
        Ok(old)
    }

    /// Starts a master that waits for all servers that run; gives when it was started and when it was initialized.
    async fn start_master(&self, old: Option<&ServerName>) -> Result<(Instant, Instant), SwarmError> {
        let began = Instant::now();
        self.run.masters.start(&wait_for(self.swarm.numbers().len())).await?;
        self.client.initialized(old).await?;
        Ok((began, Instant::now()))
    }

    fn expected(&self) -> usize {
        self.tables.iter().filter(|table| table.is_enabled).map(|table| table.regions).sum()
    }

    /// Waits until all regions are open, and the master says that none is in transition.
    async fn settle(&self) -> Result<(), SwarmError> {
        let patience = self.run.scenario.patience();
        self.swarm.settled(self.expected(), patience).await?;
        let began = Instant::now();
        loop {
            let count = self.client.in_transition().await?;
            if count == 0 {
                return Ok(());
            }
            let waited = began.elapsed();
            if waited > patience {
                let state = format!("{count} are");
                return Err(SwarmError::Late { what: "no region in transition".into(), waited, state });
            }
            sleep(LOOK_PAUSE).await;
        }
    }

    async fn check(&self) -> Result<(), SwarmError> {
        let mut open = checker::OpenRegions::new();
        for server in self.swarm.servers() {
            let Some(name) = server.name() else { continue };
            open.extend(server.regions().iter().map(|region| (region.info().clone(), name.clone())));
        }
        let mut rows = Vec::new();
        for table in self.tables.iter().filter(|table| table.is_enabled) {
            rows.extend(self.client.scan_meta(self.swarm.meta(), &table.name).await?);
        }
        let findings = checker::findings(self.expected(), &open, &rows);
        if findings.is_empty() { Ok(()) } else { Err(SwarmError::Wrong(findings)) }
    }

    fn usage(&self) -> Option<(u32, Usage)> {
        let pid = self.run.masters.pid()?;
        Some((pid, Usage::of(pid)?))
    }

    fn measure(&self, step: String, done: &Done, before: Option<(u32, Usage)>) -> StepResult {
        let counts: Counts = self.swarm.common().tally.take();
        let after = self.usage();
        let since = |at: Instant| at.saturating_duration_since(done.began).as_secs_f64();
        let settled = counts
            .last_report
            .max(done.initialized)
            .map_or_else(|| done.began.elapsed().as_secs_f64(), since);
        let transitions = counts.opened_us.len() + counts.closed_us.len();
        // A process that came meanwhile has used nothing before.
        let used_before = before.filter(|(pid, _)| after.is_some_and(|(now, _)| now == *pid));
        let used_before = used_before.map_or(0.0, |(_, usage)| usage.cpu_seconds);
        StepResult {
            step,
            initialized_s: done.initialized.map(since),
            last_order_s: counts.last_order.map(since),
            settled_s: settled,
            opened: counts.opened_us.len(),
            closed: counts.closed_us.len(),
            failed_opens: counts.failed_opens,
            transitions_per_s: (transitions > 0 && settled > 0.0).then(|| transitions as f64 / settled),
            open_latency: Latency::of(&counts.opened_us),
            close_latency: Latency::of(&counts.closed_us),
            master_cpu_s: after.map(|(_, usage)| usage.cpu_seconds - used_before),
            master_resident_mb: after.map(|(_, usage)| usage.resident_bytes as f64 / f64::from(1 << 20)),
        }
    }
}

/// Settings of a master that waits for so many servers, and for no others: for the light ones, since not every master counts
/// those that are to get no regions.
fn wait_for(servers: usize) -> [(&'static str, String); 2] {
    [WAIT_MIN, WAIT_MAX].map(|key| (key, servers.to_string()))
}

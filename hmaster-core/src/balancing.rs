//! Balances a running cluster: from time to time, and when an operator asks. Counterpart of `HMaster.balance`,
//! `BalancerChore` and `ClusterStatusChore`; what a good plan is decides [`hmaster_balancer`].
//!
//! A run takes a snapshot of regions and loads ([`snapshot`]), lets the balancer search on a thread of its own, keeps
//! what came of it for the shell ([`records`]), and moves regions a few at a time ([`execute`]). Differs from Java in
//! these: the chore waits for a period before its first run, in which region servers are still coming; the search ends
//! when it has looked at enough candidates, not when `maxRunningTime` is over; moves are ordered so that no server is
//! overloaded on the way; and a plan is dropped when a server goes or comes while it is carried out. Racks and files of
//! rules are asked for ([`sources`]) before each run.
//!
//! The master doesn't know where HDFS has the blocks of store files, so locality costs nothing here; its weights count in
//! the mean as they do in Java without HDFS.

mod execute;
mod records;
mod settings;
mod snapshot;
pub mod sources;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hmaster_balancer::{Balancer, Budget, ConstraintsText, LoadHistory, Plan};
use hmaster_types::{JavaException, class};
use parking_lot::Mutex;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use crate::environment::MasterEnv;
use crate::switches::Switch;
use records::Records;
use snapshot::Snapshot;
use sources::BalancerSources;

/// Candidates that a search looks at per region: enough for what exchanges can bring, a fraction of a second for ten
/// thousand regions.
const CANDIDATES_PER_REGION: u64 = 1000;
/// And at least so many.
const CANDIDATES_MIN: u64 = 1_000_000;

/// What the balancer remembers between runs.
pub struct Balancing {
    /// One run at a time.
    at_work: AsyncMutex<()>,
    history: Mutex<LoadHistory>,
    records: Records,
    sources: OnceLock<Arc<dyn BalancerSources>>,
    /// What the file of constraints said when it could last be read for a placement.
    last_constraints: Mutex<Option<ConstraintsText>>,
}

/// Whether the balancer can use its settings.
///
/// # Errors
/// When it can't read one.
pub(crate) fn check(options: &hmaster_config::Options) -> Result<(), hmaster_balancer::BalancerError> {
    settings::read(options).map(drop)
}

/// How a run is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BalanceOptions {
    /// Makes a plan, also while the balancer is off, and doesn't carry it out.
    pub dry_run: bool,
    /// Balances although regions are in transition.
    pub ignore_transitions: bool,
}

/// What came of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Balanced {
    /// False when something stood in the way.
    pub ran: bool,
    /// Moves of the plan.
    pub moves_calculated: u32,
    /// Moves that were begun.
    pub moves_executed: u32,
}

impl Balancing {
    pub(crate) fn new(options: &hmaster_config::Options) -> Self {
        let samples_max = settings::config(options).samples_max;
        Self {
            at_work: AsyncMutex::new(()),
            history: Mutex::new(LoadHistory::new(samples_max)),
            records: Records::default(),
            sources: OnceLock::new(),
            last_constraints: Mutex::new(None),
        }
    }

    /// What was decided and rejected.
    pub(crate) fn records(&self) -> &Records {
        &self.records
    }

    /// Ends when no run is under way.
    pub(crate) async fn rest(&self) {
        drop(self.at_work.lock().await);
    }
}

impl std::fmt::Debug for Balancing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Balancing").field("records", &self.records).finish_non_exhaustive()
    }
}

impl MasterEnv {
    /// Balances at each period, until the reign ends.
    pub async fn run_balancer(self: Arc<Self>) {
        let Some(period) = self.options.balancer.period else {
            tracing::info!("hbase.balancer.period switches the balancer's chore off");
            return;
        };
        while self.pause(period).await {
            match self.balance(BalanceOptions::default()).await {
                Ok(done) => tracing::debug!(?done, "balanced"),
                Err(error) => tracing::warn!(%error, "not balanced"),
            }
        }
    }

    /// Remembers loads at each status period, until the reign ends.
    pub async fn run_balancer_status(self: Arc<Self>) {
        let Some(period) = self.options.balancer.status_period else { return };
        while self.pause(period).await {
            self.remember_loads();
        }
    }

    /// False when the reign ends.
    async fn pause(&self, time: Duration) -> bool {
        tokio::select! {
            biased;
            () = self.shutdown.cancelled() => false,
            () = tokio::time::sleep(time) => true,
        }
    }

    /// Makes a plan and carries it out, unless something stands in the way.
    ///
    /// # Errors
    /// When the cluster or a setting can't be read.
    pub async fn balance(&self, options: BalanceOptions) -> Result<Balanced, JavaException> {
        if !(self.switches.is_on(Switch::Balancer) || options.dry_run) {
            return Ok(Balanced::default());
        }
        let _at_work = self.balancing.at_work.lock().await;
        if let Some(reason) = self.not_now(options.ignore_transitions) {
            tracing::info!(reason, "the balancer doesn't run");
            return Ok(Balanced::default());
        }
        self.remember_loads();
        let mut balanced = Balanced { ran: true, ..Balanced::default() };
        let config = settings::config(&self.online.get()).at_hour(self.hour());
        let outside = self.ask_outside(&config).await?;
        for snapshot in self.snapshots(&config, &outside)? {
            let (snapshot, plan) = self.search(snapshot).await?;
            self.balancing.records.keep(&plan, &snapshot, &self.online.get());
            plan.broken
                .iter()
                .for_each(|broken| tracing::warn!(?broken, "the plan doesn't keep a constraint"));
            balanced.moves_calculated += plan.moves.len() as u32;
            if !options.dry_run && !self.servers.is_going_down() {
                balanced.moves_executed += self.carry_out(&snapshot, &plan).await;
            }
        }
        Ok(balanced)
    }

    /// What stands in the way of a run.
    fn not_now(&self, ignore_transitions: bool) -> Option<&'static str> {
        let mut is_meta_moving = false;
        self.regions.for_each_in_transition(|node| is_meta_moving |= node.info().is_meta());
        if self.servers.is_going_down() {
            Some("the cluster is going down")
        } else if is_meta_moving {
            Some("hbase:meta is in transition")
        } else if self.regions.in_transition_count() > 0 && !ignore_transitions {
            Some("regions are in transition")
        } else if self.servers.is_recovering_any() {
            Some("dead region servers are being recovered")
        } else {
            None
        }
    }

    /// Takes the last reports of all servers into the history.
    fn remember_loads(&self) {
        let online = self.servers.online();
        let loads = online.iter().map(|(server, online)| (server, &online.load[..]));
        let mut history = self.balancing.history.lock();
        if let Err(error) = hmaster_balancer::status::observe_loads(loads, &mut history) {
            tracing::warn!(%error, "loads are not known in full");
        }
    }

    /// Searches without holding up anything else.
    async fn search(&self, snapshot: Snapshot) -> Result<(Snapshot, Plan), JavaException> {
        let seed = self.chance.bits();
        let time_max = Duration::from_millis(snapshot.config.running_time_ms_max.max(1));
        let shutdown = self.shutdown.clone();
        let searched = tokio::task::spawn_blocking(move || {
            let (begin, stop) = (Instant::now(), || shutdown.is_cancelled());
            let elapsed = || begin.elapsed();
            let regions = snapshot.cluster.region_count() as u64;
            let budget = Budget {
                candidates_max: (regions * CANDIDATES_PER_REGION).max(CANDIDATES_MIN),
                stop: Some(&stop),
                ..Budget::time(&elapsed, time_max, seed)
            };
            let balancer = Balancer::new(snapshot.config.clone()).constraints(snapshot.constraints.clone());
            let plan = balancer.plan(&snapshot.cluster, budget);
            (snapshot, plan)
        });
        searched
            .await
            .map_err(|error| JavaException::new(class::HBASE_IO, format!("the balancer's search: {error}")))
    }
}

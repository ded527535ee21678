//! What every region server has, whatever carries its regions.
//!
//! Counterpart of the part of `HRegionServer` that deals with the master: a name, a life, the way to the active master,
//! which regions are here, and which orders were taken. Where its regions have their rows is a [`Carrier`]'s matter.
//!
//! [`Carrier`]: super::carrier::Carrier

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use hmaster_protocol::pb;
use hmaster_rpc::client::RpcClient;
use hmaster_types::{Chance, Clock, EncodedName, JavaException, RegionInfo, ServerName, StartCode, class};
use hmaster_zk::ZkWatcher;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::master_link::MasterLink;
use super::online::OnlineRegions;
use super::options::RegionServerOptions;
use super::phase::{End, Life, Phase};
use super::procedure_ids::ProcedureIds;
use super::procedures::ProcedureResults;

/// A region server as masters know one. `R` is a region.
#[derive(Debug)]
pub struct Member<R> {
    pub(crate) options: RegionServerOptions,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chance: Arc<Chance>,
    pub(crate) start_code: StartCode,
    pub(crate) life: Life,
    pub(crate) link: MasterLink,
    pub(crate) regions: OnlineRegions<R>,
    pub(crate) procedure_ids: ProcedureIds,
    pub(crate) results: ProcedureResults,
    pub(crate) requests: Requests,
    /// Transitions that are being reported.
    pub(crate) reporting: Semaphore,
    /// Known once the master has said it.
    pub(crate) name: OnceLock<ServerName>,
    pub(crate) zk: OnceLock<ZkWatcher>,
    pub(crate) cluster_id: OnceLock<String>,
    /// Orders that are being carried out.
    pub(crate) tasks: TaskTracker,
    /// Ends them wherever they are.
    pub(crate) kill: CancellationToken,
}

/// Calls, counted.
#[derive(Debug, Default)]
pub(crate) struct Requests(AtomicU64);

impl Requests {
    pub(crate) fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl<R> Member<R> {
    /// A server that begins its life at `start_code`, and calls masters by `rpc`.
    pub fn new(
        options: RegionServerOptions,
        clock: Arc<dyn Clock>,
        chance: Chance,
        start_code: StartCode,
        rpc: RpcClient,
    ) -> Self {
        Self {
            clock,
            chance: Arc::new(chance),
            start_code,
            life: Life::new(),
            link: MasterLink::new(rpc, options.master_call_timeout, options.report_retry_pause),
            regions: OnlineRegions::new(),
            procedure_ids: ProcedureIds::default(),
            results: ProcedureResults::default(),
            requests: Requests::default(),
            reporting: Semaphore::new(options.transition_reports_max),
            name: OnceLock::new(),
            zk: OnceLock::new(),
            cluster_id: OnceLock::new(),
            tasks: TaskTracker::new(),
            kill: CancellationToken::new(),
            options,
        }
    }

    /// Its name, none as long as the master hasn't given it one.
    pub fn name(&self) -> Option<&ServerName> {
        self.name.get()
    }

    /// What it was told.
    pub fn options(&self) -> &RegionServerOptions {
        &self.options
    }

    /// Where randomness comes from.
    pub fn chance(&self) -> &Chance {
        &self.chance
    }

    /// Its session with ZooKeeper, once there is one.
    pub fn zookeeper(&self) -> Option<&ZkWatcher> {
        self.zk.get()
    }

    /// Its name, or what is known of it before the master has given it one.
    pub fn label(&self) -> String {
        match self.name.get() {
            Some(name) => name.to_string(),
            None => format!("that isn't registered yet (start code {})", self.start_code.0),
        }
    }

    /// Whether calls are served now.
    ///
    /// # Errors
    /// The exception by which Java's clients know what to do.
    pub fn check_open(&self) -> Result<(), JavaException> {
        self.life.check_open(&self.label())
    }

    /// Waits until the active master knows it and may give it regions; gives its name.
    ///
    /// # Errors
    /// Why it ends before.
    pub async fn started(&self) -> Result<ServerName, End> {
        let phase = self.life.started().await;
        match (phase, self.name.get()) {
            (Phase::Online, Some(name)) => Ok(name.clone()),
            (Phase::Aborting(reason), _) => Err(End::Aborted(reason)),
            (Phase::Stopping(reason), _) => Err(End::Stopped(reason)),
            (Phase::Online | Phase::Starting, _) => Err(End::Aborted("it has no name".into())),
        }
    }

    /// Refuses what was meant for an earlier life of this server.
    ///
    /// # Errors
    /// That this is another server.
    pub fn check_start_code(&self, meant: Option<u64>) -> Result<(), JavaException> {
        let Some(meant) = meant.filter(|meant| *meant != self.start_code.0) else { return Ok(()) };
        let this = self.label();
        let message = format!(
            "This RPC was intended for a different server with startCode: {meant}, this server is: {this}"
        );
        Err(JavaException::new(class::DO_NOT_RETRY_IO, message))
    }

    /// The region that a call is about.
    ///
    /// # Errors
    /// When it isn't here.
    pub fn region(&self, named: &pb::RegionSpecifier) -> Result<Arc<R>, JavaException> {
        let encoded = encoded_name(named)?;
        let name = hmaster_types::to_string_binary(&named.value);
        self.regions.find(encoded, &name, &self.label())
    }

    /// All regions that are open here, by encoded name.
    pub fn regions(&self) -> Vec<Arc<R>> {
        self.regions.all()
    }

    /// How many regions are open here.
    pub fn region_count(&self) -> usize {
        self.regions.count()
    }

    /// How many regions are on their way in or out.
    pub fn transition_count(&self) -> usize {
        self.regions.transition_count()
    }

    /// Takes regions as open that no master has ordered: they are in hbase:meta as open here, and no master is active
    /// that could know otherwise. One that is here already stays as it is.
    pub fn adopt(&self, regions: impl IntoIterator<Item = (RegionInfo, R)>) {
        let regions = regions.into_iter().map(|(info, region)| (info.encoded_name(), region));
        self.regions.adopt(regions);
    }

    /// Counts calls.
    pub fn count_requests(&self, count: usize) {
        self.requests.add(count);
    }

    /// Carries out an order beside all else, until it is done or the server aborts.
    pub(crate) fn spawn(&self, order: impl Future<Output = ()> + Send + 'static) {
        let kill = self.kill.clone();
        self.tasks.spawn(async move {
            kill.run_until_cancelled(order).await;
        });
    }

    /// Goes down at once.
    pub fn abort(&self, reason: &str) {
        if self.life.abort(reason) {
            tracing::error!(server = self.label(), reason, "ABORTING region server");
        }
    }

    /// Goes down in order.
    pub fn stop(&self, reason: &str) {
        if self.life.stop(reason) {
            tracing::info!(server = self.label(), reason, "STOPPING region server");
        }
    }
}

/// The encoded name of the region that a message names.
///
/// # Errors
/// When it is no name.
pub(crate) fn encoded_name(named: &pb::RegionSpecifier) -> Result<EncodedName, JavaException> {
    EncodedName::try_from(named)
        .map_err(|error| JavaException::new(class::DO_NOT_RETRY_IO, error.to_string()))
}

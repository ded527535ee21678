//! What all parts of a region server share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use hmaster_protocol::pb;
use hmaster_types::{Chance, Clock, EncodedName, JavaException, ServerName, StartCode, class};
use hmaster_zk::ZkWatcher;
use parking_lot::RwLock;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::master_link::MasterLink;
use super::online::OnlineRegions;
use super::options::{RegionServerOptions, Settings};
use super::phase::Life;
use super::procedure_ids::ProcedureIds;
use super::procedures::ProcedureResults;
use super::scanners::Scanners;
use super::storage::Storage;
use crate::region::Region;
use crate::service::ClientScanner;

/// A region server.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) options: RegionServerOptions,
    pub(crate) settings: Settings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chance: Arc<Chance>,
    pub(crate) start_code: StartCode,
    pub(crate) life: Life,
    pub(crate) link: MasterLink,
    pub(crate) regions: OnlineRegions<Region>,
    pub(crate) procedure_ids: ProcedureIds,
    pub(crate) results: ProcedureResults,
    pub(crate) scanners: Scanners<ClientScanner>,
    pub(crate) requests: Requests,
    pub(crate) bounds: Bounds,
    /// Known once the master has said it.
    pub(crate) name: OnceLock<ServerName>,
    /// Gone once the server has ended.
    pub(crate) storage: RwLock<Option<Arc<Storage>>>,
    pub(crate) zk: OnceLock<ZkWatcher>,
    pub(crate) cluster_id: OnceLock<String>,
    /// Orders that are being carried out.
    pub(crate) tasks: TaskTracker,
    /// Ends them wherever they are.
    pub(crate) kill: CancellationToken,
}

/// How much is done at the same time.
#[derive(Debug)]
pub(crate) struct Bounds {
    pub(crate) opening: Semaphore,
    pub(crate) closing: Semaphore,
    pub(crate) splitting: Semaphore,
}

/// Calls of clients, counted.
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

impl Server {
    /// Its name, or what is known of it before the master has given it one.
    pub(crate) fn label(&self) -> String {
        match self.name.get() {
            Some(name) => name.to_string(),
            None => format!("that isn't registered yet (start code {})", self.start_code.0),
        }
    }

    /// Whether calls are served now.
    ///
    /// # Errors
    /// The exception by which Java's clients know what to do.
    pub(crate) fn check_open(&self) -> Result<(), JavaException> {
        self.life.check_open(&self.label())
    }

    /// Its name and files, when it is online.
    ///
    /// # Errors
    /// When it isn't yet.
    pub(crate) fn ready(&self) -> Result<(&ServerName, Arc<Storage>), JavaException> {
        match (self.name.get(), self.storage.read().clone()) {
            (Some(name), Some(storage)) => Ok((name, storage)),
            _ => Err(JavaException::new(
                class::SERVER_NOT_RUNNING_YET,
                format!("Server {} is not running yet", self.label()),
            )),
        }
    }

    /// The region that a call is about.
    ///
    /// # Errors
    /// When it isn't here.
    pub(crate) fn region(&self, named: &pb::RegionSpecifier) -> Result<Arc<Region>, JavaException> {
        let encoded = encoded_name(named)?;
        let name = hmaster_types::to_string_binary(&named.value);
        self.regions.find(encoded, &name, &self.label())
    }

    /// Carries out an order beside all else, until it is done or the server aborts.
    pub(crate) fn spawn(&self, order: impl Future<Output = ()> + Send + 'static) {
        let kill = self.kill.clone();
        self.tasks.spawn(async move {
            kill.run_until_cancelled(order).await;
        });
    }

    /// Lets go of all regions and of the log. What they do by themselves ends with that.
    pub(crate) fn let_go(&self) {
        self.scanners.close_all();
        self.regions.clear();
        self.storage.write().take();
    }

    /// Goes down at once.
    pub(crate) fn abort(&self, reason: &str) {
        if self.life.abort(reason) {
            tracing::error!(server = self.label(), reason, "ABORTING region server");
        }
    }

    /// Goes down in order.
    pub(crate) fn stop(&self, reason: &str) {
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

//! The servers of a swarm: one with rows, and any number of light ones.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hmaster_config::Configuration;
use hmaster_sim::carrier::Running;
use hmaster_sim::{RegionServer, RegionServerHandle};
use hmaster_types::ServerName;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep};

use crate::SwarmError;
use crate::light::{Common, Faults, Light};

/// Light servers that are started at the same time.
const STARTED_AT_ONCE: usize = 100;
/// Between two counts of all regions of all servers.
const COUNT_PAUSE: Duration = Duration::from_millis(5);

/// Region servers. Dropping it is what a power cut is for all of them.
#[derive(Debug)]
pub struct Swarm {
    common: Arc<Common>,
    rows: RegionServerHandle,
    meta: ServerName,
    faults: Faults,
    /// By number; none for one that was killed.
    lights: Mutex<Vec<Option<Running<Light>>>>,
}

/// What is open, as the servers see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open {
    /// Light regions that are open.
    pub regions: usize,
    /// Orders that are being carried out.
    pub transitions: usize,
}

impl Swarm {
    /// A swarm whose only server is the one that is to carry hbase:meta. Waits for as long as no master is active.
    ///
    /// # Errors
    /// When that server can't be had.
    pub async fn start(
        config: &Configuration,
        common: Arc<Common>,
        faults: Faults,
    ) -> Result<Self, SwarmError> {
        let builder = RegionServer::builder(config.clone()).chance(common.chance.fork());
        let rows = builder.launch().await.map_err(SwarmError::Meta)?;
        let meta = rows.online().await;
        let meta = meta.map_err(|ended| SwarmError::Meta(hmaster_sim::StartError::Ended(ended)))?;
        Ok(Self { common, rows, meta, faults, lights: Mutex::default() })
    }

    /// What its light servers have in common.
    pub fn common(&self) -> &Arc<Common> {
        &self.common
    }

    /// The server that carries hbase:meta.
    pub fn meta(&self) -> &ServerName {
        &self.meta
    }

    /// The server with rows.
    pub fn server_with_rows(&self) -> &RegionServerHandle {
        &self.rows
    }

    /// Adds light servers; ends when the active master knows all of them.
    ///
    /// # Errors
    /// When one can't listen, or isn't wanted.
    pub async fn add(&self, count: usize) -> Result<(), SwarmError> {
        for begin in (0..count).step_by(STARTED_AT_ONCE) {
            let some = (begin..count.min(begin + STARTED_AT_ONCE)).map(|_| self.launch(0));
            let some = some.collect::<Result<Vec<_>, _>>()?;
            for ended in join_all(some.iter().map(Running::online)).await {
                ended.map_err(SwarmError::Ended)?;
            }
            self.lights.lock().extend(some.into_iter().map(Some));
        }
        Ok(())
    }

    fn launch(&self, port: u16) -> Result<Running<Light>, SwarmError> {
        Ok(Light::launch(&self.common, port, self.faults.clone())?)
    }

    /// The light servers that run.
    pub fn servers(&self) -> Vec<Arc<Light>> {
        self.lights.lock().iter().flatten().map(|light| light.server().clone()).collect()
    }

    /// The names of the light servers that run and have one.
    pub fn names(&self) -> Vec<ServerName> {
        self.servers().iter().filter_map(|light| light.name().cloned()).collect()
    }

    /// The numbers of the light servers that run.
    pub fn numbers(&self) -> Vec<usize> {
        let lights = self.lights.lock();
        lights.iter().enumerate().filter(|(_, light)| light.is_some()).map(|(number, _)| number).collect()
    }

    /// Ends light servers as kill -9 ends processes. What becomes of their sessions [`Common::new`] was told.
    pub async fn kill(&self, numbers: &[usize]) {
        let killed: Vec<_> = numbers.iter().filter_map(|number| self.take(*number)).collect();
        join_all(killed.into_iter().map(Running::abort)).await;
        self.common.tally.touch();
    }

    /// Stops light servers in order: their regions are closed, and the master is told.
    pub async fn stop(&self, numbers: &[usize]) {
        let stopped: Vec<_> = numbers.iter().filter_map(|number| self.take(*number)).collect();
        join_all(stopped.into_iter().map(Running::stop)).await;
        self.common.tally.touch();
    }

    fn take(&self, number: usize) -> Option<Running<Light>> {
        self.lights.lock().get_mut(number).and_then(Option::take)
    }

    /// Starts light servers that don't run under new start codes, wherever they may listen. They look for a master: see
    /// [`Swarm::online`].
    ///
    /// # Errors
    /// When one can't listen.
    pub fn start_again(&self, numbers: &[usize]) -> Result<(), SwarmError> {
        for number in numbers {
            let light = self.launch(0)?;
            if let Some(place) = self.lights.lock().get_mut(*number).filter(|place| place.is_none()) {
                *place = Some(light);
            }
        }
        Ok(())
    }

    /// Waits until the active master knows all light servers that run.
    ///
    /// # Errors
    /// When one isn't wanted.
    pub async fn online(&self) -> Result<(), SwarmError> {
        for server in self.servers() {
            server.started().await.map_err(SwarmError::Ended)?;
        }
        Ok(())
    }

    /// What is open now.
    pub fn open(&self) -> Open {
        let lights = self.lights.lock();
        let lights = lights.iter().flatten().map(Running::server);
        let counts = lights.map(|light| (light.region_count(), light.transition_count()));
        let (regions, transitions) = counts.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        Open { regions, transitions }
    }

    /// Waits until so many regions are open and none is on its way.
    ///
    /// # Errors
    /// When that isn't so within `patience`.
    pub async fn settled(&self, regions: usize, patience: Duration) -> Result<(), SwarmError> {
        let began = Instant::now();
        let mut changes = self.common.tally.changes();
        loop {
            changes.mark_unchanged();
            let open = self.open();
            if open == (Open { regions, transitions: 0 }) {
                return Ok(());
            }
            let waited = began.elapsed();
            if waited > patience {
                let what = format!("{regions} open regions");
                let state = format!("{} are open, {} on their way", open.regions, open.transitions);
                return Err(SwarmError::Late { what, waited, state });
            }
            // Whoever settles a region may do so a moment after it has counted it.
            tokio::select! {
                biased;
                _ = changes.changed() => {}
                () = sleep(COUNT_PAUSE * 10) => {}
            }
            sleep(COUNT_PAUSE).await;
        }
    }
}

//! A region server with rows as a [`Carrier`]: regions are opened from files, and their edits are in a log.

use std::time::Duration;

use async_trait::async_trait;
use hmaster_protocol::pb;
use hmaster_types::{JavaException, RegionInfo, ServerName, TableDescriptor};
use tokio::time::timeout;

use super::callables;
use super::carrier::{Carrier, Fatal, Opened};
use super::load::{self, Period};
use super::state::Server;
use super::storage::Storage;
use super::transitions::chain;
use crate::region::Region;

/// For regions of a server that aborts.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

#[async_trait]
impl Carrier for Server {
    type Region = Region;

    fn info(region: &Region) -> &RegionInfo {
        region.info()
    }

    async fn set_up(&self, name: &ServerName, entries: Vec<(String, String)>) -> Result<(), Fatal> {
        self.settings.take_over(entries);
        let storage = Storage::open(&self.settings, name, self.clock.clone(), self.chance.clone()).await;
        let storage = storage.map_err(|error| chain(&error))?;
        tracing::info!(server = %name, root = %storage.root.uri(), "registered");
        *self.storage.write() = Some(storage.into());
        Ok(())
    }

    fn load(&self, period: Period) -> pb::ServerLoad {
        load::of_rows(self, period)
    }

    async fn open(&self, region: &RegionInfo) -> Result<Opened<Region>, String> {
        // System tables don't wait: others' opening may wait for them.
        let _permit = match region.table().is_system() {
            true => None,
            false => self.bounds.opening.acquire().await.ok(),
        };
        let (_, storage) = self.ready().map_err(|exception| exception.message)?;
        let table = table_descriptor(&storage, region).await?;
        let options = storage.region_options.clone();
        let opened = Region::open(&storage.root, &storage.log, region.clone(), table, options).await;
        let region = opened.map_err(|error| chain(&error))?;
        let sequence_id = u64::try_from(region.open_sequence_id().0).unwrap_or(0);
        Ok(Opened { region, sequence_id })
    }

    async fn close(&self, region: &Region) -> Result<i64, Fatal> {
        let _permit = match region.info().table().is_system() {
            true => None,
            false => self.bounds.closing.acquire().await.ok(),
        };
        let name = region.info().encoded_name();
        self.scanners.close_region(name);
        let closed = region.close(true).await;
        closed.map_err(|error| {
            format!("Failed to close region {name} and can not recover: {}", chain(&error))
        })?;
        let sequence_id = region.flushed_sequence_id().and_then(|id| i64::try_from(id).ok());
        Ok(sequence_id.unwrap_or_else(|| region.open_sequence_id().0.max(0)))
    }

    async fn carry_out(&self, order: &pb::RemoteProcedureRequest) -> Result<(), JavaException> {
        callables::carry_out(self, order).await
    }

    async fn failure(&self) -> Fatal {
        let Ok((_, storage)) = self.ready() else { return std::future::pending().await };
        tokio::select! {
            biased;
            failure = storage.log.failure() => format!("the log failed: {}", chain(&failure)),
            () = self.scanners.expire() => "scanners don't expire any more".into(),
        }
    }

    fn writes(&self) -> u64 {
        self.regions.all().iter().map(|region| region.load().write_requests).sum()
    }

    async fn shut(&self) -> Result<(), Fatal> {
        let Ok((_, storage)) = self.ready() else { return Ok(()) };
        storage.log.close().await.map_err(|error| format!("can't close the log: {}", chain(&error)))
    }

    /// Ends all regions as they are: their edits are in the log.
    async fn abandon(&self) {
        let regions = self.regions.all();
        let closing = regions.iter().map(|region| region.close(false));
        if timeout(CLOSE_TIMEOUT, futures_util::future::join_all(closing)).await.is_err() {
            tracing::warn!("some regions aren't closed yet");
        }
    }

    /// Lets go of the log. What it does by itself ends with that.
    fn let_go(&self) {
        self.scanners.close_all();
        self.storage.write().take();
    }
}

/// The schema of a region's table, as it is in the root folder now.
async fn table_descriptor(storage: &Storage, region: &RegionInfo) -> Result<TableDescriptor, String> {
    let found = storage.root.table_descriptor(region.table()).await.map_err(|error| chain(&error))?;
    found.ok_or_else(|| format!("Missing table descriptor for {}", region.name()))
}

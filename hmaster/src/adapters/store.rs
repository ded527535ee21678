//! The master's own store: the region `master:store`, as procedures and the master's mind use it.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use hmaster_config::Configuration;
use hmaster_core::assignment::RegionRecord;
use hmaster_core::catalog::records;
use hmaster_core::ports::MasterStore;
use hmaster_core::ports::store::StoreError;
use hmaster_fs::rootdir::RootDir;
use hmaster_procedure::ProcedureStore;
use hmaster_protocol::meta::{self, MetaReader};
use hmaster_store::RegionProcedureStore;
use hmaster_store::region::{INFO_FAMILY, MasterRegion, MasterRegionOptions};
use hmaster_types::{ActiveTime, Clock, ServerName};

use crate::RunError;

/// Row of family `state` with the latest time at which an hmaster became active, eight bytes, big endian. Java masters
/// have no such record and leave it alone.
const ACTIVE_TIME: &str = "hmaster_active_time";

/// The store, open: whoever had it before can't write to it any more.
pub(crate) struct OpenStore(Arc<MasterRegion>);

/// Opens the store below `root` for the master `server`.
pub(crate) async fn open(
    root: &RootDir,
    server: &ServerName,
    config: &Configuration,
    clock: &Arc<dyn Clock>,
) -> Result<OpenStore, RunError> {
    let options = config.options();
    let region_options = MasterRegionOptions {
        wal_bytes_max: options.store.flush_bytes,
        lease_wait_max: options.filesystem.lease_recovery_timeout,
        ..MasterRegionOptions::default()
    };
    let region = MasterRegion::open(root, clock.clone(), server, region_options).await;
    Ok(OpenStore(Arc::new(region.map_err(|error| RunError::Store(with_causes(&error)))?)))
}

impl OpenStore {
    /// When this master became active: later than any before it, even if clocks differ. Recorded before it is used.
    pub(crate) async fn begin_reign(&self, clock: &dyn Clock) -> Result<ActiveTime, RunError> {
        let before = self.0.state(ACTIVE_TIME);
        let before = before.and_then(|bytes| Some(u64::from_be_bytes(bytes[..].try_into().ok()?)));
        let active_time = before.map_or(0, |before| before.saturating_add(1)).max(clock.now_ms());
        let recorded = self.0.put_state(ACTIVE_TIME, &active_time.to_be_bytes()).await;
        recorded.map_err(|error| RunError::Store(with_causes(&error)))?;
        Ok(ActiveTime(active_time))
    }

    /// The small records.
    pub(crate) fn master(&self) -> Arc<dyn MasterStore> {
        Arc::new(SmallRecords(self.0.clone()))
    }

    /// Procedures.
    pub(crate) fn procedures(&self) -> Arc<dyn ProcedureStore> {
        Arc::new(RegionProcedureStore::new(self.0.clone()))
    }

    /// Completes the log, so that the next master has nothing to recover.
    pub(crate) async fn close(self) {
        if let Err(error) = self.0.close().await {
            tracing::warn!(%error, "the master's store isn't closed well; the next master recovers it");
        }
    }
}

struct SmallRecords(Arc<MasterRegion>);

fn failed(error: impl std::error::Error) -> StoreError {
    StoreError(with_causes(&error))
}

fn with_causes(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

#[async_trait]
impl MasterStore for SmallRecords {
    async fn meta_regions(&self) -> Result<Vec<RegionRecord>, StoreError> {
        let mut reader = MetaReader::new();
        let mut regions = Vec::new();
        for (_, cells) in self.0.rows(INFO_FAMILY) {
            if let Some(row) = reader.region_row(&cells).map_err(failed)? {
                regions.extend(records(&row));
            }
        }
        Ok(regions)
    }

    async fn put_meta_region(&self, record: &RegionRecord, timestamp_ms: i64) -> Result<(), StoreError> {
        let RegionRecord { info, state, location, open_seq_num, .. } = record;
        let row = meta::put_region(info, *state, location.as_ref(), open_seq_num.0, false, timestamp_ms);
        self.0.mutate(row.puts).await.map_err(failed)?;
        Ok(())
    }

    async fn servers(&self) -> Result<Vec<ServerName>, StoreError> {
        self.0.servers().map_err(failed)
    }

    async fn add_server(&self, server: &ServerName) -> Result<(), StoreError> {
        self.0.put_server(server).await.map_err(failed)
    }

    async fn remove_server(&self, server: &ServerName) -> Result<(), StoreError> {
        self.0.remove_server(server).await.map_err(failed)
    }

    async fn state(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        Ok(self.0.state(name))
    }

    async fn put_state(&self, name: &str, value: Bytes) -> Result<(), StoreError> {
        self.0.put_state(name, &value).await.map_err(failed)
    }

    /// Files of this store are only made by Java's masters; its log begins anew with the live cells.
    async fn compact(&self) -> Result<(), StoreError> {
        self.0.roll();
        Ok(())
    }
}

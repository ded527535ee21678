//! What the master keeps for itself in the `master:store` region, apart from procedures: where hbase:meta is, which
//! servers may have unsplit WALs, and switches. Counterpart of `MasterRegion` with `MasterRegionServerList` and
//! `MasterStateStore`.
//!
//! A write is durable when its future is done. A failed one ends the active role.

use async_trait::async_trait;
use bytes::Bytes;
use hmaster_types::ServerName;

use crate::assignment::RegionRecord;

/// The store can't be read or written; this master is no longer active.
#[derive(Debug, Clone, thiserror::Error)]
#[error("master:store: {0}")]
pub struct StoreError(pub String);

/// The master's own records.
#[async_trait]
pub trait MasterStore: Send + Sync {
    /// hbase:meta's regions, one per replica.
    async fn meta_regions(&self) -> Result<Vec<RegionRecord>, StoreError>;

    /// Records state and place of a region of hbase:meta, stamped with `timestamp_ms`.
    async fn put_meta_region(&self, record: &RegionRecord, timestamp_ms: i64) -> Result<(), StoreError>;

    /// The servers that started and aren't fully recovered.
    async fn servers(&self) -> Result<Vec<ServerName>, StoreError>;

    /// Records a server, before it is told that it may work.
    async fn add_server(&self, server: &ServerName) -> Result<(), StoreError>;

    /// Forgets a server, once its recovery is recorded as a procedure.
    async fn remove_server(&self, server: &ServerName) -> Result<(), StoreError>;

    /// A switch's or another small record's value.
    async fn state(&self, name: &str) -> Result<Option<Bytes>, StoreError>;

    /// Records a switch or another small record.
    async fn put_state(&self, name: &str, value: Bytes) -> Result<(), StoreError>;

    /// Makes what the next master would have to read as short as it can be. Everything is durable before and after.
    async fn compact(&self) -> Result<(), StoreError>;
}

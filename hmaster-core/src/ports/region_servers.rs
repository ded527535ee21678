//! Calls to region servers: `AdminService` for commands, `ClientService` for rows of hbase:meta and other system tables.
//!
//! Every call names one life of one server. How a call failed decides what may be done next, so the kinds are told
//! apart strictly: only [`RemoteError::NotSent`] and [`RemoteError::Refused`] prove that the server did nothing
//! (protocol.md §4.3, danger 2).

use async_trait::async_trait;
use bytes::Bytes;
pub use hmaster_protocol::meta::MetaRowMutation as RowMutation;
use hmaster_protocol::pb;
use hmaster_types::{Cell, JavaException, RegionInfo, ServerName};

/// How a call failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RemoteError {
    /// The request never left, or was turned away before the server looked at it: connection refused, unknown host, a
    /// full queue here.
    #[error("{server} was not reached: {reason}")]
    NotSent {
        /// Who was called.
        server: ServerName,
        /// Why.
        reason: String,
        /// Nothing listens at the address: the process is gone.
        refused: bool,
    },
    /// The request may or may not have been carried out: no answer in time, or the connection broke.
    #[error("{server} may or may not have done it: {reason}")]
    Unknown {
        /// Who was called.
        server: ServerName,
        /// What happened.
        reason: String,
    },
    /// The server answered with an exception.
    #[error("{server} answered {exception}")]
    Refused {
        /// Who was called.
        server: ServerName,
        /// What it said.
        exception: JavaException,
    },
}

impl RemoteError {
    /// The exception, if the server answered with one.
    pub fn exception(&self) -> Option<&JavaException> {
        match self {
            Self::Refused { exception, .. } => Some(exception),
            Self::NotSent { .. } | Self::Unknown { .. } => None,
        }
    }
}

/// Which rows of a region to read.
#[derive(Debug, Clone)]
pub struct ScanSpec {
    /// First row.
    pub start: Bytes,
    /// Whether the first row itself is wanted.
    pub include_start: bool,
    /// First row that isn't wanted; empty for the end of the region.
    pub stop: Bytes,
    /// Families wanted; empty for all.
    pub families: Vec<Bytes>,
    /// How many rows one answer may have.
    pub rows_max: u32,
    /// From the end to the start.
    pub reversed: bool,
}

impl ScanSpec {
    /// All families of the rows from `start` to before `stop`.
    pub fn between(start: Bytes, stop: Bytes, rows_max: u32) -> Self {
        Self { start, include_start: true, stop, families: Vec::new(), rows_max, reversed: false }
    }
}

/// One answer's rows: each a row's cells in order.
#[derive(Debug, Clone, Default)]
pub struct ScanPage {
    /// Rows, whole ones only.
    pub rows: Vec<Vec<Cell>>,
    /// Whether the region may have more after the last row.
    pub has_more: bool,
}

/// Region servers, by name of one life.
#[async_trait]
pub trait RegionServers: Send + Sync {
    /// Sends opens, closes and remote procedures. A reply means that they were taken, not that they are done.
    async fn execute_procedures(
        &self,
        server: &ServerName,
        request: pb::ExecuteProceduresRequest,
    ) -> Result<(), RemoteError>;

    /// Closes a region that no procedure has in hand, such as one that is open where it shouldn't be.
    async fn close_region(
        &self,
        server: &ServerName,
        request: pb::CloseRegionRequest,
    ) -> Result<(), RemoteError>;

    /// Warms up the store files of a region that is about to move there.
    async fn warmup_region(&self, server: &ServerName, region: &RegionInfo) -> Result<(), RemoteError>;

    /// What the server says of a region: whether it can be split or merged, and where.
    async fn get_region_info(
        &self,
        server: &ServerName,
        region: &RegionInfo,
        best_split_row: bool,
    ) -> Result<pb::GetRegionInfoResponse, RemoteError>;

    /// The regions that are open on the server.
    async fn get_online_regions(&self, server: &ServerName) -> Result<Vec<RegionInfo>, RemoteError>;

    /// Reads rows of a region.
    async fn scan(
        &self,
        server: &ServerName,
        region: &RegionInfo,
        spec: &ScanSpec,
    ) -> Result<ScanPage, RemoteError>;

    /// Applies each row's mutation as one, all of them in one call; one result per row.
    async fn mutate(
        &self,
        server: &ServerName,
        region: &RegionInfo,
        rows: &[RowMutation],
    ) -> Result<Vec<Result<(), JavaException>>, RemoteError>;

    /// Applies all rows' mutations as one: `MultiRowMutationService.MutateRows`.
    async fn mutate_atomically(
        &self,
        server: &ServerName,
        region: &RegionInfo,
        rows: &[RowMutation],
    ) -> Result<(), RemoteError>;

    /// Ends when the server's process is certainly gone: its host answers, and says that nobody listens at the server's
    /// port. A server that merely doesn't answer is waited for.
    async fn gone(&self, _server: &ServerName) {
        std::future::pending::<()>().await;
    }
}

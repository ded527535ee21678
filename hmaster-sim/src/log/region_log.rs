//! A server's log as one region sees it.

use std::sync::Arc;

use bytes::Bytes;
use hmaster_protocol::pb;
use hmaster_protocol::pb::flush_descriptor::FlushAction;
use hmaster_store::wal::{LogFailure, NewEntry};
use hmaster_types::{Cell, EncodedName, RegionInfo};
use prost::Message as _;

use super::one::{OneLog, Registered};
use super::{Edit, Held, ServerLog};
use crate::region::{Stores, WeakRegion};

/// The family of cells that say what a region did, and the qualifier of those about flushes.
const MARKER_FAMILY: &[u8] = b"METAFAMILY";
const FLUSH_QUALIFIER: &[u8] = b"HBASE::FLUSH";

/// Where a region logs. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct RegionLog {
    server: ServerLog,
    one: Arc<OneLog>,
    name: EncodedName,
    key: pb::WalKey,
    marker: pb::FlushDescriptor,
    marker_row: Bytes,
}

impl RegionLog {
    pub(super) fn new(server: ServerLog, one: Arc<OneLog>, region: &RegionInfo) -> Self {
        let (name, table) = (region.encoded_name(), Bytes::from(region.table().to_string()));
        let encoded: Bytes = name.to_string().into();
        let key = pb::WalKey {
            encoded_region_name: encoded.clone(),
            table_name: table.clone(),
            ..Default::default()
        };
        let marker = pb::FlushDescriptor {
            action: FlushAction::CannotFlush.into(),
            table_name: table,
            encoded_region_name: encoded,
            ..Default::default()
        };
        // As in Java, where a cell must have a row, and the one before all others is empty.
        let start = region.start_key();
        let marker_row =
            if start.is_empty() { Bytes::from_static(&[0]) } else { Bytes::copy_from_slice(start) };
        Self { server, one, name, key, marker, marker_row }
    }

    /// The server's log that it is a part of.
    pub(crate) fn server(&self) -> &ServerLog {
        &self.server
    }

    /// Logs cells and waits until they are durable and applied; their sequence id.
    pub(crate) async fn append(
        &self,
        cells: Vec<Cell>,
        nonce: (u64, u64),
        edit: Edit,
    ) -> Result<u64, LogFailure> {
        let (group, value) = nonce;
        let key = pb::WalKey {
            nonce_group: (value != 0).then_some(group),
            nonce: (value != 0).then_some(value),
            ..self.key.clone()
        };
        self.one.append(NewEntry { key, cells }, edit).await
    }

    /// Makes sure that the log is still this server's, by writing to it what means nothing: a mark of a flush that
    /// didn't come about. Who takes a region over takes the log away first.
    pub(crate) async fn check_fence(&self) -> Result<(), LogFailure> {
        let now_ms = self.server.clock().now_ms() as i64;
        let value = self.marker.encode_to_vec();
        let cell = Cell::put(&self.marker_row, MARKER_FAMILY, FLUSH_QUALIFIER, now_ms, &value);
        let cell = cell.expect("a region's name and a start key fit into a cell");
        self.one.append(NewEntry { key: self.key.clone(), cells: vec![cell] }, Edit::nothing()).await?;
        Ok(())
    }

    /// Seals what was appended so far; the last sequence id of it.
    pub(crate) async fn seal(&self, stores: &Arc<Stores>) -> Result<u64, LogFailure> {
        self.one.seal(stores).await
    }

    /// Begins to log the region: its edits have higher sequence ids than this one, and log files stay until they are in
    /// store files.
    pub(crate) fn begin(&self, sequence: u64, stores: &Arc<Stores>, region: WeakRegion) {
        self.one.advance_to(sequence);
        self.one.register(self.name, Registered { stores: Arc::clone(stores), region });
    }

    /// The region is closed, and all its edits are in store files.
    pub(crate) fn end(&self) {
        self.one.unregister(self.name);
    }
}

impl Edit {
    /// An entry that changes nothing.
    fn nothing() -> Self {
        let (stores, region) = (None, WeakRegion::none());
        Self { stores, region, cells: Vec::new(), held: Held::default() }
    }
}

//! Rows of hbase:meta, read and written at the server that carries it: as any client does.

use hmaster_protocol::meta::{MetaReader, MetaRow, MetaRowMutation};
use hmaster_protocol::pb;
use hmaster_protocol::pb::mutation_proto::MutationType;
use hmaster_rpc::client::CallOptions;
use hmaster_types::{Cell, RegionInfo, ServerName, TableName};

use super::Client;
use crate::SwarmError;

/// Rows of one page, and of one write.
const PAGE_ROWS_MAX: usize = 5_000;
/// Writes under way at the same time.
pub(crate) const WRITES_AT_ONCE: usize = 4;

impl Client {
    /// Puts rows; the server has them in its log when this ends.
    ///
    /// # Errors
    /// When it doesn't take one.
    pub(crate) async fn put_meta(
        &self,
        carrier: &ServerName,
        rows: &[MetaRowMutation],
    ) -> Result<(), SwarmError> {
        for some in rows.chunks(PAGE_ROWS_MAX) {
            let action = |(index, row): (usize, &MetaRowMutation)| pb::Action {
                index: u32::try_from(index).ok(),
                mutation: Some(pb::MutationProto {
                    row: Some(row.row.clone()),
                    mutate_type: Some(MutationType::Put.into()),
                    associated_cell_count: i32::try_from(row.puts.len()).ok(),
                    ..Default::default()
                }),
                ..Default::default()
            };
            let actions = pb::RegionAction {
                region: (&RegionInfo::meta().name()).into(),
                atomic: Some(false),
                action: some.iter().enumerate().map(action).collect(),
                condition: None,
            };
            let request = pb::MultiRequest { region_action: vec![actions], ..Default::default() };
            let cells = some.iter().flat_map(|row| row.puts.iter().cloned()).collect();
            let rows = self.rpc.rows(carrier.address(), CallOptions::default());
            let (answer, _) = rows.multi(&request, cells).await?;
            let whole = answer.region_action_result.iter().filter_map(|result| result.exception.as_ref());
            let single = answer.region_action_result.iter().flat_map(|result| &result.result_or_exception);
            let refused = whole.chain(single.filter_map(|row| row.exception.as_ref())).next();
            if let Some(refused) = refused {
                return Err(SwarmError::Refused(refused.name.clone()));
            }
        }
        Ok(())
    }

    /// All regions of a table.
    ///
    /// # Errors
    /// When hbase:meta can't be read.
    pub(crate) async fn scan_meta(
        &self,
        carrier: &ServerName,
        table: &TableName,
    ) -> Result<Vec<MetaRow>, SwarmError> {
        let (mut start, stop) = hmaster_protocol::meta::table_rows(table);
        let (mut include_start, mut reader, mut found) = (true, MetaReader::new(), Vec::new());
        let client = self.rpc.rows(carrier.address(), CallOptions::default());
        loop {
            let scan = pb::Scan {
                start_row: Some(start.clone()),
                stop_row: Some(stop.clone()),
                include_start_row: Some(include_start),
                max_versions: Some(1),
                ..Default::default()
            };
            let request = pb::ScanRequest {
                region: Some((&RegionInfo::meta().name()).into()),
                scan: Some(scan),
                number_of_rows: u32::try_from(PAGE_ROWS_MAX).ok(),
                close_scanner: Some(true),
                ..Default::default()
            };
            let (answer, cells) = client.scan(&request, Vec::new()).await?;
            let mut cells = cells.as_slice();
            for count in &answer.cells_per_result {
                let (row, rest) = cells.split_at_checked(*count as usize).unwrap_or((cells, &[]));
                found.extend(reader.region_row(row)?);
                if let Some(key) = row.first().map(Cell::row) {
                    start = key.to_vec().into();
                }
                cells = rest;
            }
            include_start = false;
            let rows = answer.cells_per_result.len();
            if rows == 0 || (rows < PAGE_ROWS_MAX && !answer.more_results_in_region()) {
                return Ok(found);
            }
        }
    }
}

//! Rows of the master's own tables besides hbase:meta, such as hbase:namespace. They have one region each, whose place
//! the master knows best itself.

use std::time::Duration;

use bytes::Bytes;
use hmaster_types::{Cell, RegionInfo, RegionState, ServerName, TableName};

use crate::catalog::{CatalogError, refused_for_good};
use crate::environment::MasterEnv;
use crate::ports::{RemoteError, RowMutation, ScanPage, ScanSpec};

/// Pause between looks at where the table is, and between attempts.
const PAUSE: Duration = Duration::from_millis(50);
/// Rows of such a table are few.
const SCAN_ROWS_MAX: u32 = 10_000;

impl MasterEnv {
    /// Reads all rows of one of the master's tables, waiting until it is open.
    ///
    /// # Errors
    /// When a region server refuses for good, or the master stops.
    pub async fn scan_system_table(&self, table: &TableName) -> Result<Vec<Vec<Cell>>, CatalogError> {
        const OPERATION: &str = "read a system table";
        let mut rows: Vec<Vec<Cell>> = Vec::new();
        loop {
            let (start, include_start) = match rows.last().and_then(|row| row.first()) {
                Some(last) => (Bytes::copy_from_slice(last.row()), false),
                None => (Bytes::new(), true),
            };
            let mut spec = ScanSpec::between(start, Bytes::new(), SCAN_ROWS_MAX);
            spec.include_start = include_start;
            let page = self.scan_page(table, OPERATION, &spec).await?;
            rows.extend(page.rows);
            if !page.has_more {
                return Ok(rows);
            }
        }
    }

    /// The cells of a row of one of the master's tables, waiting until it is open. None when there is no such row.
    ///
    /// # Errors
    /// When a region server refuses for good, or the master stops.
    pub async fn system_row(&self, table: &TableName, row: &Bytes) -> Result<Vec<Cell>, CatalogError> {
        let after = Bytes::from([row, &[0][..]].concat()); // the next row there could be
        let spec = ScanSpec::between(row.clone(), after, 1);
        let page = self.scan_page(table, "read a row of a system table", &spec).await?;
        Ok(page.rows.into_iter().next().unwrap_or_default())
    }

    /// Changes a row of one of the master's tables, waiting until it is open.
    ///
    /// # Errors
    /// When a region server refuses for good, or the master stops.
    pub async fn write_system_table(&self, table: &TableName, row: RowMutation) -> Result<(), CatalogError> {
        const OPERATION: &str = "write a system table";
        self.at_system_table(table, OPERATION, |server, region| {
            let (servers, row) = (self.region_servers.clone(), row.clone());
            async move {
                let outcomes = servers.mutate(&server, &region, std::slice::from_ref(&row)).await?;
                match outcomes.into_iter().next() {
                    Some(Err(exception)) => Err(RemoteError::Refused { server, exception }),
                    _ => Ok(()),
                }
            }
        })
        .await
    }

    async fn scan_page(
        &self,
        table: &TableName,
        operation: &'static str,
        spec: &ScanSpec,
    ) -> Result<ScanPage, CatalogError> {
        let scan = |server, region| {
            let (servers, spec) = (self.region_servers.clone(), spec.clone());
            async move { servers.scan(&server, &region, &spec).await }
        };
        self.at_system_table(table, operation, scan).await
    }

    async fn at_system_table<T, F>(
        &self,
        table: &TableName,
        operation: &'static str,
        attempt: impl Fn(ServerName, RegionInfo) -> F,
    ) -> Result<T, CatalogError>
    where
        F: Future<Output = Result<T, RemoteError>>,
    {
        loop {
            if let Some((region, server)) = self.place_of(table) {
                match attempt(server, region).await {
                    Ok(done) => return Ok(done),
                    Err(error) => {
                        refused_for_good(operation, &error)?;
                        tracing::info!(%table, %error, "{operation}: trying again");
                    }
                }
            }
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return Err(CatalogError::Stopping(operation)),
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    fn place_of(&self, table: &TableName) -> Option<(RegionInfo, ServerName)> {
        let nodes = self.regions.table_regions(table);
        let open = nodes
            .iter()
            .find(|node| node.state() == RegionState::Open && node.info().is_default_replica())?;
        Some((open.info().clone(), open.location()?.clone()))
    }
}

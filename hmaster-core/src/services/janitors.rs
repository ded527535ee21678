//! What tidies by itself, asked to do so now. Counterpart of `MasterRpcServices.runCatalogScan` and `runCleanerChore`.

use hmaster_protocol::pb;
use hmaster_types::JavaException;

use crate::role::RoleCell;

/// Answers how many regions are on their way out; -1 when a scan is under way.
pub(super) async fn run_catalog_scan(role: &RoleCell) -> Result<pb::RunCatalogScanResponse, JavaException> {
    let scan_result = role.initialized()?.scan_catalog().await?;
    Ok(pb::RunCatalogScanResponse { scan_result: Some(scan_result) })
}

//! What tidies by itself, asked to do so now. Counterpart of `MasterRpcServices.runCatalogScan` and `runCleanerChore`.

use hmaster_protocol::pb;
use hmaster_types::JavaException;

use super::absent::absent;
use crate::error::StepError;
use crate::role::RoleCell;
use crate::switches::Switch;

/// Answers how many regions are on their way out; -1 when a scan is under way.
pub(super) async fn run_catalog_scan(role: &RoleCell) -> Result<pb::RunCatalogScanResponse, JavaException> {
    let scan_result = role.initialized()?.scan_catalog().await?;
    Ok(pb::RunCatalogScanResponse { scan_result: Some(scan_result) })
}

/// Cleans even if the cleaners are switched off, as in Java; answers whether no old file is left.
pub(super) async fn run_cleaners(role: &RoleCell) -> Result<pb::RunCleanerChoreResponse, JavaException> {
    Ok(pb::RunCleanerChoreResponse { cleaner_chore_ran: role.initialized()?.clean().await })
}

/// There is nothing in memory only that could be flushed: the store's log is begun anew with what is still true in it,
/// which is what a flush is for.
pub(super) async fn flush_master_store(
    role: &RoleCell,
) -> Result<pb::FlushMasterStoreResponse, JavaException> {
    let env = role.initialized()?;
    env.store.compact().await.map_err(StepError::from)?;
    Ok(pb::FlushMasterStoreResponse {})
}

/// With the switch off nothing is normalized, as in Java.
pub(super) fn normalize(role: &RoleCell) -> Result<pb::NormalizeResponse, JavaException> {
    match role.initialized()?.switches.is_on(Switch::Normalizer) {
        false => Ok(pb::NormalizeResponse { normalizer_ran: false }),
        true => Err(absent("this master has no region normalizer yet")),
    }
}

//! Splits, merges and truncation of single regions. Counterpart of `HMaster.splitRegion`, `mergeRegions` and
//! `truncateRegion`.

use hmaster_protocol::{CallContext, pb};
use hmaster_types::{JavaException, Nonce, RegionInfo};

use super::regions;
use super::submit::{submit, submit_checked};
use crate::regions::merge::{self, MergeRegions};
use crate::regions::split::{self, SplitRegion};
use crate::regions::truncate::TruncateRegion;
use crate::role::RoleCell;

pub(super) async fn split_region(
    role: &RoleCell,
    call: &CallContext,
    request: pb::SplitTableRegionRequest,
) -> Result<pb::SplitTableRegionResponse, JavaException> {
    let env = role.initialized()?;
    let region = RegionInfo::try_from(&request.region_info)?;
    split::check_switches(&env, &region)?;
    let nonce = Nonce::new(request.nonce_group(), request.nonce());
    let row = request.split_row;
    // As in Java, the client doesn't wait for the first step: the region may be locked for long.
    let make = |user, _| async { SplitRegion::procedure(&env, user, &region, row).await };
    let id = submit_checked(&env, call, nonce, make).await?;
    Ok(pb::SplitTableRegionResponse { proc_id: Some(id.0) })
}

pub(super) async fn merge_table_regions(
    role: &RoleCell,
    call: &CallContext,
    request: pb::MergeTableRegionsRequest,
) -> Result<pb::MergeTableRegionsResponse, JavaException> {
    let env = role.initialized()?;
    let nonce = Nonce::new(request.nonce_group(), request.nonce());
    let forcible = request.forcible();
    let make = |user, _| async {
        let found = request.region.iter().map(|region| regions::find(&env, region));
        let found: Vec<_> =
            found.map(|node| Ok(node?.info().clone())).collect::<Result<_, JavaException>>()?;
        merge::check_switches(&env, &found)?;
        MergeRegions::procedure(&env, user, found, forcible)
    };
    let id = submit_checked(&env, call, nonce, make).await?;
    Ok(pb::MergeTableRegionsResponse { proc_id: Some(id.0) })
}

pub(super) async fn truncate_region(
    role: &RoleCell,
    call: &CallContext,
    request: pb::TruncateRegionRequest,
) -> Result<pb::TruncateRegionResponse, JavaException> {
    let env = role.initialized()?;
    let region = RegionInfo::try_from(&request.region_info)?;
    let nonce = Nonce::new(request.nonce_group(), request.nonce());
    let make = |user, prepared| TruncateRegion::procedure(user, region, prepared);
    let id = submit(&env, call, nonce, make).await?;
    Ok(pb::TruncateRegionResponse { proc_id: Some(id.0) })
}

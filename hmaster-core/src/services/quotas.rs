//! Quotas. With `hbase.quota.enabled` off, which is the default, the answers are those of a Java master. Counterpart of
//! `MasterQuotaManager`.

use hmaster_protocol::pb;
use hmaster_types::JavaException;

use super::absent::absent;
use crate::environment::MasterEnv;
use crate::role::RoleCell;

fn check_off(env: &MasterEnv) -> Result<(), JavaException> {
    match env.options.quotas.enabled {
        true => Err(absent("hbase.quota.enabled is on, but this master has no quotas yet")),
        false => Ok(()),
    }
}

pub(super) fn set(role: &RoleCell) -> Result<pb::SetQuotaResponse, JavaException> {
    check_off(&*role.initialized()?)?;
    Err(absent("quota support disabled"))
}

/// Nothing is throttled, so nothing was.
pub(super) fn switch_rpc_throttle(role: &RoleCell) -> Result<pb::SwitchRpcThrottleResponse, JavaException> {
    check_off(&*role.initialized()?)?;
    tracing::warn!("quotas are off, the throttle isn't switched");
    Ok(pb::SwitchRpcThrottleResponse { previous_rpc_throttle_enabled: false })
}

pub(super) fn is_rpc_throttle_enabled(
    role: &RoleCell,
) -> Result<pb::IsRpcThrottleEnabledResponse, JavaException> {
    check_off(&*role.initialized()?)?;
    Ok(pb::IsRpcThrottleEnabledResponse { rpc_throttle_enabled: false })
}

pub(super) fn switch_exceed_throttle(
    role: &RoleCell,
) -> Result<pb::SwitchExceedThrottleQuotaResponse, JavaException> {
    check_off(&*role.initialized()?)?;
    tracing::warn!("quotas are off, the throttle may not be exceeded");
    Ok(pb::SwitchExceedThrottleQuotaResponse { previous_exceed_throttle_quota_enabled: false })
}

pub(super) fn region_sizes(role: &RoleCell) -> Result<pb::GetSpaceQuotaRegionSizesResponse, JavaException> {
    check_off(&*role.initialized()?)?;
    Ok(pb::GetSpaceQuotaRegionSizesResponse::default())
}

pub(super) fn states(role: &RoleCell) -> Result<pb::GetQuotaStatesResponse, JavaException> {
    check_off(&*role.initialized()?)?;
    Ok(pb::GetQuotaStatesResponse::default())
}

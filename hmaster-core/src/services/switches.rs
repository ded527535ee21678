//! Switches, turned and read. Whether one is on can be asked of a master that is still starting, except for two that
//! Java's gate, too.

use hmaster_protocol::pb;
use hmaster_types::JavaException;

use crate::role::RoleCell;
use crate::switches::Switch;

/// Turns a switch, and returns what it was.
pub(super) async fn set(role: &RoleCell, switch: Switch, on: bool) -> Result<bool, JavaException> {
    let env = role.initialized()?;
    let before = env.set_switch(switch, on).await?;
    tracing::info!(?switch, on, before, "switched");
    Ok(before)
}

/// Whether a switch is on, at any time of a reign.
pub(super) fn get(role: &RoleCell, switch: Switch) -> Result<bool, JavaException> {
    Ok(role.active()?.switches.is_on(switch))
}

/// Whether a switch is on, once clients are served.
pub(super) fn get_initialized(role: &RoleCell, switch: Switch) -> Result<bool, JavaException> {
    Ok(role.initialized()?.switches.is_on(switch))
}

fn split_or_merge(switch: pb::MasterSwitchType) -> Switch {
    match switch {
        pb::MasterSwitchType::Split => Switch::Split,
        pb::MasterSwitchType::Merge => Switch::Merge,
    }
}

/// Turns one or both, in the order in which they are named.
pub(super) async fn set_split_or_merge(
    role: &RoleCell,
    request: &pb::SetSplitOrMergeEnabledRequest,
) -> Result<pb::SetSplitOrMergeEnabledResponse, JavaException> {
    role.initialized()?;
    let mut prev_value = Vec::with_capacity(request.switch_types.len());
    for switch in request.switch_types() {
        prev_value.push(set(role, split_or_merge(switch), request.enabled).await?);
    }
    Ok(pb::SetSplitOrMergeEnabledResponse { prev_value })
}

pub(super) fn is_split_or_merge(
    role: &RoleCell,
    request: pb::IsSplitOrMergeEnabledRequest,
) -> Result<pb::IsSplitOrMergeEnabledResponse, JavaException> {
    Ok(pb::IsSplitOrMergeEnabledResponse { enabled: get(role, split_or_merge(request.switch_type()))? })
}

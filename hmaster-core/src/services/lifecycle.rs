//! Whether the master runs, and its end. Counterpart of `HMaster.shutdown` and `stopMaster`.

use hmaster_protocol::{CallContext, pb};
use hmaster_types::JavaException;

use super::Process;
use crate::role::RoleCell;

pub(super) fn is_running(role: &RoleCell) -> Result<pb::IsMasterRunningResponse, JavaException> {
    role.started()?;
    Ok(pb::IsMasterRunningResponse { is_master_running: true })
}

/// There is no maintenance mode in this master: it always serves everything.
pub(super) fn is_in_maintenance_mode(
    role: &RoleCell,
) -> Result<pb::IsInMaintenanceModeResponse, JavaException> {
    role.active()?;
    Ok(pb::IsInMaintenanceModeResponse { in_maintenance_mode: false })
}

/// Stops the whole cluster: region servers see in ZooKeeper that it is down and leave, and the master leaves after the
/// last of them. Procedures go on meanwhile, because region servers don't leave before their reports are taken; what
/// isn't done by then is the next master's.
pub(super) async fn shutdown(
    role: &RoleCell,
    call: &CallContext,
) -> Result<pb::ShutdownResponse, JavaException> {
    let env = role.active()?;
    tracing::info!(user = call.user_name(), peer = %call.peer, "the cluster is to be shut down");
    env.shut_cluster_down().await?;
    Ok(pb::ShutdownResponse {})
}

/// Stops this master, whatever its role.
pub(super) fn stop_master(process: &dyn Process, call: &CallContext) -> pb::StopMasterResponse {
    tracing::info!(user = call.user_name(), peer = %call.peer, "the master is to be stopped");
    process.stop_master("stopped by a client");
    pb::StopMasterResponse {}
}

/// Everybody may do everything, and says himself who he is: this master has neither Kerberos nor permissions.
pub(super) fn security_capabilities(
    role: &RoleCell,
) -> Result<pb::SecurityCapabilitiesResponse, JavaException> {
    role.initialized()?;
    let simple = pb::security_capabilities_response::Capability::SimpleAuthentication;
    Ok(pb::SecurityCapabilitiesResponse { capabilities: vec![simple.into()] })
}

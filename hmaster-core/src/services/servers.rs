//! Dead and decommissioned region servers. Counterpart of `HMaster.decommissionRegionServers` and its kin.

use hmaster_protocol::pb;
use hmaster_types::{EncodedName, JavaException, ServerName, class};

use super::regions;
use crate::environment::MasterEnv;
use crate::error::StepError;
use crate::message::Event;
use crate::role::RoleCell;

/// Takes servers off the list of the dead; answers with those that stay. While any recovery runs all stay, as in Java.
pub(super) fn clear_dead_servers(
    role: &RoleCell,
    request: pb::ClearDeadServersRequest,
) -> Result<pb::ClearDeadServersResponse, JavaException> {
    let env = role.initialized()?;
    if env.servers.is_recovering_any() {
        return Ok(pb::ClearDeadServersResponse { server_name: request.server_name });
    }
    let servers: Result<Vec<_>, _> = request.server_name.iter().map(ServerName::try_from).collect();
    let stay = env.servers.clear_dead(&servers?);
    Ok(pb::ClearDeadServersResponse { server_name: stay.iter().map(Into::into).collect() })
}

pub(super) fn list_decommissioned(
    role: &RoleCell,
) -> Result<pb::ListDecommissionedRegionServersResponse, JavaException> {
    let draining = role.initialized()?.servers.draining();
    Ok(pb::ListDecommissionedRegionServersResponse { server_name: draining.iter().map(Into::into).collect() })
}

/// Marks servers, so that they get no further regions, and moves away those that they have if that is asked for. Differs
/// from Java in that a region in transition doesn't keep the others from leaving.
pub(super) async fn decommission(
    role: &RoleCell,
    request: pb::DecommissionRegionServersRequest,
) -> Result<pb::DecommissionRegionServersResponse, JavaException> {
    let env = role.initialized()?;
    let servers: Result<Vec<_>, _> = request.server_name.iter().map(ServerName::try_from).collect();
    let servers = servers?;
    let refuses_hosts = env.online.get().region_servers.reject_decommissioned;
    for server in &servers {
        mark(&env, server, true).await?;
        if env.servers.is_online(server) || refuses_hosts {
            env.servers.drain(server);
        } else {
            tracing::warn!(%server, "decommissioned, but not online");
        }
    }
    servers_changed(&env);
    if request.offload {
        for server in &servers {
            offload(&env, server).await?;
        }
    }
    Ok(pb::DecommissionRegionServersResponse {})
}

/// Takes the mark away, and moves regions to the server if some are named.
pub(super) async fn recommission(
    role: &RoleCell,
    request: &pb::RecommissionRegionServerRequest,
) -> Result<pb::RecommissionRegionServerResponse, JavaException> {
    let env = role.initialized()?;
    let server = ServerName::try_from(&request.server_name)?;
    mark(&env, &server, false).await?;
    env.servers.undrain(&server);
    servers_changed(&env);
    if env.servers.is_online(&server) {
        let named = request.region.iter().filter_map(|specifier| match regions::find(&env, specifier) {
            Ok(node) => (node.location() != Some(&server)).then(|| node.info().clone()),
            Err(error) => {
                tracing::warn!(%error, "not moved");
                None
            }
        });
        regions::move_all(&env, named.collect::<Vec<_>>(), Some(&server)).await?;
    }
    Ok(pb::RecommissionRegionServerResponse {})
}

/// Without another server the regions would be closed and stay so.
async fn offload(env: &MasterEnv, server: &ServerName) -> Result<(), JavaException> {
    let regions: Vec<_> = env
        .regions
        .server_regions(server)
        .into_iter()
        .filter(|region| is_open(env, region.encoded_name()))
        .collect();
    if !regions.is_empty() && env.servers.assignable().is_empty() {
        let message =
            format!("Unable to determine a plan to move the regions of {server}: there is no other server");
        return Err(JavaException::new(class::HBASE_IO, message));
    }
    regions::move_all(env, regions, None).await
}

/// What is being opened or closed there has been decided before; the next round takes it along.
fn is_open(env: &MasterEnv, region: EncodedName) -> bool {
    env.regions.with(region, |node| node.state() == hmaster_types::RegionState::Open).unwrap_or(false)
}

async fn mark(env: &MasterEnv, server: &ServerName, draining: bool) -> Result<(), JavaException> {
    let marked = env.zookeeper.set_draining(server, draining).await;
    marked.map_err(|error| StepError::from(error).into())
}

fn servers_changed(env: &MasterEnv) {
    env.set_condition(Event::ServerAssignable, !env.servers.assignable().is_empty());
}

//! Moves, opens and closes of single regions. Counterpart of `HMaster.move` and of `AssignmentManager.assign` and
//! `unassign`, as the RPCs use them.
//!
//! Differs from Java in that a region is found by its full or its encoded name, whichever the request says it is; that a
//! move to a server that isn't there, or to nowhere for want of another server, is refused instead of doing something else
//! or nothing; and that a region that may be open somewhere isn't forgotten at a client's word.

use hmaster_protocol::pb;
use hmaster_protocol::pb::region_specifier::RegionSpecifierType;
use hmaster_types::{
    EncodedName, JavaException, RegionInfo, RegionState, ServerName, class, to_string_binary,
};

use super::{refusal, submit};
use crate::assignment::RegionNode;
use crate::assignment::transit::TransitRegionStateProcedure;
use crate::environment::MasterEnv;
use crate::role::RoleCell;

/// From which state a client's wish may start.
const TO_ASSIGN: [RegionState; 2] = [RegionState::Closed, RegionState::Offline];
const TO_UNASSIGN_OR_MOVE: [RegionState; 1] = [RegionState::Open];
/// Nobody has such a region, and it has no edits that are yet to be replayed.
const TO_FORGET: [RegionState; 3] = [RegionState::Closed, RegionState::Offline, RegionState::FailedOpen];

/// Ends when the region is open elsewhere.
pub(super) async fn move_region(
    role: &RoleCell,
    request: &pb::MoveRegionRequest,
) -> Result<pb::MoveRegionResponse, JavaException> {
    let env = role.initialized()?;
    let node = find(&env, &request.region)?;
    let wish = request.dest_server_name.as_ref().map(ServerName::try_from).transpose()?;
    let destination = destination(&env, &node, wish).await?;
    if node.location() == Some(&destination) {
        tracing::debug!(region = %node.info(), server = %destination, "already there, not moved");
        return Ok(pb::MoveRegionResponse {});
    }
    check_movable(&env, &node)?;
    if env.options.assignment.warm_up_before_move
        && let Err(error) = env.region_servers.warmup_region(&destination, node.info()).await
    {
        tracing::info!(region = %node.info(), %error, "moved without warming up");
    }
    let moved = make_move(&env, &node, Some(destination))?;
    run(&env, moved).await?;
    Ok(pb::MoveRegionResponse {})
}

/// Ends when the region is open.
pub(super) async fn assign_region(
    role: &RoleCell,
    request: &pb::AssignRegionRequest,
) -> Result<pb::AssignRegionResponse, JavaException> {
    let env = role.initialized()?;
    let node = find(&env, &request.region)?;
    check(&env, &node, &TO_ASSIGN)?;
    let assigned = env.assign(node.info(), None, false).map_err(|error| refusal::region(&error))?;
    run(&env, assigned).await?;
    Ok(pb::AssignRegionResponse {})
}

/// Ends when the region is closed.
pub(super) async fn unassign_region(
    role: &RoleCell,
    request: &pb::UnassignRegionRequest,
) -> Result<pb::UnassignRegionResponse, JavaException> {
    let env = role.initialized()?;
    let node = find(&env, &request.region)?;
    check(&env, &node, &TO_UNASSIGN_OR_MOVE)?;
    let unassigned = env.unassign(node.info()).map_err(|error| refusal::region(&error))?;
    run(&env, unassigned).await?;
    Ok(pb::UnassignRegionResponse {})
}

/// Forgets in memory where a region is. Java does so with any region: one that is open is then opened a second time by
/// the next assign (danger 2).
pub(super) fn offline_region(
    role: &RoleCell,
    request: &pb::OfflineRegionRequest,
) -> Result<pb::OfflineRegionResponse, JavaException> {
    let env = role.initialized()?;
    let node = find(&env, &request.region)?;
    if !node.is_in(&TO_FORGET) {
        let message = format!("{node} may be open somewhere; unassign it first");
        return Err(JavaException::new(class::DO_NOT_RETRY_REGION, message));
    }
    let region = node.info().encoded_name();
    // Between the look and the claim a procedure may have come, and then the claim is refused.
    let claim = env.regions.claim(region, |node| Ok(node.expect(&TO_FORGET)?));
    let claim = claim.map_err(|error| refusal::region(&error))?;
    let offline = env.regions.force_state(region, RegionState::Offline);
    let forgotten = offline.and_then(|_| env.regions.clear_location(region));
    env.regions.unclaim(region, claim);
    forgotten.map_err(|error| refusal::region(&error))?;
    Ok(pb::OfflineRegionResponse {})
}

/// The region that is named, by whichever of its names.
///
/// # Errors
/// `UnknownRegionException`.
pub(super) fn find(env: &MasterEnv, specifier: &pb::RegionSpecifier) -> Result<RegionNode, JavaException> {
    let by = |r#type: RegionSpecifierType| {
        let named = pb::RegionSpecifier { r#type: r#type.into(), value: specifier.value.clone() };
        let node = env.regions.get(EncodedName::try_from(&named).ok()?)?;
        let is_meant = r#type == RegionSpecifierType::EncodedRegionName
            || node.info().name().as_bytes() == &specifier.value[..];
        is_meant.then_some(node)
    };
    let found = by(RegionSpecifierType::EncodedRegionName).or_else(|| by(RegionSpecifierType::RegionName));
    found.ok_or_else(|| unknown(&specifier.value))
}

pub(super) fn unknown(name: &[u8]) -> JavaException {
    JavaException::new(class::UNKNOWN_REGION, to_string_binary(name))
}

/// Moves regions away from where they are, or to `destination`, and doesn't wait for it. A region that can't be moved
/// doesn't keep the others.
///
/// # Errors
/// Why the first of those that can't be moved can't.
pub(super) async fn move_all(
    env: &MasterEnv,
    regions: impl IntoIterator<Item = RegionInfo>,
    destination: Option<&ServerName>,
) -> Result<(), JavaException> {
    let mut first = Ok(());
    let mut count = 0_usize;
    for region in regions {
        let Some(node) = env.regions.get(region.encoded_name()) else { continue };
        let moved = check_movable(env, &node).and_then(|()| make_move(env, &node, destination.cloned()));
        let submitted = match moved {
            Ok(moved) => env.submit(moved).await.map_err(refusal::executor),
            Err(error) => Err(error),
        };
        match submitted {
            Ok(_) => count += 1,
            Err(error) => {
                tracing::warn!(%region, %error, "not moved");
                first = first.and(Err(error));
            }
        }
    }
    tracing::info!(count, ?destination, "moving regions");
    first
}

/// Where the region is to go: where the client says, unless that server is of an older version than a system table may
/// be on, and else anywhere but where it is.
async fn destination(
    env: &MasterEnv,
    node: &RegionNode,
    wish: Option<ServerName>,
) -> Result<ServerName, JavaException> {
    if let Some(server) = wish {
        if !env.servers.is_online(&server) {
            let message = format!("{server} is not online, can't move {} there", node.info().name());
            return Err(JavaException::new(class::DO_NOT_RETRY_IO, message));
        }
        if env.may_carry(&server, node.info()) {
            return Ok(server);
        }
        tracing::info!(region = %node.info(), %server, "a system table isn't moved to a server of an older version");
    }
    env.other_server(node.info(), node.location()).await.ok_or_else(|| {
        let message = format!("There is no other server to move {} to", node.info().name());
        JavaException::new(class::DO_NOT_RETRY_IO, message)
    })
}

/// Whether the region's state allows to open it.
pub(super) fn may_be_assigned(env: &MasterEnv, region: &RegionInfo) -> Result<(), JavaException> {
    check(env, &find_info(env, region)?, &TO_ASSIGN)
}

/// Whether the region's state allows to close it.
pub(super) fn may_be_unassigned(env: &MasterEnv, region: &RegionInfo) -> Result<(), JavaException> {
    check(env, &find_info(env, region)?, &TO_UNASSIGN_OR_MOVE)
}

fn find_info(env: &MasterEnv, region: &RegionInfo) -> Result<RegionNode, JavaException> {
    let node = env.regions.get(region.encoded_name());
    node.ok_or_else(|| unknown(region.name().as_bytes()))
}

/// Counterpart of `preTransitCheck`.
fn check(env: &MasterEnv, node: &RegionNode, expected: &'static [RegionState]) -> Result<(), JavaException> {
    if node.owner().is_some() {
        let pid = node.procedure().map_or(-1, |id| id.0.cast_signed());
        let message = format!("{node} is currently in transition; pid={pid}");
        return Err(JavaException::new(class::HBASE_IO, message));
    }
    if !node.is_in(expected) {
        return Err(JavaException::new(class::DO_NOT_RETRY_REGION, format!("Unexpected state for {node}")));
    }
    let table = node.info().table();
    if env.tables.is_disabled(table) {
        return Err(JavaException::new(class::DO_NOT_RETRY_IO, format!("{table} is disabled for {node}")));
    }
    Ok(())
}

/// Counterpart of `checkOnline` besides.
fn check_movable(env: &MasterEnv, node: &RegionNode) -> Result<(), JavaException> {
    check(env, node, &TO_UNASSIGN_OR_MOVE)?;
    let (info, region) = (node.info(), node.info().encoded_name());
    let refuse = |what: &str| Err(JavaException::new(class::DO_NOT_RETRY_REGION, format!("{region} {what}")));
    if info.is_split_parent() {
        return refuse("is not online (splitParent=true)");
    }
    if info.is_split() { refuse("has split=true") } else { Ok(()) }
}

fn make_move(
    env: &MasterEnv,
    node: &RegionNode,
    destination: Option<ServerName>,
) -> Result<TransitRegionStateProcedure, JavaException> {
    env.move_region(node.info(), destination).map_err(|error| refusal::region(&error))
}

async fn run(env: &MasterEnv, procedure: TransitRegionStateProcedure) -> Result<(), JavaException> {
    let id = env.submit(procedure).await.map_err(refusal::executor)?;
    submit::finish(env, id).await
}

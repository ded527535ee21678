//! What splits, merges and the like have in common. Counterpart of `AssignmentManagerUtil` and of
//! `AbstractStateMachineTableProcedure`.

use std::sync::Arc;

use hmaster_procedure::Procedure;
use hmaster_protocol::pb;
use hmaster_types::{
    JavaException, ProcId, RegionInfo, RegionState, SeqNum, ServerName, TableDescriptor, TableName,
    TableState, class,
};

use crate::assignment::{RegionNode, RegionRecord};
use crate::environment::MasterEnv;
use crate::error::StepError;
use crate::step::Stop;

/// The table is there, and enabled or about to be. Counterpart of `preflightChecks`.
pub(crate) fn check_enabled(env: &MasterEnv, table: &TableName) -> Result<(), JavaException> {
    if env.schemas.get(table).is_none() {
        return Err(JavaException::new(class::TABLE_NOT_FOUND, table.as_str()));
    }
    match env.tables.is_in(table, &[TableState::Enabled, TableState::Enabling]) {
        true => Ok(()),
        false => Err(JavaException::new(class::TABLE_NOT_ENABLED, table.as_str())),
    }
}

/// The region is open and no parent of others. Counterpart of `RegionStateNode.checkOnline`.
pub(crate) fn check_online(env: &MasterEnv, region: &RegionInfo) -> Result<RegionNode, JavaException> {
    let name = region.encoded_name();
    let unknown = || JavaException::new(class::UNKNOWN_REGION, format!("No RegionState found for {name}"));
    let node = env.regions.get(name).ok_or_else(unknown)?;
    let refuse = |what: String| Err(JavaException::new(class::DO_NOT_RETRY_REGION, format!("{name} {what}")));
    if node.state() != RegionState::Open {
        return refuse(format!("is not OPEN; state={}", node.state()));
    }
    if node.info().is_split_parent() {
        return refuse("is not online (splitParent=true)".into());
    }
    if node.info().is_split() {
        return refuse("has split=true".into());
    }
    if node.info().is_offline() {
        return refuse("is offline".into());
    }
    Ok(node)
}

/// What the region's server says of it.
pub(crate) async fn ask(
    env: &MasterEnv,
    node: &RegionNode,
    best_split_row: bool,
) -> Result<pb::GetRegionInfoResponse, JavaException> {
    let nowhere = || JavaException::new(class::DO_NOT_RETRY_REGION, format!("{node} is nowhere"));
    let server = node.location().ok_or_else(nowhere)?;
    let answer = env.region_servers.get_region_info(server, node.info(), best_split_row).await;
    answer.map_err(|error| error.exception().cloned().unwrap_or_else(|| StepError::from(error).into()))
}

/// Whether a procedure other than `but` is changing the table as a whole, or waits to. Counterpart of
/// `isTableModificationInProgress`.
pub(crate) fn is_being_modified(env: &MasterEnv, table: &TableName, but: ProcId) -> bool {
    let Some(executor) = env.executor() else { return true };
    let mut found = false;
    executor.visit(|place, procedure| {
        found |= place.root != but && procedure.locks().exclusive_table() == Some(table);
    });
    found
}

/// The table's schema.
pub(crate) fn schema(env: &MasterEnv, table: &TableName) -> Result<Arc<TableDescriptor>, JavaException> {
    env.schemas.get(table).ok_or_else(|| JavaException::new(class::TABLE_NOT_FOUND, table.as_str()))
}

/// Closes regions and their replicas that are to be split or merged: all, or none if one is in other hands.
pub(crate) fn close_all(
    env: &MasterEnv,
    regions: &[RegionInfo],
    replicas: u16,
) -> Result<Vec<Box<dyn Procedure<MasterEnv>>>, Stop> {
    let mut children: Vec<Box<dyn Procedure<MasterEnv>>> = Vec::new();
    let mut claimed = Vec::new();
    let all = regions.iter().flat_map(|region| (0..replicas).map(|id| region.with_replica(id)));
    // A replica that never was opened isn't there to be closed.
    for region in all.filter(|region| region.is_default_replica() || env.regions.has(region.encoded_name())) {
        match env.unassign_for_split_or_merge(&region) {
            Ok(child) => {
                claimed.extend(child.machine().claim().map(|claim| (region.encoded_name(), claim)));
                children.push(Box::new(child));
            }
            Err(error) => {
                for (region, claim) in claimed {
                    env.regions.unclaim(region, claim);
                }
                let message = format!("The parent region {error}, give up");
                return Err(JavaException::new(class::HBASE_IO, message).into());
            }
        }
    }
    Ok(children)
}

/// Opens new regions with their replicas: those on `server` if it is there, these elsewhere.
pub(crate) fn open_all(
    env: &MasterEnv,
    regions: &[RegionInfo],
    replicas: u16,
    server: Option<&ServerName>,
) -> Vec<Box<dyn Procedure<MasterEnv>>> {
    let mut children: Vec<Box<dyn Procedure<MasterEnv>>> = Vec::new();
    let all = regions.iter().flat_map(|region| (0..replicas).map(|id| region.with_replica(id)));
    for region in all {
        if !env.regions.has(region.encoded_name()) {
            env.regions.load(RegionRecord::new(region.clone(), RegionState::Closed));
        }
        let target = server.filter(|_| region.is_default_replica()).cloned();
        match env.assign(&region, target, false) {
            Ok(child) => children.push(Box::new(child)),
            Err(error) => tracing::warn!(%region, %error, "left to the procedure that has it"),
        }
    }
    children
}

/// Opens regions again that were closed for nothing, and doesn't wait for it: the caller still has their locks.
/// Counterpart of `reopenRegionsForRollback`.
///
/// # Errors
/// When the reign is over.
pub(crate) async fn reopen_for_rollback(
    env: &MasterEnv,
    regions: &[RegionInfo],
    replicas: u16,
    server: Option<&ServerName>,
) -> Result<(), JavaException> {
    let all = regions.iter().flat_map(|region| (0..replicas).map(|id| region.with_replica(id)));
    for region in all {
        if !env.regions.has(region.encoded_name()) {
            env.regions.load(RegionRecord::new(region.clone(), RegionState::Closed));
        }
        // One that is open was never closed; one in other hands is being brought somewhere.
        let is_closed = |node: &RegionNode| node.owner().is_none() && node.state() != RegionState::Open;
        if !env.regions.with(region.encoded_name(), is_closed).unwrap_or(false) {
            continue;
        }
        let target = server.filter(|_| region.is_default_replica()).cloned();
        if let Ok(assign) = env.assign(&region, target, false) {
            let submitted = env.submit(assign).await;
            submitted
                .map_err(|error| JavaException::new(class::SERVER_NOT_RUNNING_YET, error.to_string()))?;
        }
    }
    Ok(())
}

/// The region was closed in good order, and no edits wait to be replayed (danger 12).
///
/// # Errors
/// When it wasn't: splitting or merging it would lose them.
pub(crate) async fn check_closed(env: &MasterEnv, region: &RegionInfo) -> Result<(), Stop> {
    let state = env.regions.with(region.encoded_name(), RegionNode::state);
    if state != Some(RegionState::Closed) {
        let state = state.map_or("unknown", RegionState::name);
        let message = format!("Region {region} is {state} instead of closed, abort split/merge");
        return Err(JavaException::new(class::IO, message).into());
    }
    if env.files.has_recovered_edits(region).await? {
        let message =
            format!("Recovered.edits are found in Region: {region}, abort split/merge to prevent data loss");
        return Err(JavaException::new(class::IO, message).into());
    }
    Ok(())
}

/// Forgets the replicas of regions that are no more.
pub(crate) fn forget_replicas(env: &MasterEnv, regions: &[RegionInfo], replicas: u16) {
    for region in regions {
        for replica in (1..replicas).map(|id| region.with_replica(id)) {
            env.regions.remove(replica.encoded_name());
            env.flushed.forget(replica.encoded_name());
        }
    }
}

/// Where a region is, or was last.
pub(crate) fn place_of(env: &MasterEnv, region: &RegionInfo) -> Option<ServerName> {
    let place = |node: &RegionNode| node.location().or(node.last_host()).cloned();
    env.regions.with(region.encoded_name(), place).flatten()
}

/// The sequence number after all that a closed region used, as a barrier for replication.
pub(crate) async fn barrier_of(env: &MasterEnv, region: &RegionInfo) -> Result<SeqNum, StepError> {
    let highest = env.files.max_sequence_id(region).await?.filter(|seq| *seq > SeqNum(0));
    Ok(highest.map_or(SeqNum::NONE, |seq| SeqNum(seq.0 + 1)))
}

//! HbckService: repairs at an operator's word, mostly by way of HBCK2. Counterpart of the HBCK half of
//! `MasterRpcServices`.
//!
//! Some of it must work when nothing else does: assigns, bypasses and recoveries are taken as soon as the master has its
//! store, even before hbase:meta is open.

mod states;

use std::time::Duration;

use async_trait::async_trait;
use hmaster_protocol::services::hbck_service::HbckService;
use hmaster_protocol::{CallContext, pb};
use hmaster_types::{EncodedName, JavaException, ProcId, RegionInfo, ServerName};

use super::{HbckServices, refusal, regions};
use crate::assignment::transit::TransitRegionStateProcedure;
use crate::environment::MasterEnv;
use crate::servers::Liveness;

type Answer<T> = Result<T, JavaException>;

/// Stands for a procedure that wasn't submitted. Java's `NO_PROC_ID`, -1.
const NO_PROC_ID: u64 = u64::MAX;

#[async_trait]
impl HbckService<CallContext> for HbckServices {
    async fn set_table_state_in_meta(
        &self,
        call: &CallContext,
        request: pb::SetTableStateInMetaRequest,
    ) -> Answer<pb::GetTableStateResponse> {
        states::of_table(&*self.role.initialized()?, call, &request).await
    }

    async fn set_region_state_in_meta(
        &self,
        call: &CallContext,
        request: pb::SetRegionStateInMetaRequest,
    ) -> Answer<pb::SetRegionStateInMetaResponse> {
        states::of_regions(&*self.role.initialized()?, call, request.states).await
    }

    async fn assigns(&self, call: &CallContext, request: pb::AssignsRequest) -> Answer<pb::AssignsResponse> {
        let env = self.role.active()?;
        let pid = transit_all(&env, call, &request.region, request.r#override(), assign).await?;
        Ok(pb::AssignsResponse { pid })
    }

    async fn unassigns(
        &self,
        call: &CallContext,
        request: pb::UnassignsRequest,
    ) -> Answer<pb::UnassignsResponse> {
        let env = self.role.active()?;
        let pid = transit_all(&env, call, &request.region, request.r#override(), unassign).await?;
        Ok(pb::UnassignsResponse { pid })
    }

    async fn bypass_procedure(
        &self,
        call: &CallContext,
        request: pb::BypassProcedureRequest,
    ) -> Answer<pb::BypassProcedureResponse> {
        let env = self.role.active()?;
        let executor = env.executor().ok_or_else(refusal::reign_over)?;
        let ids: Vec<_> = request.proc_id.iter().copied().map(ProcId).collect();
        let wait = Duration::from_millis(request.wait_time());
        let (overrides, recursive) = (request.r#override(), request.recursive());
        tracing::info!(user = call.user_name(), ?ids, ?wait, overrides, recursive, "bypassing procedures");
        let bypassed = tokio::select! {
            biased;
            () = env.shutdown.cancelled() => return Err(refusal::reign_over()),
            bypassed = executor.bypass(&ids, wait, overrides, recursive) => bypassed,
        };
        Ok(pb::BypassProcedureResponse { bypassed: bypassed.map_err(refusal::executor)? })
    }

    async fn schedule_server_crash_procedure(
        &self,
        call: &CallContext,
        request: pb::ScheduleServerCrashProcedureRequest,
    ) -> Answer<pb::ScheduleServerCrashProcedureResponse> {
        let env = self.role.active()?;
        let servers: Result<Vec<_>, _> = request.server_name.iter().map(ServerName::try_from).collect();
        Ok(pb::ScheduleServerCrashProcedureResponse { pid: recover_all(&env, call, servers?).await })
    }

    async fn schedule_sc_ps_for_unknown_servers(
        &self,
        call: &CallContext,
        _: pb::ScheduleScPsForUnknownServersRequest,
    ) -> Answer<pb::ScheduleScPsForUnknownServersResponse> {
        let env = self.role.active()?;
        Ok(pb::ScheduleScPsForUnknownServersResponse {
            pid: recover_all(&env, call, unknown_servers(&env)).await,
        })
    }

    async fn run_hbck_chore(
        &self,
        call: &CallContext,
        _: pb::RunHbckChoreRequest,
    ) -> Answer<pb::RunHbckChoreResponse> {
        tracing::info!(user = call.user_name(), "the consistency check is to run");
        Ok(pb::RunHbckChoreResponse { ran: self.role.initialized()?.check_consistency().await })
    }

    async fn fix_meta(&self, call: &CallContext, _: pb::FixMetaRequest) -> Answer<pb::FixMetaResponse> {
        tracing::info!(user = call.user_name(), "hbase:meta is to be repaired");
        self.role.initialized()?.fix_meta().await?;
        Ok(pb::FixMetaResponse {})
    }
}

type Make = fn(&MasterEnv, &RegionInfo, bool) -> Answer<TransitRegionStateProcedure>;

/// One procedure for each region that is known; none for those whose state forbids it.
async fn transit_all(
    env: &MasterEnv,
    call: &CallContext,
    specifiers: &[pb::RegionSpecifier],
    overrides: bool,
    make: Make,
) -> Answer<Vec<u64>> {
    tracing::info!(
        user = call.user_name(),
        method = call.method,
        regions = specifiers.len(),
        overrides,
        "hbck"
    );
    let mut ids = Vec::with_capacity(specifiers.len());
    for specifier in specifiers {
        let Some(region) = find(env, specifier).await? else {
            tracing::info!(region = %hmaster_types::to_string_binary(&specifier.value), "unknown, left out");
            continue;
        };
        let id = match make(env, &region, overrides) {
            Ok(procedure) => env.submit(procedure).await.map_err(refusal::executor)?.0,
            Err(error) => {
                tracing::info!(%region, %error, overrides, "not done; override skips checks of the state");
                NO_PROC_ID
            }
        };
        ids.push(id);
    }
    Ok(ids)
}

fn assign(env: &MasterEnv, region: &RegionInfo, overrides: bool) -> Answer<TransitRegionStateProcedure> {
    if overrides {
        return env.assign_overriding(region).map_err(|error| refusal::region(&error));
    }
    regions::may_be_assigned(env, region)?;
    env.assign(region, None, false).map_err(|error| refusal::region(&error))
}

fn unassign(env: &MasterEnv, region: &RegionInfo, overrides: bool) -> Answer<TransitRegionStateProcedure> {
    if overrides {
        return env.unassign_overriding(region).map_err(|error| refusal::region(&error));
    }
    regions::may_be_unassigned(env, region)?;
    env.unassign(region).map_err(|error| refusal::region(&error))
}

/// A region that is known, or that hbase:meta knows by now: somebody may have added a row to it.
async fn find(env: &MasterEnv, specifier: &pb::RegionSpecifier) -> Answer<Option<RegionInfo>> {
    if let Ok(node) = regions::find(env, specifier) {
        return Ok(Some(node.info().clone()));
    }
    let Ok(name) = EncodedName::try_from(specifier) else { return Ok(None) };
    if !env.conditions.is_meta_loaded() {
        return Ok(None);
    }
    env.load_region_from_meta(name).await?;
    Ok(env.regions.get(name).map(|node| node.info().clone()))
}

async fn recover_all(env: &MasterEnv, call: &CallContext, servers: Vec<ServerName>) -> Vec<u64> {
    let mut ids = Vec::with_capacity(servers.len());
    for server in servers {
        tracing::info!(user = call.user_name(), %server, "the server is to be recovered");
        ids.push(env.expire_by_order(&server).await.map_or(NO_PROC_ID, |id| id.0));
    }
    ids
}

/// Servers that regions are, or were to be, on, and that nobody has heard of.
fn unknown_servers(env: &MasterEnv) -> Vec<ServerName> {
    let mut servers = std::collections::BTreeSet::new();
    env.regions.for_each(|node| servers.extend(node.location().cloned()));
    servers.into_iter().filter(|server| env.servers.liveness(server) == Liveness::Unknown).collect()
}

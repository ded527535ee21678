//! Procedures and locks, as clients see them.

use hmaster_procedure::{LockMode, LockView, Outcome, Resource, Status};
use hmaster_protocol::pb;
use hmaster_protocol::pb::get_procedure_result_response::State;
use hmaster_types::{JavaException, ProcId, class};

use super::refusal;
use crate::role::RoleCell;

/// Java wraps what its procedure framework throws, so that clients don't repeat their requests.
const FRAMEWORK: &str = "org.apache.hadoop.hbase.procedure2.";

/// What is known of a procedure. Who has got a result doesn't need it any longer: it is dropped soon.
pub(super) fn get_result(
    role: &RoleCell,
    request: pb::GetProcedureResultRequest,
) -> Result<pb::GetProcedureResultResponse, JavaException> {
    let env = role.initialized()?;
    let executor = env.executor().ok_or_else(refusal::reign_over)?;
    let response =
        |state: State| pb::GetProcedureResultResponse { state: state.into(), ..Default::default() };
    Ok(match executor.status(ProcId(request.proc_id), true) {
        Status::NotFound => response(State::NotFound),
        Status::Running { submitted_ms, updated_ms } => pb::GetProcedureResultResponse {
            submitted_time: Some(submitted_ms),
            last_update: Some(updated_ms),
            ..response(State::Running)
        },
        Status::Finished(outcome) => pb::GetProcedureResultResponse {
            submitted_time: Some(outcome.record.submitted_time),
            last_update: Some(outcome.record.last_update),
            result: outcome.result().cloned(),
            exception: exception(&outcome),
            ..response(State::Finished)
        },
    })
}

/// As clients can rebuild it: an `IOException` of some kind. Counterpart of `MasterProcedureUtil.unwrapRemoteIOException`.
fn exception(outcome: &Outcome) -> Option<pb::ForeignExceptionMessage> {
    let exception = outcome.exception()?;
    let text = exception.stack_trace();
    let is_io =
        exception.class.starts_with("org.apache.hadoop.hbase.") || exception.class.starts_with("java.io.");
    let told = if exception.class.starts_with(FRAMEWORK) {
        JavaException::new(class::DO_NOT_RETRY_IO, text)
    } else if is_io {
        exception
    } else {
        JavaException::new(class::IO, text)
    };
    Some(pb::ForeignExceptionMessage::new(None, &told))
}

/// Asks a procedure to give up; answers whether it will.
pub(super) async fn abort(
    role: &RoleCell,
    request: &pb::AbortProcedureRequest,
) -> Result<pb::AbortProcedureResponse, JavaException> {
    let env = role.active()?;
    let executor = env.executor().ok_or_else(refusal::reign_over)?;
    let (id, interrupt) = (ProcId(request.proc_id), request.may_interrupt_if_running());
    let is_procedure_aborted = tokio::select! {
        biased;
        () = env.shutdown.cancelled() => return Err(refusal::reign_over()),
        aborted = executor.abort(id, interrupt) => aborted.map_err(refusal::executor)?,
    };
    Ok(pb::AbortProcedureResponse { is_procedure_aborted })
}

/// All procedures, ended ones whose results are kept included.
pub(super) fn list(role: &RoleCell) -> Result<pb::GetProceduresResponse, JavaException> {
    let executor = role.active()?.executor().ok_or_else(refusal::reign_over)?;
    let procedure = executor.records().iter().map(|record| (**record).clone()).collect();
    Ok(pb::GetProceduresResponse { procedure })
}

/// Everything that is locked.
pub(super) fn locks(role: &RoleCell) -> Result<pb::GetLocksResponse, JavaException> {
    let executor = role.active()?.executor().ok_or_else(refusal::reign_over)?;
    Ok(pb::GetLocksResponse { lock: executor.locks().iter().filter_map(lock).collect() })
}

/// A resource as clients know it; none for those that they don't.
fn lock(view: &LockView) -> Option<pb::LockedResource> {
    use pb::LockedResourceType as Type;
    let (resource_type, name) = match &view.resource {
        Resource::Global | Resource::Meta => return None,
        Resource::Namespace(name) => (Type::Namespace, name.to_string()),
        Resource::Table(table) => (Type::Table, table.to_string()),
        Resource::Region(region) => (Type::Region, region.to_string()),
        Resource::Server(server) => (Type::Server, server.to_string()),
        Resource::Peer(peer) => (Type::Peer, peer.to_string()),
    };
    let exclusive = view.mode == LockMode::Exclusive;
    let shared = if exclusive { 0 } else { view.holders.len() };
    Some(pb::LockedResource {
        resource_type: resource_type.into(),
        resource_name: Some(name),
        lock_type: if exclusive { pb::LockType::Exclusive } else { pb::LockType::Shared }.into(),
        exclusive_lock_owner_procedure: view
            .holders
            .first()
            .filter(|_| exclusive)
            .map(|owner| (**owner).clone()),
        shared_lock_count: Some(i32::try_from(shared).unwrap_or(i32::MAX)),
        waiting_procedures: view.waiters.iter().map(|waiter| (**waiter).clone()).collect(),
    })
}

//! Procedures by barrier, as clients up to 2.5 ask for them: the flush of a table, which is a procedure of its own kind
//! here. Counterpart of `MasterProcedureManagerHost` and `MasterFlushTableProcedureManager`.

use hmaster_protocol::{CallContext, pb};
use hmaster_types::{JavaException, TableName, class};

use super::absent::absent;
use super::submit::{finish, submit};
use super::{bad_argument, refusal, snapshots};
use crate::environment::MasterEnv;
use crate::role::RoleCell;
use crate::tables::flush::{self, FlushTable};

const FLUSH: &str = "flush-table-proc";
const SNAPSHOT: &str = "online-snapshot";
const ROLL_WALS: &str = "rolllog-proc";
/// Names the families in the request's settings. Java's `HConstants.FAMILY_KEY_STR`.
const FAMILIES: &str = "family";
/// What clients are told to wait at most, in milliseconds. Java's `DEFAULT_MAX_WAIT_TIME`.
const WAIT_MS_MAX: i64 = 300_000;

/// Ends when the table is flushed, as in Java.
pub(super) async fn exec(
    role: &RoleCell,
    call: &CallContext,
    request: pb::ExecProcedureRequest,
) -> Result<pb::ExecProcedureResponse, JavaException> {
    let env = role.initialized()?;
    let procedure = request.procedure;
    if procedure.signature == SNAPSHOT {
        snapshots::take_by_barrier(role, call, &procedure).await?;
        return Ok(pb::ExecProcedureResponse { expected_timeout: Some(WAIT_MS_MAX), return_data: None });
    }
    let table = flushed_table(&procedure)?;
    let listed = procedure.configuration.into_iter().filter(|pair| pair.name == FAMILIES);
    let families: Vec<_> = listed
        .flat_map(|pair| pair.value.split(',').map(str::to_owned).collect::<Vec<_>>())
        .filter(|family| !family.is_empty())
        .map(bytes::Bytes::from)
        .collect();
    check_families(&env, &table, &families)?;
    let make = |user, prepared| FlushTable::procedure(user, table, families, prepared);
    let id = submit(&env, call, None, make).await?;
    finish(&env, id).await?;
    Ok(pb::ExecProcedureResponse { expected_timeout: Some(WAIT_MS_MAX), return_data: None })
}

/// No barrier procedure that this master knows returns anything.
pub(super) fn exec_with_return(
    role: &RoleCell,
    request: &pb::ExecProcedureRequest,
) -> Result<pb::ExecProcedureResponse, JavaException> {
    role.initialized()?;
    Err(unknown(&request.procedure.signature))
}

/// A flush is done when none of the table is under way: clients ask after they have ordered one. Unlike Java's, the answer
/// is the same after a change of masters.
pub(super) async fn is_done(
    role: &RoleCell,
    request: &pb::IsProcedureDoneRequest,
) -> Result<pb::IsProcedureDoneResponse, JavaException> {
    let env = role.initialized()?;
    let procedure = request.procedure.as_ref().ok_or_else(|| bad_argument("no procedure is named"))?;
    if procedure.signature == SNAPSHOT {
        let done = snapshots::is_barrier_done(role, procedure).await?;
        return Ok(pb::IsProcedureDoneResponse { done: Some(done), snapshot: None });
    }
    let table = flushed_table(procedure)?;
    let executor = env.executor().ok_or_else(refusal::reign_over)?;
    let details = format!("FlushTableProcedure table={table}");
    let is_flush = |view: &hmaster_procedure::ProcedureView| {
        view.record.class_name == flush::CLASS && view.details == details
    };
    Ok(pb::IsProcedureDoneResponse { done: Some(!executor.views().iter().any(is_flush)), snapshot: None })
}

fn flushed_table(procedure: &pb::ProcedureDescription) -> Result<TableName, JavaException> {
    match &procedure.signature[..] {
        FLUSH => procedure.instance().parse().map_err(bad_argument),
        ROLL_WALS => Err(absent("this master coordinates no backups (rolllog-proc)")),
        other => Err(unknown(other)),
    }
}

fn check_families(
    env: &MasterEnv,
    table: &TableName,
    families: &[bytes::Bytes],
) -> Result<(), JavaException> {
    let unknown = || JavaException::new(class::TABLE_NOT_FOUND, table.as_str());
    let schema = env.schemas.get(table).ok_or_else(unknown)?;
    let missing: Vec<_> = families
        .iter()
        .filter(|family| schema.family(family).is_none())
        .map(|family| hmaster_types::to_string_binary(family))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!("Column families [{}] don't exist in table {table}", missing.join(", "));
    Err(JavaException::new(class::NO_SUCH_COLUMN_FAMILY, message))
}

fn unknown(signature: &str) -> JavaException {
    JavaException::new(class::DO_NOT_RETRY_IO, format!("The procedure is not registered: {signature}"))
}

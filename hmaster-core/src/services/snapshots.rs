//! Snapshots as clients ask for them. Counterpart of the calls that `SnapshotManager` answers.

use std::sync::Arc;

use hmaster_procedure::Status;
use hmaster_protocol::{CallContext, pb};
use hmaster_types::{JavaException, Nonce, ProcId, TableDescriptor, TableName, TableState, class};

use super::submit::submit_checked;
use super::{bad_argument, refusal};
use crate::environment::MasterEnv;
use crate::ports::files::FilesError;
use crate::role::RoleCell;
use crate::snapshots::{self, CloneSnapshot, RestoreSnapshot, TakeSnapshot, describe, take};
use crate::tables::{change, sanity};

/// The active master, if it has snapshots.
fn supporting(role: &RoleCell) -> Result<Arc<MasterEnv>, JavaException> {
    let env = role.initialized()?;
    match env.options.snapshots.enabled {
        true => Ok(env),
        false => Err(JavaException::new(
            class::UNSUPPORTED_OPERATION,
            "To use snapshots, You must add to the hbase-site.xml of the HBase Master: 'hbase.snapshot.enabled' property with value 'true'.",
        )),
    }
}

pub(super) async fn take(
    role: &RoleCell,
    call: &CallContext,
    request: pb::SnapshotRequest,
) -> Result<pb::SnapshotResponse, JavaException> {
    let env = supporting(role)?;
    // Clients up to 2.5 have no nonces and ask by name whether it is done.
    let knows_procedures = request.nonce_group.is_some() && request.nonce.is_some();
    let nonce = Nonce::new(request.nonce_group(), request.nonce());
    let snapshot = snapshots::validate(&env, request.snapshot)?;
    let options = &env.options.snapshots;
    let wait = options.timeout.max(options.timeout_old);
    let expected_timeout = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
    let id = submit_take(&env, call, nonce.filter(|_| knows_procedures), snapshot).await?;
    Ok(pb::SnapshotResponse { expected_timeout, proc_id: knows_procedures.then_some(id.0.cast_signed()) })
}

async fn submit_take(
    env: &MasterEnv,
    call: &CallContext,
    nonce: Option<Nonce>,
    snapshot: pb::SnapshotDescription,
) -> Result<ProcId, JavaException> {
    let make = async |_, _| {
        check_taking(env, &snapshot).await?;
        TakeSnapshot::procedure(snapshot.clone())
    };
    submit_checked(env, call, nonce, make).await
}

/// Counterpart of `sanityCheckBeforeSnapshot`.
async fn check_taking(env: &MasterEnv, snapshot: &pb::SnapshotDescription) -> Result<(), JavaException> {
    if has(env, &snapshot.name).await? {
        let message = format!("Snapshot '{}' already stored on the filesystem.", snapshot.name);
        return Err(JavaException::new(class::SNAPSHOT_EXISTS, message));
    }
    let refuse = |why: &str| {
        let message = format!("Rejected taking {} because {why}", describe(snapshot));
        Err(JavaException::new(class::SNAPSHOT_CREATION, message))
    };
    let table: TableName = snapshot.table().parse().map_err(bad_argument)?;
    for work in env.snapshot_work() {
        if work.takes() && (work.snapshot.name == snapshot.name || work.table == table) {
            return refuse("we are already running another snapshot on the same table or with the same name");
        }
        if !work.takes() && work.table == table {
            return refuse("we are already have a restore in progress on the same snapshot.");
        }
    }
    take::check_table(env, &table).map(drop)
}

/// Makes the snapshot's table what it was, or another one of the snapshot if there is none of that name.
pub(super) async fn restore(
    role: &RoleCell,
    call: &CallContext,
    request: pb::RestoreSnapshotRequest,
) -> Result<pb::RestoreSnapshotResponse, JavaException> {
    let env = supporting(role)?;
    let table: TableName = request.snapshot.table().parse().map_err(bad_argument)?;
    env.namespaces.require(table.namespace())?;
    let (name, with_acl) = (&request.snapshot.name, request.restore_acl());
    let nonce = Nonce::new(request.nonce_group(), request.nonce());
    let id = if env.schemas.get(&table).is_some() {
        let make = async |user, prepared| {
            let (snapshot, schema) = stored(&env, name, &table).await?;
            let old = check_restoring(&env, &table, &schema)?;
            Ok(RestoreSnapshot::procedure(user, snapshot, [old, schema], with_acl, prepared))
        };
        submit_checked(&env, call, nonce, make).await?
    } else {
        let tracker = Some(request.custom_sft().to_owned()).filter(|tracker| !tracker.is_empty());
        let make = async |user, prepared| {
            let (snapshot, schema) = stored(&env, name, &table).await?;
            let schema = renamed(&schema, &table);
            Ok(CloneSnapshot::procedure(user, snapshot, schema, with_acl, tracker, prepared))
        };
        submit_checked(&env, call, nonce, make).await?
    };
    Ok(pb::RestoreSnapshotResponse { proc_id: id.0 })
}

/// A complete snapshot and its schema, once all of it is found to be there, and nobody works on `table`.
async fn stored(
    env: &MasterEnv,
    name: &str,
    table: &TableName,
) -> Result<(pb::SnapshotDescription, TableDescriptor), JavaException> {
    let info = match snapshots::check_name(name) {
        Ok(()) => env.files.snapshot_info(name).await.map_err(io)?,
        Err(_) => None,
    };
    let Some(snapshot) = info else {
        let message = format!("Snapshot '{name}' doesn't exist on the filesystem");
        return Err(JavaException::new(class::SNAPSHOT_DOES_NOT_EXIST, message));
    };
    let manifest = env.files.snapshot_manifest(name).await.map_err(io)?;
    let schema = TableDescriptor::try_from(&manifest.table_schema)?;
    sanity::check(&schema, &env.options)?;
    snapshots::check_manifest(table, &manifest)?;
    take::check_files(env, &manifest).await?;
    if let Some(work) = env.snapshot_work().into_iter().find(|work| work.table == *table) {
        let message = match work.takes() {
            true => format!("Snapshot in progress on the restore table={table}"),
            false => format!("Restore already in progress on the table={table}"),
        };
        return Err(JavaException::new(class::RESTORE_SNAPSHOT, message));
    }
    Ok((snapshot, schema))
}

/// What Java checks before it restores. Its master restores the snapshot's own table, whatever table it is asked for.
fn check_restoring(
    env: &MasterEnv,
    table: &TableName,
    schema: &TableDescriptor,
) -> Result<TableDescriptor, JavaException> {
    let missing = || JavaException::new(class::TABLE_NOT_FOUND, table.as_str());
    let old = env.schemas.get(table).ok_or_else(missing)?;
    if schema.name() != table {
        return Err(JavaException::new(class::TABLE_EXISTS, table.as_str()));
    }
    let tracker = env.options.filesystem.store_file_tracker.as_str();
    change::check_same_trackers(&old, schema, tracker)?;
    if env.tables.is_in(table, &[TableState::Enabled]) {
        let message = format!("Table '{table}' must be disabled in order to perform a restore operation.");
        return Err(JavaException::new(class::UNSUPPORTED_OPERATION, message));
    }
    Ok((*old).clone())
}

/// The same schema for another table.
fn renamed(schema: &TableDescriptor, table: &TableName) -> TableDescriptor {
    let mut renamed = TableDescriptor::builder(table.clone());
    for (key, value) in schema.attributes() {
        renamed = renamed.attribute(key.clone(), value.clone());
    }
    schema.families().fold(renamed, |renamed, family| renamed.family(family.clone())).build()
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` wants it")]
fn io(error: FilesError) -> JavaException {
    JavaException::new(class::IO, error.to_string())
}

async fn has(env: &MasterEnv, name: &str) -> Result<bool, JavaException> {
    env.files.has_snapshot(name).await.map_err(io)
}

/// How the newest procedure of such a snapshot does.
fn outcome(
    env: &MasterEnv,
    is_meant: impl Fn(&pb::SnapshotDescription) -> bool,
) -> Result<Option<Status>, JavaException> {
    let executor = env.executor().ok_or_else(refusal::reign_over)?;
    let newest = snapshots::newest(&executor.records(), is_meant);
    Ok(newest.map(|record| executor.status(ProcId(record.proc_id), false)))
}

/// Done, or not yet. Counterpart of `SnapshotManager.isSnapshotDone`.
async fn is_done_by_name(env: &MasterEnv, snapshot: &pb::SnapshotDescription) -> Result<bool, JavaException> {
    let status = outcome(env, |other| other.name == snapshot.name)?;
    if matches!(status, Some(Status::Running { .. })) {
        return Ok(false);
    }
    if snapshots::check_name(&snapshot.name).is_ok() && has(env, &snapshot.name).await? {
        return Ok(true);
    }
    let failure = match status {
        Some(Status::Finished(outcome)) => outcome.exception(),
        _ => None,
    };
    Err(match failure {
        Some(failure) => {
            let message = format!("Snapshot {} had an error.  {failure}", describe(snapshot));
            JavaException::new(class::HBASE_SNAPSHOT, message)
        }
        None => {
            let message = format!(
                "Snapshot {} is not currently running or one of the known completed snapshots.",
                describe(snapshot)
            );
            JavaException::new(class::UNKNOWN_SNAPSHOT, message)
        }
    })
}

pub(super) async fn is_done(
    role: &RoleCell,
    request: pb::IsSnapshotDoneRequest,
) -> Result<pb::IsSnapshotDoneResponse, JavaException> {
    let env = role.initialized()?;
    let unnamed = "No snapshot name passed in request, can't figure out which snapshot you want to check.";
    let snapshot = request.snapshot.ok_or_else(|| JavaException::new(class::UNKNOWN_SNAPSHOT, unnamed))?;
    let done = is_done_by_name(&env, &snapshot).await?;
    Ok(pb::IsSnapshotDoneResponse { done: Some(done), snapshot: None })
}

pub(super) async fn list(role: &RoleCell) -> Result<pb::GetCompletedSnapshotsResponse, JavaException> {
    let snapshots = role.initialized()?.files.snapshots().await.map_err(io)?;
    Ok(pb::GetCompletedSnapshotsResponse { snapshots })
}

pub(super) async fn delete(
    role: &RoleCell,
    call: &CallContext,
    request: pb::DeleteSnapshotRequest,
) -> Result<pb::DeleteSnapshotResponse, JavaException> {
    let env = supporting(role)?;
    env.delete_snapshot(&request.snapshot).await?;
    tracing::info!(name = request.snapshot.name, user = call.user_name(), "snapshot deleted");
    Ok(pb::DeleteSnapshotResponse {})
}

/// What a barrier procedure says beside its kind and its object.
fn setting<'a>(procedure: &'a pb::ProcedureDescription, name: &str) -> Option<&'a str> {
    let setting = procedure.configuration.iter().find(|pair| pair.name.eq_ignore_ascii_case(name));
    setting.map(|pair| &*pair.value)
}

fn snapshot_of(procedure: &pb::ProcedureDescription) -> Result<pb::SnapshotDescription, JavaException> {
    let undefined =
        |what: &str| JavaException::new(class::IO, format!("Snapshot {what} is not defined: {procedure:?}"));
    Ok(pb::SnapshotDescription {
        name: procedure.instance.clone().ok_or_else(|| undefined("name"))?,
        table: Some(setting(procedure, "table").ok_or_else(|| undefined("table"))?.to_owned()),
        r#type: Some(pb::snapshot_description::Type::Flush.into()),
        ..Default::default()
    })
}

/// By a barrier procedure, as clients may do since 1.0.
pub(super) async fn take_by_barrier(
    role: &RoleCell,
    call: &CallContext,
    procedure: &pb::ProcedureDescription,
) -> Result<(), JavaException> {
    let env = supporting(role)?;
    let snapshot = snapshots::validate(&env, snapshot_of(procedure)?)?;
    submit_take(&env, call, None, snapshot).await.map(drop)
}

/// Whether what [`take_by_barrier`] has begun is done.
pub(super) async fn is_barrier_done(
    role: &RoleCell,
    procedure: &pb::ProcedureDescription,
) -> Result<bool, JavaException> {
    is_done_by_name(&*role.initialized()?, &snapshot_of(procedure)?).await
}

//! Tables come, go, open and shut. Counterpart of `HMaster.createTable` and its kin.

use std::sync::Arc;

use hmaster_protocol::{CallContext, pb};
use hmaster_types::{
    ColumnFamilyDescriptor, JavaException, Nonce, ProcId, TableDescriptor, TableName, TableState, class,
};

use super::split_keys;
use super::submit::{submit, submit_checked, submit_unawaited};
use crate::environment::MasterEnv;
use crate::role::RoleCell;
use crate::tables::change::{with_changed_family, with_new_family, without_family};
use crate::tables::create::CreateTable;
use crate::tables::delete::DeleteTable;
use crate::tables::disable::DisableTable;
use crate::tables::enable::EnableTable;
use crate::tables::flush::FlushTable;
use crate::tables::modify::ModifyTable;
use crate::tables::sanity;
use crate::tables::store_file_tracker::ModifyTracker;
use crate::tables::truncate::TruncateTable;

/// Everything that can be told from the schema alone is checked before there is a procedure.
pub(super) async fn create_table(
    role: &RoleCell,
    call: &CallContext,
    request: pb::CreateTableRequest,
) -> Result<pb::CreateTableResponse, JavaException> {
    let env = role.initialized()?;
    let schema = TableDescriptor::try_from(&request.table_schema)?;
    env.namespaces.require(schema.name().namespace())?;
    let nonce = Nonce::new(request.nonce_group(), request.nonce());
    let regions = split_keys::regions(schema.name(), request.split_keys, env.clock.now_ms())?;
    let options = env.online.get();
    sanity::check(&schema, &options)?;
    sanity::check_new(&schema, &options)?;
    let make = |user, prepared| CreateTable::procedure(user, schema, regions, prepared);
    let id = submit(&env, call, nonce, make).await?;
    Ok(pb::CreateTableResponse { proc_id: Some(id.0) })
}

pub(super) async fn delete_table(
    role: &RoleCell,
    call: &CallContext,
    request: pb::DeleteTableRequest,
) -> Result<pb::DeleteTableResponse, JavaException> {
    let env = role.initialized()?;
    let table = TableName::try_from(&request.table_name)?;
    let nonce = Nonce::new(request.nonce_group(), request.nonce());
    let make = |user, prepared| DeleteTable::procedure(user, table, prepared);
    let id = submit(&env, call, nonce, make).await?;
    Ok(pb::DeleteTableResponse { proc_id: Some(id.0) })
}

pub(super) async fn enable_table(
    role: &RoleCell,
    call: &CallContext,
    request: pb::EnableTableRequest,
) -> Result<pb::EnableTableResponse, JavaException> {
    let env = role.initialized()?;
    let table = TableName::try_from(&request.table_name)?;
    let nonce = Nonce::new(request.nonce_group(), request.nonce());
    let make = |user, prepared| async { Ok(EnableTable::procedure(user, table, prepared)) };
    let id = submit_unawaited(&env, call, nonce, make).await?;
    Ok(pb::EnableTableResponse { proc_id: Some(id.0) })
}

pub(super) async fn disable_table(
    role: &RoleCell,
    call: &CallContext,
    request: pb::DisableTableRequest,
) -> Result<pb::DisableTableResponse, JavaException> {
    let env = role.initialized()?;
    let table = TableName::try_from(&request.table_name)?;
    let nonce = Nonce::new(request.nonce_group(), request.nonce());
    let make = |user, prepared| async {
        preflight(&env, &table, TableState::Enabled)?;
        Ok(DisableTable::procedure(user, table, prepared))
    };
    let id = submit_checked(&env, call, nonce, make).await?;
    Ok(pb::DisableTableResponse { proc_id: Some(id.0) })
}

/// A change that regions needn't be reopened for may leave that to whenever they open next.
pub(super) async fn modify_table(
    role: &RoleCell,
    call: &CallContext,
    request: pb::ModifyTableRequest,
) -> Result<pb::ModifyTableResponse, JavaException> {
    let env = role.initialized()?;
    let table = TableName::try_from(&request.table_name)?;
    let schema = TableDescriptor::try_from(&request.table_schema)?;
    if *schema.name() != table {
        let message = format!("Cannot change the name of {table} to {}", schema.name());
        return Err(JavaException::new(class::HBASE_IO, message));
    }
    let nonce = Nonce::new(request.nonce_group(), request.nonce());
    let reopens = request.reopen_regions();
    let make = |user, prepared| async {
        sanity::check(&schema, &env.online.get())?;
        let old = current(&env, &table)?;
        Ok(match reopens {
            true => ModifyTable::procedure(user, schema, prepared),
            false => ModifyTable::without_reopening(user, schema, Some((*old).clone()), prepared),
        })
    };
    let id = submit_checked(&env, call, nonce, make).await?;
    Ok(pb::ModifyTableResponse { proc_id: Some(id.0) })
}

pub(super) async fn add_column(
    role: &RoleCell,
    call: &CallContext,
    request: pb::AddColumnRequest,
) -> Result<pb::AddColumnResponse, JavaException> {
    let env = role.initialized()?;
    let family = ColumnFamilyDescriptor::try_from(&request.column_families)?;
    let nonce = Nonce::new(request.nonce_group(), request.nonce());
    let id = change(&env, call, nonce, &request.table_name, |old| with_new_family(old, family)).await?;
    Ok(pb::AddColumnResponse { proc_id: Some(id.0) })
}

pub(super) async fn modify_column(
    role: &RoleCell,
    call: &CallContext,
    request: pb::ModifyColumnRequest,
) -> Result<pb::ModifyColumnResponse, JavaException> {
    let env = role.initialized()?;
    let family = ColumnFamilyDescriptor::try_from(&request.column_families)?;
    let nonce = Nonce::new(request.nonce_group(), request.nonce());
    let id = change(&env, call, nonce, &request.table_name, |old| with_changed_family(old, family)).await?;
    Ok(pb::ModifyColumnResponse { proc_id: Some(id.0) })
}

pub(super) async fn delete_column(
    role: &RoleCell,
    call: &CallContext,
    request: pb::DeleteColumnRequest,
) -> Result<pb::DeleteColumnResponse, JavaException> {
    let env = role.initialized()?;
    let nonce = Nonce::new(request.nonce_group(), request.nonce());
    let name = request.column_name;
    let id = change(&env, call, nonce, &request.table_name, |old| without_family(old, &name)).await?;
    Ok(pb::DeleteColumnResponse { proc_id: Some(id.0) })
}

/// Changes a table's schema by what `new` makes of it, unless somebody else changes it first.
async fn change(
    env: &MasterEnv,
    call: &CallContext,
    nonce: Option<Nonce>,
    table: &pb::TableName,
    new: impl FnOnce(&TableDescriptor) -> Result<TableDescriptor, JavaException> + Send,
) -> Result<ProcId, JavaException> {
    let table = TableName::try_from(table)?;
    let make = |user, prepared| async move {
        let old = current(env, &table)?;
        let schema = new(&old)?;
        sanity::check(&schema, &env.online.get())?;
        Ok(ModifyTable::from_unmodified(user, schema, (*old).clone(), prepared))
    };
    submit_checked(env, call, nonce, make).await
}

/// What Java checks before it makes a procedure, and then again in it with more to say. Counterpart of `preflightChecks`.
fn preflight(env: &MasterEnv, table: &TableName, wanted: TableState) -> Result<(), JavaException> {
    let class = match env.tables.get(table) {
        _ if table.is_meta() => return Ok(()),
        Some(state) if state == wanted => return Ok(()),
        None => class::TABLE_NOT_FOUND,
        Some(_) if wanted == TableState::Enabled => class::TABLE_NOT_ENABLED,
        Some(_) => class::TABLE_NOT_DISABLED,
    };
    Err(JavaException::new(class, table.as_str()))
}

fn current(env: &MasterEnv, table: &TableName) -> Result<Arc<TableDescriptor>, JavaException> {
    env.schemas.get(table).ok_or_else(|| JavaException::new(class::TABLE_NOT_FOUND, table.as_str()))
}

pub(super) async fn truncate_table(
    role: &RoleCell,
    call: &CallContext,
    request: pb::TruncateTableRequest,
) -> Result<pb::TruncateTableResponse, JavaException> {
    let env = role.initialized()?;
    let table = TableName::try_from(&request.table_name)?;
    let nonce = Nonce::new(request.nonce_group(), request.nonce());
    let splits = request.preserve_splits();
    let make = |user, prepared| async {
        preflight(&env, &table, TableState::Disabled)?;
        Ok(TruncateTable::procedure(user, table, splits, prepared))
    };
    let id = submit_checked(&env, call, nonce, make).await?;
    Ok(pb::TruncateTableResponse { proc_id: Some(id.0) })
}

pub(super) async fn modify_table_store_file_tracker(
    role: &RoleCell,
    call: &CallContext,
    request: pb::ModifyTableStoreFileTrackerRequest,
) -> Result<pb::ModifyTableStoreFileTrackerResponse, JavaException> {
    let env = role.initialized()?;
    let table = TableName::try_from(&request.table_name)?;
    let nonce = Nonce::new(request.nonce_group(), request.nonce());
    let tracker = request.dst_sft;
    let make = |user, prepared| async {
        let procedure = ModifyTracker::of_table(user, table.clone(), &tracker, prepared)?;
        preflight(&env, &table, TableState::Enabled)?;
        Ok(procedure)
    };
    let id = submit_unawaited(&env, call, nonce, make).await?;
    Ok(pb::ModifyTableStoreFileTrackerResponse { proc_id: Some(id.0) })
}

pub(super) async fn modify_column_store_file_tracker(
    role: &RoleCell,
    call: &CallContext,
    request: pb::ModifyColumnStoreFileTrackerRequest,
) -> Result<pb::ModifyColumnStoreFileTrackerResponse, JavaException> {
    let env = role.initialized()?;
    let table = TableName::try_from(&request.table_name)?;
    let nonce = Nonce::new(request.nonce_group(), request.nonce());
    let (family, tracker) = (request.family, request.dst_sft);
    let make = |user, prepared| async {
        let procedure = ModifyTracker::of_family(user, table.clone(), family, &tracker, prepared)?;
        preflight(&env, &table, TableState::Enabled)?;
        Ok(procedure)
    };
    let id = submit_unawaited(&env, call, nonce, make).await?;
    Ok(pb::ModifyColumnStoreFileTrackerResponse { proc_id: Some(id.0) })
}

pub(super) async fn flush_table(
    role: &RoleCell,
    call: &CallContext,
    request: pb::FlushTableRequest,
) -> Result<pb::FlushTableResponse, JavaException> {
    let env = role.initialized()?;
    if !env.online.get().snapshots.flush_by_procedure {
        let message = "FlushTableProcedureV2 is DISABLED";
        return Err(JavaException::new(class::DO_NOT_RETRY_IO, message));
    }
    let table = TableName::try_from(&request.table_name)?;
    let nonce = Nonce::new(request.nonce_group(), request.nonce());
    let families = request.column_family;
    let make = |user, prepared| async { Ok(FlushTable::procedure(user, table, families, prepared)) };
    let id = submit_unawaited(&env, call, nonce, make).await?;
    Ok(pb::FlushTableResponse { proc_id: Some(id.0) })
}

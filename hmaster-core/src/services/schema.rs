//! Tables come, go, open and shut. Counterpart of `HMaster.createTable` and its kin.

use hmaster_protocol::{CallContext, pb};
use hmaster_types::{JavaException, Nonce, TableDescriptor, TableName};

use super::split_keys;
use super::submit::submit;
use crate::role::RoleCell;
use crate::tables::create::CreateTable;
use crate::tables::delete::DeleteTable;
use crate::tables::disable::DisableTable;
use crate::tables::enable::EnableTable;
use crate::tables::sanity;

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
    sanity::check(&schema, &env.options)?;
    sanity::check_new(&schema, &env.options)?;
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
    let make = |user, prepared| EnableTable::procedure(user, table, prepared);
    let id = submit(&env, call, nonce, make).await?;
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
    let make = |user, prepared| DisableTable::procedure(user, table, prepared);
    let id = submit(&env, call, nonce, make).await?;
    Ok(pb::DisableTableResponse { proc_id: Some(id.0) })
}

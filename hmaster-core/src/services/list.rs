//! Tables: names, schemas, states. Counterpart of `HMaster.listTableDescriptors` and its kin.

use std::sync::Arc;

use hmaster_protocol::pb;
use hmaster_types::{JavaException, RegionState, TableDescriptor, TableName, TableState, class};

use super::pattern::Pattern;
use crate::assignment::RegionNode;
use crate::environment::MasterEnv;
use crate::role::RoleCell;

/// Which tables are asked for.
#[derive(Debug, Default)]
struct Filter<'a> {
    /// Those with these names, whatever the namespace. None: all.
    names: Vec<TableName>,
    namespace: Option<&'a str>,
    /// Only those that match.
    regex: Option<&'a str>,
    /// The master's own, too, unless names are given.
    system: bool,
}

impl Filter<'_> {
    /// The tables that exist and are asked for: in the order of their names with namespaces, or as they were named.
    fn apply(&self, env: &MasterEnv) -> Result<Vec<Arc<TableDescriptor>>, JavaException> {
        let mut found = if self.names.is_empty() {
            self.all(env)?
        } else {
            self.names.iter().filter_map(|table| env.schemas.get(table)).collect()
        };
        found.retain(|schema| env.tables.exists(schema.name()));
        if let Some(regex) = self.regex {
            let pattern = Pattern::new(regex)?;
            let mut matching = Vec::with_capacity(found.len());
            for schema in found {
                if pattern.matches(schema.name())? {
                    matching.push(schema);
                }
            }
            found = matching;
        }
        Ok(found)
    }

    fn all(&self, env: &MasterEnv) -> Result<Vec<Arc<TableDescriptor>>, JavaException> {
        let namespace = self.namespace.filter(|namespace| !namespace.is_empty());
        if let Some(namespace) = namespace {
            env.namespaces.require(namespace)?;
        }
        let mut all = env.schemas.all();
        all.retain(|schema| {
            let name = schema.name();
            namespace.is_none_or(|namespace| name.namespace() == namespace)
                && (self.system || !name.is_system())
        });
        all.sort_by_cached_key(|schema| {
            format!("{}:{}", schema.name().namespace(), schema.name().qualifier())
        });
        Ok(all)
    }
}

/// The active master once it knows all tables: a list that it can't vouch for isn't given.
fn knowing_tables(role: &RoleCell) -> Result<Arc<MasterEnv>, JavaException> {
    let env = role.started()?;
    match env.conditions.is_meta_loaded() {
        true => Ok(env),
        false => Err(JavaException::new(class::PLEASE_HOLD, "Master has not loaded hbase:meta yet")),
    }
}

fn enabled_or_disabled(is_enabled: bool) -> TableState {
    if is_enabled { TableState::Enabled } else { TableState::Disabled }
}

fn names(tables: &[Arc<TableDescriptor>]) -> Vec<pb::TableName> {
    tables.iter().map(|schema| schema.name().into()).collect()
}

fn schemas(tables: &[Arc<TableDescriptor>]) -> Vec<pb::TableSchema> {
    tables.iter().map(|schema| (&**schema).into()).collect()
}

pub(super) fn get_table_descriptors(
    role: &RoleCell,
    request: &pb::GetTableDescriptorsRequest,
) -> Result<pb::GetTableDescriptorsResponse, JavaException> {
    let env = role.initialized()?;
    let names: Result<_, _> = request.table_names.iter().map(TableName::try_from).collect();
    let filter = Filter {
        names: names?,
        namespace: request.namespace.as_deref(),
        regex: request.regex.as_deref(),
        system: request.include_sys_tables(),
    };
    Ok(pb::GetTableDescriptorsResponse { table_schema: schemas(&filter.apply(&env)?) })
}

pub(super) fn list_table_descriptors_by_state(
    role: &RoleCell,
    request: pb::ListTableDescriptorsByStateRequest,
) -> Result<pb::ListTableDescriptorsByStateResponse, JavaException> {
    let env = role.initialized()?;
    let state = enabled_or_disabled(request.is_enabled);
    let mut tables = Filter::default().apply(&env)?;
    tables.retain(|schema| env.tables.is_in(schema.name(), &[state]));
    Ok(pb::ListTableDescriptorsByStateResponse { table_schema: schemas(&tables) })
}

pub(super) fn list_table_descriptors_by_namespace(
    role: &RoleCell,
    request: &pb::ListTableDescriptorsByNamespaceRequest,
) -> Result<pb::ListTableDescriptorsByNamespaceResponse, JavaException> {
    let env = role.initialized()?;
    let filter = Filter { namespace: Some(&request.namespace_name), system: true, ..Filter::default() };
    Ok(pb::ListTableDescriptorsByNamespaceResponse { table_schema: schemas(&filter.apply(&env)?) })
}

pub(super) fn get_table_names(
    role: &RoleCell,
    request: &pb::GetTableNamesRequest,
) -> Result<pb::GetTableNamesResponse, JavaException> {
    let env = knowing_tables(role)?;
    let filter = Filter {
        names: Vec::new(),
        namespace: request.namespace.as_deref(),
        regex: request.regex.as_deref(),
        system: request.include_sys_tables(),
    };
    Ok(pb::GetTableNamesResponse { table_names: names(&filter.apply(&env)?) })
}

pub(super) fn list_table_names_by_state(
    role: &RoleCell,
    request: pb::ListTableNamesByStateRequest,
) -> Result<pb::ListTableNamesByStateResponse, JavaException> {
    let env = knowing_tables(role)?;
    let state = enabled_or_disabled(request.is_enabled);
    let mut tables = Filter::default().apply(&env)?;
    tables.retain(|schema| env.tables.is_in(schema.name(), &[state]));
    Ok(pb::ListTableNamesByStateResponse { table_names: names(&tables) })
}

pub(super) fn list_table_names_by_namespace(
    role: &RoleCell,
    request: &pb::ListTableNamesByNamespaceRequest,
) -> Result<pb::ListTableNamesByNamespaceResponse, JavaException> {
    let env = role.initialized()?;
    let filter = Filter { namespace: Some(&request.namespace_name), system: true, ..Filter::default() };
    Ok(pb::ListTableNamesByNamespaceResponse { table_name: names(&filter.apply(&env)?) })
}

pub(super) fn get_table_state(
    role: &RoleCell,
    request: &pb::GetTableStateRequest,
) -> Result<pb::GetTableStateResponse, JavaException> {
    let env = knowing_tables(role)?;
    let table = TableName::try_from(&request.table_name)?;
    let unknown = || JavaException::new(class::TABLE_NOT_FOUND, format!("No state found for {table}"));
    let state = env.tables.get(&table).ok_or_else(unknown)?;
    Ok(pb::GetTableStateResponse { table_state: state.into() })
}

/// How many regions are still to be reopened with a changed schema, of how many.
pub(super) fn get_schema_alter_status(
    role: &RoleCell,
    request: &pb::GetSchemaAlterStatusRequest,
) -> Result<pb::GetSchemaAlterStatusResponse, JavaException> {
    let env = role.initialized()?;
    let table = TableName::try_from(&request.table_name)?;
    let (mut yet, mut total) = (0, 0);
    if !env.tables.is_disabled(&table) {
        env.regions.for_each_of_table(&table, |node: &RegionNode| {
            total += 1;
            yet += u32::from(node.state() != RegionState::Open && !node.is_split());
        });
    }
    Ok(pb::GetSchemaAlterStatusResponse { yet_to_update_regions: Some(yet), total_regions: Some(total) })
}

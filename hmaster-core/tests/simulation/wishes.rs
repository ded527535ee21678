//! What clients can ask for, and what becomes of their tables then.

use hmaster_core::testing::{MasterProcess, table_schema};
use hmaster_protocol::services::master_service::MasterService as _;
use hmaster_protocol::{CallContext, pb};
use hmaster_types::{
    Chance, ColumnFamilyDescriptor, JavaException, NamespaceDescriptor, TableDescriptor, TableName,
    TableState, class,
};

/// What can be asked for of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    Create,
    Disable,
    Enable,
    Truncate,
    Delete,
    Note,
    Replicas(u16),
    AddFamily,
    DropFamily,
    TruncateRegion,
    Track(&'static str),
    Flush,
}

/// A request that may come more than once.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) table: TableName,
    pub(crate) nonce: u64,
    pub(crate) split_keys: Vec<&'static str>,
}

impl Wish {
    /// Something that a table in this state can be asked for.
    pub(crate) fn any(state: Option<TableState>, chance: &Chance) -> Self {
        match (state, chance.below(14)) {
            (None, _) => Self::Create,
            (Some(TableState::Enabled), 0) => Self::Note,
            (Some(TableState::Enabled), 1) => Self::Replicas(1 + (chance.below(2) as u16)),
            (Some(TableState::Enabled), 2) => Self::AddFamily,
            (Some(TableState::Enabled), 3) => Self::DropFamily,
            (Some(TableState::Enabled), 4) => Self::TruncateRegion,
            (Some(TableState::Enabled), 5) => Self::Track(["FILE", "DEFAULT"][chance.below(2)]),
            (Some(TableState::Enabled), 6) => Self::Flush,
            (Some(TableState::Enabled), _) => Self::Disable,
            (Some(_), 0..=2) => Self::Delete,
            (Some(_), 3..=5) => Self::Truncate,
            (Some(_), 6) => Self::Note,
            (Some(_), 7) => Self::Replicas(1 + (chance.below(2) as u16)),
            (Some(_), _) => Self::Enable,
        }
    }

    /// True when rows may go.
    pub(crate) fn takes_rows(self) -> bool {
        matches!(self, Self::Delete | Self::Truncate | Self::TruncateRegion)
    }

    /// The table's state once this is done.
    pub(crate) fn leaves(self, before: Option<TableState>) -> Option<TableState> {
        match self {
            Self::Create | Self::Enable | Self::Truncate => Some(TableState::Enabled),
            Self::Disable => Some(TableState::Disabled),
            Self::Delete => None,
            _ => before,
        }
    }

    /// True for an answer that can't be right: nobody else changes this table, so it has the state that its client knows.
    pub(crate) fn is_wrong(self, error: &JavaException) -> bool {
        let wrong = [
            class::TABLE_EXISTS,
            class::TABLE_NOT_FOUND,
            class::TABLE_NOT_DISABLED,
            class::TABLE_NOT_ENABLED,
        ];
        wrong.into_iter().any(|class| error.is(class))
    }

    /// Asks a master; the id of the procedure.
    pub(crate) async fn ask(self, master: &MasterProcess, request: Request) -> Result<u64, JavaException> {
        let call = CallContext::new("MasterService", "Test");
        let Request { table, nonce, split_keys } = request;
        let table_name: pb::TableName = (&table).into();
        let (nonce_group, nonce) = (Some(1), Some(nonce));
        let services = &master.services;
        let id = match self {
            Self::Create => {
                let split_keys = split_keys.iter().map(|key| (*key).into()).collect();
                let table_schema = (&table_schema(&table, 1)).into();
                let request = pb::CreateTableRequest { table_schema, split_keys, nonce_group, nonce };
                services.create_table(&call, request).await?.proc_id
            }
            Self::Disable => {
                let request = pb::DisableTableRequest { table_name, nonce_group, nonce };
                services.disable_table(&call, request).await?.proc_id
            }
            Self::Enable => {
                let request = pb::EnableTableRequest { table_name, nonce_group, nonce };
                services.enable_table(&call, request).await?.proc_id
            }
            Self::Delete => {
                let request = pb::DeleteTableRequest { table_name, nonce_group, nonce };
                services.delete_table(&call, request).await?.proc_id
            }
            Self::Truncate => {
                let preserve_splits = Some(nonce.is_some_and(|nonce| nonce % 2 == 0));
                let request = pb::TruncateTableRequest { table_name, preserve_splits, nonce_group, nonce };
                services.truncate_table(&call, request).await?.proc_id
            }
            Self::Note | Self::Replicas(_) => {
                let old = current(master, &table)?;
                let schema = match self {
                    Self::Replicas(count) => {
                        old.to_builder().attribute("REGION_REPLICATION", count.to_string()).build()
                    }
                    _ => old.to_builder().attribute("note", nonce.unwrap_or(0).to_string()).build(),
                };
                let request = pb::ModifyTableRequest {
                    table_name,
                    table_schema: (&schema).into(),
                    nonce_group,
                    nonce,
                    ..Default::default()
                };
                services.modify_table(&call, request).await?.proc_id
            }
            Self::AddFamily => {
                let column_families = (&ColumnFamilyDescriptor::builder("g").build()).into();
                let request = pb::AddColumnRequest { table_name, column_families, nonce_group, nonce };
                services.add_column(&call, request).await?.proc_id
            }
            Self::DropFamily => {
                let request =
                    pb::DeleteColumnRequest { table_name, column_name: "g".into(), nonce_group, nonce };
                services.delete_column(&call, request).await?.proc_id
            }
            Self::TruncateRegion => {
                let regions = master.env()?.regions.table_regions(&table);
                let live: Vec<_> = regions.iter().filter(|node| !node.is_split()).collect();
                let node = live.get(nonce.unwrap_or(0) as usize % live.len().max(1));
                // hbase:meta may not be read yet.
                let node = node.ok_or_else(|| JavaException::new(class::IO, "no regions"))?;
                let request =
                    pb::TruncateRegionRequest { region_info: node.info().into(), nonce_group, nonce };
                services.truncate_region(&call, request).await?.proc_id
            }
            Self::Track(dst_sft) => {
                let request = pb::ModifyTableStoreFileTrackerRequest {
                    table_name,
                    dst_sft: dst_sft.into(),
                    nonce_group,
                    nonce,
                };
                services.modify_table_store_file_tracker(&call, request).await?.proc_id
            }
            Self::Flush => {
                let request =
                    pb::FlushTableRequest { table_name, column_family: Vec::new(), nonce_group, nonce };
                services.flush_table(&call, request).await?.proc_id
            }
        };
        Ok(id.unwrap_or(0))
    }
}

fn current(master: &MasterProcess, table: &TableName) -> Result<TableDescriptor, JavaException> {
    let schema = master.env()?.schemas.get(table);
    // Not read yet, perhaps.
    schema.map(|schema| (*schema).clone()).ok_or_else(|| JavaException::new(class::IO, "no schema"))
}

/// What can be asked for of a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NamespaceWish {
    Create,
    Modify,
    Delete,
}

impl NamespaceWish {
    /// Asks a master; the id of the procedure.
    pub(crate) async fn ask(
        self,
        master: &MasterProcess,
        name: &str,
        nonce: u64,
    ) -> Result<u64, JavaException> {
        let call = CallContext::new("MasterService", "Test");
        let mut namespace = NamespaceDescriptor::new(name);
        namespace.configuration.insert("note".into(), nonce.to_string());
        let namespace_descriptor = (&namespace).into();
        let (nonce_group, nonce) = (Some(2), Some(nonce));
        let services = &master.services;
        let id = match self {
            Self::Create => {
                let request = pb::CreateNamespaceRequest { namespace_descriptor, nonce_group, nonce };
                services.create_namespace(&call, request).await?.proc_id
            }
            Self::Modify => {
                let request = pb::ModifyNamespaceRequest { namespace_descriptor, nonce_group, nonce };
                services.modify_namespace(&call, request).await?.proc_id
            }
            Self::Delete => {
                let request =
                    pb::DeleteNamespaceRequest { namespace_name: name.to_owned(), nonce_group, nonce };
                services.delete_namespace(&call, request).await?.proc_id
            }
        };
        Ok(id.unwrap_or(0))
    }
}

//! Namespaces. Counterpart of `TableNamespaceManager` and `ClusterSchemaServiceImpl`.
//!
//! The truth is in the table hbase:namespace; region servers look at a copy in ZooKeeper.

pub mod create;
pub mod delete;
pub mod modify;

use std::collections::BTreeMap;

use bytes::Bytes;
use hmaster_protocol::{decode, pb};
use hmaster_types::{Cell, CellParts, CellType, JavaException, NamespaceDescriptor, TableName, class};
use parking_lot::RwLock;
use prost::Message as _;

use crate::environment::MasterEnv;
use crate::error::StepError;
use crate::ports::RowMutation;

const FAMILY: &[u8] = b"info";
const QUALIFIER: &[u8] = b"d";

/// All namespaces, as hbase:namespace has them.
#[derive(Debug, Default)]
pub struct Namespaces(RwLock<BTreeMap<String, NamespaceDescriptor>>);

impl Namespaces {
    /// A namespace.
    pub fn get(&self, name: &str) -> Option<NamespaceDescriptor> {
        self.0.read().get(name).cloned()
    }

    /// All namespaces by name.
    pub fn all(&self) -> Vec<NamespaceDescriptor> {
        self.0.read().values().cloned().collect()
    }

    /// Takes in a namespace that was read or written.
    pub fn insert(&self, namespace: NamespaceDescriptor) {
        self.0.write().insert(namespace.name.clone(), namespace);
    }

    /// Forgets a namespace.
    pub fn remove(&self, name: &str) {
        self.0.write().remove(name);
    }

    /// A namespace, or the refusal that clients know.
    ///
    /// # Errors
    /// `NamespaceNotFoundException`.
    pub fn require(&self, name: &str) -> Result<NamespaceDescriptor, JavaException> {
        self.get(name).ok_or_else(|| JavaException::new(class::NAMESPACE_NOT_FOUND, name))
    }
}

/// Numbers that a namespace's settings must hold if they are there. Counterpart of `validateTableAndRegionCount`.
pub(crate) fn check_settings(namespace: &NamespaceDescriptor) -> Result<(), JavaException> {
    for (key, what, quota) in [
        ("hbase.namespace.quota.maxregions", "regions", "region"),
        ("hbase.namespace.quota.maxtables", "tables", "tables"),
    ] {
        let value = namespace.configuration.get(key).filter(|value| !value.is_empty());
        let Some(value) = value else { continue };
        let number: i64 = value.parse().map_err(|_| {
            let message = format!("NumberFormatException while getting max {what}.");
            JavaException::new(class::DO_NOT_RETRY_IO, message)
        })?;
        if number <= 0 {
            let message =
                format!("The max {quota} quota for {} is less than or equal to zero.", namespace.name);
            return Err(JavaException::new(class::CONSTRAINT, message));
        }
    }
    Ok(())
}

/// Each try is twice as many milliseconds later as the one before: the last one by months.
const LATER_TRIES: u32 = 34;

impl MasterEnv {
    /// Reads all namespaces and shows them in ZooKeeper.
    ///
    /// # Errors
    /// When hbase:namespace can't be read.
    pub async fn load_namespaces(&self) -> Result<(), StepError> {
        for cells in self.scan_system_table(&TableName::namespace_table()).await? {
            cells.iter().for_each(|cell| self.catalog.clock.seen(cell.timestamp()));
            match read(&cells) {
                Ok(Some(namespace)) => {
                    self.mirror_namespace(&namespace.name, Some(&namespace)).await?;
                    self.namespaces.insert(namespace);
                }
                Ok(None) => {}
                Err(error) => tracing::error!(%error, "a row of hbase:namespace can't be read"),
            }
        }
        Ok(())
    }

    pub(crate) async fn write_namespace(&self, namespace: &NamespaceDescriptor) -> Result<(), StepError> {
        let table = TableName::namespace_table();
        let value = pb::NamespaceDescriptor::from(namespace).encode_to_vec();
        let row = Bytes::copy_from_slice(namespace.name.as_bytes());
        // A master whose clock was ahead may have left a delete marker that hides this (danger 11): then later, until it is
        // seen.
        for later_ms in (0..LATER_TRIES).map(|tried| 1 << tried) {
            let now_ms = self.catalog.clock.now_ms();
            let put = cell(&namespace.name, QUALIFIER, CellType::Put, &value, now_ms)?;
            let change = RowMutation { row: row.clone(), puts: vec![put], deletes: Vec::new() };
            self.write_system_table(&table, change).await?;
            if self.system_row(&table, &row).await?.iter().any(|cell| cell.value() == value) {
                self.namespaces.insert(namespace.clone());
                return Ok(());
            }
            tracing::warn!(namespace = namespace.name, now_ms, later_ms, "the clock is behind; written anew");
            self.catalog.clock.seen(now_ms.saturating_add(later_ms));
        }
        let reason = format!("what hides namespace {} is far in the future", namespace.name);
        Err(crate::catalog::CatalogError::Corrupt { operation: "write a namespace", reason }.into())
    }

    pub(crate) async fn erase_namespace(&self, name: &str) -> Result<(), StepError> {
        let delete = cell(name, &[], CellType::DeleteFamily, &[], self.catalog.clock.delete_ms())?;
        let row = Bytes::copy_from_slice(name.as_bytes());
        let row = RowMutation { row, puts: Vec::new(), deletes: vec![delete] };
        self.write_system_table(&TableName::namespace_table(), row).await?;
        self.namespaces.remove(name);
        Ok(())
    }

    pub(crate) async fn mirror_namespace(
        &self,
        name: &str,
        namespace: Option<&NamespaceDescriptor>,
    ) -> Result<(), StepError> {
        Ok(self.zookeeper.mirror_namespace(name, namespace).await?)
    }
}

fn cell(
    name: &str,
    qualifier: &[u8],
    cell_type: CellType,
    value: &[u8],
    now_ms: i64,
) -> Result<Cell, StepError> {
    let parts =
        CellParts { row: name.as_bytes(), family: FAMILY, qualifier, timestamp: now_ms, cell_type, value };
    Cell::new(parts).map_err(|error| {
        let (operation, reason) = ("write a namespace", error.to_string());
        crate::catalog::CatalogError::Corrupt { operation, reason }.into()
    })
}

fn read(cells: &[Cell]) -> Result<Option<NamespaceDescriptor>, String> {
    let is_namespace = |cell: &&Cell| cell.family() == FAMILY && cell.qualifier() == QUALIFIER;
    let Some(cell) = cells.iter().find(is_namespace) else { return Ok(None) };
    let message: pb::NamespaceDescriptor =
        decode(cell.value_bytes()).map_err(|error| format!("{cell}: {error}"))?;
    NamespaceDescriptor::try_from(&message).map(Some).map_err(|error| format!("{cell}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_hold_numbers() {
        let mut namespace = NamespaceDescriptor::new("ns");
        assert!(check_settings(&namespace).is_ok());
        for (value, good) in [("5", true), ("0", false), ("-1", false), ("many", false)] {
            namespace.configuration.insert("hbase.namespace.quota.maxtables".into(), value.into());
            assert_eq!(check_settings(&namespace).is_ok(), good, "{value}");
        }
    }
}

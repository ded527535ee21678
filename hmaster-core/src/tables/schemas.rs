//! Schemas of tables, kept in memory. Counterpart of the cache in `FSTableDescriptors`.
//!
//! Only the master changes schemas, so what it has read and written stays true.

use std::collections::BTreeMap;
use std::sync::Arc;

use hmaster_types::{ColumnFamilyDescriptor, TableDescriptor, TableName, attribute};
use parking_lot::RwLock;

use crate::environment::MasterEnv;
use crate::error::StepError;

/// The schema of hbase:namespace. Counterpart of `TableDescriptorBuilder.NAMESPACE_TABLEDESC`.
pub fn namespace_schema() -> TableDescriptor {
    let info = ColumnFamilyDescriptor::builder("info")
        .attribute(attribute::VERSIONS, "10")
        .attribute(attribute::IN_MEMORY, "true")
        .attribute(attribute::BLOCKSIZE, "8192");
    TableDescriptor::builder(TableName::namespace_table()).family(info.build()).build()
}

/// The schemas of all tables.
#[derive(Debug, Default)]
pub struct Schemas(RwLock<BTreeMap<TableName, Arc<TableDescriptor>>>);

impl Schemas {
    /// A table's schema.
    pub fn get(&self, table: &TableName) -> Option<Arc<TableDescriptor>> {
        self.0.read().get(table).cloned()
    }

    /// All schemas by table.
    pub fn all(&self) -> Vec<Arc<TableDescriptor>> {
        self.0.read().values().cloned().collect()
    }

    /// Takes in a schema that was read or written.
    pub fn insert(&self, schema: TableDescriptor) {
        self.0.write().insert(schema.name().clone(), Arc::new(schema));
    }

    /// Forgets a table.
    pub fn remove(&self, table: &TableName) {
        self.0.write().remove(table);
    }

    /// Forgets all.
    pub fn clear(&self) {
        self.0.write().clear();
    }
}

impl MasterEnv {
    /// Reads all schemas. A table whose schema can't be read is reported and left out.
    ///
    /// # Errors
    /// When the folders can't be listed.
    pub async fn load_schemas(&self) -> Result<(), StepError> {
        for (table, schema) in self.files.table_descriptors().await? {
            match schema {
                Ok(schema) => self.schemas.insert(schema),
                Err(error) => tracing::error!(%table, %error, "the table's schema can't be read"),
            }
        }
        Ok(())
    }

    /// Writes a schema, then keeps it.
    ///
    /// # Errors
    /// When it can't be written.
    pub async fn update_schema(&self, schema: &TableDescriptor) -> Result<(), StepError> {
        self.files.write_table_descriptor(schema).await?;
        self.schemas.insert(schema.clone());
        Ok(())
    }
}

//! Whether tables are enabled. Counterpart of `TableStateManager`.
//!
//! The truth is in hbase:meta; clients of old releases look at a copy in ZooKeeper.

use std::collections::BTreeMap;

use hmaster_protocol::meta;
use hmaster_types::{TableName, TableState};
use parking_lot::RwLock;

use crate::environment::MasterEnv;
use crate::error::StepError;

/// The states of all tables, as hbase:meta has them.
#[derive(Debug, Default)]
pub struct TableStates(RwLock<BTreeMap<TableName, TableState>>);

impl TableStates {
    /// Takes in what was read from hbase:meta.
    pub fn load(&self, states: impl IntoIterator<Item = (TableName, TableState)>) {
        *self.0.write() = states.into_iter().collect();
    }

    /// A table's state; none for a table that doesn't exist. hbase:meta is always enabled.
    pub fn get(&self, table: &TableName) -> Option<TableState> {
        if table.is_meta() { Some(TableState::Enabled) } else { self.0.read().get(table).copied() }
    }

    /// True when the table is in one of `states`.
    pub fn is_in(&self, table: &TableName, states: &[TableState]) -> bool {
        self.get(table).is_some_and(|state| state.is_one_of(states))
    }

    /// True for a table that is disabled or about to be.
    pub fn is_disabled(&self, table: &TableName) -> bool {
        self.is_in(table, &[TableState::Disabled, TableState::Disabling])
    }

    /// True for a table that exists.
    pub fn exists(&self, table: &TableName) -> bool {
        self.get(table).is_some()
    }

    /// All tables but hbase:meta with their states.
    pub fn all(&self) -> Vec<(TableName, TableState)> {
        self.0.read().iter().map(|(table, state)| (table.clone(), *state)).collect()
    }

    /// The tables that are in `state`.
    pub fn in_state(&self, state: TableState) -> Vec<TableName> {
        self.0.read().iter().filter(|(_, is)| **is == state).map(|(table, _)| table.clone()).collect()
    }

    /// Forgets all.
    pub fn clear(&self) {
        self.0.write().clear();
    }
}

impl MasterEnv {
    /// Records a table's state in hbase:meta, then here and in ZooKeeper.
    ///
    /// # Errors
    /// When hbase:meta refuses it for good, or the master stops.
    pub async fn set_table_state(&self, table: &TableName, state: TableState) -> Result<(), StepError> {
        if table.is_meta() {
            return Ok(());
        }
        let row = meta::put_table_state(table, state, self.catalog.clock.put_ms(table.as_bytes()));
        self.catalog.write(vec![row]).await?;
        self.tables.0.write().insert(table.clone(), state);
        self.mirror_table_state(table, Some(state)).await;
        Ok(())
    }

    /// Takes a table's state out of hbase:meta: the table is gone.
    ///
    /// # Errors
    /// When hbase:meta refuses it for good, or the master stops.
    pub async fn delete_table_state(&self, table: &TableName) -> Result<(), StepError> {
        let row = meta::delete_table_state(table, self.catalog.clock.delete_ms());
        self.catalog.write(vec![row]).await?;
        self.tables.0.write().remove(table);
        self.mirror_table_state(table, None).await;
        Ok(())
    }

    /// The copy is for clients of old releases; Java carries on without it, too.
    async fn mirror_table_state(&self, table: &TableName, state: Option<TableState>) {
        if !self.options.master.mirror_table_state {
            return;
        }
        if let Err(error) = self.zookeeper.mirror_table_state(table, state).await {
            tracing::warn!(%table, %error, "the table's state isn't shown in ZooKeeper");
        }
    }
}

//! What a test asks of the active master: tables, and peace. Asked by RPC, as any client would.

use bytes::Bytes;
use hmaster::MasterHandle;
use hmaster_protocol::pb;
use hmaster_protocol::services::master_service;
use hmaster_rpc::client::CallOptions;
use hmaster_types::{Address, ColumnFamilyDescriptor, ProcId, TableDescriptor, TableName};

use crate::{TestCluster, TestClusterError};

impl TestCluster {
    /// Creates a table of one region; ends when it can be read and written. Counterpart of
    /// `HBaseTestingUtility.createTable`.
    ///
    /// # Errors
    /// When the master refuses it, or can't do it.
    pub async fn create_table(&self, name: &str, families: &[&str]) -> Result<(), TestClusterError> {
        let table: TableName = name.parse()?;
        let families = families.iter().map(|family| Bytes::copy_from_slice(family.as_bytes()));
        let schema = families.fold(TableDescriptor::builder(table), |schema, family| {
            schema.family(ColumnFamilyDescriptor::builder(family).build())
        });
        self.create_table_of(&schema.build(), &[]).await
    }

    /// Creates a table with a schema, split at keys; ends when it can be read and written.
    ///
    /// # Errors
    /// When the master refuses it, or can't do it.
    pub async fn create_table_of(
        &self,
        schema: &TableDescriptor,
        split_keys: &[Bytes],
    ) -> Result<(), TestClusterError> {
        let what = format!("create table {}", schema.name());
        let request = pb::CreateTableRequest {
            table_schema: schema.into(),
            split_keys: split_keys.to_vec(),
            nonce_group: Some(self.chance.bits()),
            nonce: Some(self.chance.bits()),
        };
        let master = self.active_master().await?;
        let address = Address { host: master.address().ip().to_string(), port: master.address().port() };
        let call = self.rpc.call(&address, master_service::CREATE_TABLE, &request, CallOptions::default());
        let (answer, _) = call.await?;
        match answer.proc_id {
            Some(id) => finished(&master, ProcId(id), what).await,
            None => Ok(()),
        }
    }

    /// Waits until the active master has nothing to do any more: no procedure runs, and no region is in transition.
    ///
    /// # Errors
    /// When no master runs, or the active one ends meanwhile.
    pub async fn settled(&self) -> Result<(), TestClusterError> {
        let master = self.active_master().await?;
        let changed = || TestClusterError::MasterChanged { what: "wait for procedures".into() };
        loop {
            let env = master.role().active().map_err(|_| changed())?;
            let executor = env.executor().ok_or_else(changed)?;
            let Some(id) = executor.ids().first().copied() else { return Ok(()) };
            executor.wait(id).await.map_err(|_| changed())?;
        }
    }
}

/// Waits for a procedure.
async fn finished(master: &MasterHandle, id: ProcId, what: String) -> Result<(), TestClusterError> {
    let executor = master.role().active().ok().and_then(|env| env.executor());
    let Some(executor) = executor else { return Err(TestClusterError::MasterChanged { what }) };
    match executor.wait(id).await {
        Ok(Some(outcome)) => match outcome.exception() {
            Some(error) => Err(TestClusterError::Procedure { what, error }),
            None => Ok(()),
        },
        // Done for so long that nothing is known of it any more.
        Ok(None) => Ok(()),
        Err(_) => Err(TestClusterError::MasterChanged { what }),
    }
}

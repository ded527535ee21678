//! hbase:namespace with its two first rows. Counterpart of `TableNamespaceManager.start`.

use hmaster_types::{NamespaceDescriptor, RegionInfo, TableName};

use super::{StartError, ended, stage, submit};
use crate::environment::{MasterEnv, Reign};
use crate::namespaces::create::CreateNamespace;
use crate::step::ProcedureUser;
use crate::tables::create::CreateTable;
use crate::tables::schemas::namespace_schema;
use crate::tables::{Prepared, TableStates};

/// Makes the table and its first rows if they aren't there, and reads it.
pub(super) async fn load(reign: &Reign) -> Result<(), StartError> {
    let env = &reign.env;
    if !has_table(&env.tables) {
        create_table(reign).await?;
    }
    stage(env, "load namespaces", env.load_namespaces()).await?;
    for name in [TableName::DEFAULT_NAMESPACE, TableName::SYSTEM_NAMESPACE] {
        if env.namespaces.get(name).is_none() {
            let create = CreateNamespace::procedure(NamespaceDescriptor::new(name), Prepared::default());
            let id = submit(env, create).await?;
            finish(reign, id).await?;
        }
    }
    Ok(())
}

fn has_table(tables: &TableStates) -> bool {
    tables.exists(&TableName::namespace_table())
}

/// A master before this one may have begun to, in which case its procedure comes first and this one finds nothing to do.
async fn create_table(reign: &Reign) -> Result<(), StartError> {
    let env = &reign.env;
    let region = RegionInfo::builder(TableName::namespace_table()).region_id(env.clock.now_ms()).build();
    let create = CreateTable::procedure(
        ProcedureUser::master(),
        namespace_schema(),
        vec![region],
        Prepared::default(),
    );
    let id = submit(env, create).await?;
    finish(reign, id).await
}

async fn finish(reign: &Reign, id: hmaster_types::ProcId) -> Result<(), StartError> {
    let env: &MasterEnv = &reign.env;
    tokio::select! {
        biased;
        () = env.shutdown.cancelled() => Err(ended(env)),
        outcome = reign.executor().wait(id) => {
            match outcome {
                Ok(Some(outcome)) => {
                    // Somebody else may have made the same.
                    if let Some(error) = outcome.exception() {
                        tracing::warn!(pid = %id, %error, "not done by this procedure");
                    }
                    Ok(())
                }
                Ok(None) => Ok(()),
                Err(_) => Err(ended(env)),
            }
        }
    }
}

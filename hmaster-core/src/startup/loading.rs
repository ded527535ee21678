//! Regions, tables and schemas, as they are kept.

use std::collections::BTreeSet;

use hmaster_procedure::Procedure;
use hmaster_procedure::engine::NewProcedure;
use hmaster_types::{EncodedName, RegionInfo, RegionState, TableState};

use super::{StartError, ended};
use crate::assignment::RegionRecord;
use crate::environment::MasterEnv;
use crate::error::StepError;
use crate::servers::Liveness;

/// Where hbase:meta is, according to the store; a cluster whose masters had no such store yet has it in ZooKeeper.
pub(super) async fn load_meta_place(env: &MasterEnv) -> Result<(), StepError> {
    let mut records = env.store.meta_regions().await?;
    if records.is_empty() {
        for (replica, location, state) in env.zookeeper.meta_locations().await? {
            let mut record = RegionRecord::new(RegionInfo::meta_replica(replica), state);
            record.location = location;
            env.store.put_meta_region(&record, env.catalog.clock.now_ms()).await?;
            records.push(record);
        }
    }
    for record in records {
        env.regions.load(record.clone());
        env.show_meta_region(&record).await;
    }
    Ok(())
}

/// Reads hbase:meta and the schemas, which have nothing to do with each other.
pub(super) async fn load_meta(env: &MasterEnv) -> Result<(), StepError> {
    let (loaded, schemas) = tokio::join!(env.catalog.load(), env.load_schemas());
    schemas?;
    let loaded = loaded?;
    for row in &loaded.unreadable {
        tracing::error!(%row, "left alone");
    }
    tracing::info!(regions = loaded.regions.len(), tables = loaded.tables.len(), "hbase:meta is loaded");
    loaded.regions.into_iter().for_each(|record| env.regions.load(record));
    env.tables.load(loaded.tables);
    enable_tables_without_state(env).await?;
    recover_unknown_servers(env).await;
    Ok(())
}

/// A table that exists but has no state is enabled, as in Java: it comes from a release without such states.
async fn enable_tables_without_state(env: &MasterEnv) -> Result<(), StepError> {
    for table in env.regions.tables() {
        let is_complete = env.schemas.get(&table).is_some();
        if is_complete && !table.is_meta() && env.tables.get(&table).is_none() {
            tracing::warn!(%table, "the table has no state and counts as enabled");
            env.set_table_state(&table, TableState::Enabled).await?;
        }
    }
    Ok(())
}

/// Servers that hbase:meta has regions on, but nobody has heard of: they died before the master's store knew them, or it
/// was lost. Their regions stay shut until their WALs are split.
async fn recover_unknown_servers(env: &MasterEnv) {
    let unknown: BTreeSet<_> = env
        .regions
        .servers()
        .into_iter()
        .filter(|server| match env.servers.liveness(server) {
            Liveness::Live => false,
            Liveness::Unknown => true,
            // Replaced by a later life at the same address, before this master knew of either.
            Liveness::Dead => !env.servers.dead().iter().any(|(dead, _)| dead == server),
        })
        .collect();
    for server in unknown {
        tracing::warn!(%server, "hbase:meta has regions on a server that isn't there");
        env.expire_server(&server).await;
    }
}

/// Opens the regions of enabled tables that nobody has in hand and that are nowhere. Counterpart of
/// `processOfflineRegions`.
pub(super) async fn assign_offline_regions(env: &MasterEnv) -> Result<(), StartError> {
    let mut offline: Vec<RegionInfo> = Vec::new();
    env.regions.for_each(|node| {
        if node.state() == RegionState::Offline && node.owner().is_none() && !node.is_split() {
            offline.push(node.info().clone());
        }
    });
    offline.retain(|region| env.tables.is_in(region.table(), &[TableState::Enabled]));
    if env.regions.with(EncodedName::META, |node| node.state() == RegionState::Offline) == Some(true) {
        offline.retain(|region| !region.is_meta());
    }
    offline.sort();
    let assigns = offline.iter().filter_map(|region| env.assign(region, None, false).ok());
    let assigns: Vec<_> = assigns
        .map(|assign| NewProcedure {
            procedure: Box::new(assign) as Box<dyn Procedure<MasterEnv>>,
            owner: None,
            nonce: None,
        })
        .collect();
    if assigns.is_empty() {
        return Ok(());
    }
    tracing::info!(regions = assigns.len(), "assigning regions that are nowhere");
    let executor = env.executor().ok_or_else(|| ended(env))?;
    executor.submit_all(assigns).await.map_err(|_| ended(env))?;
    Ok(())
}

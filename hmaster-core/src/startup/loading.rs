//! Regions, tables and schemas, as they are kept.

use std::collections::BTreeSet;

use hmaster_types::RegionInfo;

use super::plan::{Known, ReconcilePlan};
use super::{Covered, reconcile};
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

/// Reads hbase:meta and the schemas, which have nothing to do with each other, and decides what is to be brought to an end.
pub(super) async fn load_meta(env: &MasterEnv, covered: &Covered) -> Result<ReconcilePlan, StepError> {
    let (loaded, schemas) = tokio::join!(env.catalog.load(), env.load_schemas());
    schemas?;
    let loaded = loaded?;
    for row in &loaded.unreadable {
        tracing::error!(%row, "left alone");
    }
    tracing::info!(regions = loaded.regions.len(), tables = loaded.tables.len(), "hbase:meta is loaded");
    let plan = ReconcilePlan::new(&Known {
        meta: &loaded,
        schemas: env.schemas.all().iter().map(|schema| schema.name().clone()).collect(),
        covered,
        is_live: &|server| env.servers.is_online(server),
    });
    loaded.regions.into_iter().for_each(|record| env.regions.load(record));
    env.tables.load(loaded.tables);
    reconcile::doubt(env, covered);
    reconcile::count_as_enabled(env, &plan).await?;
    recover_unknown_servers(env).await;
    Ok(plan)
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

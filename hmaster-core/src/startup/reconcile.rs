//! Brings to an end what no procedure does: acts as [`super::plan`] has decided. hbase:meta's own region comes first, as
//! everything else is recorded there.

use std::sync::Arc;
use std::time::Duration;

use hmaster_procedure::Procedure;
use hmaster_procedure::engine::NewProcedure;
use hmaster_types::{EncodedName, RegionInfo, RegionState, ServerName, TableState, class};

use super::plan::{ReconcilePlan, RegionStep, TableStep};
use super::{Covered, StartError, ended, submit};
use crate::assignment::RegionNode;
use crate::environment::MasterEnv;
use crate::error::StepError;
use crate::tables::disable::DisableTable;
use crate::tables::enable::EnableTable;
use crate::tables::init_meta::InitMeta;

/// Regions of these states were told something that may be lost.
const BETWEEN: [RegionState; 4] =
    [RegionState::Opening, RegionState::Closing, RegionState::Splitting, RegionState::Merging];
/// Between two questions where hbase:meta is.
const ASK_META_AGAIN: Duration = Duration::from_secs(1);

/// What becomes of hbase:meta's region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MetaStep {
    /// Somebody has it in hand.
    Nothing,
    /// The cluster is new.
    Make,
    /// It counts as open: its server is asked.
    Verify,
    /// It is nowhere, or between two states.
    Assign,
}

fn meta_step(node: Option<&RegionNode>, covered: &Covered) -> MetaStep {
    let is_recovered = |node: &RegionNode| {
        node.is_in(&BETWEEN) || node.state() == RegionState::Open
    } && node.location().is_some_and(|server| covered.crashes.contains(server));
    match node {
        _ if covered.has_region(&RegionInfo::meta()) => MetaStep::Nothing,
        None => MetaStep::Make,
        Some(node) if is_recovered(node) || node.owner().is_some() => MetaStep::Nothing,
        Some(node) if node.state() == RegionState::Open && node.location().is_some() => MetaStep::Verify,
        Some(_) => MetaStep::Assign,
    }
}

/// Marks the regions whose servers may have been told something that nobody knows of any more, see
/// [`RegionNode::doubtful_place`]. Those of dead servers are their recoveries' as long as nobody else has them in hand.
pub(super) fn doubt(env: &MasterEnv, covered: &Covered) {
    let mut doubtful = Vec::new();
    env.regions.for_each(|node| {
        let name = node.info().encoded_name();
        let Some(server) = node.location().filter(|_| node.is_in(&BETWEEN)) else { return };
        let is_waiting_for_recovery = covered.has_region(node.info()) && !covered.is_recovered(name);
        if env.servers.is_online(server) || is_waiting_for_recovery {
            doubtful.push(name);
        }
    });
    doubtful.into_iter().for_each(|region| env.regions.doubt(region));
}

/// Brings hbase:meta's region to where it is open, unless somebody does.
pub(super) async fn settle_meta(env: &Arc<MasterEnv>, covered: &Covered) -> Result<(), StartError> {
    let node = env.regions.get(EncodedName::META);
    let step = meta_step(node.as_ref(), covered);
    tracing::info!(?step, "hbase:meta");
    match (step, node.and_then(|node| node.location().cloned())) {
        (MetaStep::Make, _) => submit(env, InitMeta::procedure()).await.map(drop),
        (MetaStep::Assign, _) => assign_meta(env).await,
        (MetaStep::Verify, Some(server)) => {
            env.tasks.spawn(verify_meta(env.clone(), server));
            Ok(())
        }
        (MetaStep::Nothing | MetaStep::Verify, _) => Ok(()),
    }
}

async fn assign_meta(env: &MasterEnv) -> Result<(), StartError> {
    match env.assign(&RegionInfo::meta(), None, false) {
        Ok(assign) => submit(env, assign).await.map(drop),
        Err(error) => {
            tracing::info!(%error, "hbase:meta is left to the procedure that has it");
            Ok(())
        }
    }
}

/// Asks the server that hbase:meta should be open on. If it isn't there, that may be because the place was taken from a
/// copy of long ago; nothing else goes on before it is open.
async fn verify_meta(env: Arc<MasterEnv>, server: ServerName) {
    let meta = RegionInfo::meta();
    loop {
        let is_there = |node: &RegionNode| {
            node.owner().is_none() && node.state() == RegionState::Open && node.location() == Some(&server)
        };
        if !env.regions.with(EncodedName::META, is_there).unwrap_or(false) || !env.servers.is_online(&server)
        {
            return;
        }
        let answer = tokio::select! {
            biased;
            () = env.shutdown.cancelled() => return,
            answer = env.region_servers.get_region_info(&server, &meta, false) => answer,
        };
        let Err(error) = answer else { return };
        let is_absent = error.exception().is_some_and(|exception| {
            exception.is(class::NOT_SERVING_REGION) || exception.is(class::REGION_MOVED)
        });
        tracing::warn!(%server, %error, is_absent, "hbase:meta doesn't answer where it should be open");
        if is_absent {
            env.regions.doubt(EncodedName::META);
            if let Err(error) = assign_meta(&env).await {
                tracing::warn!(%error, "hbase:meta isn't opened again");
            }
            return;
        }
        tokio::select! {
            biased;
            () = env.shutdown.cancelled() => return,
            () = tokio::time::sleep(ASK_META_AGAIN) => {}
        }
    }
}

/// A table without a state comes from a release without such states; it counts as enabled, as in Java.
pub(super) async fn count_as_enabled(env: &MasterEnv, plan: &ReconcilePlan) -> Result<(), StepError> {
    for table in plan.tables_of(TableStep::CountAsEnabled) {
        tracing::warn!(%table, "the table counts as enabled from now on");
        env.set_table_state(table, TableState::Enabled).await?;
    }
    Ok(())
}

/// Submits what brings regions and tables to an end, all at once: after a crash either all of it goes on, or the next
/// master finds everything as it was.
pub(super) async fn submit_all(env: &MasterEnv, plan: &ReconcilePlan) -> Result<(), StartError> {
    let regions = plan.regions.iter().filter_map(|(record, step)| of_region(env, &record.info, *step));
    let tables = plan.tables.iter().filter_map(|(table, step)| {
        let procedure: Box<dyn Procedure<MasterEnv>> = match step {
            TableStep::Enable => Box::new(EnableTable::resume(table.clone())),
            TableStep::Disable => Box::new(DisableTable::resume(table.clone())),
            TableStep::CountAsEnabled => return None,
            TableStep::Leave(why) => {
                tracing::warn!(%table, why, "the table is left alone");
                return None;
            }
        };
        tracing::warn!(%table, ?step, "nobody has the table in hand");
        Some(procedure)
    });
    let all: Vec<_> = regions.chain(tables).collect();
    if all.is_empty() {
        return Ok(());
    }
    tracing::info!(procedures = all.len(), "bringing to an end what no procedure does");
    let new = |procedure| NewProcedure { procedure, owner: None, nonce: None };
    let executor = env.executor().ok_or_else(|| ended(env))?;
    executor.submit_all(all.into_iter().map(new).collect()).await.map_err(|_| ended(env))?;
    Ok(())
}

fn of_region(
    env: &MasterEnv,
    region: &RegionInfo,
    step: RegionStep,
) -> Option<Box<dyn Procedure<MasterEnv>>> {
    let procedure = match step {
        RegionStep::Open | RegionStep::SettleOpen => env.assign(region, None, false),
        RegionStep::SettleClosed => env.unassign(region),
        RegionStep::Recover => return None,
        RegionStep::Leave(why) => {
            tracing::warn!(%region, why, "the region is left alone");
            return None;
        }
    };
    match procedure {
        Ok(procedure) => {
            tracing::warn!(%region, ?step, "nobody has the region in hand");
            Some(Box::new(procedure))
        }
        Err(error) => {
            tracing::info!(%error, "left to the procedure that has it");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assignment::RegionRecord;

    #[test]
    fn meta_is_brought_to_where_it_is_open() {
        use RegionState::{Closed, Closing, Offline, Open, Opening};
        let node = |state, place: &str| {
            let location = (!place.is_empty()).then(|| format!("{place},1,1").parse().unwrap());
            RegionNode::new(RegionRecord { location, ..RegionRecord::new(RegionInfo::meta(), state) }, 1)
        };
        let mut covered = Covered::default();
        covered.crashes.insert("dead,1,1".parse().unwrap());
        let table = [
            (None, MetaStep::Make),
            (Some(node(Open, "live")), MetaStep::Verify),
            (Some(node(Open, "dead")), MetaStep::Nothing),
            (Some(node(Opening, "dead")), MetaStep::Nothing),
            (Some(node(Opening, "live")), MetaStep::Assign),
            (Some(node(Closing, "live")), MetaStep::Assign),
            (Some(node(Offline, "")), MetaStep::Assign),
            // It has left the server that is dead.
            (Some(node(Closed, "dead")), MetaStep::Assign),
        ];
        for (node, step) in table {
            assert_eq!(meta_step(node.as_ref(), &covered), step, "{node:?}");
        }
    }
}

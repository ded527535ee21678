//! Regions that a server has open and shouldn't, or should have and hasn't. Counterpart of
//! `AssignmentManager.checkOnlineRegionsReport`.
//!
//! Differs from Java in that a region is missed which counts as open on a server and isn't in two of its reports: a command
//! of an earlier master may have closed it. It is opened again where it should be, and nowhere else (danger 2).

use std::collections::HashSet;
use std::sync::Arc;

use hmaster_protocol::pb;
use hmaster_types::{EncodedName, RegionState, ServerName, TableState};

use crate::assignment::RegionNode;
use crate::environment::MasterEnv;

/// A report may be older than the last change by as much, as in Java.
const LAG_MS: u64 = 1000;

/// Compares what a server has open with what it should have, and closes what is left over.
pub(super) fn check(env: &Arc<MasterEnv>, server: &ServerName, load: &pb::ServerLoad) {
    if !env.conditions.is_meta_loaded() || !env.servers.is_online(server) {
        return;
    }
    let now_ms = env.clock.now_ms();
    for region in &load.region_loads {
        let Ok(name) = EncodedName::try_from(&region.region_specifier) else { continue };
        // A region that hbase:meta doesn't know belongs nowhere.
        let stray = env.regions.with(name, |node| is_stray(node, server, now_ms)).unwrap_or(true);
        if stray {
            tracing::warn!(%server, region = %name, "open where it shouldn't be, closing it");
            close(env, server, region.region_specifier.clone());
        }
    }
    // A load without a beginning is none: the report came without one.
    if load.report_start_time.is_some() && !env.servers.is_going_down() {
        open_missing(env, server, load);
    }
}

fn open_missing(env: &Arc<MasterEnv>, server: &ServerName, load: &pb::ServerLoad) {
    let names = load.region_loads.iter();
    let names = names.filter_map(|region| EncodedName::try_from(&region.region_specifier).ok());
    let reported: HashSet<_> = names.collect();
    for region in env.regions.missing_twice(server, &reported, LAG_MS) {
        if !env.tables.is_in(region.table(), &[TableState::Enabled]) {
            continue;
        }
        // Somebody may have just taken it in hand.
        let Ok(assign) = env.assign(&region, None, false) else { continue };
        tracing::warn!(%server, %region, "its server doesn't report it, opening it there again");
        env.regions.doubt(region.encoded_name());
        let task = env.clone();
        env.tasks.spawn(async move {
            // If the reign has ended, the next one misses it, too.
            let _ = task.submit(assign).await;
        });
    }
}

fn is_stray(node: &RegionNode, server: &ServerName, now_ms: u64) -> bool {
    let settled = now_ms.saturating_sub(node.last_update_ms()) > LAG_MS;
    let elsewhere = node.location().is_some_and(|place| place != server);
    settled && elsewhere && node.is_in(&[RegionState::Open, RegionState::Opening])
}

fn close(env: &Arc<MasterEnv>, server: &ServerName, region: pb::RegionSpecifier) {
    let request = pb::CloseRegionRequest {
        region,
        server_start_code: Some(server.start_code().0),
        close_proc_id: Some(-1),
        initiating_master_active_time: Some(env.active_time.0.cast_signed()),
        ..Default::default()
    };
    let (task, server) = (env.clone(), server.clone());
    env.tasks.spawn(async move {
        // The next report tells whether it helped.
        if let Err(error) = task.region_servers.close_region(&server, request).await {
            tracing::warn!(%server, %error, "the stray region isn't closed");
        }
    });
}

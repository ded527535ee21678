//! Regions that a server has open and shouldn't. Counterpart of `AssignmentManager.checkOnlineRegionsReport`.

use std::sync::Arc;

use hmaster_protocol::pb;
use hmaster_types::{EncodedName, RegionState, ServerName};

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

//! `sub=Server`. Counterpart of `MetricsMasterSource` and `MetricsMasterWrapper`.

use hmaster_core::environment::MasterEnv;
use hmaster_types::ServerName;

use super::{Bean, Content, Counted};
use crate::server::Sources;
use crate::status::regions;

/// A master that waits shows who it is; the rest comes when it is active, as in Java.
pub(super) fn server(sources: &Sources, env: Option<&MasterEnv>, counted: &Counted) -> Bean {
    let mut bean = Bean::of_master("Server", "The master and its region servers");
    bean.tag("zookeeperQuorum", sources.config.cluster().connect_string(), "ZooKeeper's servers");
    bean.tag("serverName", sources.server.as_str(), "This master");
    bean.tag("clusterId", sources.view.cluster_id().unwrap_or_default(), "The cluster's id");
    // Java's master counts as active as soon as it has won and its services can be asked.
    bean.tag("isActiveMaster", env.is_some().to_string(), "Whether this master is active");
    bean.gauge(
        "masterStartTime",
        sources.server.start_code().0,
        "Milliseconds since 1970 when the process started",
    );
    if let Some(env) = env {
        servers(&mut bean, env);
        times(&mut bean, env);
        bean.counter(
            "clusterRequests",
            env.metrics.cluster_requests.get(),
            "Requests that region servers reported",
        );
        bean.uncounted(&Content::Gauge(0), &["mergePlanCount", "splitPlanCount", "oldWALsDirSize"]);
        counted.put(&mut bean, "ServerCrash", "ServerCrashProcedure");
    }
    bean
}

fn servers(bean: &mut Bean, env: &MasterEnv) {
    let live: Vec<_> = env.servers.online().into_iter().map(|(server, _)| server).collect();
    let dead: Vec<_> = env.servers.dead().into_iter().map(|(server, _)| server).collect();
    let draining = env.servers.draining();
    bean.tag("liveRegionServers", list(&live), "Region servers that are online");
    bean.tag("deadRegionServers", list(&dead), "Region servers that died");
    bean.tag("drainingRegionServers", list(&draining), "Region servers that get no regions");
    bean.gauge("numRegionServers", live.len() as u64, "Region servers that are online");
    bean.gauge("numDeadRegionServers", dead.len() as u64, "Region servers that died");
    bean.gauge("numDrainingRegionServers", draining.len() as u64, "Region servers that get no regions");
    let load = Content::Fraction(regions::average_load(env, &live));
    bean.push("averageLoad", load, "Regions per region server");
}

fn times(bean: &mut Bean, env: &MasterEnv) {
    bean.gauge(
        "masterActiveTime",
        env.active_time.0,
        "Milliseconds since 1970 when the master became active",
    );
    let initialized = env.conditions.is_initialized().then(|| env.progress.stages());
    let at = initialized.and_then(|stages| stages.last()?.ended_ms).unwrap_or(0);
    bean.gauge(
        "masterFinishedInitializationTime",
        at,
        "Milliseconds since 1970 when clients were served, or 0",
    );
}

fn list(servers: &[ServerName]) -> String {
    servers.iter().map(ServerName::as_str).collect::<Vec<_>>().join(";")
}

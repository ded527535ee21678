//! This master and the others.

use hmaster_core::ports::zookeeper::MasterNode;
use hmaster_core::services::HBASE_VERSION;

use super::format::{ago, duration, or_dash, time};
use crate::server::Sources;
use crate::site::host_and_port;
use crate::standing::Standing;

/// A master.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MasterRow {
    pub(crate) server: String,
    pub(crate) started: String,
    /// Its pages, if it has any.
    pub(crate) pages: Option<String>,
}

impl MasterRow {
    pub(crate) fn of(master: &MasterNode) -> Self {
        let server = &master.server;
        let pages = || format!("http://{}/master-status", host_and_port(server.host(), master.info_port));
        Self {
            server: server.to_string(),
            started: time(server.start_code().0),
            pages: (master.info_port != 0).then(pages),
        }
    }
}

/// Facts, by name.
pub(crate) type Facts = Vec<(&'static str, String)>;

/// What is to be known of this master.
pub(crate) fn this_master(sources: &Sources, standing: &Standing) -> Facts {
    let now_ms = sources.clock.now_ms();
    let since = |ms: u64| format!("{} ({} ago)", time(ms), ago(now_ms, ms));
    let mut facts = vec![
        ("Server", sources.server.to_string()),
        ("HBase version", HBASE_VERSION.to_owned()),
        ("hmaster version", env!("CARGO_PKG_VERSION").to_owned()),
        ("Process started", since(sources.server.start_code().0)),
    ];
    if let Standing::Active(reign) = standing {
        let env = &reign.env;
        facts.push(("Active since", since(env.active_time.0)));
        let stages = env.progress.stages();
        let ends = stages.first().zip(stages.last().and_then(|last| last.ended_ms));
        if let Some((first, ended_ms)) = ends.filter(|_| env.conditions.is_initialized()) {
            let took = duration(ended_ms.saturating_sub(first.began_ms));
            facts.push(("Serving since", format!("{}, after a start of {took}", time(ended_ms))));
        }
    }
    facts.push(("Cluster id", or_dash(sources.view.cluster_id())));
    facts.push(("ZooKeeper", sources.config.cluster().connect_string()));
    facts.push(("Base znode", sources.config.options().zookeeper.parent.clone()));
    facts.push(("Root folder", sources.config.cluster().root_dir_text.clone()));
    facts
}

/// A stage of the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StageRow {
    pub(crate) name: &'static str,
    pub(crate) began: String,
    pub(crate) took: String,
    pub(crate) is_running: bool,
}

/// The stages of the start, as long as there are any.
pub(crate) fn stages(sources: &Sources, standing: &Standing) -> Vec<StageRow> {
    let progress = match standing {
        Standing::Starting(progress) => progress,
        Standing::Active(reign) => &reign.env.progress,
        Standing::Waiting { .. } | Standing::Stopping => return Vec::new(),
    };
    let now_ms = sources.clock.now_ms();
    let row = |stage: hmaster_core::progress::Stage| StageRow {
        name: stage.name,
        began: time(stage.began_ms),
        took: duration(stage.ended_ms.unwrap_or(now_ms).saturating_sub(stage.began_ms)),
        is_running: stage.ended_ms.is_none(),
    };
    progress.stages().into_iter().map(row).collect()
}

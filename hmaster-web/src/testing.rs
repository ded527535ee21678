//! What tests of this crate share.

use std::sync::Arc;

use async_trait::async_trait;
use hmaster_config::{Builder, Configuration, Environment, Origin};
use hmaster_core::ports::zookeeper::MasterNode;
use hmaster_core::role::RoleCell;
use hmaster_core::services::ClusterView;
use hmaster_types::{Clock, JavaException, ManualClock, RegionState, ServerName};

use crate::Sources;
use crate::statistics::{Distribution, RpcSnapshot, RpcStatistics};

/// What a master sees in ZooKeeper.
#[derive(Debug, Default)]
pub(crate) struct FixedView {
    pub(crate) active: Option<MasterNode>,
    pub(crate) backups: Vec<MasterNode>,
}

#[async_trait]
impl ClusterView for FixedView {
    fn cluster_id(&self) -> Option<String> {
        Some("the-\"cluster\"".into())
    }

    fn active_master(&self) -> Option<MasterNode> {
        self.active.clone()
    }

    fn backup_masters(&self) -> Vec<MasterNode> {
        self.backups.clone()
    }

    async fn region_servers(&self) -> Result<Vec<ServerName>, JavaException> {
        Ok(Vec::new())
    }

    async fn meta_locations(&self) -> Result<Vec<(u16, Option<ServerName>, RegionState)>, JavaException> {
        Ok(Vec::new())
    }
}

/// An RPC server that has answered one call.
struct OneCall;

impl RpcStatistics for OneCall {
    fn snapshot(&self) -> RpcSnapshot {
        let exceptions_by_class =
            [("CallQueueTooBigException".to_owned(), 2), ("Other".to_owned(), 1)].into();
        RpcSnapshot {
            connections_open: 7,
            exceptions: 3,
            exceptions_by_class,
            total_ms: Distribution::new(1, 16, 16, 16, |_| 16),
            ..RpcSnapshot::default()
        }
    }
}

pub(crate) fn server(name: &str) -> ServerName {
    name.parse().unwrap()
}

pub(crate) fn master(name: &str, info_port: u16) -> MasterNode {
    MasterNode { server: server(name), info_port }
}

/// `me,16000,1000`, at 61,000 ms, with these keys.
pub(crate) fn sources(role: Arc<RoleCell>, view: FixedView, keys: &[(&str, &str)]) -> Sources {
    sources_at(Arc::new(ManualClock::at(61_000)), role, view, keys)
}

pub(crate) fn sources_at(
    clock: Arc<dyn Clock>,
    role: Arc<RoleCell>,
    view: FixedView,
    keys: &[(&str, &str)],
) -> Sources {
    let environment = Environment::new([("user.name", "u"), ("java.io.tmpdir", "/tmp")], []);
    let raw =
        keys.iter().fold(Builder::new(environment), |b, (k, v)| b.set(k, v, Origin::CommandLine)).build();
    Sources {
        config: Configuration::new(raw).unwrap(),
        server: server("me,16000,1000"),
        role,
        view: Arc::new(view),
        clock,
        rpc: Some(Arc::new(OneCall)),
    }
}

//! A scenario with a master of either kind, each in a process of its own.

use std::sync::Arc;

use anyhow::Result;
use async_trait::async_trait;
use hmaster_config::{Builder, Configuration, Environment, Origin};
use hmaster_swarm::SwarmError;
use hmaster_swarm::limits::zookeeper_connections;
use hmaster_swarm::masters::Masters;
use hmaster_swarm::results::Results;
use hmaster_swarm::run::Run;
use hmaster_swarm::scenario::Scenario;
use hmaster_tests::{Cluster, MasterKind, Server, ServerOptions, ZooKeeper};
use hmaster_types::SystemClock;
use hmaster_zk_server::ZkServer;
use parking_lot::Mutex;

/// Runs a scenario in a cluster of its own.
pub(crate) async fn run(kind: &MasterKind, scenario: Scenario, heap_mb: u32) -> Result<Results> {
    let zk = ZkServer::builder().connections_max(zookeeper_connections(scenario.servers)).start().await?;
    let builder = Cluster::builder("swarm").zookeeper(ZooKeeper::At(zk.connect_string())).heap_mb(heap_mb);
    let builder = scenario.settings.iter().fold(builder, |builder, (key, value)| builder.conf(key, value));
    let cluster = Arc::new(builder.start().await?);
    let origin = || Origin::Program("swarm");
    let usual = [
        ("hbase.zookeeper.quorum", cluster.zookeeper()),
        ("hbase.rootdir", cluster.root()),
        ("hbase.regionserver.hostname", "localhost"),
        ("hbase.regionserver.port", "0"),
    ];
    let of_scenario = scenario.settings.iter().map(|(key, value)| (&**key, &**value));
    let raw = usual
        .into_iter()
        .chain(of_scenario)
        .fold(Builder::new(Environment::of_process()), |builder, (key, value)| {
            builder.set(key, value, origin())
        });
    let masters = Arc::new(Peers { kind: kind.clone(), cluster: cluster.clone(), running: Mutex::default() });
    let run = Run {
        config: Configuration::new(raw.build())?,
        scenario,
        masters: masters.clone(),
        clock: Arc::new(SystemClock),
        seed: 1,
    };
    let results = Box::pin(run.run()).await;
    drop(masters);
    if let Some(cluster) = Arc::into_inner(cluster) {
        cluster.finish().await?;
    }
    zk.shutdown().await?;
    Ok(results?)
}

/// Masters of one kind.
struct Peers {
    kind: MasterKind,
    cluster: Arc<Cluster>,
    running: Mutex<Vec<Server>>,
}

#[async_trait]
impl Masters for Peers {
    async fn start(&self, settings: &[(&str, String)]) -> Result<(), SwarmError> {
        let options =
            settings.iter().fold(ServerOptions::default(), |options, (key, value)| options.conf(key, value));
        let starting = self.cluster.start_master_with(&self.kind, &options);
        // The compiler can't tell that this future may go from thread to thread, so it stays on this one.
        let started = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(starting));
        let started = started.map_err(|error| failed("start", &error))?;
        self.running.lock().push(started);
        Ok(())
    }

    async fn kill(&self) -> Result<(), SwarmError> {
        let first = {
            let mut running = self.running.lock();
            if running.is_empty() { None } else { Some(running.remove(0)) }
        };
        let first = first.ok_or_else(|| failed("kill", &anyhow::anyhow!("none runs")))?;
        first.kill9().await.map_err(|error| failed("kill", &error))
    }

    fn pid(&self) -> Option<u32> {
        self.running.lock().first().and_then(|server| server.pid())
    }
}

fn failed(operation: &'static str, error: &anyhow::Error) -> SwarmError {
    SwarmError::Master { operation, reason: format!("{error:#}") }
}

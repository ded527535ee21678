//! ZooKeeper, a root folder, and masters in this process.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hmaster::standalone::LocalSettings;
use hmaster::{Master, MasterHandle};
use hmaster_config::Override;
use hmaster_swarm::SwarmError;
use hmaster_swarm::masters::Masters;
use hmaster_swarm::results::Results;
use hmaster_swarm::run::Run;
use hmaster_swarm::scenario::Scenario;
use hmaster_types::SystemClock;
use hmaster_zk_server::ZkServer;
use parking_lot::Mutex;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// Sessions of killed masters run out within this.
const SESSION_TIMEOUT: Duration = Duration::from_secs(2);

/// What masters and servers need.
pub(crate) struct Ground {
    settings: LocalSettings,
    _zk: ZkServer,
    _folder: TempDir,
}

/// Masters in this process.
struct InProcess {
    settings: LocalSettings,
    running: Mutex<Vec<(MasterHandle, AbortOnDropHandle<()>)>>,
}

impl Ground {
    pub(crate) async fn new() -> Self {
        let zk = ZkServer::builder()
            .tick_time(SESSION_TIMEOUT / 4)
            .min_session_timeout(SESSION_TIMEOUT)
            .max_session_timeout(SESSION_TIMEOUT)
            .start()
            .await
            .expect("ZooKeeper");
        let folder = tempfile::tempdir().expect("a folder");
        let timeout = SESSION_TIMEOUT.as_millis().to_string();
        let usual = [
            ("hbase.master.port", "0"),
            ("hbase.master.info.port", "-1"),
            ("hbase.regionserver.port", "0"),
            ("hbase.regionserver.msginterval", "500"),
            ("zookeeper.session.timeout", &timeout),
        ];
        let overrides = usual.map(|(key, value)| Override { key: key.to_owned(), value: value.to_owned() });
        let root: &Path = &folder.path().join("hbase");
        let settings = LocalSettings::new(root, zk.local_addr(), 1, overrides.into());
        Self { settings, _zk: zk, _folder: folder }
    }

    /// Runs a scenario with hmaster.
    pub(crate) async fn run(&self, scenario: Scenario) -> Result<Results, SwarmError> {
        let run = Run {
            config: self.settings.configuration(&[]).expect("configuration"),
            scenario,
            masters: Arc::new(InProcess { settings: self.settings.clone(), running: Mutex::default() }),
            clock: Arc::new(SystemClock),
            seed: 7,
        };
        Box::pin(run.run()).await
    }
}

#[async_trait]
impl Masters for InProcess {
    async fn start(&self, settings: &[(&str, String)]) -> Result<(), SwarmError> {
        let own: Vec<(&str, &str)> = settings.iter().map(|(key, value)| (*key, &**value)).collect();
        let config = self.settings.configuration(&own).expect("configuration");
        let master = Master::builder(config).leaves_session(true).build().expect("a master");
        let handle = master.handle();
        let task = AbortOnDropHandle::new(tokio::spawn(async move {
            let _ended = master.run(CancellationToken::new()).await;
        }));
        self.running.lock().push((handle, task));
        Ok(())
    }

    async fn kill(&self) -> Result<(), SwarmError> {
        let (_, task) = self.running.lock().remove(0);
        task.abort();
        let _ = task.await;
        Ok(())
    }

    fn pid(&self) -> Option<u32> {
        None
    }
}

//! A ZooKeeper, a root folder and a configuration for one run, and how masters are started on them.
//!
//! ```text
//! TMP/hmaster-swarm-PID/hbase/                  hbase.rootdir
//! TMP/hmaster-swarm-PID/conf/hbase-site.xml     for masters
//! TMP/hmaster-swarm-PID/logs/master.log         what masters say; kept when the run fails
//! ```

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use hmaster::standalone::LocalSettings;
use hmaster_config::{Configuration, Override, WriteError, site_xml};
use hmaster_swarm::limits::zookeeper_connections;
use hmaster_swarm::masters::Processes;
use hmaster_swarm::scenario::Scenario;
use hmaster_zk_server::ZkServer;

use super::MasterProgram;

/// What a run has for itself.
pub(super) struct Ground {
    folder: PathBuf,
    zk: ZkServer,
    config: Configuration,
}

impl Ground {
    pub(super) async fn new(scenario: &Scenario, overrides: &[Override]) -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("hmaster-swarm-{}", std::process::id()));
        let zk = ZkServer::builder().connections_max(zookeeper_connections(scenario.servers)).start().await?;
        let own = [
            ("hbase.master.port", "0"),
            ("hbase.master.info.port", "-1"),
            ("hbase.regionserver.port", "0"),
            ("hbase.regionserver.info.port", "-1"),
        ];
        let own = own.map(|(key, value)| Override { key: key.into(), value: value.into() });
        let all = own.into_iter().chain(overrides.iter().cloned()).collect();
        let settings = LocalSettings::new(&folder.join("hbase"), zk.local_addr(), 1, all);
        let config = settings.configuration(&[])?;
        let conf_dir = folder.join("conf");
        let written = tokio::fs::create_dir_all(&conf_dir).await;
        written.with_context(|| format!("make {}", conf_dir.display()))?;
        let path = conf_dir.join("hbase-site.xml");
        let written = tokio::fs::write(&path, site(&config)?).await;
        written.with_context(|| format!("write {}", path.display()))?;
        Ok(Self { folder, zk, config })
    }

    pub(super) fn config(&self) -> &Configuration {
        &self.config
    }

    pub(super) fn conf_dir(&self) -> PathBuf {
        self.folder.join("conf")
    }

    pub(super) fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    /// Takes everything away, unless somebody will want to know what went wrong.
    pub(super) async fn leave(self, is_well: bool) -> anyhow::Result<()> {
        if !is_well {
            tracing::warn!(folder = %self.folder.display(), "what masters said is kept");
            return Ok(());
        }
        self.zk.shutdown().await?;
        let gone = tokio::fs::remove_dir_all(&self.folder).await;
        gone.with_context(|| format!("remove {}", self.folder.display()))
    }
}

/// Everything that is set, for masters in other processes.
fn site(config: &Configuration) -> Result<String, WriteError> {
    let raw = config.raw();
    site_xml(raw.iter().filter_map(|(key, _)| Some((key, raw.get(key).ok().flatten()?))))
}

/// Masters that read their settings in `conf_dir`.
pub(super) fn processes(
    program: &MasterProgram,
    conf_dir: &Path,
    logs: PathBuf,
) -> anyhow::Result<Processes> {
    let conf_dir = conf_dir.as_os_str().to_owned();
    let word = OsString::from;
    Ok(match program {
        MasterProgram::Java(home) => {
            let before = [word("--config"), conf_dir, word("master")];
            Processes::new(home.join("bin/hbase"), before, [word("start")], logs)
        }
        MasterProgram::Hmaster | MasterProgram::Running => {
            let this = std::env::current_exe().context("find this program")?;
            Processes::new(this, [word("start"), word("--conf-dir"), conf_dir], [], logs)
        }
    })
}

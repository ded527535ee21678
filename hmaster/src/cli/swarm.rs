//! `hmaster swarm`: thousands of region servers without rows against a master, and what the master does with them.

mod ground;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use hmaster_config::{Configuration, Override};
use hmaster_swarm::limits::raise_open_files;
use hmaster_swarm::masters::{Given, Masters};
use hmaster_swarm::results::Results;
use hmaster_swarm::run::Run;
use hmaster_swarm::scenario::Scenario;
use hmaster_types::SystemClock;
use tracing::Level;

use super::{Settings, log_to_stderr, runtime, shutdown_by_signal};
use ground::Ground;

#[derive(Debug, clap::Args)]
pub(super) struct Swarm {
    /// What is to happen: a file of JSON
    #[arg(long, value_name = "FILE")]
    scenario: PathBuf,
    /// A cluster's folder with hbase-site.xml; without it and --zk there is a ZooKeeper and a root folder for this run only
    #[arg(long, value_name = "DIR", conflicts_with = "zk")]
    conf_dir: Option<PathBuf>,
    /// A cluster's ZooKeeper servers; -D hbase.rootdir=... has to say where its files are
    #[arg(long, value_name = "HOST:PORT")]
    zk: Option<String>,
    /// The master that is started: hmaster (this program), java:HBASE_HOME, or running for one that is there already
    /// [default: hmaster, with --conf-dir or --zk running]
    #[arg(long, value_name = "MASTER")]
    master: Option<MasterProgram>,
    /// Another number of light servers than the scenario has
    #[arg(long, value_name = "N")]
    servers: Option<usize>,
    /// Another number of regions than the scenario's first table, and each that it creates, has
    #[arg(long, value_name = "N")]
    regions: Option<usize>,
    /// What random choices come from
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Print the results as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: Settings,
}

/// Which master a scenario starts.
#[derive(Debug, Clone, PartialEq, Eq)]
enum MasterProgram {
    Hmaster,
    Java(PathBuf),
    Running,
}

impl FromStr for MasterProgram {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "hmaster" => Ok(Self::Hmaster),
            None if text == "running" => Ok(Self::Running),
            Some(("java", home)) if !home.is_empty() => Ok(Self::Java(home.into())),
            _ => Err("hmaster, java:HBASE_HOME or running".into()),
        }
    }
}

impl Swarm {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        log_to_stderr(Level::WARN);
        let scenario = Scenario::read(&self.scenario)?.resized(self.servers, self.regions);
        let is_own = self.conf_dir.is_none() && self.zk.is_none();
        raise_open_files(scenario.servers, is_own)?;
        runtime()?.block_on(self.start(scenario, is_own))
    }

    async fn start(self, scenario: Scenario, is_own: bool) -> anyhow::Result<ExitCode> {
        let shutdown = shutdown_by_signal()?;
        let ground =
            if is_own { Some(Ground::new(&scenario, &self.overrides(&scenario)).await?) } else { None };
        let done = async {
            let config = match &ground {
                Some(ground) => ground.config().clone(),
                None => self.configuration(&scenario)?,
            };
            let masters = self.masters(ground.as_ref(), &scenario)?;
            let clock = Arc::new(SystemClock);
            let run = Run { config, scenario, masters, clock, seed: self.seed };
            Ok::<_, anyhow::Error>(Box::pin(run.run()).await?)
        };
        let results = tokio::select! {
            biased;
            () = shutdown.cancelled() => return Ok(ExitCode::FAILURE),
            results = done => results,
        };
        if let Some(ground) = ground {
            ground.leave(results.is_ok()).await?;
        }
        print(&results?, self.json).context("print the results")?;
        Ok(ExitCode::SUCCESS)
    }

    /// Those of the scenario first: the command line beats them.
    fn overrides(&self, scenario: &Scenario) -> Vec<Override> {
        let of_scenario = scenario.settings.iter();
        let of_scenario = of_scenario.map(|(key, value)| Override { key: key.clone(), value: value.clone() });
        of_scenario.chain(self.settings.overrides.iter().cloned()).collect()
    }

    fn configuration(&self, scenario: &Scenario) -> anyhow::Result<Configuration> {
        let mut overrides = self.overrides(scenario);
        if let Some(zk) = &self.zk {
            overrides.push(Override { key: "hbase.zookeeper.quorum".into(), value: zk.clone() });
            let has_root = overrides.iter().any(|setting| setting.key == "hbase.rootdir");
            ensure!(has_root, "--zk {zk}: -D hbase.rootdir=... has to say where the cluster's files are");
        }
        if !overrides.iter().any(|setting| setting.key == "hbase.regionserver.port") {
            overrides.push(Override { key: "hbase.regionserver.port".into(), value: "0".into() });
        }
        Ok(Configuration::load(self.conf_dir.as_deref(), &overrides)?)
    }

    fn masters(&self, ground: Option<&Ground>, scenario: &Scenario) -> anyhow::Result<Arc<dyn Masters>> {
        let conf_dir = ground.map(Ground::conf_dir).or_else(|| self.conf_dir.clone());
        let usual = if ground.is_some() { MasterProgram::Hmaster } else { MasterProgram::Running };
        let program = self.master.clone().unwrap_or(usual);
        match (program, conf_dir) {
            (MasterProgram::Running, _) if scenario.needs_own_master() => {
                bail!(
                    "this scenario starts and kills masters: --master hmaster or java:HBASE_HOME has to say which"
                )
            }
            (MasterProgram::Running, _) => Ok(Arc::new(Given)),
            (_, None) => bail!("--master: a master that is to be started needs --conf-dir"),
            (program, Some(conf_dir)) => {
                let logs = ground.map_or_else(std::env::temp_dir, Ground::logs);
                Ok(Arc::new(ground::processes(&program, &conf_dir, logs)?))
            }
        }
    }
}

fn print(results: &Results, as_json: bool) -> std::io::Result<()> {
    let text = if as_json { results.to_json() } else { results.to_string() };
    writeln!(std::io::stdout().lock(), "{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masters_by_name() {
        assert_eq!("hmaster".parse(), Ok(MasterProgram::Hmaster));
        assert_eq!("running".parse(), Ok(MasterProgram::Running));
        assert_eq!("java:/opt/hbase".parse(), Ok(MasterProgram::Java("/opt/hbase".into())));
        for wrong in ["java", "java:", "", "hmaster:x"] {
            assert!(wrong.parse::<MasterProgram>().is_err(), "{wrong}");
        }
    }
}

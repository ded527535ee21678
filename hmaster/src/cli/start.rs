//! `hmaster start`: a master in the place of a Java master. Counterpart of `HMasterCommandLine.startMaster`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use hmaster::Master;
use hmaster_config::{Configuration, Environment, RawConfig, Report};

use tracing::Level;

use super::{Settings, log_to_stderr, one_line, runtime, shutdown_by_signal};

#[derive(Debug, clap::Args)]
pub(super) struct Start {
    /// Folder with hbase-site.xml; without it HBASE_CONF_DIR
    #[arg(long, value_name = "DIR")]
    conf_dir: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
    /// Let another master be active first
    #[arg(long)]
    backup: bool,
    /// Print the configuration that is in force, and every problem with it, and exit
    #[arg(long)]
    check: bool,
}

impl Start {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        if self.check {
            return self.check();
        }
        let config = Configuration::load(self.conf_dir.as_deref(), &self.settings.overrides)?;
        log_to_stderr(Level::INFO);
        for warning in config.warnings() {
            tracing::warn!("{warning}");
        }
        runtime()?.block_on(self.start(config))
    }

    fn check(&self) -> anyhow::Result<ExitCode> {
        let conf_dir = self.conf_dir.as_deref();
        let raw = RawConfig::load(conf_dir, &self.settings.overrides, Environment::of_process())?;
        let report = Report::new(&raw);
        let mut out = std::io::stdout().lock();
        writeln!(out, "{report}").context("print the configuration")?;
        // Options that can't be used hide what comes after them.
        let Ok(config) = Configuration::new(raw) else { return Ok(ExitCode::FAILURE) };
        let runtime = runtime()?;
        let _entered = runtime.enter();
        let problems = hmaster::problems(&config);
        for problem in &problems {
            let problem = one_line(problem);
            writeln!(out, "error: {problem}").context("print what keeps a master from starting")?;
        }
        let is_usable = report.is_usable() && problems.is_empty();
        Ok(if is_usable { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn start(self, config: Configuration) -> anyhow::Result<ExitCode> {
        let shutdown = shutdown_by_signal()?;
        let mut builder = Master::builder(config);
        if self.backup {
            builder = builder.backup(true);
        }
        builder.build()?.run(shutdown).await?;
        Ok(ExitCode::SUCCESS)
    }
}

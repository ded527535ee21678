//! `hmaster takeover --dry-run`: what would a master do here?

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use hmaster_config::Configuration;

use super::{Settings, runtime};

#[derive(Debug, clap::Args)]
pub(super) struct Takeover {
    /// Print the plan and change nothing. A real takeover is what `hmaster start` does
    #[arg(long, required = true)]
    dry_run: bool,
    /// Folder with hbase-site.xml; without it HBASE_CONF_DIR
    #[arg(long, value_name = "DIR")]
    conf_dir: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

impl Takeover {
    /// Fails if a master would refuse to start because of procedures that it can't continue.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let config = Configuration::load(self.conf_dir.as_deref(), &self.settings.overrides)?;
        let plan = runtime()?.block_on(hmaster::takeover::dry_run(&config))?;
        write!(std::io::stdout(), "{plan}").context("print the plan")?;
        let bypass = config.options().own.bypass_unknown_procedures;
        Ok(if plan.cannot_continue.is_empty() || bypass { ExitCode::SUCCESS } else { ExitCode::from(2) })
    }
}

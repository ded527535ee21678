//! The command line. Counterpart of `HMasterCommandLine`.

mod balance;
mod standalone;
mod start;
mod swarm;
mod takeover;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use hmaster_config::Override;
use tokio_util::sync::CancellationToken;
use tracing::Level;
use tracing_subscriber::EnvFilter;

/// An Apache HBase master.
#[derive(Debug, Parser)]
#[command(name = "hmaster", version)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "a process has one")]
enum Command {
    /// Runs a master, as `hbase master start` does, in the foreground
    Start(start::Start),
    /// Says what a master would find and do if it took over a cluster, and changes nothing
    Takeover(takeover::Takeover),
    /// Says what the balancer would do, without a cluster
    Balance(balance::Balance),
    /// Runs a whole cluster in this process: ZooKeeper, a master and region servers, on local disk
    Standalone(standalone::Standalone),
    /// Runs thousands of region servers without rows against a master, and measures what the master does with them
    Swarm(swarm::Swarm),
}

/// Settings on the command line.
#[derive(Debug, clap::Args)]
struct Settings {
    /// A setting that beats those of the files; may be given more than once
    #[arg(short = 'D', value_name = "KEY=VALUE")]
    overrides: Vec<Override>,
}

/// Runs what the command line asks for.
pub(crate) fn main() -> ExitCode {
    let command_line = CommandLine::parse();
    let done = match command_line.command {
        Command::Start(start) => start.run(),
        Command::Takeover(takeover) => takeover.run(),
        Command::Balance(balance) => balance.run(),
        Command::Standalone(standalone) => standalone.run(),
        Command::Swarm(swarm) => swarm.run(),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "the one line that says why there is no master")]
fn complain(error: &anyhow::Error) {
    eprintln!("hmaster: {}", one_line(error.as_ref()));
}

/// An error with its causes. A cause that the error before it already tells isn't told again.
fn one_line(error: &(dyn std::error::Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !line.contains(&text) {
            line = format!("{line}: {text}");
        }
        cause = error.source();
    }
    line.replace('\n', " ")
}

/// Logs go to stderr; `RUST_LOG` says what is logged, without it what is at least of this level.
fn log_to_stderr(level: Level) {
    let filter = EnvFilter::builder().with_default_directive(level.into()).from_env_lossy();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    use anyhow::Context as _;
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start the runtime")
}

/// Cancelled by Ctrl-C and by SIGTERM. A second signal ends the process as if there were nobody to catch it.
fn shutdown_by_signal() -> anyhow::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let shutdown = CancellationToken::new();
    let signalled = shutdown.clone();
    tokio::spawn(async move {
        for code in [None, Some(130)] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if let Some(code) = code {
                std::process::exit(code);
            }
            tracing::info!("stopping");
            signalled.cancel();
        }
    });
    Ok(shutdown)
}

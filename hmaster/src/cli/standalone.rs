//! `hmaster standalone`: a whole cluster in this process. Counterpart of a Java master without
//! `hbase.cluster.distributed`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use hmaster::standalone::Standalone as Cluster;
use tracing::Level;

use super::{Settings, log_to_stderr, runtime, shutdown_by_signal};

#[derive(Debug, clap::Args)]
pub(super) struct Standalone {
    /// Folder that keeps everything; made if it isn't there
    #[arg(long, value_name = "DIR", default_value = "./hmaster-data")]
    data_dir: PathBuf,
    /// Port of the embedded ZooKeeper, which clients connect to; 0 for any
    #[arg(long, value_name = "PORT", default_value_t = 2181)]
    zk_port: u16,
    /// How many region servers
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    region_servers: u16,
    #[command(flatten)]
    settings: Settings,
}

impl Standalone {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        // What listens where is what its user wants to see.
        log_to_stderr(Level::WARN);
        runtime()?.block_on(self.start())
    }

    async fn start(self) -> anyhow::Result<ExitCode> {
        let shutdown = shutdown_by_signal()?;
        let starting = Cluster::builder(&self.data_dir)
            .zk_port(self.zk_port)
            .region_servers(usize::from(self.region_servers))
            .overrides(self.settings.overrides)
            .start();
        let mut cluster = tokio::select! {
            biased;
            () = shutdown.cancelled() => return Ok(ExitCode::SUCCESS),
            cluster = starting => cluster?,
        };
        print(&cluster).context("print what listens where")?;
        tokio::select! {
            biased;
            () = shutdown.cancelled() => {}
            failed = cluster.failed() => return Err(failed.into()),
        }
        cluster.stop().await?;
        Ok(ExitCode::SUCCESS)
    }
}

fn print(cluster: &Cluster) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "data            {}", cluster.data_dir().display())?;
    writeln!(out, "ZooKeeper       {}", cluster.zookeeper())?;
    writeln!(out, "master          {}", cluster.master().address())?;
    if let Some(port) = cluster.master().info_port() {
        writeln!(out, "pages           http://{}:{port}/", cluster.master().server().host())?;
    }
    let servers: Vec<_> =
        cluster.region_servers().iter().map(|server| server.address().to_string()).collect();
    writeln!(out, "region servers  {}", servers.join(" "))?;
    writeln!(out, "hbase shell     hbase --config {} shell", cluster.conf_dir().display())?;
    out.flush()
}

//! `hmaster balance`: what would the balancer do? Works on ClusterStatus messages, from files or of a running cluster, and
//! on clusters that are made up. It moves nothing.

mod live;
mod outside;
mod synthetic;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use hmaster_balancer::{
    Balancer, Budget, Cluster, Config, Constraints, ConstraintsText, Function, Method, Plan, Report, WhatIf,
    rack_by_host_name, status,
};
use hmaster_config::{Builder, Configuration, Environment, RawConfig};
use hmaster_types::ServerName;

use super::Settings;
use outside::Outside;
use synthetic::Synthetic;

/// Keys of weights, for `--weight`.
const WEIGHTS: [(&str, Function); 12] = [
    ("count", Function::RegionCount),
    ("primary", Function::PrimaryCount),
    ("move", Function::Move),
    ("locality", Function::ServerLocality),
    ("rack-locality", Function::RackLocality),
    ("table", Function::TableSkew),
    ("host", Function::ReplicaHost),
    ("rack", Function::ReplicaRack),
    ("read", Function::Read),
    ("write", Function::Write),
    ("memstore", Function::MemStore),
    ("storefile", Function::StoreFile),
];

/// Servers that may be added.
const ADDED_MAX: usize = 100_000;

#[derive(Debug, clap::Args)]
pub(super) struct Balance {
    /// A ClusterStatus message, as GetClusterStatus returns it; several, oldest first, give rates
    #[arg(long, value_name = "FILE", required_unless_present_any = ["from_cluster", "synthetic"])]
    status: Vec<PathBuf>,
    /// Ask the active master of the cluster that this folder with hbase-site.xml is of
    #[arg(long, value_name = "CONF_DIR", conflicts_with = "synthetic")]
    from_cluster: Option<PathBuf>,
    /// Ask it so many times; two and more give rates
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=100))]
    samples: u16,
    /// With so many seconds between
    #[arg(long, value_name = "S", default_value_t = 60)]
    interval: u64,
    /// A cluster that is made up, such as regions=10000,servers=100,tables=10,shape=new-servers
    #[arg(long, value_name = "DESCRIPTION", conflicts_with = "status")]
    synthetic: Option<Synthetic>,
    /// How long to search
    #[arg(long, value_name = "S", default_value_t = 5.0)]
    seconds: f64,
    /// Look at so many candidates instead: the same plan every time
    #[arg(long, value_name = "N")]
    candidates: Option<u64>,
    /// Seed of all choices by chance
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Searches side by side, each with a seed of its own; the best plan counts
    #[arg(long, value_name = "N", default_value_t = 1)]
    threads: u64,
    #[command(flatten)]
    settings: Settings,
    /// Write the plan: region name in hex, tab, destination
    #[arg(long, value_name = "FILE")]
    plan_out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Write a page about the plan
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// What if so many servers came?
    #[arg(long, value_name = "N", default_value_t = 0)]
    add_servers: usize,
    /// What if this server were lost? host,port,startcode
    #[arg(long, value_name = "SERVER")]
    lose_server: Vec<ServerName>,
    /// What if this rack were lost?
    #[arg(long, value_name = "RACK")]
    lose_rack: Vec<String>,
    /// What if this server were drained? host,port,startcode
    #[arg(long, value_name = "SERVER")]
    drain: Vec<ServerName>,
    /// Another weight, such as read=3
    #[arg(long, value_name = "NAME=WEIGHT")]
    weight: Vec<String>,
    /// At most so many moves
    #[arg(long, value_name = "N")]
    moves_max: Option<usize>,
    /// A file with constraints, as hmaster.balancer.constraints.file names one for a master
    #[arg(long, value_name = "FILE")]
    constraints: Option<PathBuf>,
    /// Say why of so many moves, and of so many regions that stay on hot servers
    #[arg(long, value_name = "N")]
    explain: Option<usize>,
    /// Walk at random as Java does, to compare
    #[arg(long)]
    walk: bool,
    /// Make a plan even if the costs are below minCostNeedBalance
    #[arg(long)]
    force: bool,
}

impl Balance {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let raw = self.raw()?;
        let set = |key: &str| raw.get(key).ok().flatten();
        let config = self.config(&set)?;
        let cluster = self.cluster(&config, &set)?;
        let plan = self.plan(&cluster, &config)?;
        let mut report = Report::new(&plan, &cluster, &config);
        if let Some(count) = self.explain {
            report = report.explain(count);
        }
        if let Some(path) = &self.plan_out {
            write(path, &plan.to_text(&cluster))?;
        }
        if let Some(path) = &self.report {
            write(path, &report.html())?;
        }
        let text = if self.json { format!("{:#}\n", report.json()) } else { report.text() };
        std::io::stdout().write_all(text.as_bytes()).context("print the plan")?;
        Ok(ExitCode::SUCCESS)
    }

    /// The settings of the cluster that is asked, or else none but those of the command line.
    fn raw(&self) -> anyhow::Result<RawConfig> {
        let overrides = &self.settings.overrides;
        match &self.from_cluster {
            Some(conf_dir) => Ok(Configuration::load(Some(conf_dir), overrides)?.raw().clone()),
            None => Ok(Builder::new(Environment::default()).overrides(overrides).build()),
        }
    }

    fn config(&self, set: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<Config> {
        let mut config = Config::from_settings(set)?;
        for text in &self.weight {
            let (name, weight) = text.split_once('=').with_context(|| format!("--weight {text}: no ="))?;
            let known = WEIGHTS.iter().find(|(known, _)| *known == name);
            let names = || WEIGHTS.map(|(name, _)| name).join(", ");
            let (_, function) = known.with_context(|| format!("--weight {text}: none of {}", names()))?;
            let weight: f32 = weight.parse().with_context(|| format!("--weight {text}"))?;
            anyhow::ensure!(weight.is_finite(), "--weight {text}: not a finite number");
            config.weights[function.index()] = weight;
        }
        if self.force {
            config.min_cost_need_balance = 0.0;
        }
        Ok(config)
    }

    fn cluster(&self, config: &Config, set: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<Cluster> {
        let mut cluster = self.cluster_as_it_is(config)?;
        let outside = Outside::ask(&cluster, config, set)?;
        outside.apply(&mut cluster, config);
        let change = self.change(&cluster)?;
        if change == WhatIf::default() {
            return Ok(cluster);
        }
        let mut cluster = cluster.with(&change, |server| outside.rack(server))?;
        outside.apply(&mut cluster, config);
        Ok(cluster)
    }

    fn cluster_as_it_is(&self, config: &Config) -> anyhow::Result<Cluster> {
        let read = |path: &PathBuf| std::fs::read(path).with_context(|| format!("read {}", path.display()));
        let mut statuses = self.status.iter().map(read).collect::<anyhow::Result<Vec<_>>>()?;
        if let Some(conf_dir) = &self.from_cluster {
            let (count, interval) = (usize::from(self.samples), Duration::from_secs(self.interval));
            statuses.extend(live::statuses(conf_dir, &self.settings.overrides, count, interval)?);
        }
        Ok(match &self.synthetic {
            Some(synthetic) => synthetic.build(self.seed)?,
            None => {
                status::read_all(statuses.iter().map(Vec::as_slice), config.samples_max, rack_by_host_name)?
            }
        })
    }

    /// What if...?
    fn change(&self, cluster: &Cluster) -> anyhow::Result<WhatIf> {
        let mut change = WhatIf::default();
        anyhow::ensure!(
            self.add_servers <= ADDED_MAX,
            "--add-servers {}: above {ADDED_MAX}",
            self.add_servers
        );
        change.add_servers(self.add_servers);
        change.retire.extend(self.lose_server.iter().chain(&self.drain).cloned());
        for rack in &self.lose_rack {
            let on_rack =
                |server: &hmaster_balancer::Server| cluster.rack(cluster.server(*server).rack) == rack;
            let lost: Vec<ServerName> =
                cluster.servers().filter(on_rack).map(|server| cluster.server(server).name.clone()).collect();
            anyhow::ensure!(!lost.is_empty(), "--lose-rack {rack}: no server is on it");
            change.retire.extend(lost);
        }
        Ok(change)
    }

    fn constraints(&self, cluster: &Cluster) -> anyhow::Result<Constraints> {
        let mut constraints = Constraints::default();
        if let Some(path) = &self.constraints {
            let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
            let text: ConstraintsText = text.parse().with_context(|| path.display().to_string())?;
            text.add_to(&mut constraints, cluster);
        }
        constraints.moves_max = self.moves_max.or(constraints.moves_max);
        Ok(constraints)
    }

    /// Runs the searches and takes the plan that costs least, the first of equals.
    fn plan(&self, cluster: &Cluster, config: &Config) -> anyhow::Result<Plan> {
        anyhow::ensure!(self.seconds > 0.0 && self.seconds < 1e6, "--seconds {}: out of range", self.seconds);
        let constraints = self.constraints(cluster)?;
        let method = if self.walk { Method::Walk } else { Method::Targets };
        let balancer = Balancer::new(config.clone()).constraints(constraints).method(method);
        let start = Instant::now();
        let time_max = Duration::from_secs_f64(self.seconds);
        let search = |seed: u64| {
            let elapsed = || start.elapsed();
            let budget = match self.candidates {
                Some(candidates) => Budget::candidates(candidates, seed),
                None => Budget::time(&elapsed, time_max, seed),
            };
            balancer.plan(cluster, budget)
        };
        let seeds = self.seed..self.seed.saturating_add(self.threads.clamp(1, 256));
        let plans: Vec<Plan> = std::thread::scope(|scope| {
            let search = &search;
            let searches: Vec<_> = seeds.map(|seed| scope.spawn(move || search(seed))).collect();
            searches.into_iter().filter_map(|search| search.join().ok()).collect()
        });
        let least = plans.into_iter().min_by(|a, b| a.after.total.total_cmp(&b.after.total));
        least.context("every search failed")
    }
}

fn write(path: &std::path::Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("write {}", path.display()))
}

//! The balancer on clusters of every shape, with Java's StochasticLoadBalancer beside it, on the same clusters.
//!
//! `cargo bench -p hmaster-benches --bench balancer -- [--peer] [--only WORD] [--dir DIR] [--seed N] [--samples N]`
//!
//! Java makes the clusters, so the first run with a folder needs it; `--peer` lets Java balance each for 30 s and judge
//! our plan as well. Our times are CPU time of one thread, from the two ClusterStatus messages in memory to the plan, so
//! that a busy machine can be measured on; `reached` is when the cost that the row is to reach was
//! reached, `least` the cost when time was up.

#[path = "../../tests/tests/balancer_oracle/oracle.rs"]
mod oracle;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hmaster_balancer::{Balancer, Budget, Cluster, Config, Function, Plan, rack_by_host_name, status};
use oracle::{Oracle, Shape};
use rustix::time::{ClockId, clock_gettime};

/// A cluster, and what is to be reached there.
struct Row {
    shape: Shape,
    cost: f64,
    seconds: f64,
}

const fn row(shape: Shape, cost: f64, seconds: f64) -> Row {
    Row { shape, cost, seconds }
}

const fn racks(racks: usize, shape: Shape) -> Shape {
    Shape { racks, ..shape }
}

const ROWS: [Row; 13] = [
    row(Shape::plain("one-server", 10_000, 100, 10), 0.0137, 0.05),
    row(Shape::plain("random", 10_000, 100, 10), 0.0031, 0.05),
    row(Shape::plain("hot", 10_000, 100, 10), 0.0022, 0.1),
    row(Shape::plain("random", 100_000, 500, 50), 0.0037, 0.5),
    row(Shape::plain("new-servers", 100_000, 500, 50), 0.0024, 0.5),
    row(racks(10, Shape::plain("dead-rack", 100_000, 500, 50)), 0.0025, 0.5),
    row(Shape::plain("multi-table", 100_000, 500, 50), 0.0135, 0.5),
    row(Shape::plain("hot", 100_000, 500, 50), 0.0018, 1.0),
    row(Shape { replicas: 3, ..racks(10, Shape::plain("replicas", 33_334, 500, 50)) }, 0.0001, 1.0),
    row(Shape::plain("one-server", 1_000_000, 2_000, 100), 0.0140, 3.0),
    row(Shape::plain("random", 1_000_000, 2_000, 100), 0.0031, 3.0),
    row(Shape::plain("new-servers", 1_000_000, 2_000, 100), 0.0021, 3.0),
    row(Shape::plain("hot", 1_000_000, 2_000, 100), 0.0012, 5.0),
];

/// What was asked for.
struct Asked {
    peer: bool,
    only: Option<String>,
    folder: PathBuf,
    seed: u64,
    samples: usize,
}

impl Asked {
    fn parse() -> Result<Self> {
        let folder = std::env::temp_dir().join("hmaster-balancer-bench");
        let mut asked = Self { peer: false, only: None, folder, seed: 1, samples: 2 };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} without a value"));
            match word.as_str() {
                "--peer" => asked.peer = true,
                "--only" => asked.only = Some(value()?),
                "--dir" => asked.folder = value()?.into(),
                "--seed" => asked.seed = value()?.parse()?,
                "--samples" => asked.samples = value()?.parse()?,
                // Cargo's own.
                "--bench" | "--test" => {}
                other => anyhow::bail!("unknown argument {other}"),
            }
        }
        ensure!(asked.samples >= 1, "--samples 0");
        Ok(asked)
    }
}

impl Row {
    fn name(&self) -> String {
        let regions = self.shape.regions * self.shape.replicas;
        format!("{}k/{} {}", regions / 1000, self.shape.servers, self.shape.shape)
    }

    fn file(&self, asked: &Asked) -> PathBuf {
        asked.folder.join(format!("{}-{}", self.name().replace(['/', ' '], "-"), asked.seed))
    }

    /// Time in which the best known cost is to be beaten.
    fn seconds_max(&self) -> f64 {
        if self.shape.regions * self.shape.replicas < 500_000 { 10.0 } else { 30.0 }
    }

    fn heap_mb(&self) -> u32 {
        if self.shape.regions < 500_000 { 3_000 } else { 12_000 }
    }
}

/// CPU time of this process, which has one thread at work.
fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.cast_unsigned(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// A line of /proc/self/status in bytes.
fn memory(key: &str) -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(key)).context("no such line")?;
    let digits: String = line.chars().filter(char::is_ascii_digit).collect();
    Ok(digits.parse::<u64>()? * 1024)
}

/// Without locality, which needs HDFS, and also where Java would leave the cluster alone.
fn config() -> Config {
    let mut config = Config { min_cost_need_balance: 0.0, ..Config::default() };
    config.weights[Function::ServerLocality.index()] = 0.0;
    config.weights[Function::RackLocality.index()] = 0.0;
    config
}

/// One run of ours.
struct Run {
    cluster: Cluster,
    plan: Plan,
    read: Duration,
    all: Duration,
    bytes_per_region: f64,
}

impl Run {
    fn new(statuses: &[Vec<u8>; 2], samples: usize, seconds: f64) -> Result<Self> {
        let before = memory("VmRSS")?;
        // Resets the peak.
        fs::write("/proc/self/clear_refs", "5")?;
        let begin = cpu_time();
        let elapsed = || cpu_time().saturating_sub(begin);
        let order = (0..samples).rev().map(|back| &statuses[(back + 1) % 2][..]);
        let cluster = status::read_all(order, 15, rack_by_host_name)?;
        let read = elapsed();
        let budget = Budget::time(&elapsed, Duration::from_secs_f64(seconds), 1);
        let plan = Balancer::new(config()).plan(&cluster, budget);
        let bytes = memory("VmHWM")?.saturating_sub(before) as f64 / cluster.region_count() as f64;
        Ok(Self { read, all: elapsed(), cluster, plan, bytes_per_region: bytes })
    }

    /// Seconds until the cost was no more than this.
    fn reached(&self, cost: f64) -> Option<f64> {
        self.plan.way.iter().find(|milestone| milestone.cost <= cost).map(|milestone| milestone.seconds)
    }

    /// Seconds until something was better.
    fn first(&self) -> Option<f64> {
        let before = self.plan.before.imbalance;
        self.plan.way.iter().find(|milestone| milestone.cost < before).map(|milestone| milestone.seconds)
    }
}

/// What Java reached in 30 s, as text, and what it says of our plan.
async fn beside(row: &Row, file: &Path, run: &Run) -> Result<(String, f64)> {
    let oracle = Oracle::new(row.heap_mb(), &["-XX:TieredStopAtLevel=4"]).await?;
    let plan = file.with_extension("plan");
    fs::write(&plan, run.plan.to_text(&run.cluster))?;
    let status = format!("--in {0} --in {0}.2", file.display());
    let eager = "--conf hbase.master.balancer.stochastic.minCostNeedBalance=0";
    let commands =
        [format!("eval {status} --plan {}", plan.display()), format!("walk {status} {eager} --seconds 30")];
    let said = oracle.run(&commands, Duration::from_secs(1200)).await?;
    let eval: serde_json::Value = serde_json::from_str(&said[0][0])?;
    let walk: serde_json::Value = serde_json::from_str(&said[1][0])?;
    let text = format!(
        "{:.6} ({}), {:.0} steps/s",
        walk["final_cost"].as_f64().unwrap_or(f64::NAN),
        walk["moves"],
        walk["steps_per_s"].as_f64().unwrap_or(f64::NAN)
    );
    Ok((text, eval["final_cost"].as_f64().context("final_cost")?))
}

async fn measure(row: &Row, asked: &Asked) -> Result<String> {
    let file = row.file(asked);
    let second = PathBuf::from(format!("{}.2", file.display()));
    if !second.exists() {
        fs::create_dir_all(&asked.folder)?;
        let oracle = Oracle::new(row.heap_mb(), &["-XX:TieredStopAtLevel=4"]).await?;
        oracle.run(&[row.shape.command(&file, asked.seed)], Duration::from_secs(600)).await?;
    }
    let statuses = [fs::read(&file)?, fs::read(&second)?];
    let short = Run::new(&statuses, asked.samples, row.seconds)?;
    let in_time = short.plan.after.imbalance;
    drop(short);
    let run = Run::new(&statuses, asked.samples, row.seconds_max())?;
    let plan = &run.plan;
    let searched = run.all.saturating_sub(run.read).as_secs_f64();
    let mut line = format!(
        "{:<22} before {:.5}  to reach {} in {} s: {:.6} then, reached after {:.3} s (read {:.3}, first {:.3})  \
         least {:.6} ({}) after {:.1} s  floor {:.6}  {:.0} M candidates/s  {:.0} bytes/region",
        row.name(),
        plan.before.imbalance,
        row.cost,
        row.seconds,
        in_time,
        run.reached(row.cost).unwrap_or(f64::NAN),
        run.read.as_secs_f64(),
        run.first().unwrap_or(f64::NAN),
        plan.after.imbalance,
        plan.moves.len(),
        run.all.as_secs_f64(),
        plan.bounds.cost,
        plan.candidates as f64 / searched / 1e6,
        run.bytes_per_region,
    );
    if asked.peer {
        let (java, judged) = beside(row, &file, &run).await?;
        ensure!((judged - plan.after.imbalance).abs() < 1e-9, "Java says our plan costs {judged}");
        line += &format!("  Java after 30 s {java}");
    }
    Ok(line)
}

#[expect(clippy::print_stdout, reason = "a bench prints what it measured")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let asked = Asked::parse()?;
    for row in &ROWS {
        if asked.only.as_ref().is_none_or(|word| row.name().contains(word.as_str())) {
            println!("{}", measure(row, &asked).await?);
        }
    }
    Ok(())
}

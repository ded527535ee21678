//! The balancer on clusters of every shape, with Java's StochasticLoadBalancer beside it, on the same clusters.
//!
//! `cargo bench -p hmaster-benches --bench balancer -- [--peer] [--only WORD] [--dir DIR] [--seed N] [--samples N]`
//!
//! Java makes the clusters, so the first run with a folder needs it; `--peer` lets Java balance each for 30 s and judge
//! our plan as well. Our times are CPU time of one thread, from the two ClusterStatus messages in memory to the plan in
//! hand, so that a busy machine can be measured on; Java's are 30 s of the clock, so give it a core. Each row has three runs: one until the cost to reach is reached, one
//! of 10 s (30 s from half a million regions on) for the best known cost, and one with `--samples` statuses, 15 unless
//! told otherwise, for memory and speed.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

#[path = "../../tests/tests/balancer_oracle/oracle.rs"]
mod oracle;
#[path = "balancer/rows.rs"]
mod rows;
#[path = "balancer/table.rs"]
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hmaster_balancer::{
    Balancer, Budget, Cluster, Config, Function, LoadHistory, Plan, rack_by_host_name, status,
};
use oracle::Oracle;
use rows::{ROWS, Row};
use rustix::time::{ClockId, clock_gettime};
use table::{Beside, Line};

/// What was asked for.
struct Asked {
    peer: bool,
    only: Option<String>,
    /// The name of a row of which only speed and memory are wanted, see [`deep`].
    deep: Option<String>,
    folder: PathBuf,
    seed: u64,
    samples: usize,
}

impl Asked {
    fn parse() -> Result<Self> {
        let folder = std::env::temp_dir().join("hmaster-balancer-bench");
        let mut asked = Self { peer: false, only: None, deep: None, folder, seed: 42, samples: 15 };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} without a value"));
            match word.as_str() {
                "--peer" => asked.peer = true,
                "--only" => asked.only = Some(value()?),
                "--deep" => asked.deep = Some(value()?),
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
    /// From the messages to the cluster, and to the plan, in seconds.
    read: f64,
    all: f64,
    bytes_per_region: f64,
}

impl Run {
    /// Reads the two messages by turns until there are so many samples, then searches until `seconds` after the beginning,
    /// the reading of the last two included.
    fn new(statuses: &[Vec<u8>; 2], samples: usize, seconds: f64) -> Result<Self> {
        let before = memory("VmRSS")?;
        // Resets the peak.
        fs::write("/proc/self/clear_refs", "5")?;
        let mut history = LoadHistory::new(15);
        for back in (2..samples).rev() {
            status::observe(&statuses[(back + 1) % 2], &mut history)?;
        }
        let begin = cpu_time();
        let elapsed = || cpu_time().saturating_sub(begin);
        if samples > 1 {
            status::observe(&statuses[0], &mut history)?;
        }
        let cluster = status::read(&statuses[1], &mut history, rack_by_host_name)?;
        let read = elapsed().as_secs_f64();
        let budget = Budget::time(&elapsed, Duration::from_secs_f64(seconds), 1);
        let plan = Balancer::new(config()).plan(&cluster, budget);
        let all = elapsed().as_secs_f64();
        let bytes = memory("VmHWM")?.saturating_sub(before) as f64 / cluster.region_count() as f64;
        drop(history);
        Ok(Self { cluster, plan, read, all, bytes_per_region: bytes })
    }

    /// Seconds from the messages to the plan, had the search been stopped when it was at this cost.
    fn reached(&self, cost: f64) -> Option<f64> {
        let last = self.plan.way.last()?.seconds;
        let at = self.plan.way.iter().find(|milestone| milestone.cost <= cost)?;
        Some(at.seconds + self.all - last)
    }

    /// Seconds from the cluster until something was better.
    fn first(&self) -> Option<f64> {
        let before = self.plan.before.imbalance;
        let better = self.plan.way.iter().find(|milestone| milestone.cost < before)?;
        Some(better.seconds - self.read)
    }

    fn candidates_per_second(&self) -> f64 {
        self.plan.candidates as f64 / (self.all - self.read)
    }
}

/// What Java reaches in 30 s, and what it says of our plan.
async fn beside(row: &Row, file: &Path, run: &Run) -> Result<Beside> {
    let oracle = Oracle::new(row.heap_mb(), &["-XX:TieredStopAtLevel=4"]).await?;
    let plan = file.with_extension("plan");
    fs::write(&plan, run.plan.to_text(&run.cluster))?;
    let status = format!("--in {0} --in {0}.2", file.display());
    let eager = "--conf hbase.master.balancer.stochastic.minCostNeedBalance=0";
    let commands =
        [format!("eval {status} --plan {}", plan.display()), format!("walk {status} {eager} --seconds 30")];
    let said = oracle.run(&commands, Duration::from_secs(1200)).await?;
    fs::remove_file(&plan)?;
    let eval: serde_json::Value = serde_json::from_str(&said[0][0])?;
    let walk: serde_json::Value = serde_json::from_str(&said[1][0])?;
    let number = |value: &serde_json::Value, key| value[key].as_f64().context("a number from Java");
    let judged = number(&eval, "final_cost")?;
    let ours = run.plan.after.imbalance;
    ensure!((judged - ours).abs() < 1e-9, "our plan costs {ours}, and {judged} for Java");
    ensure!(eval["moves"] == run.plan.moves.len(), "Java counts {} moves", eval["moves"]);
    Ok(Beside {
        cost: number(&walk, "final_cost")?,
        moves: walk["moves"].as_u64().unwrap_or(0),
        steps_per_second: number(&walk, "steps_per_s")?,
    })
}

/// The messages of a row, both.
fn statuses(row: &Row, asked: &Asked) -> Result<[Vec<u8>; 2]> {
    let file = asked.folder.join(row.file_name(asked.seed));
    Ok([fs::read(&file)?, fs::read(format!("{}.2", file.display()))?])
}

/// Candidates a second and bytes a region, with many samples. In a process of its own: memory that this one has given
/// back to its allocator would be used again, and not be seen.
fn deep(row: &Row, asked: &Asked) -> Result<(f64, f64)> {
    let output = Command::new(std::env::current_exe()?)
        .args(["--deep", &row.name(), "--dir"])
        .arg(&asked.folder)
        .args(["--seed", &asked.seed.to_string(), "--samples", &asked.samples.to_string()])
        .stderr(Stdio::inherit())
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let numbers = said.trim().split_once(' ').context("two numbers")?;
    Ok((numbers.0.parse()?, numbers.1.parse()?))
}

/// What the process of [`deep`] does.
fn print_deep(name: &str, asked: &Asked) -> Result<()> {
    let row = ROWS.iter().find(|row| row.name() == name).with_context(|| format!("no row {name}"))?;
    let run = Run::new(&statuses(row, asked)?, asked.samples, row.speed_seconds())?;
    println!("{} {}", run.candidates_per_second(), run.bytes_per_region);
    Ok(())
}

async fn measure(row: &Row, asked: &Asked) -> Result<Line> {
    let file = asked.folder.join(row.file_name(asked.seed));
    let second = PathBuf::from(format!("{}.2", file.display()));
    if !second.exists() {
        fs::create_dir_all(&asked.folder)?;
        let oracle = Oracle::new(row.heap_mb(), &["-XX:TieredStopAtLevel=4"]).await?;
        oracle.run(&[row.shape.command(&file, asked.seed)], Duration::from_secs(600)).await?;
    }
    let (speed, bytes_per_region) = deep(row, asked)?;
    let statuses = statuses(row, asked)?;
    let short = Run::new(&statuses, 2, row.seconds)?;
    let (reached, in_time, read, first) =
        (short.reached(row.cost), short.plan.after.imbalance, short.read, short.first());
    drop(short);
    let long = Run::new(&statuses, 2, row.seconds_max())?;
    let beside = if asked.peer { Some(beside(row, &file, &long).await?) } else { None };
    Ok(Line {
        row: *row,
        before: long.plan.before.imbalance,
        read,
        first,
        in_time,
        reached,
        best: long.plan.after.imbalance,
        best_moves: long.plan.moves.len(),
        best_after: row.best_known.and_then(|best| long.reached(best)),
        floor: long.plan.bounds.cost,
        candidates_per_second: speed,
        bytes_per_region,
        beside,
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let asked = Asked::parse()?;
    if let Some(name) = &asked.deep {
        return print_deep(name, &asked);
    }
    println!("{}", table::HEAD);
    let mut missed = Vec::new();
    for row in &ROWS {
        if asked.only.as_ref().is_none_or(|word| row.name().contains(word.as_str())) {
            let line = measure(row, &asked).await?;
            println!("{line}");
            missed.extend(line.missed());
        }
    }
    println!("{}", table::FOOT);
    missed.iter().for_each(|missed| println!("missed: {missed}"));
    Ok(())
}

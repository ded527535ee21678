//! What a cluster costs, here and in Java: every cost function of HBase 2.6.4, after every one of thousands of moves,
//! exchanges and undos and for whole plans, agrees with Java's own balancer.

#![expect(clippy::unwrap_used, reason = "what is unwrapped here is what the test has made")]

#[path = "balancer_oracle/oracle.rs"]
mod oracle;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hmaster_balancer::{
    Action, Balancer, Budget, Cluster, ClusterBuilder, Config, Function, LoadHistory, PerFunction, Region,
    Server, State, rack_by_host_name, status,
};
use hmaster_tests::require_peers;
use oracle::{Oracle, Shape};

/// Actions per cluster.
const ACTIONS: usize = 1000;
const AGREE: f64 = 1e-9;
const JVM_TIME_MAX: Duration = Duration::from_secs(300);

/// A cluster and what else is special about it.
#[derive(Debug, Clone, Copy)]
struct Case {
    shape: Shape,
    /// Statuses: the two that the generator makes, over and over.
    statuses: usize,
    locality: bool,
    capacity: bool,
}

const fn case(shape: Shape) -> Case {
    Case { shape, statuses: 2, locality: false, capacity: false }
}

const CASES: [Case; 13] = [
    case(Shape::plain("one-server", 400, 12, 5)),
    case(Shape { racks: 3, ..Shape::plain("random", 600, 20, 7) }),
    case(Shape::plain("new-servers", 500, 22, 4)),
    case(Shape { racks: 4, ..Shape::plain("dead-rack", 600, 20, 4) }),
    case(Shape::plain("hot", 800, 20, 5)),
    case(Shape::plain("multi-table", 500, 16, 25)),
    case(Shape { replicas: 3, racks: 4, ..Shape::plain("replicas", 200, 16, 4) }),
    case(Shape { replicas: 2, per_host: 2, ..Shape::plain("replicas", 250, 12, 4) }),
    case(Shape { replicas: 3, per_host: 2, racks: 2, ..Shape::plain("random", 150, 12, 3) }),
    case(Shape::plain("balanced", 600, 20, 6)),
    Case { statuses: 7, ..case(Shape::plain("hot", 300, 10, 3)) },
    Case { locality: true, ..case(Shape { racks: 3, ..Shape::plain("random", 400, 14, 4) }) },
    Case { capacity: true, ..case(Shape::plain("new-servers", 2100, 11, 3)) },
];

const RULES: &str = "hbase.master.balancer.heterogeneousRegionCountRulesFile";
const HETEROGENEOUS: &str = "org.apache.hadoop.hbase.master.balancer.HeterogeneousRegionCountCostFunction";

impl Case {
    fn settings(&self, folder: &Path) -> Vec<(String, String)> {
        let key = |name: &str| format!("hbase.master.balancer.stochastic.{name}");
        let mut settings = vec![(key("minCostNeedBalance"), "0".to_owned())];
        for (name, weight) in [("localityCost", "25"), ("rackLocalityCost", "15")] {
            settings.push((key(name), if self.locality { weight } else { "0" }.to_owned()));
        }
        if self.capacity {
            settings.push((key("additionalCostFunctions"), HETEROGENEOUS.to_owned()));
            settings.push((RULES.to_owned(), folder.join("rules").display().to_string()));
        }
        settings
    }

    fn config(&self) -> Result<Config> {
        let settings = self.settings(Path::new("/"));
        let get = |key: &str| settings.iter().find(|(k, _)| k == key).map(|(_, v)| v.clone());
        Ok(Config::from_settings(get)?)
    }

    fn files(&self, first: &Path) -> Vec<PathBuf> {
        let second = PathBuf::from(format!("{}.2", first.display()));
        (0..self.statuses).map(|at| if at % 2 == 0 { first.to_owned() } else { second.clone() }).collect()
    }

    fn judge(&self, command: &str, first: &Path) -> String {
        let mut text = command.to_owned();
        self.files(first).iter().for_each(|file| write!(text, " --in {}", file.display()).unwrap());
        self.settings(first.parent().unwrap())
            .iter()
            .for_each(|(key, value)| write!(text, " --conf {key}={value}").unwrap());
        text + if self.locality { " --locality" } else { "" }
    }

    fn cluster(&self, first: &Path) -> Result<Cluster> {
        let mut history = LoadHistory::new(15);
        let mut statuses = self.files(first).into_iter().map(fs::read).collect::<Result<Vec<_>, _>>()?;
        let last = statuses.pop().context("no status")?;
        for status in statuses {
            status::observe(&status, &mut history)?;
        }
        let cluster = status::read(&last, &mut history, rack_by_host_name)?;
        if self.locality || self.capacity { self.rebuilt(&cluster, &history) } else { Ok(cluster) }
    }

    /// The cluster with blocks where BalancerProbe.java has them, or with the capacities of the rules.
    fn rebuilt(&self, cluster: &Cluster, history: &LoadHistory) -> Result<Cluster> {
        let names: Vec<_> = cluster.servers().map(|server| cluster.server(server).name.clone()).collect();
        let mut builder = ClusterBuilder::new(&names, &[], rack_by_host_name);
        let (mut shares, mut sizes) = (Vec::new(), Vec::new());
        for region in cluster.regions() {
            let name = cluster.region_name(region);
            builder.region(name, cluster.home(region), *cluster.load(region))?;
            let first = crc32fast::hash(name) as usize % names.len();
            let share = |step: usize, share: f32| (((first + step) % names.len()) as u32, share);
            shares.push(vec![share(0, 1.0), share(3, 0.6), share(5, 0.3)]);
            sizes.push(history.storefile_mb(region.0));
        }
        if self.locality {
            return Ok(builder.build_with_locality(&shares, &sizes)?);
        }
        for server in cluster.servers() {
            builder.capacity(server, if server.0 < 4 { 300 } else { 200 });
        }
        Ok(builder.build()?)
    }
}

/// What the costs were after an action.
struct Step {
    costs: PerFunction,
    imbalance: f64,
    moved: u64,
}

impl Step {
    fn of(state: &State<'_>) -> Self {
        Self { costs: *state.costs(), imbalance: state.imbalance(), moved: state.moved() }
    }
}

/// Takes actions by chance, and writes them as the oracle reads them.
fn act(state: &mut State<'_>, seed: u64) -> (String, Vec<Step>) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let (mut text, mut steps, mut undo) = (String::new(), vec![Step::of(state)], Vec::new());
    while steps.len() <= ACTIONS {
        let (action, line) = match rng.u32(..10) {
            0 => match undo.pop() {
                Some(action) => (action, "U".to_owned()),
                None => continue,
            },
            draw => {
                let Some(action) = draw_action(state, &mut rng, draw < 6) else { continue };
                undo.push(state.inverse(action));
                (action, line(state.cluster(), action))
            }
        };
        let (before, change) = (state.total(), state.change_of(action));
        state.apply(action);
        let scale = before.abs().max(1.0);
        assert!((before + change - state.total()).abs() < AGREE * scale, "{action:?} was judged wrongly");
        writeln!(text, "{line}").unwrap();
        steps.push(Step::of(state));
    }
    (text, steps)
}

fn draw_action(state: &State<'_>, rng: &mut fastrand::Rng, moves: bool) -> Option<Action> {
    let (regions, servers) = (state.cluster().region_count() as u32, state.cluster().server_count() as u32);
    let (a, b) = (Region(rng.u32(..regions)), Region(rng.u32(..regions)));
    let to = Server(rng.u32(..servers));
    if moves {
        (state.at(a) != to).then_some(Action::Move(a, to))
    } else {
        (state.at(a) != state.at(b)).then_some(Action::Swap(a, b))
    }
}

fn line(cluster: &Cluster, action: Action) -> String {
    let hex = |region: Region| -> String {
        cluster.region_name(region).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    match action {
        Action::Move(region, to) => format!("M\t{}\t{}", hex(region), cluster.server(to).name),
        Action::Swap(a, b) => format!("S\t{}\t{}", hex(a), hex(b)),
    }
}

/// Compares what both say after every action.
fn compare_steps(java: &[String], ours: &[Step]) -> Result<()> {
    let header: Vec<&str> = java[0].split('\t').collect();
    ensure!(java.len() == ours.len() + 1, "{} lines for {} steps", java.len(), ours.len());
    for (line, step) in java[1..].iter().zip(ours) {
        let fields: Vec<&str> = line.split('\t').collect();
        for (name, field) in header.iter().zip(&fields).take(header.len() - 2).skip(4) {
            compare(name, field.parse()?, &step.costs).with_context(|| (*line).clone())?;
        }
        let imbalance: f64 = fields[3].parse()?;
        ensure!((imbalance - step.imbalance).abs() <= AGREE, "imbalance {} in {line}", step.imbalance);
        let moved: u64 = fields[fields.len() - 2].parse()?;
        ensure!(moved == step.moved, "{} moved in {line}", step.moved);
    }
    Ok(())
}

fn compare(name: &str, java: f64, ours: &PerFunction) -> Result<()> {
    let function = Function::ALL.into_iter().find(|f| f.java_class() == name);
    let function = function.with_context(|| format!("unknown function {name}"))?;
    let ours = ours[function.index()];
    ensure!((java - ours).abs() <= AGREE, "{name}: {ours} here, {java} in Java");
    Ok(())
}

/// Compares what both say of a plan.
fn compare_eval(java: &str, plan: &hmaster_balancer::Plan) -> Result<()> {
    let java: serde_json::Value = serde_json::from_str(java)?;
    for (key, ours) in [("init_cost", plan.before.imbalance), ("final_cost", plan.after.imbalance)] {
        let theirs = java[key].as_f64().context(key)?;
        ensure!((theirs - ours).abs() <= AGREE, "{key}: {ours} here, {theirs} in Java");
    }
    ensure!(java["moves"] == plan.moves.len(), "{} moves in Java", java["moves"]);
    for function in java["functions"].as_array().context("functions")? {
        let name = function["name"].as_str().context("name")?;
        compare(name, function["before"].as_f64().context("before")?, &plan.before.costs)?;
        compare(name, function["after"].as_f64().context("after")?, &plan.after.costs)?;
    }
    Ok(())
}

#[tokio::test]
async fn every_cost_agrees_with_java() -> Result<()> {
    require_peers!();
    let folder = tempfile::tempdir()?;
    let oracle = Oracle::new(1024, &[]).await?;
    let file = |at: usize| folder.path().join(format!("c{at}"));
    let made: Vec<String> =
        CASES.iter().enumerate().map(|(at, case)| case.shape.command(&file(at), 7 + at as u64)).collect();
    fs::write(folder.path().join("rules"), "s0000[0-3].* 300\n")?;
    oracle.run(&made, JVM_TIME_MAX).await?;
    let clusters =
        CASES.iter().enumerate().map(|(at, case)| case.cluster(&file(at))).collect::<Result<Vec<_>>>()?;
    let (mut commands, mut walked, mut plans) = (Vec::new(), Vec::new(), Vec::new());
    for (at, (case, cluster)) in CASES.iter().zip(&clusters).enumerate() {
        let config = case.config()?;
        let (actions, plan) = (folder.path().join(format!("a{at}")), folder.path().join(format!("p{at}")));
        let mut state = State::new(cluster, &config);
        let (text, steps) = act(&mut state, at as u64);
        fs::write(&actions, text)?;
        walked.push(steps);
        commands.push(format!("{} --actions {}", case.judge("steps", &file(at)), actions.display()));
        let found = Balancer::new(config).plan(cluster, Budget::candidates(100_000, 1));
        fs::write(&plan, found.to_text(cluster))?;
        plans.push(found);
        commands.push(format!("{} --plan {}", case.judge("eval", &file(at)), plan.display()));
    }
    let said = oracle.run(&commands, JVM_TIME_MAX).await?;
    for (at, case) in CASES.iter().enumerate() {
        compare_steps(&said[2 * at], &walked[at]).with_context(|| format!("steps of {case:?}"))?;
        compare_eval(&said[2 * at + 1][0], &plans[at]).with_context(|| format!("plan for {case:?}"))?;
    }
    Ok(())
}

//! Procedures that Java began and hmaster ends, and the other way round, cut after every batch; and rows that Java
//! writes exactly as hmaster does.

#![expect(clippy::unwrap_used, reason = "what is unwrapped here is what the test has made")]

#[path = "../../hmaster-procedure/tests/engine/driver.rs"]
#[allow(dead_code, reason = "shared with the tests of the engine")]
mod driver;
#[path = "../../hmaster-procedure/tests/engine/family.rs"]
mod family;
#[path = "../../hmaster-procedure/tests/engine/script.rs"]
#[allow(dead_code, reason = "shared with the tests of the engine")]
mod script;
#[path = "../../hmaster-procedure/tests/engine/world.rs"]
#[allow(dead_code, reason = "shared with the tests of the engine")]
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hmaster_procedure::StoreOp;
use hmaster_protocol::pb;
use hmaster_tests::jvm::Jvm;
use hmaster_tests::{HBaseVersion, javac, require_peers};
use hmaster_types::ProcId;
use prost::Message as _;

use driver::{Driver, quiet_panics};
use script::{Script, Step};

/// Commands for a JVM; see ScriptPeer.java.
#[derive(Default)]
struct Commands(Vec<String>);

impl Commands {
    /// What each command printed.
    async fn run(&self) -> Result<Vec<Vec<String>>> {
        let sources = [
            ("ScriptProcedure.java", include_str!("../java/procedure/ScriptProcedure.java")),
            ("ScriptPeer.java", include_str!("../java/procedure/ScriptPeer.java")),
        ];
        let version = HBaseVersion::V2_6;
        let classes = javac::classes(&sources, version).await?;
        let jvm = Jvm::new(512).folder(classes).jars(version.server_jars().await?);
        let command = jvm.command("hmaster.tests.ScriptPeer")?;
        let output = command.output(&(self.0.join("\n") + "\n"), Duration::from_secs(600)).await?;
        let printed = output.success()?.split_terminator("done\n");
        let printed: Vec<Vec<String>> =
            printed.map(|said| said.lines().map(str::to_owned).collect()).collect();
        ensure!(printed.len() == self.0.len(), "{} answers to {}", printed.len(), self.0.len());
        Ok(printed)
    }
}

/// What is on disk and in the world at some moment.
#[derive(Clone)]
struct Moment {
    rows: BTreeMap<ProcId, Arc<pb::Procedure>>,
    marks: BTreeSet<(String, i32)>,
}

impl Moment {
    fn of(driver: &Driver) -> Self {
        Self { rows: driver.rows.clone(), marks: driver.world.marks() }
    }

    fn hex_rows(&self) -> String {
        let hex = |row: &Arc<pb::Procedure>| row.encode_to_vec().iter().map(|b| format!("{b:02x}")).collect();
        self.rows.values().map(hex).collect::<Vec<String>>().join(" ")
    }

    fn text_marks(&self) -> String {
        let marks: Vec<_> = self.marks.iter().map(|(name, step)| format!("{name}/{step}")).collect();
        if marks.is_empty() { "-".into() } else { marks.join(",") }
    }
}

/// Runs scripts in an order given by a seed; every moment after a batch.
fn moments(scripts: &[Script], seed: u64) -> (Vec<Moment>, Driver) {
    quiet_panics();
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut driver = Driver::new();
    driver.submit_durably(scripts);
    let mut moments = vec![Moment::of(&driver)];
    while driver.outcomes.len() < scripts.len() {
        let batches = driver.log.len();
        assert!(driver.act(&mut rng), "{}", driver.state());
        if driver.log.len() > batches {
            moments.push(Moment::of(&driver));
        }
    }
    (moments, driver)
}

/// Java's twin knows only steps that need nobody from outside.
fn java_knows(scripts: &&Vec<Script>) -> bool {
    scripts.iter().flat_map(Script::all).all(|script| {
        let known = |step: &Step| {
            matches!(
                step,
                Step::Do | Step::Children(_) | Step::Sleep(_) | Step::Repeat(_) | Step::Yield | Step::Fail
            )
        };
        script.before.is_none() && script.steps.iter().all(known)
    })
}

fn all_families() -> Vec<Vec<Script>> {
    [family::well(), family::ill(), family::lost()].concat()
}

#[tokio::test]
async fn java_reads_every_row_and_would_write_the_same() -> Result<()> {
    require_peers!();
    let mut commands = Commands::default();
    for scripts in all_families() {
        for seed in 0..6 {
            let (moments, _) = moments(&scripts, seed);
            commands.0.extend(moments.iter().map(|moment| format!("check {}", moment.hex_rows())));
        }
    }
    ensure!(commands.0.len() > 1_000, "{}", commands.0.len());
    for (said, command) in commands.run().await?.into_iter().zip(&commands.0) {
        ensure!(said.is_empty(), "{}\n{command}", said.join("\n"));
    }
    Ok(())
}

#[tokio::test]
async fn java_ends_what_hmaster_began() -> Result<()> {
    require_peers!();
    let mut commands = Commands::default();
    let mut expected = Vec::new();
    for scripts in all_families().iter().filter(java_knows) {
        for seed in 0..4 {
            let (moments, driver) = moments(scripts, seed);
            for moment in moments {
                commands.0.push(format!("run {} {}", moment.text_marks(), moment.hex_rows()));
                expected.push((scripts.clone(), driver.outcomes.clone()));
            }
        }
    }
    ensure!(commands.0.len() > 300, "{}", commands.0.len());
    for ((said, command), (scripts, outcomes)) in
        commands.run().await?.into_iter().zip(&commands.0).zip(expected)
    {
        let marks = said.iter().find_map(|line| line.strip_prefix("marks ")).context("no marks")?;
        for script in &scripts {
            let error = outcomes[&script.name].exception();
            let how = error.as_ref().map_or("success", |error| &error.class);
            ensure!(said.contains(&format!("end {} {how}", script.name)), "{said:?}\n{command}");
            let all = script.all();
            let left =
                all.iter().flat_map(|script| (0..script.steps.len()).map(|i| format!("{}/{i}", script.name)));
            let left: Vec<_> = left.filter(|mark| marks.split(',').any(|m| m == mark)).collect();
            if error.is_none() {
                let steps: usize = all.iter().map(|script| script.steps.len()).sum();
                ensure!(left.len() == steps, "{marks}\n{command}");
            } else if script.undo && all.len() == 1 {
                ensure!(left.is_empty(), "{marks}\n{command}");
            }
        }
    }
    Ok(())
}

/// What a procedure did, and how often.
type Marks = Vec<(String, i32)>;

/// A batch that Java stored, and the marks at that time.
fn batch(line: &str) -> Result<(Vec<StoreOp>, Marks)> {
    let mut words = line.split(' ');
    let marks = words.next().context("marks")?;
    let marks = marks.split(',').filter_map(|mark| mark.rsplit_once('/'));
    let marks = marks.map(|(name, step)| Ok((name.to_owned(), step.parse()?))).collect::<Result<_>>()?;
    let ops = words.map(|word| {
        if let Some(id) = word.strip_prefix("delete:") {
            return Ok(StoreOp::Delete(ProcId(id.parse()?)));
        }
        let hex = word.strip_prefix("put:").context("an op")?;
        let bytes = (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16));
        let bytes: Vec<u8> = bytes.collect::<Result<_, _>>()?;
        Ok(StoreOp::Put(Arc::new(hmaster_protocol::decode(bytes.into())?)))
    });
    Ok((ops.collect::<Result<_>>()?, marks))
}

#[tokio::test]
async fn hmaster_ends_what_java_began() -> Result<()> {
    require_peers!();
    let families: Vec<Script> = all_families().iter().filter(java_knows).flatten().cloned().collect();
    let mut commands = Commands::default();
    commands
        .0
        .extend(families.iter().map(|script| format!("produce {}", serde_json::to_string(script).unwrap())));
    let mut cuts = 0;
    for (said, script) in commands.run().await?.into_iter().zip(&families) {
        let succeeded = said.contains(&format!("end {} success", script.name));
        let lines: Vec<_> = said.iter().filter_map(|line| line.strip_prefix("batch ")).collect();
        for cut in 1..=lines.len() {
            let mut driver = Driver::new();
            // Java's rows are stamped by the machine's clock.
            driver.now.wall_ms = 4_000_000_000_000;
            for line in &lines[..cut] {
                let (ops, marks) = batch(line)?;
                driver.write(ops);
                for (name, step) in marks {
                    driver.world.mark(&name, step);
                }
            }
            driver.crash();
            driver.run(&mut fastrand::Rng::with_seed(cut as u64));
            driver.assert_over(std::slice::from_ref(script));
            ensure!(driver.succeeded(&script.name) == succeeded, "{} cut after batch {cut}", script.name);
            if succeeded {
                let steps: usize = script.all().iter().map(|script| script.steps.len()).sum();
                ensure!(driver.world.marks().len() == steps, "{} cut after batch {cut}", script.name);
            }
            cuts += 1;
        }
    }
    ensure!(cuts > 150, "{cuts}");
    Ok(())
}

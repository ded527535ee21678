//! The table of figures.

use std::fmt;
use std::time::Duration;

use crate::measures::{Recovery, Step};
use crate::median::{median, seconds};

/// What was measured, of each run.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) java: Vec<Recovery>,
    pub(crate) hmaster: Vec<Recovery>,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| what | Java 2.6.4 | hmaster | to reach |")?;
        writeln!(f, "|---|---|---|---|")?;
        let mut row = |what: &str, cell: &dyn Fn(&[Recovery]) -> String, goal: &str| {
            writeln!(f, "| {what} | {} | {} | {goal} |", cell(&self.java), cell(&self.hmaster))
        };
        row("active killed with -9, to a table created", &|all| time(all, |r| r.failover), "≤ 1 s")?;
        row("active stopped, to the backup initialized", &|all| time(all, |r| r.graceful), "≤ 0.2 s")?;
        let lost = "region server with 100 regions killed with -9, to all rows read";
        row(lost, &|all| time(all, |r| r.region_server), "≤ 1/10 of Java's")?;
        for (at, what) in ["create", "disable", "enable", "disable and delete"].into_iter().enumerate() {
            let what = format!("{what} a table of 1,000 regions (processor time of the master)");
            row(&what, &|all| step(all, |r| r.table[at]), "master ≤ 5 %")?;
        }
        let runs = self.java.len().max(self.hmaster.len());
        write!(f, "Medians of {runs} runs.")
    }
}

fn time(all: &[Recovery], of: impl Fn(&Recovery) -> Duration) -> String {
    seconds(&all.iter().map(of).collect::<Vec<_>>())
}

fn step(all: &[Recovery], of: impl Fn(&Recovery) -> Step) -> String {
    let steps: Vec<Step> = all.iter().map(of).collect();
    let took: Vec<_> = steps.iter().map(|step| step.took).collect();
    let used: Vec<_> = steps.iter().map(|step| step.of_master).collect();
    match (median(&took), median(&used)) {
        (Some(took), Some(used)) => {
            let share = 100.0 * used.as_secs_f64() / took.as_secs_f64();
            format!("{:.2} s ({:.2} s, {share:.0} %)", took.as_secs_f64(), used.as_secs_f64())
        }
        _ => "-".into(),
    }
}

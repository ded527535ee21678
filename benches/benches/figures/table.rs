//! The table of figures.

use std::fmt;
use std::time::Duration;

use crate::median::{median, seconds};
use crate::starts::{Start, Starts};

/// What was measured, of each run.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) java: Vec<Starts>,
    pub(crate) hmaster: Vec<Starts>,
    pub(crate) java_test_cluster: Vec<Duration>,
    pub(crate) hmaster_test_cluster: Vec<Duration>,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| what | Java 2.6.4 | hmaster | to reach |")?;
        writeln!(f, "|---|---|---|---|")?;
        let starts = |of: fn(&Starts) -> Start| (times(&self.java, of), times(&self.hmaster, of));
        let rows = [
            ("first start, empty rootdir, two region servers up", starts(|s| s.first), "≤ 1.5 s"),
            ("restart, two region servers up", starts(|s| s.restart), "≤ 0.5 s"),
            ("restart after kill -9, two region servers up", starts(|s| s.after_kill), ""),
            ("memory of the idle master", (memory(&self.java), memory(&self.hmaster)), "≤ 30 MB"),
            (
                "test cluster with its first table",
                (seconds(&self.java_test_cluster), seconds(&self.hmaster_test_cluster)),
                "≤ 0.3 s",
            ),
        ];
        for (what, (java, hmaster), goal) in rows {
            writeln!(f, "| {what} | {java} | {hmaster} | {goal} |")?;
        }
        write!(f, "In brackets: from becoming active. Medians of {} runs.", self.hmaster.len())
    }
}

fn times(starts: &[Starts], of: fn(&Starts) -> Start) -> String {
    let process: Vec<_> = starts.iter().map(|starts| of(starts).of_process).collect();
    let active: Vec<_> = starts.iter().map(|starts| of(starts).of_active).collect();
    match median(&active) {
        Some(active) => format!("{} ({:.2} s)", seconds(&process), active.as_secs_f64()),
        None => seconds(&process),
    }
}

fn memory(starts: &[Starts]) -> String {
    let resident: Vec<_> = starts.iter().map(|starts| starts.resident_kb).collect();
    median(&resident).map_or("-".into(), |kb| format!("{:.1} MB", kb as f64 / 1024.0))
}

//! What was measured.

use std::fmt;

use serde::Serialize;

use crate::tally::Latency;

/// What was measured in a scenario.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Results {
    /// Its name.
    pub scenario: String,
    /// What random choices came from.
    pub seed: u64,
    /// Light servers.
    pub servers: usize,
    /// Regions when the first step began.
    pub regions: usize,
    /// How long it took to bring them into being. No figure of the master, if they were preloaded.
    pub prepared_s: f64,
    /// What each step took.
    pub steps: Vec<StepResult>,
}

/// What was measured in a step. Times are in seconds since it began.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepResult {
    /// What happened.
    pub step: String,
    /// Until a new master was initialized, if the step needs one.
    pub initialized_s: Option<f64>,
    /// Until the last order to open a region came to a server.
    pub last_order_s: Option<f64>,
    /// Until the master had taken the last report of a server, or was initialized if that was later.
    pub settled_s: f64,
    /// Regions that were opened.
    pub opened: usize,
    /// Regions that were closed.
    pub closed: usize,
    /// Openings that failed.
    pub failed_opens: u64,
    /// Regions opened and closed in each second, from the step's begin until it was settled.
    pub transitions_per_s: Option<f64>,
    /// From an order to open until the master had taken the report.
    pub open_latency: Option<Latency>,
    /// From an order to close until the master had taken the report.
    pub close_latency: Option<Latency>,
    /// Seconds of CPU that the active master used, if it runs in a process of its own on this machine.
    pub master_cpu_s: Option<f64>,
    /// Memory of the active master at the end.
    pub master_resident_mb: Option<f64>,
}

impl Results {
    /// As JSON, over several lines.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("numbers and names, without keys that aren't text")
    }
}

impl fmt::Display for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} regions on {} servers (there after {:.1} s), seed {}",
            self.scenario, self.regions, self.servers, self.prepared_s, self.seed
        )?;
        writeln!(
            f,
            "| step | initialized s | last order s | settled s | opened | closed | failed | per s | p50 ms | p99 ms | max ms \
             | master CPU s | master MB |"
        )?;
        write!(f, "|---|---|---|---|---|---|---|---|---|---|---|---|---|")?;
        self.steps.iter().try_for_each(|step| write!(f, "\n{step}"))
    }
}

impl fmt::Display for StepResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |value: Option<f64>, digits: usize| {
            value.map_or("-".to_owned(), |value| format!("{value:.digits$}"))
        };
        let latency = self.open_latency.or(self.close_latency);
        let of_latency = |of: fn(Latency) -> f64| number(latency.map(of), 1);
        let (opened, closed, failed) = (self.opened, self.closed, self.failed_opens);
        write!(
            f,
            "| {} | {} | {} | {:.3} | {opened} | {closed} | {failed} | {} | {} | {} | {} | {} | {} |",
            self.step,
            number(self.initialized_s, 3),
            number(self.last_order_s, 3),
            self.settled_s,
            number(self.transitions_per_s, 0),
            of_latency(|latency| latency.p50_ms),
            of_latency(|latency| latency.p99_ms),
            of_latency(|latency| latency.max_ms),
            number(self.master_cpu_s, 2),
            number(self.master_resident_mb, 1),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_a_dash() {
        let step = StepResult {
            step: "rest".into(),
            initialized_s: None,
            last_order_s: None,
            settled_s: 0.5,
            opened: 3,
            closed: 0,
            failed_opens: 1,
            transitions_per_s: Some(6.0),
            open_latency: Latency::of(&[1500]),
            close_latency: None,
            master_cpu_s: None,
            master_resident_mb: Some(20.04),
        };
        assert_eq!(step.to_string(), "| rest | - | - | 0.500 | 3 | 0 | 1 | 6 | 1.5 | 1.5 | 1.5 | - | 20.0 |");
        let results = Results {
            scenario: "x".into(),
            seed: 7,
            servers: 2,
            regions: 3,
            prepared_s: 1.0,
            steps: vec![step],
        };
        assert_eq!(results.to_string().lines().count(), 4);
        let json: serde_json::Value = serde_json::from_str(&results.to_json()).unwrap();
        assert_eq!(json["steps"][0]["open_latency"]["p50_ms"], 1.5);
    }
}

//! How many procedures of each class there were, and how long they took. Counterpart of `ProcedureMetrics`.

use std::collections::HashMap;

use foldhash::fast::FixedState;

/// The bounds of the counters in [`ClassMetrics::elapsed`], in milliseconds; the last counter has no bound.
pub const ELAPSED_BOUNDS_MS: [u64; 11] = [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 60_000, 600_000];

/// What was counted of one class since the master started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClassMetrics {
    /// Procedures and children that were submitted.
    pub submitted: u64,
    /// Those that ended well.
    pub succeeded: u64,
    /// Those that were undone.
    pub failed: u64,
    /// Milliseconds from the submission to the end, of those that ended well, all together.
    pub elapsed_ms: u64,
    /// The shortest; 0 if there are none.
    pub elapsed_ms_min: u64,
    /// The longest.
    pub elapsed_ms_max: u64,
    /// How many of those that ended well took at most the time of the same place in [`ELAPSED_BOUNDS_MS`], and longer
    /// than that of the place before.
    pub elapsed: [u64; ELAPSED_BOUNDS_MS.len() + 1],
}

/// Counters by class.
#[derive(Debug, Default)]
pub(crate) struct Metrics(HashMap<String, ClassMetrics, FixedState>);

impl Metrics {
    pub(crate) fn submitted(&mut self, class: &str) {
        self.of(class).submitted += 1;
    }

    pub(crate) fn finished(&mut self, class: &str, success: bool, elapsed_ms: u64) {
        let metrics = self.of(class);
        if !success {
            metrics.failed += 1;
            return;
        }
        metrics.elapsed_ms_min =
            if metrics.succeeded == 0 { elapsed_ms } else { metrics.elapsed_ms_min.min(elapsed_ms) };
        metrics.succeeded += 1;
        metrics.elapsed_ms += elapsed_ms;
        metrics.elapsed_ms_max = metrics.elapsed_ms_max.max(elapsed_ms);
        metrics.elapsed[ELAPSED_BOUNDS_MS.partition_point(|&bound| bound < elapsed_ms)] += 1;
    }

    /// All of them, in order of the classes.
    pub(crate) fn all(&self) -> Vec<(String, ClassMetrics)> {
        let mut all: Vec<_> =
            self.0.iter().map(|(class, metrics)| (class.clone(), metrics.clone())).collect();
        all.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        all
    }

    fn of(&mut self, class: &str) -> &mut ClassMetrics {
        if !self.0.contains_key(class) {
            self.0.insert(class.to_owned(), ClassMetrics::default());
        }
        self.0.get_mut(class).expect("just looked")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_class() {
        let mut metrics = Metrics::default();
        metrics.submitted("b");
        metrics.submitted("a");
        metrics.finished("a", true, 1);
        metrics.finished("a", true, 700_000);
        metrics.finished("a", false, 5);
        let all = metrics.all();
        assert_eq!((all[0].0.as_str(), all[1].0.as_str()), ("a", "b"));
        let a = &all[0].1;
        assert_eq!((a.submitted, a.succeeded, a.failed, a.elapsed_ms_max), (1, 2, 1, 700_000));
        assert_eq!(a.elapsed_ms_min, 1);
        assert_eq!((a.elapsed[0], a.elapsed[ELAPSED_BOUNDS_MS.len()]), (1, 1));
    }
}

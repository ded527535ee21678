//! Procedures by class: how many, and how long they took.

use hmaster_procedure::{ClassMetrics, ELAPSED_BOUNDS_MS, simple_class_name};

use super::text::{Kind, Text};
use crate::beans::Counted;

type Count = fn(&ClassMetrics) -> u64;

pub(super) fn put(text: &mut Text, counted: &Counted) {
    let classes: Vec<_> =
        counted.all().iter().map(|(name, class)| (simple_class_name(name), class)).collect();
    let counts: [(&str, &str, Count); 2] = [
        ("hbase_master_procedures_submitted_total", "Procedures that were submitted", |class| {
            class.submitted
        }),
        ("hbase_master_procedures_failed_total", "Procedures that failed and were undone", |class| {
            class.failed
        }),
    ];
    for (name, help, count) in counts {
        let mut family = text.family(name, Kind::Counter, help);
        for (class, metrics) in &classes {
            family.sample("", &[("class", class)], count(metrics));
        }
    }
    let help = "Seconds until procedures succeeded";
    let mut family = text.family("hbase_master_procedures_duration_seconds", Kind::Histogram, help);
    for (class, metrics) in &classes {
        let mut seen = 0;
        let bounds = ELAPSED_BOUNDS_MS.iter().map(|bound| (*bound as f64 / 1000.0).to_string());
        for (bound, count) in bounds.chain(["+Inf".to_owned()]).zip(metrics.elapsed) {
            seen += count;
            family.sample("_bucket", &[("class", class), ("le", &bound)], seen);
        }
        family.sample("_sum", &[("class", class)], metrics.elapsed_ms as f64 / 1000.0);
        family.sample("_count", &[("class", class)], metrics.succeeded);
    }
}

//! Medians of runs.

use std::time::Duration;

pub(crate) fn seconds(times: &[Duration]) -> String {
    median(times).map_or("-".into(), |time| format!("{:.2} s", time.as_secs_f64()))
}

/// The middle one; of an even number the lower of the two.
pub(crate) fn median<T: Ord + Copy>(values: &[T]) -> Option<T> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len().saturating_sub(1) / 2).copied()
}

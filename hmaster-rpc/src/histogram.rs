//! A histogram of bounded size: where values lie, to within an eighth. Counterpart of `MutableHistogram`, which
//! samples; this one counts everything, without a lock.

use std::array;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts values by magnitude.
#[derive(Debug)]
pub struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    sum: AtomicU64,
    min: AtomicU64,
    max: AtomicU64,
}

/// A histogram at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct HistogramSnapshot {
    /// How many values.
    pub count: u64,
    /// Their sum.
    pub sum: u64,
    /// The smallest; 0 if there are none.
    pub min: u64,
    /// The largest; 0 if there are none.
    pub max: u64,
    counts: Box<[u64]>,
}

/// Buckets per doubling: eight, so a quantile is off by an eighth at most.
const SUB_BITS: u32 = 3;
const SUB: usize = 1 << SUB_BITS;
/// Values from here on share the last bucket: 2^48 microseconds are nine years.
const BITS_MAX: u32 = 48;
const BUCKETS: usize = (BITS_MAX - SUB_BITS + 1) as usize * SUB;

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: array::from_fn(|_| AtomicU64::new(0)),
            sum: AtomicU64::new(0),
            min: AtomicU64::new(u64::MAX),
            max: AtomicU64::new(0),
        }
    }
}

impl Histogram {
    /// Adds a value.
    pub fn record(&self, value: u64) {
        self.buckets[bucket(value)].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
        self.min.fetch_min(value, Ordering::Relaxed);
        self.max.fetch_max(value, Ordering::Relaxed);
    }

    /// What was recorded up to now.
    pub fn snapshot(&self) -> HistogramSnapshot {
        let counts: Box<[u64]> = self.buckets.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let count = counts.iter().sum();
        let min = if count == 0 { 0 } else { self.min.load(Ordering::Relaxed) };
        let (sum, max) = (self.sum.load(Ordering::Relaxed), self.max.load(Ordering::Relaxed));
        HistogramSnapshot { count, sum, min, max, counts }
    }
}

impl HistogramSnapshot {
    /// The value below which a `share` of the values lies, from 0 to 1.
    pub fn quantile(&self, share: f64) -> u64 {
        let rank = (share.clamp(0.0, 1.0) * self.count as f64).ceil() as u64;
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank.max(1) {
                return upper_bound(index).clamp(self.min, self.max);
            }
        }
        self.max
    }

    /// The mean; 0 if there are no values.
    pub fn mean(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum as f64 / self.count as f64 }
    }
}

fn bucket(value: u64) -> usize {
    if value < SUB as u64 {
        return value as usize;
    }
    let doubling = value.ilog2().min(BITS_MAX - 1);
    let shift = doubling - SUB_BITS;
    let within = ((value >> shift) as usize).min(2 * SUB - 1) - SUB;
    (shift as usize + 1) * SUB + within
}

/// The largest value of a bucket.
fn upper_bound(index: usize) -> u64 {
    if index < SUB {
        return index as u64;
    }
    let (shift, within) = (index / SUB - 1, index % SUB);
    (((SUB + within + 1) as u64) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_bucket() {
        for value in (0..2000).chain((11..48).flat_map(|bits| [(1 << bits) - 1, 1 << bits, (1 << bits) + 1]))
        {
            let index = bucket(value);
            assert!(value <= upper_bound(index), "{value}");
            assert!(index == 0 || value > upper_bound(index - 1), "{value}");
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_are_near() {
        let histogram = Histogram::default();
        for value in 1..=1000 {
            histogram.record(value);
        }
        let snapshot = histogram.snapshot();
        assert_eq!((snapshot.count, snapshot.min, snapshot.max, snapshot.mean()), (1000, 1, 1000, 500.5));
        for (share, exact) in [(0.0, 1.0), (0.5, 500.0), (0.9, 900.0), (0.99, 990.0), (1.0, 1000.0)] {
            let quantile = snapshot.quantile(share) as f64;
            assert!((quantile - exact).abs() <= exact / 8.0, "{share}: {quantile}");
        }
    }

    #[test]
    fn an_empty_one_is_all_zero() {
        let snapshot = Histogram::default().snapshot();
        assert_eq!((snapshot.min, snapshot.max, snapshot.quantile(0.5), snapshot.mean()), (0, 0, 0, 0.0));
    }
}

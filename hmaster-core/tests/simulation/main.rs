//! Clusters in memory in which everything goes wrong that can, by seed. Then everything is healed, and what must hold is
//! checked: what was acknowledged is there, tables are whole, no procedure is left, and all the while no region was open
//! twice or before its WALs were split (see `hmaster_core::testing`, `invariants/`).
//!
//! `cargo xtask simulate --seeds 10000 --from 500` runs as many seeds from there on, `cargo xtask simulate --seed 7` runs
//! one again, with log lines by `RUST_LOG`. They set the environment variables `HMASTER_SEEDS`, `HMASTER_FROM` and
//! `HMASTER_SEED` for these tests.

#![expect(clippy::unwrap_used, reason = "tests")]

mod chaos;
mod clients;
mod run;
mod wishes;

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use hmaster_core::testing::Bug;

use run::{Failure, simulate};

/// Seeds in an ordinary run of the tests.
const SEEDS: u64 = 100;
/// Seeds within which each of the bugs that are put back must show.
const SEEDS_FOR_BUGS: u64 = 400;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Runs seeds on all processors until one fails, and returns the failures.
fn sweep(seeds: Range<u64>, bugs: &[Bug]) -> Vec<Failure> {
    let (next, failures) = (AtomicU64::new(seeds.start), Mutex::new(Vec::new()));
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = number("HMASTER_THREADS").map_or(processors, |threads| threads as usize);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while failures.lock().unwrap().is_empty() {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= seeds.end {
                        return;
                    }
                    if let Err(failure) = simulate(seed, bugs) {
                        failures.lock().unwrap().push(failure);
                    }
                }
            });
        }
    });
    failures.into_inner().unwrap()
}

#[test]
fn nothing_is_lost_whatever_goes_wrong() {
    let from = number("HMASTER_FROM").unwrap_or(0);
    let failures = sweep(from..from + number("HMASTER_SEEDS").unwrap_or(SEEDS), &[]);
    if let Some(failure) = failures.first() {
        panic!("{failure}");
    }
}

#[test]
fn replay() {
    let Some(seed) = number("HMASTER_SEED") else { return };
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().without_time().init();
    if let Err(failure) = simulate(seed, &[]) {
        panic!("{failure}");
    }
}

#[test]
fn one_seed_is_one_run() {
    for seed in 0..3 {
        let (one, two) = (simulate(seed, &[]), simulate(seed, &[]));
        assert_eq!(one.ok(), two.ok(), "seed {seed}");
    }
}

fn finds(bug: Bug) {
    let failures = sweep(0..SEEDS_FOR_BUGS, &[bug]);
    assert!(!failures.is_empty(), "{bug:?} isn't found");
}

#[test]
fn a_report_acknowledged_before_it_is_stored_is_found() {
    finds(Bug::AcknowledgesEarly);
}

#[test]
fn a_command_in_doubt_given_to_another_server_is_found() {
    finds(Bug::RetriesElsewhere);
}

#[test]
fn wals_listed_before_their_folder_is_renamed_are_found() {
    finds(Bug::ListsUnfenced);
}

//! How long to search, in work and in time.
//!
//! Work is counted in candidates looked at. A search that is bound by work alone gives the same plan for the same seed
//! on any machine; time comes from the caller, since nothing here reads a clock.

use std::fmt;
use std::time::Duration;

/// What a search may spend.
#[derive(Clone, Copy)]
pub struct Budget<'a> {
    /// Seed of every choice by chance.
    pub seed: u64,
    /// Candidates to look at, at most.
    pub candidates_max: u64,
    /// Time since the start, and how much of it there is.
    pub time: Option<(&'a dyn Fn() -> Duration, Duration)>,
    /// Asked now and then; true stops the search with the best plan so far.
    pub stop: Option<&'a dyn Fn() -> bool>,
}

impl<'a> Budget<'a> {
    /// So many candidates, and the same plan every time.
    pub fn candidates(candidates_max: u64, seed: u64) -> Self {
        Self { seed, candidates_max, time: None, stop: None }
    }

    /// So much time, told by `elapsed`.
    pub fn time(elapsed: &'a dyn Fn() -> Duration, time_max: Duration, seed: u64) -> Self {
        Self { seed, candidates_max: u64::MAX, time: Some((elapsed, time_max)), stop: None }
    }
}

impl Budget<'_> {
    /// The first half of it.
    pub(crate) fn half(self) -> Self {
        let time = self.time.map(|(elapsed, max)| (elapsed, max / 2));
        Self { candidates_max: self.candidates_max / 2, time, ..self }
    }
}

impl fmt::Debug for Budget<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.time.map(|(_, max)| max);
        let mut out = f.debug_struct("Budget");
        out.field("seed", &self.seed).field("candidates_max", &self.candidates_max).field("time_max", &time);
        out.finish_non_exhaustive()
    }
}

/// A budget being spent.
#[derive(Debug)]
pub(crate) struct Meter<'a> {
    budget: Budget<'a>,
    spent: u64,
    looked_at: u64,
    over: bool,
    /// Share of the budget that is spent, as of the last look at the clock.
    share: f64,
}

/// Candidates between looks at the clock: some ten microseconds.
const LOOK_EVERY: u64 = 4096;

impl<'a> Meter<'a> {
    pub(crate) fn new(budget: Budget<'a>) -> Self {
        let mut meter = Self { budget, spent: 0, looked_at: 0, over: false, share: 0.0 };
        meter.look();
        meter
    }

    /// Notes candidates looked at.
    pub(crate) fn spend(&mut self, candidates: u64) {
        self.spent += candidates;
        // Small budgets are looked at more often.
        if self.spent - self.looked_at >= (self.budget.candidates_max / 256).clamp(16, LOOK_EVERY) {
            self.look();
        }
    }

    pub(crate) fn spent(&self) -> u64 {
        self.spent
    }

    /// Looks whether the search is to end at once: it was stopped, or there is no time left.
    pub(crate) fn is_stopped(&mut self) -> bool {
        self.look();
        self.over
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// Share of the budget that is spent.
    pub(crate) fn share(&self) -> f64 {
        self.share
    }

    /// Time since the start, when there is a clock.
    pub(crate) fn elapsed(&self) -> Duration {
        self.budget.time.map_or(Duration::ZERO, |(elapsed, _)| elapsed())
    }

    fn look(&mut self) {
        self.looked_at = self.spent;
        let work = self.spent as f64 / self.budget.candidates_max.max(1) as f64;
        let time = self
            .budget
            .time
            .map_or(0.0, |(elapsed, max)| elapsed().as_secs_f64() / max.as_secs_f64().max(f64::MIN_POSITIVE));
        self.share = work.max(time);
        self.over = self.over || self.share >= 1.0 || self.budget.stop.is_some_and(|stop| stop());
    }
}

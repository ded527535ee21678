//! Randomness as a seam: everything random is drawn from a seeded [`Chance`].

use std::fmt;

use std::sync::Mutex;

/// A seeded source of randomness, shared by reference. Not for secrets.
pub struct Chance(Mutex<fastrand::Rng>);

impl Chance {
    /// Two sources with one seed draw the same values in the same order.
    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(fastrand::Rng::with_seed(seed)))
    }

    /// A source seeded by the operating system.
    pub fn from_entropy() -> Self {
        Self(Mutex::new(fastrand::Rng::new()))
    }

    /// A number below `bound`; 0 when `bound` is 0.
    pub fn below(&self, bound: usize) -> usize {
        if bound == 0 { 0 } else { self.with(|rng| rng.usize(..bound)) }
    }

    /// Any 64 bits.
    pub fn bits(&self) -> u64 {
        self.with(|rng| rng.u64(..))
    }

    /// True with probability `p`.
    pub fn happens(&self, p: f64) -> bool {
        self.with(fastrand::Rng::f64) < p
    }

    /// Puts `items` into random order.
    pub fn shuffle<T>(&self, items: &mut [T]) {
        self.with(|rng| rng.shuffle(items));
    }

    /// A source of its own for a part that draws at its own pace, so that it doesn't disturb others' order.
    pub fn fork(&self) -> Self {
        Self::seeded(self.bits())
    }

    fn with<T>(&self, draw: impl FnOnce(&mut fastrand::Rng) -> T) -> T {
        // A panic while drawing can't leave a generator half changed in a way that matters.
        draw(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl fmt::Debug for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chance")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_one_run() {
        let (a, b) = (Chance::seeded(7), Chance::seeded(7));
        let draw = |c: &Chance| (c.below(1000), c.bits(), c.happens(0.5));
        assert_eq!(draw(&a), draw(&b));
    }
}

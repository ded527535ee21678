//! How uneven numbers are, from 0 to 1. Counterpart of `DoubleArrayCost` and `CostFunction.scale`.
//!
//! A skew is the root of the sum of squared distances from the mean, scaled between the least and the most that the
//! same total allows. Everything but that sum is fixed by the total and the number of servers, so a [`Skew`] is made
//! once, and a change of two servers costs one root.

/// Scales a value to 0..=1 between `min` and `max`, with Java's sense of what is nothing.
pub fn scale(min: f64, max: f64, value: f64) -> f64 {
    let epsilon = ulp(max);
    if max <= min || value <= min || (max - min).abs() <= epsilon || (value - min).abs() <= epsilon {
        return 0.0;
    }
    ((value - min) / (max - min)).clamp(0.0, 1.0)
}

/// Distance to the next larger number, as `Math.ulp`.
fn ulp(value: f64) -> f64 {
    let value = value.abs();
    f64::from_bits(value.to_bits() + 1) - value
}

/// The scale of the skew of numbers with a given total.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Skew {
    /// Least and most root of the sum of squares that the total allows.
    pub min: f64,
    /// The most: everything on one server.
    pub max: f64,
    /// The mean per server.
    pub mean: f64,
    epsilon: f64,
    per_unit: f64,
}

impl Skew {
    /// For `total` spread over `servers` numbers.
    pub fn new(total: f64, servers: usize) -> Self {
        if servers == 0 {
            return Self::default();
        }
        let n = servers as f64;
        let mean = total / n;
        let max = ((total - mean).powi(2) + (n - 1.0) * mean.powi(2)).sqrt();
        let min = if n > total {
            ((n - total) * mean.powi(2) + (1.0 - mean).powi(2) * total).sqrt()
        } else {
            // Java truncates to int, also for totals that aren't whole numbers.
            let high = f64::from((total - mean.floor() * n) as i32);
            let low = f64::from((n - high) as i32);
            (high * (mean.ceil() - mean).powi(2) + low * (mean - mean.floor()).powi(2)).sqrt()
        };
        let per_unit = if max > min { 1.0 / (max - min) } else { 0.0 };
        Self { min, max, mean, epsilon: ulp(max), per_unit }
    }

    /// The cost when the squared distances from the mean sum to `squares`.
    #[inline]
    pub fn cost(&self, squares: f64) -> f64 {
        let above = squares.max(0.0).sqrt() - self.min;
        if above <= self.epsilon || self.max - self.min <= self.epsilon {
            return 0.0;
        }
        (above * self.per_unit).min(1.0)
    }

    /// How fast the cost grows with the sum of squares, there.
    pub fn slope(&self, squares: f64) -> f64 {
        self.per_unit * 0.5 / squares.max(f64::MIN_POSITIVE).sqrt()
    }
}

/// The sum of squares of whole numbers around their mean, exactly.
///
/// Kept as whole numbers around the mean's floor, so that nothing is lost when large numbers nearly cancel.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Counts {
    /// Floor of the mean.
    pub floor: i64,
    /// Sum of squares around `floor`.
    pub squares: i64,
    /// What the numbers should sum to above `floor` each, and what they do while some regions are nowhere.
    rest: i64,
    sum: i64,
    servers: f64,
    /// The scale.
    pub skew: Skew,
}

impl Counts {
    /// For numbers with this total.
    pub fn new(total: u64, numbers: impl ExactSizeIterator<Item = u32>) -> Self {
        let servers = numbers.len();
        let floor = if servers == 0 { 0 } else { (total / servers as u64) as i64 };
        let (mut squares, mut sum) = (0, 0);
        for number in numbers {
            let above = i64::from(number) - floor;
            squares += above * above;
            sum += above;
        }
        let rest = total as i64 - floor * servers as i64;
        let skew = Skew::new(total as f64, servers);
        Self { floor, squares, rest, sum, servers: (servers as f64).max(1.0), skew }
    }

    /// Change of the squares when `from` loses one and `to` wins one, given as they are now.
    #[inline]
    pub fn shift(&self, from: u32, to: u32) -> i64 {
        2 * (i64::from(to) - i64::from(from)) + 2
    }

    /// One more on a server that has `to`, come from nowhere.
    pub fn place(&mut self, to: u32) {
        self.squares += 2 * (i64::from(to) - self.floor) + 1;
        self.sum += 1;
    }

    /// The cost after a change of the squares.
    #[inline]
    pub fn cost_after(&self, change: i64) -> f64 {
        let (rest, sum) = (self.rest as f64, self.sum as f64);
        let squares = (self.squares + change) as f64 * self.servers - rest * (2.0 * sum - rest);
        self.skew.cost(squares / self.servers)
    }

    /// The cost.
    #[inline]
    pub fn cost(&self) -> f64 {
        self.cost_after(0)
    }

    /// Sum of squares when every number is the floor or one more.
    pub fn squares_min(&self) -> i64 {
        self.rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn direct(numbers: &[u32]) -> f64 {
        let total: f64 = numbers.iter().map(|&x| f64::from(x)).sum();
        let skew = Skew::new(total, numbers.len());
        let squares: f64 = numbers.iter().map(|&x| (skew.mean - f64::from(x)).powi(2)).sum();
        scale(skew.min, skew.max, squares.sqrt())
    }

    #[test]
    fn one_server_with_all_costs_one_and_level_costs_nothing() {
        assert_eq!(direct(&[10, 0, 0, 0]), 1.0);
        assert_eq!(direct(&[3, 2, 3, 2]), 0.0);
        assert_eq!(direct(&[1, 0, 1, 0]), 0.0);
        assert_eq!(direct(&[]), 0.0);
        assert_eq!(direct(&[5]), 0.0);
    }

    #[test]
    fn whole_numbers_agree_with_floats_and_are_exactly_zero_when_level() {
        for numbers in [&[9, 1, 4, 4, 0][..], &[1_000_000, 0, 0], &[3, 3, 4], &[0, 0, 1], &[7, 8, 8, 8]] {
            let counts = Counts::new(numbers.iter().map(|&x| u64::from(x)).sum(), numbers.iter().copied());
            assert!((counts.cost() - direct(numbers)).abs() < 1e-12, "{numbers:?}");
        }
        let level: Vec<u32> = (0..2000).map(|s| 500 + u32::from(s < 7)).collect();
        assert_eq!(Counts::new(1_000_007, level.iter().copied()).cost(), 0.0);
    }

    #[test]
    fn a_shift_is_the_difference_of_two_sums() {
        let before = Counts::new(12, [5_u32, 3, 4].into_iter());
        let after = Counts::new(12, [4_u32, 4, 4].into_iter());
        assert_eq!(before.shift(5, 3), after.squares - before.squares);
        assert_eq!(before.cost_after(before.shift(5, 3)), after.cost());
    }
}

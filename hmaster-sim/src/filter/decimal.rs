//! Decimal numbers, as `Bytes.toBytes(BigDecimal)` writes them: `int32 scale`, then the unscaled value in two's
//! complement, big endian. Only comparing is needed.

use std::cmp::Ordering;

use super::{Answer, FilterError};

/// The longest number that is compared: its digits are computed in quadratic time.
const BYTES_MAX: usize = 16 << 10;

/// A decimal number: a sign, and digits with a place for the point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    /// The digits of the unscaled value without leading zeros; none for 0.
    digits: Vec<u8>,
    /// How many of the digits stand behind the point; negative when zeros follow the digits.
    scale: i64,
}

impl Decimal {
    /// Reads the form that is stored.
    ///
    /// # Errors
    /// When it is too short or too long.
    pub(crate) fn parse(bytes: &[u8]) -> Answer<Self> {
        let unreadable = || FilterError(format!("a value of {} bytes isn't a BigDecimal", bytes.len()));
        let (scale, unscaled) = bytes.split_first_chunk::<4>().ok_or_else(unreadable)?;
        if unscaled.is_empty() || unscaled.len() > BYTES_MAX {
            return Err(unreadable());
        }
        let negative = unscaled[0] & 0x80 != 0;
        let magnitude = if negative { negate(unscaled) } else { unscaled.to_vec() };
        Ok(Self { negative, digits: digits(magnitude), scale: i32::from_be_bytes(*scale).into() })
    }

    /// Compares values: 1.0 equals 1.00, as in Java's `compareTo`.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        match (self.sign(), other.sign()) {
            (a, b) if a != b => a.cmp(&b),
            (0, _) => Ordering::Equal,
            (1, _) => self.compare_magnitude(other),
            _ => other.compare_magnitude(self),
        }
    }

    fn sign(&self) -> i8 {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    /// The number of digits before the point decides; then digit by digit, the shorter one padded by zeros.
    fn compare_magnitude(&self, other: &Self) -> Ordering {
        let before_point = |decimal: &Self| decimal.digits.len() as i64 - decimal.scale;
        let length = self.digits.len().max(other.digits.len());
        let digit = |decimal: &Self, at: usize| decimal.digits.get(at).copied().unwrap_or(0);
        before_point(self)
            .cmp(&before_point(other))
            .then_with(|| (0..length).map(|at| digit(self, at)).cmp((0..length).map(|at| digit(other, at))))
    }
}

/// The two's complement.
fn negate(bytes: &[u8]) -> Vec<u8> {
    let mut carry = true;
    let mut negated: Vec<u8> = bytes
        .iter()
        .rev()
        .map(|byte| {
            let (sum, overflow) = (!byte).overflowing_add(u8::from(carry));
            carry = overflow;
            sum
        })
        .collect();
    negated.reverse();
    negated
}

/// The decimal digits of an unsigned number, by dividing it again and again by 10⁹.
fn digits(mut magnitude: Vec<u8>) -> Vec<u8> {
    const BASE: u64 = 1_000_000_000;
    let mut reversed = Vec::new();
    while magnitude.iter().any(|byte| *byte != 0) {
        let mut remainder = 0u64;
        for byte in &mut magnitude {
            let value = remainder << 8 | u64::from(*byte);
            *byte = (value / BASE) as u8; // the remainder is below BASE, so this is below 256
            remainder = value % BASE;
        }
        for _ in 0..9 {
            reversed.push((remainder % 10) as u8);
            remainder /= 10;
        }
        let zeros = magnitude.iter().take_while(|byte| **byte == 0).count();
        magnitude.drain(..zeros);
    }
    while reversed.last() == Some(&0) {
        reversed.pop();
    }
    reversed.reverse();
    reversed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(unscaled: i128, scale: i32) -> Decimal {
        Decimal::parse(&[&scale.to_be_bytes()[..], &unscaled.to_be_bytes()].concat()).unwrap()
    }

    #[test]
    fn numbers_compare_by_value() {
        let sorted = [
            decimal(-10, -3),
            decimal(-9999, 0),
            decimal(-1, 0),
            decimal(-1, 2),
            decimal(0, 0),
            decimal(1, 9),
            decimal(99, 2),
            decimal(1, 0),
            decimal(12_345_678_901_234_567_890_123, 22),
            decimal(2, 0),
            decimal(1, -1),
        ];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                assert_eq!(a.compare(b), i.cmp(&j), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn the_scale_is_not_the_value() {
        assert!(decimal(10, 1).compare(&decimal(1, 0)).is_eq());
        assert!(decimal(0, 5).compare(&decimal(0, -5)).is_eq());
        assert!(decimal(5, i32::MIN).compare(&decimal(5, i32::MAX)).is_gt());
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for bad in [&b""[..], &[0; 4], &[1; 20_000]] {
            assert!(Decimal::parse(bad).is_err());
        }
        assert!(Decimal::parse(&[0; 5]).unwrap().compare(&decimal(0, 0)).is_eq());
    }
}

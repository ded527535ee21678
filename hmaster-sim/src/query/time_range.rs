//! A range of timestamps. Counterpart of `io.TimeRange`.

/// Timestamps from `min` to before `max`, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeRange {
    min: i64,
    max: i64,
}

impl TimeRange {
    /// All there are.
    pub(crate) const ALL: Self = Self { min: 0, max: i64::MAX };

    /// From `min` to before `max`.
    ///
    /// # Errors
    /// When either is negative or the range ends before it begins, with Java's message.
    pub(crate) fn new(min: i64, max: i64) -> Result<Self, String> {
        if min < 0 || max < 0 {
            return Err(format!("Timestamp cannot be negative. minStamp:{min}, maxStamp:{max}"));
        }
        if max < min {
            return Err("maxStamp is smaller than minStamp".into());
        }
        Ok(Self { min, max })
    }

    /// True when no timestamp is left out.
    pub(crate) fn is_all(self) -> bool {
        self == Self::ALL
    }

    /// Whether a timestamp is in the range.
    pub(crate) fn contains(self, timestamp: i64) -> bool {
        self.is_all() || (self.min..self.max).contains(&timestamp)
    }

    /// Whether a timestamp is in the range or after it.
    pub(crate) fn contains_or_precedes(self, timestamp: i64) -> bool {
        self.is_all() || timestamp >= self.min
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_exclude_their_end() {
        let range = TimeRange::new(3, 5).unwrap();
        assert_eq!([2, 3, 4, 5].map(|ts| range.contains(ts)), [false, true, true, false]);
        assert_eq!([2, 3, 9].map(|ts| range.contains_or_precedes(ts)), [false, true, true]);
        assert!(TimeRange::ALL.contains(i64::MAX) && TimeRange::ALL.contains(-1));
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(TimeRange::new(-1, 5).is_err() && TimeRange::new(5, 4).is_err());
        assert!(TimeRange::new(5, 5).is_ok());
    }
}

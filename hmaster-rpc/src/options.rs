//! Reading options by their Hadoop keys, without knowing where the keys come from.

use std::str::FromStr;
use std::time::Duration;

/// A value that isn't what its key needs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} = {value:?} is not {expected}")]
pub struct OptionError {
    /// The key.
    pub key: &'static str,
    /// Its value.
    pub value: String,
    /// What it should be.
    pub expected: &'static str,
}

/// Looks options up and parses them.
pub(crate) struct Lookup<'a>(pub(crate) &'a dyn Fn(&str) -> Option<String>);

impl Lookup<'_> {
    pub(crate) fn number<N: FromStr>(&self, key: &'static str, otherwise: N) -> Result<N, OptionError> {
        self.parse(key, otherwise, "a number that fits", |text| text.parse().ok())
    }

    pub(crate) fn flag(&self, key: &'static str, otherwise: bool) -> Result<bool, OptionError> {
        self.parse(key, otherwise, "true or false", |text| text.to_ascii_lowercase().parse().ok())
    }

    pub(crate) fn millis(&self, key: &'static str, otherwise: Duration) -> Result<Duration, OptionError> {
        let parse = |text: &str| text.parse().ok().map(Duration::from_millis);
        self.parse(key, otherwise, "a number of milliseconds", parse)
    }

    fn parse<T>(
        &self,
        key: &'static str,
        otherwise: T,
        expected: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, OptionError> {
        let Some(value) = (self.0)(key) else { return Ok(otherwise) };
        parse(value.trim()).ok_or(OptionError { key, value, expected })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_trimmed_and_wrong_ones_named() {
        let conf = |key: &str| match key {
            "n" => Some(" 7 ".to_owned()),
            "flag" => Some("TRUE".to_owned()),
            "bad" => Some("-1".to_owned()),
            _ => None,
        };
        let lookup = Lookup(&conf);
        assert_eq!((lookup.number("n", 1_u32), lookup.number("absent", 1_u32)), (Ok(7), Ok(1)));
        assert_eq!(lookup.flag("flag", false), Ok(true));
        assert_eq!(lookup.millis("n", Duration::ZERO), Ok(Duration::from_millis(7)));
        let error = lookup.number("bad", 1_u32).unwrap_err();
        assert_eq!(error.to_string(), "bad = \"-1\" is not a number that fits");
    }
}

//! Regular expressions in requests, as `java.util.regex` reads them for the most part: look-around and back references
//! included; letters and digits of `\w` and `\d` are those of any language.

use fancy_regex::Regex;
use hmaster_types::{JavaException, TableName, class};

/// An expression that a whole text must match.
pub(super) struct Text(Regex);

impl Text {
    /// Reads an expression.
    ///
    /// # Errors
    /// `DoNotRetryIOException` when it isn't one.
    pub(super) fn new(text: &str) -> Result<Self, JavaException> {
        let whole = Regex::new(&format!("\\A(?:{text})\\z"));
        whole.map(Self).map_err(|error| refusal(text, &error))
    }

    /// Whether a text is meant.
    ///
    /// # Errors
    /// `DoNotRetryIOException` when matching takes too many steps.
    pub(super) fn matches(&self, text: &str) -> Result<bool, JavaException> {
        self.0.is_match(text).map_err(|error| refusal(self.0.as_str(), &error))
    }
}

/// An expression that a table's whole name must match.
pub(super) struct Pattern(Text);

impl Pattern {
    /// Reads an expression.
    ///
    /// # Errors
    /// As [`Text::new`].
    pub(super) fn new(text: &str) -> Result<Self, JavaException> {
        Text::new(text).map(Self)
    }

    /// Whether a table is meant: by its name or, in the default namespace, by its name with the namespace.
    ///
    /// # Errors
    /// `DoNotRetryIOException` when matching takes too many steps.
    pub(super) fn matches(&self, table: &TableName) -> Result<bool, JavaException> {
        if self.0.matches(table.as_str())? {
            return Ok(true);
        }
        let is_default = table.namespace() == TableName::DEFAULT_NAMESPACE;
        Ok(is_default && self.0.matches(&format!("{}:{}", table.namespace(), table.qualifier()))?)
    }
}

fn refusal(text: &str, error: &fancy_regex::Error) -> JavaException {
    JavaException::new(class::DO_NOT_RETRY_IO, format!("regular expression {text}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_names_match() {
        let cases = [
            ("t.*", "t1", true),
            ("t", "t1", false),
            ("a|t1", "t1", true),
            ("default:t1", "t1", true),
            ("default:.*", "ns:t1", false),
            ("ns:.*", "ns:t1", true),
            ("(?!t|d).*", "t1", false),
            ("(?i)T1", "t1", true),
            ("(.)\\1", "tt", true),
            ("", "t1", false),
        ];
        for (pattern, table, matches) in cases {
            let table = table.parse().unwrap();
            assert_eq!(Pattern::new(pattern).unwrap().matches(&table), Ok(matches), "{pattern} {table}");
        }
    }

    #[test]
    fn what_is_no_pattern_or_takes_too_long_is_refused() {
        for bad in ["(", "[", "*"] {
            let Err(error) = Pattern::new(bad) else { panic!("{bad} is read") };
            assert!(error.is(class::DO_NOT_RETRY_IO), "{error}");
        }
        let endless = Pattern::new("(?=(a+)+$)(a|aa)+\\1b").unwrap();
        let table = "a".repeat(60).parse().unwrap();
        let _ = endless.matches(&table); // an answer of either kind, but soon
    }
}

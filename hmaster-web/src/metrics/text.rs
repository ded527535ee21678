//! The text format, line by line.

use std::fmt::{Display, Write as _};

/// What a family's numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// They only rise.
    Counter,
    /// They rise and fall.
    Gauge,
    /// Quantiles, sum and count.
    Summary,
    /// Counts up to bounds, sum and count.
    Histogram,
}

/// Families of numbers, one after the other.
#[derive(Debug, Default)]
pub(super) struct Text(String);

/// The numbers of one name.
pub(super) struct Family<'a> {
    text: &'a mut String,
    name: String,
}

impl Text {
    /// Begins a family; a name may begin only one.
    pub(super) fn family(&mut self, name: &str, kind: Kind, help: &str) -> Family<'_> {
        debug_assert!(is_name(name), "{name}");
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Summary => "summary",
            Kind::Histogram => "histogram",
        };
        // Writing to a string can't fail.
        let _ = writeln!(self.0, "# HELP {name} {}\n# TYPE {name} {kind}", escaped(help, false));
        Family { text: &mut self.0, name: name.to_owned() }
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

impl Family<'_> {
    /// A number, whose name has `suffix` behind the family's.
    pub(super) fn sample(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        let _ = write!(self.text, "{}{suffix}", self.name);
        if !labels.is_empty() {
            let labels: Vec<_> =
                labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value, true))).collect();
            let _ = write!(self.text, "{{{}}}", labels.join(","));
        }
        let _ = writeln!(self.text, " {value}");
    }
}

/// Line breaks and backslashes would end a line or a value; so would quotes in a label's value.
fn escaped(text: &str, in_quotes: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if in_quotes => out.push_str("\\\""),
            c => out.push(c),
        }
    }
    out
}

fn is_name(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    name.chars().all(legal) && !name.starts_with(|c: char| c.is_ascii_digit()) && !name.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_break_a_line_is_escaped() {
        let mut text = Text::default();
        let mut family = text.family("a_b", Kind::Gauge, "help \\ with\nlines \"and\" quotes");
        family.sample("", &[("x", "a\\b\n\"c\"")], 1.5);
        family.sample("_sum", &[], f64::INFINITY);
        let expected = "# HELP a_b help \\\\ with\\nlines \"and\" quotes\n# TYPE a_b gauge\n\
                        a_b{x=\"a\\\\b\\n\\\"c\\\"\"} 1.5\na_b_sum inf\n";
        assert_eq!(text.finish(), expected);
    }
}

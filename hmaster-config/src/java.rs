//! Values as Java's own methods read them: `String.trim`, `Integer.parseInt` and the getters of Hadoop's
//! `Configuration` built on them. Nothing means that Java would throw (or, for a boolean, take its default).
//!
//! Differences: digits are ASCII (Java takes those of any script), and hexadecimal floats aren't read.

/// Without the characters up to U+0020 at both ends. Counterpart of `String.trim`, which knows no Unicode space.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(|c| c <= ' ')
}

/// Counterpart of `Configuration.getBoolean`: only these two words, in any case.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    match trim(text) {
        text if text.eq_ignore_ascii_case("true") => Some(true),
        text if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// Counterpart of `Configuration.getInt`: decimal, or hexadecimal after `0x`.
pub(crate) fn int(text: &str) -> Option<i32> {
    long(text)?.try_into().ok()
}

/// Counterpart of `Configuration.getLong`: decimal, or hexadecimal after `0x`.
pub(crate) fn long(text: &str) -> Option<i64> {
    let text = trim(text);
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => i64::from_str_radix(&format!("{sign}{hex}"), 16).ok(),
        None => text.parse().ok(),
    }
}

/// Counterpart of `Configuration.getDouble`, i.e. of `Double.parseDouble`.
pub(crate) fn double(text: &str) -> Option<f64> {
    floating(text)
}

/// Counterpart of `Configuration.getFloat`, i.e. of `Float.parseFloat`.
pub(crate) fn float(text: &str) -> Option<f32> {
    floating(text)
}

/// Counterpart of `Configuration.getLongBytes`: a whole number with `k`, `m`, `g`, `t`, `p` or `e` (powers of 1024) or
/// nothing behind it.
pub(crate) fn size(text: &str) -> Option<i64> {
    let text = trim(text);
    let (number, shift) = match text.chars().next_back()?.to_ascii_lowercase() {
        'k' => (&text[..text.len() - 1], 10),
        'm' => (&text[..text.len() - 1], 20),
        'g' => (&text[..text.len() - 1], 30),
        't' => (&text[..text.len() - 1], 40),
        'p' => (&text[..text.len() - 1], 50),
        'e' => (&text[..text.len() - 1], 60),
        _ => (text, 0),
    };
    number.parse::<i64>().ok()?.checked_mul(1 << shift)
}

/// Counterpart of `Configuration.getTimeDuration` in milliseconds with `default_unit` for a bare number: a whole
/// number with `ns`, `us`, `ms`, `s`, `m`, `h` or `d` right behind it. Cuts off what is below a millisecond.
pub(crate) fn time_millis(text: &str, default_unit: TimeUnit) -> Option<i64> {
    let text = trim(text).to_ascii_lowercase();
    let unit = TimeUnit::ALL.into_iter().find(|unit| text.ends_with(unit.suffix()));
    let number = unit.map_or(&*text, |unit| &text[..text.len() - unit.suffix().len()]);
    let nanos = number.parse::<i64>().map(i128::from).ok()? * unit.unwrap_or(default_unit).nanos();
    let millis = nanos / TimeUnit::Milliseconds.nanos();
    Some(millis.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
}

/// A unit of [`time_millis`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeUnit {
    Nanoseconds,
    Microseconds,
    Milliseconds,
    Seconds,
    Minutes,
    Hours,
    Days,
}

impl TimeUnit {
    /// In the order in which Java tries the suffixes: `s` must come after `ms`.
    const ALL: [Self; 7] = [
        Self::Nanoseconds,
        Self::Microseconds,
        Self::Milliseconds,
        Self::Seconds,
        Self::Minutes,
        Self::Hours,
        Self::Days,
    ];

    const fn suffix(self) -> &'static str {
        match self {
            Self::Nanoseconds => "ns",
            Self::Microseconds => "us",
            Self::Milliseconds => "ms",
            Self::Seconds => "s",
            Self::Minutes => "m",
            Self::Hours => "h",
            Self::Days => "d",
        }
    }

    const fn nanos(self) -> i128 {
        match self {
            Self::Nanoseconds => 1,
            Self::Microseconds => 1_000,
            Self::Milliseconds => 1_000_000,
            Self::Seconds => 1_000_000_000,
            Self::Minutes => 60_000_000_000,
            Self::Hours => 3_600_000_000_000,
            Self::Days => 86_400_000_000_000,
        }
    }
}

/// Counterpart of `Configuration.getStrings`: split at commas, empty parts left out, parts not trimmed.
pub(crate) fn strings(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').filter(|part| !part.is_empty())
}

/// `Double.parseDouble` and `Float.parseFloat` read the same texts: an optional type letter at the end, and the words
/// `NaN` and `Infinity` in just this case. Rust's own parser knows other words, so letters are checked first.
fn floating<F: std::str::FromStr>(text: &str) -> Option<F> {
    let text = trim(text);
    if let "NaN" | "Infinity" | "+NaN" | "-NaN" | "+Infinity" | "-Infinity" = text {
        return text.parse().ok();
    }
    let number = text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text);
    let plain = number.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    plain.then(|| number.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers() {
        let cases = [
            ("5", Some(5)),
            (" 5\n", Some(5)),
            ("+5", Some(5)),
            ("-5", Some(-5)),
            ("0x1F", Some(31)),
            ("0X1f", Some(31)),
            ("-0x10", Some(-16)),
            ("0x-10", Some(-16)), // Java strips the prefix and hands the rest to parseInt
            ("2147483647", Some(i32::MAX)),
            ("2147483648", None),
            ("-0x80000000", Some(i32::MIN)),
            ("", None),
            ("0x", None),
            ("-0x-1", None),
            ("5L", None),
            ("5 s", None),
            ("1_000", None),
            ("1e3", None),
            ("\u{a0}5", None), // not a space for String.trim
        ];
        for (text, expected) in cases {
            assert_eq!(int(text), expected, "{text:?}");
        }
        assert_eq!(long("2147483648"), Some(2_147_483_648));
        assert_eq!(long("9223372036854775808"), None);
        assert_eq!(long("0x7fffffffffffffff"), Some(i64::MAX));
    }

    #[test]
    fn floating_numbers() {
        let cases = [
            ("0.5", Some(0.5)),
            ("1.2F", Some(1.2)),
            ("5.0d", Some(5.0)),
            (" .5 ", Some(0.5)),
            ("1.", Some(1.0)),
            ("1e3", Some(1000.0)),
            ("-Infinity", Some(f64::NEG_INFINITY)),
            ("Infinity", Some(f64::INFINITY)),
            ("inf", None),
            ("infinity", None),
            ("nan", None),
            ("f", None),
            ("", None),
            ("0.5x", None),
            ("1,5", None),
            ("1.5ff", None),
        ];
        for (text, expected) in cases {
            assert_eq!(double(text), expected, "{text:?}");
        }
        assert!(double("NaN").is_some_and(f64::is_nan) && double("-NaN").is_some_and(f64::is_nan));
        assert_eq!(float("0.025f"), Some(0.025));
    }

    #[test]
    fn booleans_are_two_words() {
        assert_eq!(
            [" TRUE ", "False", "yes", "1", ""].map(boolean),
            [Some(true), Some(false), None, None, None]
        );
    }

    #[test]
    fn sizes() {
        let cases = [
            ("1024", Some(1024)),
            ("1k", Some(1024)),
            (" 64M ", Some(64 << 20)),
            ("-2g", Some(-(2 << 30))),
            ("7e", Some(7 << 60)),
            ("8e", None),
            ("1kb", None),
            ("1 k", None),
            ("k", None),
            ("", None),
            ("1.5g", None),
            ("5é", None),
        ];
        for (text, expected) in cases {
            assert_eq!(size(text), expected, "{text:?}");
        }
    }

    #[test]
    fn durations() {
        let cases = [
            ("5", Some(5)),
            ("5ms", Some(5)),
            ("5s", Some(5_000)),
            ("2M", Some(120_000)),
            ("1h", Some(3_600_000)),
            ("1d", Some(86_400_000)),
            ("1500us", Some(1)),
            ("999999ns", Some(0)),
            ("-1s", Some(-1_000)),
            ("9223372036854775807d", Some(i64::MAX)),
            ("5 s", None),
            ("s", None),
            ("5x", None),
            ("0x5", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(time_millis(text, TimeUnit::Milliseconds), expected, "{text:?}");
        }
        assert_eq!(time_millis("5", TimeUnit::Seconds), Some(5_000));
    }

    #[test]
    fn lists_lose_empty_parts_only() {
        assert_eq!(strings("a, b,,c ").collect::<Vec<_>>(), ["a", " b", "c "]);
        assert_eq!(strings("").count() + strings(",,").count(), 0);
    }
}

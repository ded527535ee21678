//! Regular expressions as Java has them. Counterpart of `RegexStringComparator` and its engines.
//!
//! A pattern is rewritten into this library's syntax: `\d`, `\w`, `\s` mean ASCII in Java, `\Q…\E` quotes, and `$`
//! stands before a final line terminator, too. Look-around and back references work; matching is bounded by a number
//! of steps, beyond which the scan fails.

use std::borrow::Cow;

use super::{Answer, FilterError};

/// More than any sane pattern needs for a row key; keeps a hostile one from holding a thread.
const STEPS_MAX: usize = 1_000_000;
/// Compiled, a pattern takes about this many bytes at most.
const COMPILED_BYTES_MAX: usize = 4 << 20;

/// `java.util.regex.Pattern`'s flags.
mod flag {
    pub(super) const UNIX_LINES: i32 = 1;
    pub(super) const CASE_INSENSITIVE: i32 = 2;
    pub(super) const COMMENTS: i32 = 4;
    pub(super) const MULTILINE: i32 = 8;
    pub(super) const LITERAL: i32 = 16;
    pub(super) const DOTALL: i32 = 32;
    pub(super) const UNICODE_CASE: i32 = 64;
    pub(super) const CANON_EQ: i32 = 128;
    pub(super) const UNICODE_CHARACTER_CLASS: i32 = 256;
    pub(super) const ALL: i32 = 0x1ff;
}

/// How bytes become text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Charset {
    Utf8,
    Latin1,
}

/// A pattern of Java's.
#[derive(Debug)]
pub(crate) struct JavaRegex {
    regex: fancy_regex::Regex,
    charset: Charset,
    /// `$` occurs, and isn't about lines.
    ends_before_terminator: bool,
}

impl JavaRegex {
    /// Compiles a pattern with Java's flags.
    ///
    /// # Errors
    /// When it isn't a pattern, or uses what this library lacks.
    pub(crate) fn new(pattern: &str, flags: i32, charset: &str) -> Answer<Self> {
        let unsupported = |what: &str| FilterError(format!("RegexStringComparator: {what} isn't supported"));
        if flags & flag::CANON_EQ != 0 {
            return Err(unsupported("CANON_EQ"));
        }
        if flags & !flag::ALL != 0 {
            return Err(FilterError(format!("Unknown flag 0x{flags:x}")));
        }
        let charset = charset_named(charset).ok_or_else(|| unsupported(charset))?;
        let translated = Translation::of(pattern, flags);
        let regex = fancy_regex::RegexBuilder::new(&translated.pattern)
            .backtrack_limit(STEPS_MAX)
            .delegate_size_limit(COMPILED_BYTES_MAX)
            .build()
            .map_err(|error| FilterError(format!("regular expression {pattern:?}: {error}")))?;
        Ok(Self { regex, charset, ends_before_terminator: translated.ends_before_terminator })
    }

    /// Whether the pattern matches somewhere.
    ///
    /// # Errors
    /// When finding out takes too many steps.
    pub(crate) fn is_found_in(&self, bytes: &[u8]) -> Answer<bool> {
        let text = match self.charset {
            Charset::Utf8 => String::from_utf8_lossy(bytes),
            Charset::Latin1 => Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()),
        };
        let found = self.find(&text)?;
        match without_terminator(&text) {
            Some(line) if !found && self.ends_before_terminator => self.find(line),
            _ => Ok(found),
        }
    }

    fn find(&self, text: &str) -> Answer<bool> {
        self.regex.is_match(text).map_err(|error| FilterError(format!("regular expression: {error}")))
    }
}

fn charset_named(name: &str) -> Option<Charset> {
    match name.to_ascii_uppercase().as_str() {
        "" | "UTF-8" | "UTF8" | "US-ASCII" | "ASCII" => Some(Charset::Utf8),
        "ISO-8859-1" | "ISO8859_1" | "LATIN1" => Some(Charset::Latin1),
        _ => None,
    }
}

fn without_terminator(text: &str) -> Option<&str> {
    text.strip_suffix("\r\n").or_else(|| text.strip_suffix(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']))
}

/// A pattern on its way from Java's syntax.
struct Translation {
    pattern: String,
    ends_before_terminator: bool,
}

impl Translation {
    fn of(pattern: &str, flags: i32) -> Self {
        let has = |flag| flags & flag != 0;
        let mut this = Self { pattern: String::from("(?"), ends_before_terminator: false };
        for (flag, letter) in [
            (flag::CASE_INSENSITIVE, 'i'),
            (flag::MULTILINE, 'm'),
            (flag::DOTALL, 's'),
            (flag::COMMENTS, 'x'),
        ] {
            if has(flag) && !(has(flag::LITERAL) && letter != 'i') {
                this.pattern.push(letter);
            }
        }
        this.pattern.push(':');
        // Only text from here on is the pattern's own.
        if this.pattern == "(?:" {
            this.pattern.clear();
        }
        let grouped = !this.pattern.is_empty();
        if has(flag::LITERAL) {
            this.quote(pattern);
        } else {
            this.translate(pattern, has(flag::MULTILINE), has(flag::UNICODE_CHARACTER_CLASS));
        }
        if grouped {
            // A comment ends with its line.
            this.pattern.push_str(if has(flag::COMMENTS) && !has(flag::LITERAL) { "\n)" } else { ")" });
        }
        let _ = (flag::UNIX_LINES, flag::UNICODE_CASE); // how it is here anyway, for all that is ASCII
        this
    }

    fn quote(&mut self, text: &str) {
        self.pattern.push_str(&fancy_regex::escape(text));
    }

    fn translate(&mut self, mut rest: &str, multi_line: bool, unicode: bool) {
        let mut depth = 0usize;
        while let Some(c) = rest.chars().next() {
            if let Some(quoted) = rest.strip_prefix("\\Q") {
                let (text, after) = quoted.split_once("\\E").unwrap_or((quoted, ""));
                self.quote(text);
                rest = after;
                continue;
            }
            if c == '\\' {
                let escaped = rest[1..].chars().next();
                self.escape(escaped, depth > 0, unicode);
                rest = &rest[1 + escaped.map_or(0, char::len_utf8)..];
                continue;
            }
            match c {
                '[' => depth += 1,
                ']' => depth = depth.saturating_sub(1),
                '$' if depth == 0 && !multi_line => self.ends_before_terminator = true,
                _ => {}
            }
            self.pattern.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }

    fn escape(&mut self, escaped: Option<char>, in_class: bool, unicode: bool) {
        let class = match escaped {
            _ if unicode => None,
            Some('d') => Some(("", "0-9")),
            Some('D') => Some(("^", "0-9")),
            Some('w') => Some(("", "0-9A-Za-z_")),
            Some('W') => Some(("^", "0-9A-Za-z_")),
            Some('s') => Some(("", r"\t\n\x0B\f\r\x20")),
            Some('S') => Some(("^", r"\t\n\x0B\f\r\x20")),
            _ => None,
        };
        match (class, escaped) {
            (Some(("", members)), _) if in_class => self.pattern.push_str(members),
            (Some((not, members)), _) => {
                self.pattern.extend(["[", not, members, "]"]);
            }
            (None, Some('Z')) => {
                self.pattern.push_str(r"\z");
                self.ends_before_terminator = true;
            }
            (None, Some(c)) => self.pattern.extend(['\\', c]),
            (None, None) => self.pattern.push('\\'), // the compiler will refuse it
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Java's default is DOTALL.
    #[test]
    fn patterns_as_java_reads_them() {
        let table: [(&str, i32, &[u8], bool); 22] = [
            ("b.d", 32, b"abcd", true),
            ("^b", 32, b"abcd", false),
            ("a.b", 0, b"a\nb", false),
            ("a.b", 32, b"a\nb", true),
            ("d$", 32, b"abcd\n", true),
            (r"d\z", 32, b"abcd\n", false),
            (r"d\Z", 32, b"abcd\r\n", true),
            ("^b$", 8, b"a\nb\nc", true),
            ("^b$", 32, b"a\nb\nc", false),
            ("HELLO", 34, b"say hello", true),
            (r"\d+", 32, "٣".as_bytes(), false),
            (r"\d+", 32 | 256, "٣".as_bytes(), true),
            (r"[\w-]+x", 32, b"a-x", true),
            (r"[^\d]$", 32, b"a1", false),
            (r"[\D]", 32, b"1a", true),
            (r"\Qa.b\E+", 32, b"a.bb", true),
            (r"\Qa.b\E", 32, b"axb", false),
            ("a.b", 16, b"axb", false),
            ("(?<=a)b(?!c)", 32, b"abd", true),
            (r"(\w)\1", 32, b"book", true),
            ("[a-z&&[^b]]", 32, b"b", false),
            ("a b # c", 4, b"ab", true),
        ];
        for (pattern, flags, text, wanted) in table {
            let regex = JavaRegex::new(pattern, flags, "UTF-8").unwrap();
            assert_eq!(regex.is_found_in(text).unwrap(), wanted, "{pattern} {flags} {text:?}");
        }
    }

    #[test]
    fn bytes_are_read_by_the_charset() {
        let table =
            [("UTF-8", "é".as_bytes(), true), ("ISO-8859-1", b"\xe9", true), ("UTF-8", b"\xe9", false)];
        for (charset, bytes, wanted) in table {
            let regex = JavaRegex::new("é", 32, charset).unwrap();
            assert_eq!(regex.is_found_in(bytes).unwrap(), wanted, "{charset} {bytes:?}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (pattern, flags, charset) in
            [("(", 32, ""), ("[a", 0, ""), ("\\", 0, ""), ("a", 128, ""), ("a", 4096, ""), ("a", 0, "EBCDIC")]
        {
            assert!(JavaRegex::new(pattern, flags, charset).is_err(), "{pattern} {flags} {charset}");
        }
    }

    #[test]
    fn a_hostile_pattern_ends() {
        let regex = JavaRegex::new(r"(a|a)*\1b(?=c)", 32, "").unwrap();
        let _ = regex.is_found_in(&[b'a'; 5000]); // an answer or an error, but soon
        assert!(JavaRegex::new(&"(".repeat(100_000), 32, "").is_err());
        assert!(JavaRegex::new("((a{1000}){1000}){1000}", 32, "").is_err());
    }
}

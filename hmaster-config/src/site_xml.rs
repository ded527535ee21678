//! Writes a configuration file that Java reads back as it was meant: for Java clients and region servers that are to find
//! an hmaster.

use std::fmt::Write as _;

use crate::java;

/// A pair can't be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("write property {key:?}: {reason}")]
pub struct WriteError {
    /// The key.
    pub key: String,
    /// What is wrong with it or its value.
    pub reason: &'static str,
}

/// The text of an hbase-site.xml with these keys and values.
///
/// # Errors
/// When a key is empty or has white space around it, which Java would trim, or when a key or a value has a character that
/// XML can't express.
pub fn site_xml<K: AsRef<str>, V: AsRef<str>>(
    pairs: impl IntoIterator<Item = (K, V)>,
) -> Result<String, WriteError> {
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<configuration>\n".to_owned();
    for (key, value) in pairs {
        property(&mut out, key.as_ref(), value.as_ref())?;
    }
    out.push_str("</configuration>\n");
    Ok(out)
}

fn property(out: &mut String, key: &str, value: &str) -> Result<(), WriteError> {
    let error = |reason| WriteError { key: key.to_owned(), reason };
    if java::trim(key).is_empty() || java::trim(key) != key {
        return Err(error("the key is empty or has white space around it"));
    }
    if let Some(reason) = [key, value].into_iter().find_map(inexpressible) {
        return Err(error(reason));
    }
    let (key, value) = (escaped(key), escaped(value));
    let written = if value.is_empty() {
        // An empty element would mean that the key has no value.
        writeln!(out, "  <property name=\"{key}\" value=\"\"/>")
    } else {
        writeln!(out, "  <property><name>{key}</name><value>{value}</value></property>")
    };
    written.map_err(|_| error("out of memory"))
}

fn inexpressible(text: &str) -> Option<&'static str> {
    let bad = |c: char| (c < ' ' && !matches!(c, '\t' | '\n' | '\r')) || matches!(c, '\u{FFFE}' | '\u{FFFF}');
    text.contains(bad).then_some("XML can't express one of its characters")
}

/// Readers turn a bare carriage return into a line feed.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::raw::parse_str;

    #[test]
    fn what_is_written_is_read_back() {
        let pairs = [
            ("a", "1"),
            ("a.empty", ""),
            ("a.blank", "  "),
            ("a<b>&\"c\"'d", "<![CDATA[x]]>&lt;${y}"),
            ("lines", "\n a\r\nb\tc\r"),
            ("scripts", "é漢😀\u{85}\u{2028}"),
        ];
        let text = site_xml(pairs).unwrap();
        let site = parse_str(&text, &Path::new("x").into()).unwrap();
        let read: Vec<_> =
            site.properties.iter().map(|p| (p.name.as_str(), p.value.as_deref().unwrap())).collect();
        assert_eq!((read.as_slice(), site.remarks.as_slice()), (pairs.as_slice(), [].as_slice()));
        assert!(
            parse_str(&site_xml([("", ""); 0]).unwrap(), &Path::new("x").into())
                .unwrap()
                .properties
                .is_empty()
        );
    }

    #[test]
    fn what_would_not_come_back_is_refused() {
        let cases = [
            ("", "v"),
            (" k", "v"),
            ("k\n", "v"),
            ("k\u{0}", "v"),
            ("k", "\u{1}"),
            ("k", "\u{FFFF}"),
            ("k", "\u{1b}[0m"),
        ];
        for (key, value) in cases {
            assert_eq!(site_xml([(key, value)]).unwrap_err().key, key, "{key:?} {value:?}");
        }
    }
}

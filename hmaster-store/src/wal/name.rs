//! Names of WAL files: `host%2Cport%2Cstartcode[.group].timestamp[.meta]`. Counterpart of what
//! `AbstractFSWAL.computeFilename`, `AbstractFSWALProvider` and `RegionGroupingProvider` make.

use std::fmt;
use std::str::FromStr;

use hmaster_types::{ParseError, ServerName};

/// The last part of the name of a WAL that holds edits of hbase:meta alone.
const META_SUFFIX: &str = ".meta";

/// The parts of the name of a WAL file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WalName {
    /// The server's name, and behind a dot the group of regions if the server has several WALs.
    pub prefix: String,
    /// When the file was begun, in milliseconds since 1970; rises from file to file of one prefix.
    pub timestamp: u64,
    /// Whether it holds edits of hbase:meta alone.
    pub is_meta: bool,
}

impl WalName {
    /// The name of a server's WAL that was begun at `timestamp`.
    pub fn new(server: &ServerName, timestamp: u64) -> Self {
        Self { prefix: server.to_string(), timestamp, is_meta: false }
    }

    /// The server that wrote the file; none when the prefix doesn't begin with a server's name.
    pub fn server(&self) -> Option<ServerName> {
        let (comma, _) = self.prefix.match_indices(',').nth(1)?;
        let digits = self.prefix[comma + 1..].find(|c: char| !c.is_ascii_digit());
        let end = digits.map_or(self.prefix.len(), |digits| comma + 1 + digits);
        self.prefix[..end].parse().ok()
    }
}

impl fmt::Display for WalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suffix = if self.is_meta { META_SUFFIX } else { "" };
        write!(f, "{}.{}{suffix}", url_encode(&self.prefix), self.timestamp)
    }
}

impl FromStr for WalName {
    type Err = ParseError;

    fn from_str(name: &str) -> Result<Self, ParseError> {
        let error = |reason: &'static str| ParseError::new("WAL name", name.as_bytes(), reason);
        let (rest, is_meta) = match name.strip_suffix(META_SUFFIX) {
            Some(rest) => (rest, true),
            None => (name, false),
        };
        let (prefix, timestamp) = rest.rsplit_once('.').ok_or_else(|| error("has no timestamp"))?;
        if prefix.is_empty() || !timestamp.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(error("isn't a prefix, a dot and a timestamp"));
        }
        let timestamp = timestamp.parse().map_err(|_| error("the timestamp isn't a number"))?;
        let prefix = url_decode(prefix).ok_or_else(|| error("the prefix isn't URL-encoded"))?;
        Ok(Self { prefix, timestamp, is_meta })
    }
}

/// As Java's `URLEncoder` does, which leaves more than RFC 3986 would.
fn url_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn url_decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                let digits = std::str::from_utf8(&digits).ok()?;
                u8::from_str_radix(digits, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_java_makes_them() {
        let server: ServerName = "host.example.com,16000,1700000000000".parse().unwrap();
        let name = WalName::new(&server, 1_700_000_000_123);
        assert_eq!(name.to_string(), "host.example.com%2C16000%2C1700000000000.1700000000123");
        let cases = [
            ("h%2C16000%2C1.2", "h,16000,1", 2, false),
            ("h%2C16000%2C1.2.meta", "h,16000,1", 2, true),
            ("h.x%2C1%2C1.h.x%2C1%2C1.regiongroup-0.99", "h.x,1,1.h.x,1,1.regiongroup-0", 99, false),
        ];
        for (text, prefix, timestamp, is_meta) in cases {
            let name: WalName = text.parse().unwrap();
            assert_eq!((name.prefix.as_str(), name.timestamp, name.is_meta), (prefix, timestamp, is_meta));
            assert_eq!(name.to_string(), text);
            assert_eq!(name.server().unwrap().start_code().0, 1);
        }
    }

    #[test]
    fn what_is_no_name() {
        for bad in [
            "",
            "a",
            ".1",
            "a.",
            "a.x",
            "a.1x",
            "a%2.1",
            "a%zz.1",
            "a%ff.1",
            ".meta",
            "a.99999999999999999999",
        ] {
            assert!(WalName::from_str(bad).is_err(), "{bad}");
        }
        assert_eq!("wal.5".parse::<WalName>().unwrap().server(), None);
    }
}

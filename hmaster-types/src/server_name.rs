//! The name of a server process. Counterpart of `ServerName` and `Address`.
//!
//! Unlike Java's, a name without a start code is an [`Address`], a type of its own.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use crate::{ParseError, StartCode};

/// One life of one server: `host,port,startcode`. Cheap to clone.
///
/// Names compare as in Java: by host ignoring case, then port, then start code; the text form has the host in
/// lower case.
#[derive(Clone)]
pub struct ServerName(Arc<Inner>);

struct Inner {
    host: Box<str>,
    /// `host,port,startcode` in lower case: what is compared, hashed and printed.
    text: Box<str>,
    host_len: usize,
    port: u16,
    start_code: StartCode,
}

/// Host and port of a server, whichever of its lives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// Host name or textual IP address, in lower case.
    pub host: String,
    /// RPC port.
    pub port: u16,
}

impl ServerName {
    /// The name of the server that listens at `host` and `port` and started at `start_code`.
    ///
    /// # Errors
    /// When `host` is empty or has a character that can't stand in a host name (comma, slash, space, control).
    pub fn new(host: &str, port: u16, start_code: StartCode) -> Result<Self, ParseError> {
        check_host(host)?;
        let lower = host.to_ascii_lowercase();
        let text = format!("{lower},{port},{start_code}").into_boxed_str();
        Ok(Self(Arc::new(Inner { host: host.into(), host_len: lower.len(), text, port, start_code })))
    }

    /// Host as it was given, which may have upper case.
    pub fn host(&self) -> &str {
        &self.0.host
    }

    /// RPC port.
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// When the process started.
    pub fn start_code(&self) -> StartCode {
        self.0.start_code
    }

    /// `host,port,startcode`, the host in lower case.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// Host and port.
    pub fn address(&self) -> Address {
        Address { host: self.host_lower().to_owned(), port: self.port() }
    }

    /// True for two lives of one server.
    pub fn same_address(&self, other: &Self) -> bool {
        self.port() == other.port() && self.host_lower() == other.host_lower()
    }

    fn host_lower(&self) -> &str {
        &self.0.text[..self.0.host_len]
    }
}

fn check_host(host: &str) -> Result<(), ParseError> {
    let bad = |c: char| c == ',' || c == '/' || c.is_whitespace() || c.is_control();
    if host.is_empty() {
        return Err(ParseError::new("server name", host.as_bytes(), "the host is empty"));
    }
    match host.chars().find(|&c| bad(c)) {
        Some(c) => Err(ParseError::new("server name", host.as_bytes(), format!("the host has a {c:?}"))),
        None => Ok(()),
    }
}

impl Ord for ServerName {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |s: &Self| (s.port(), s.start_code());
        self.host_lower().cmp(other.host_lower()).then_with(|| key(self).cmp(&key(other)))
    }
}

impl PartialOrd for ServerName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ServerName {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.text == other.0.text
    }
}

impl Eq for ServerName {}

impl Hash for ServerName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.text.hash(state);
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for ServerName {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let error = |reason: &str| ParseError::new("server name", text.as_bytes(), reason);
        let mut parts = text.rsplitn(3, ',');
        let (start, port, host) = (parts.next(), parts.next(), parts.next());
        let (Some(start), Some(port), Some(host)) = (start, port, host) else {
            return Err(error("expected host,port,startcode"));
        };
        let port = parse_digits(port).ok_or_else(|| error("the port is not a number up to 65535"))?;
        let start = parse_digits(start).ok_or_else(|| error("the start code is not a number"))?;
        Self::new(host, port, StartCode(start))
    }
}

impl FromStr for Address {
    type Err = ParseError;

    /// Reads `host:port` or `[ipv6]:port`.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let error = |reason: &str| ParseError::new("address", text.as_bytes(), reason);
        let (host, port) = text.rsplit_once(':').ok_or_else(|| error("expected host:port"))?;
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        check_host(host)?;
        let port = parse_digits(port).ok_or_else(|| error("the port is not a number up to 65535"))?;
        Ok(Self { host: host.to_ascii_lowercase(), port })
    }
}

/// Digits only: a sign, which Rust's own parsing lets through, is no part of a server name.
fn parse_digits<N: FromStr>(text: &str) -> Option<N> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(text: &str) -> ServerName {
        text.parse().unwrap()
    }

    #[test]
    fn text_comes_back_in_lower_case() {
        let name = server("Host-1.example,16020,1700000000123");
        assert_eq!(name.as_str(), "host-1.example,16020,1700000000123");
        assert_eq!((name.host(), name.port()), ("Host-1.example", 16020));
        assert_eq!(name, server("host-1.EXAMPLE,16020,1700000000123"));
        assert_eq!(name.address().to_string(), "host-1.example:16020");
    }

    #[test]
    fn orders_by_host_then_numbers() {
        let mut names = [server("b,1,1"), server("a,10,1"), server("a,9,20"), server("a,9,3")];
        names.sort();
        assert_eq!(names.map(|n| n.to_string()), ["a,9,3", "a,9,20", "a,10,1", "b,1,1"]);
    }

    #[test]
    fn lives_of_one_server_share_an_address() {
        assert!(server("a,1,1").same_address(&server("A,1,2")));
        assert!(!server("a,1,1").same_address(&server("a,2,1")));
    }

    #[test]
    fn bad_texts_are_named() {
        for bad in
            ["", "a", "a,1", ",1,2", "a,70000,1", "a,-1,1", "a,1,x", "a,1,", "a b,1,2", "a/b,1,2", "a,1,+3"]
        {
            let error = bad.parse::<ServerName>().expect_err(bad);
            assert_eq!(error.noun, "server name", "{bad}");
        }
    }

    #[test]
    fn addresses() {
        assert_eq!("[::1]:80".parse::<Address>().unwrap().to_string(), "[::1]:80");
        assert!("host".parse::<Address>().is_err());
        assert!("host:x".parse::<Address>().is_err());
    }
}

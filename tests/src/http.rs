//! GET of a page of a server of this machine, and what `/jmx` says.
//!
//! By hand: a server that closes the connection after its answer takes no client library.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a page may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// An answer.
#[derive(Clone, Debug)]
pub struct Page {
    /// The status, such as 200.
    pub status: u16,
    /// Headers; names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body; bytes that aren't UTF-8 are replaced.
    pub body: String,
}

/// Asks the server at `port` for a path with its query.
pub async fn get(port: u16, path: &str) -> Result<Page> {
    let answer = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let request = format!("GET {path} HTTP/1.0\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Page::parse(&String::from_utf8_lossy(&answer))
    };
    let what = || format!("GET http://localhost:{port}{path}");
    timeout(DEADLINE, answer).await.with_context(what)?.with_context(what)
}

/// The beans of a server's `/jmx`, by name, with their attributes.
pub async fn jmx(port: u16, query: &str) -> Result<BTreeMap<String, BTreeMap<String, Value>>> {
    let page = get(port, &format!("/jmx?qry={query}")).await?;
    ensure!(page.status == 200, "{}: {}", page.status, page.body);
    let json: Value = serde_json::from_str(&page.body).context("parse /jmx")?;
    let beans = json["beans"].as_array().context("/jmx has no beans")?;
    let named = beans.iter().filter_map(|bean| {
        let attributes = bean.as_object()?;
        let name = attributes.get("name")?.as_str()?.to_owned();
        Some((name, attributes.iter().map(|(key, value)| (key.clone(), value.clone())).collect()))
    });
    Ok(named.collect())
}

impl Page {
    /// The page if its status is 200.
    pub fn ok(self) -> Result<String> {
        ensure!(self.status == 200, "status {}: {}", self.status, self.body);
        Ok(self.body)
    }

    fn parse(text: &str) -> Result<Self> {
        let (head, body) = text.split_once("\r\n\r\n").context("the answer has no end of headers")?;
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).context("no status line")?;
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers =
            headers.map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        let status = status.parse().with_context(|| format!("status {status}"))?;
        Ok(Self { status, headers: headers.collect(), body: body.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_apart() {
        let page = Page::parse("HTTP/1.1 302 Found\r\nLocation: http://x:1/\r\n\r\na\r\n\r\nb").unwrap();
        assert_eq!((page.status, page.headers["location"].as_str()), (302, "http://x:1/"));
        assert_eq!(page.body, "a\r\n\r\nb");
        for bad in ["", "HTTP/1.1 200 OK\r\n", "\r\n\r\n", "HTTP/1.1 x y\r\n\r\n"] {
            assert!(Page::parse(bad).is_err(), "{bad:?}");
        }
    }
}

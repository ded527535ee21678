//! What HBase's configuration says about ZooKeeper. Counterpart of `ZKConfig`.
//!
//! Values come through a function from key to text, so that this crate needn't know how configuration is read.

use std::str::FromStr;
use std::time::Duration;

use crate::acl::AclPolicy;
use crate::error::{Operation, ZkError, ZkErrorKind};
use crate::paths::ZnodePaths;
use crate::recoverable::RetryPolicy;
use crate::session::SessionConfig;

/// All that is configured about ZooKeeper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZkConfig {
    /// Servers and session.
    pub session: SessionConfig,
    /// Repetition of operations.
    pub retry: RetryPolicy,
    /// Where everything is.
    pub paths: ZnodePaths,
    /// Who may touch it.
    pub acls: AclPolicy,
}

impl ZkConfig {
    /// What the configuration that `lookup` reads says; what it doesn't know is as HBase has it by default.
    ///
    /// # Errors
    /// When a number isn't one, or security towards ZooKeeper is asked for.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ZkError> {
        let lookup = |key: &str| lookup(key).filter(|value| !value.trim().is_empty());
        let ms = |key: &str, default: u64| number(lookup, key, default).map(Duration::from_millis);
        let port: u16 = number(lookup, "hbase.zookeeper.property.clientPort", 2181)?;
        let quorum = lookup("hbase.zookeeper.quorum").unwrap_or_else(|| "localhost".into());
        let defaults = SessionConfig::new(servers(&quorum, port));
        let session = SessionConfig {
            timeout: ms("zookeeper.session.timeout", 90_000)?,
            request_bytes_max: number(
                lookup,
                "hbase.zookeeper.property.jute.maxbuffer",
                defaults.request_bytes_max,
            )?,
            ..defaults
        };
        let retry = RetryPolicy {
            retries_max: number(lookup, "zookeeper.recovery.retry", 3)?,
            pause: ms("zookeeper.recovery.retry.intervalmill", 1_000)?,
            pause_max: ms("zookeeper.recovery.retry.maxsleeptime", 60_000)?,
        };
        let acls = AclPolicy::from_lookup(lookup)?;
        Ok(Self { session, retry, paths: ZnodePaths::from_lookup(lookup), acls })
    }
}

/// `host:port` of each server; one that has no port gets `port`. Counterpart of `buildZKQuorumServerString`.
fn servers(quorum: &str, port: u16) -> String {
    let hosts = quorum.split(',').map(str::trim).filter(|host| !host.is_empty());
    let with_port = |host: &str| if host.contains(':') { host.to_owned() } else { format!("{host}:{port}") };
    hosts.map(with_port).collect::<Vec<_>>().join(",")
}

fn number<N: FromStr>(lookup: impl Fn(&str) -> Option<String>, key: &str, default: N) -> Result<N, ZkError> {
    let Some(text) = lookup(key) else { return Ok(default) };
    text.trim().parse().map_err(|_| {
        let reason = ZkErrorKind::BadArguments(format!("{key} is {text:?}, which isn't a number that fits"));
        ZkError::new(Operation::Connect, "/", reason)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(entries: &[(&str, &str)]) -> Result<ZkConfig, ZkError> {
        let find = |key: &str| entries.iter().find(|(known, _)| *known == key);
        ZkConfig::from_lookup(|key| find(key).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn defaults_are_hbases() {
        let config = config(&[]).unwrap();
        assert_eq!(config.session.servers, "localhost:2181");
        assert_eq!(config.session.timeout, Duration::from_secs(90));
        assert_eq!(config.retry, RetryPolicy::default());
        assert_eq!(config.paths.base, "/hbase");
    }

    #[test]
    fn servers_get_the_port_they_lack() {
        let config = config(&[
            ("hbase.zookeeper.quorum", "a, b:1234 ,c,"),
            ("hbase.zookeeper.property.clientPort", " 2182 "),
        ]);
        assert_eq!(config.unwrap().session.servers, "a:2182,b:1234,c:2182");
    }

    #[test]
    fn what_is_no_number_is_named() {
        for (key, value) in [
            ("zookeeper.session.timeout", "soon"),
            ("zookeeper.session.timeout", "-1"),
            ("zookeeper.recovery.retry", "1.5"),
            ("hbase.zookeeper.property.clientPort", "70000"),
        ] {
            let error = config(&[(key, value)]).unwrap_err().to_string();
            assert!(error.contains(key) && error.contains(value), "{error}");
        }
        assert!(config(&[("hbase.security.authentication", "kerberos")]).is_err());
    }
}

//! Keys that HBase's master honours and hmaster doesn't yet.
//!
//! What would make a cluster less secure or unreachable than its configuration says is an error; the rest is a
//! warning. Whoever implements one takes it out of here and, if it needs a value, adds an option.

use crate::java;
use crate::problem::{Problem, Severity};
use crate::raw::RawConfig;
use Severity::{Error, Warning};

/// One key, when it asks for something, and why it isn't given.
struct Unsupported {
    key: &'static str,
    asks: fn(&str) -> bool,
    severity: Severity,
    why: &'static str,
}

const NO_SECURITY: &str = "security isn't supported yet";
const NO_TLS: &str = "TLS isn't supported yet";
const NO_CLASSES: &str = "Java classes can't be loaded; hmaster's own way is used";

const TABLE: &[Unsupported] = &[
    unsupported("hbase.security.authentication", not_simple, Error, NO_SECURITY),
    unsupported("hadoop.security.authentication", not_simple, Error, NO_SECURITY),
    unsupported("hbase.security.authorization", is_true, Error, NO_SECURITY),
    unsupported("hadoop.security.authorization", is_true, Error, NO_SECURITY),
    unsupported(
        "hbase.security.authentication.ui",
        not_simple,
        Error,
        "the pages can't ask who is there yet",
    ),
    unsupported(
        "hbase.http.filter.initializers",
        authenticates,
        Error,
        "the pages can't ask who is there yet",
    ),
    unsupported("hbase.ssl.enabled", is_true, Error, "the pages can't be served by HTTPS yet"),
    unsupported("hbase.server.netty.tls.enabled", is_true, Error, NO_TLS),
    unsupported("hbase.client.netty.tls.enabled", is_true, Error, NO_TLS),
    unsupported(
        "hbase.regionserver.wal.encryption",
        is_true,
        Error,
        "encrypted WALs can't be read and written yet",
    ),
    unsupported(
        "hbase.client.zookeeper.quorum",
        is_set,
        Error,
        "a ZooKeeper for clients isn't supported yet",
    ),
    unsupported("hbase.rpc.protection", not_authentication, Warning, "it has no effect without Kerberos"),
    unsupported(
        "hadoop.security.credential.provider.path",
        is_set,
        Warning,
        "credential stores aren't read yet",
    ),
    unsupported(
        "hbase.crypto.keyprovider",
        is_set,
        Warning,
        "encryption of column families can't be checked",
    ),
    unsupported("hbase.acl.sync.to.hdfs.enable", is_true, Warning, "permissions aren't copied to HDFS"),
    unsupported(
        "hbase.master.dns.interface",
        not_default,
        Warning,
        "host names aren't looked up by interface; set hbase.master.hostname",
    ),
    unsupported(
        "hbase.master.dns.nameserver",
        not_default,
        Warning,
        "the system's name server is asked; set hbase.master.hostname",
    ),
    unsupported("hbase.balancer.tablesOnMaster", is_true, Warning, "hmaster serves no regions"),
    unsupported("hbase.split.wal.zk.coordinated", is_true, Warning, "WALs are always split by procedures"),
    unsupported("hbase.status.published", is_true, Warning, "the status isn't sent out by multicast yet"),
    unsupported("hbase.master.impl", is_set, Warning, NO_CLASSES),
    unsupported("hbase.rpc.server.impl", is_set, Warning, NO_CLASSES),
    unsupported("hbase.master.rpc.scheduler.factory.class", is_set, Warning, NO_CLASSES),
    unsupported("hbase.master.rsproc.dispatcher.class", is_set, Warning, NO_CLASSES),
    unsupported("hbase.procedure.master.classes", is_set, Warning, NO_CLASSES),
];

/// Keys that only say more about something unsupported.
const FAMILIES: &[(&str, &str)] = &[
    ("hbase.security.", NO_SECURITY),
    ("hbase.rpc.tls.", NO_TLS),
    ("hbase.server.netty.tls.", NO_TLS),
    ("hbase.client.netty.tls.", NO_TLS),
    ("hbase.rpc.crypto.", NO_SECURITY),
    ("hbase.crypto.", "encryption isn't supported yet"),
    ("hbase.master.kerberos.", NO_SECURITY),
    ("hbase.master.keytab.", NO_SECURITY),
    ("hbase.auth.", NO_SECURITY),
    ("hbase.ui.ssl.", "the pages can't be served by HTTPS yet"),
];

/// Why hmaster doesn't honour `key`, if it is such a key.
pub(crate) fn why(key: &str) -> Option<&'static str> {
    let exact = || TABLE.iter().find(|entry| entry.key == key).map(|entry| entry.why);
    let family = || FAMILIES.iter().find(|(prefix, _)| key.starts_with(prefix)).map(|(_, why)| *why);
    exact().or_else(family)
}

/// A problem for each key of `raw` that asks for what isn't there.
pub(crate) fn problems(raw: &RawConfig) -> Vec<Problem> {
    TABLE.iter().filter_map(|entry| entry.problem(raw)).collect()
}

impl Unsupported {
    fn problem(&self, raw: &RawConfig) -> Option<Problem> {
        let entry = raw.entry(self.key).filter(|entry| !entry.origin.is_default())?;
        match raw.get(self.key) {
            Ok(value) => {
                let value = value?;
                let about = || format!("{:?} is asked for, but {}", java::trim(&value), self.why);
                (self.asks)(java::trim(&value))
                    .then(|| Problem::about(self.severity, self.key, &entry.origin, &about()))
            }
            Err(error) => Some(Problem::error(error)),
        }
    }
}

const fn unsupported(
    key: &'static str,
    asks: fn(&str) -> bool,
    severity: Severity,
    why: &'static str,
) -> Unsupported {
    Unsupported { key, asks, severity, why }
}

fn is_true(value: &str) -> bool {
    java::boolean(value) == Some(true)
}

fn is_set(value: &str) -> bool {
    !value.is_empty()
}

fn not_simple(value: &str) -> bool {
    is_set(value) && !value.eq_ignore_ascii_case("simple")
}

fn not_default(value: &str) -> bool {
    is_set(value) && value != "default"
}

fn not_authentication(value: &str) -> bool {
    is_set(value) && !value.eq_ignore_ascii_case("authentication")
}

fn authenticates(value: &str) -> bool {
    value.contains("Authentication")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Environment;
    use crate::raw::{Builder, Origin};

    fn found(key: &str, value: &str) -> Vec<Problem> {
        problems(&Builder::new(Environment::default()).set(key, value, Origin::CommandLine).build())
    }

    #[test]
    fn security_is_never_ignored() {
        let cases = [
            ("hbase.security.authentication", "kerberos"),
            ("hbase.security.authentication", "KERBEROS"),
            ("hadoop.security.authentication", "kerberos"),
            ("hbase.security.authorization", " true "),
            ("hbase.server.netty.tls.enabled", "True"),
            ("hbase.ssl.enabled", "true"),
            ("hbase.security.authentication.ui", "kerberos"),
            ("hbase.regionserver.wal.encryption", "true"),
        ];
        for (key, value) in cases {
            let problems = found(key, value);
            assert_eq!(problems.iter().map(|p| p.severity).collect::<Vec<_>>(), [Error], "{key}");
            assert!(problems[0].message.starts_with(&format!("-D: {key}: ")), "{}", problems[0].message);
        }
        assert!(
            found("hbase.security.authentication", "kerberos")[0]
                .message
                .contains("security isn't supported yet")
        );
    }

    #[test]
    fn nothing_is_said_about_what_asks_for_nothing() {
        let quiet = [
            ("hbase.security.authentication", "simple"),
            ("hbase.security.authorization", "false"),
            ("hbase.master.dns.interface", "default"),
            ("hbase.master.impl", ""),
            ("hbase.rootdir", "kerberos"),
        ];
        for (key, value) in quiet {
            assert_eq!(found(key, value), [], "{key}");
        }
        assert_eq!(problems(&Builder::new(Environment::default()).build()), []);
    }

    #[test]
    fn what_only_changes_behaviour_is_a_warning() {
        assert_eq!(found("hbase.master.dns.interface", "eth0")[0].severity, Warning);
        assert_eq!(found("hbase.master.impl", "com.example.Master")[0].severity, Warning);
    }
}

//! The configuration of a cluster on one machine.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use hmaster_config::{Builder, Configuration, Environment, InvalidConfiguration, Origin, Override};

const ORIGIN: Origin = Origin::Program("standalone");

/// What the parts of a cluster on one machine have in common.
#[derive(Debug, Clone)]
pub struct LocalSettings {
    settings: Vec<(String, String)>,
    overrides: Vec<Override>,
}

impl LocalSettings {
    /// Settings of a cluster whose files are below `root_dir`, an absolute path, and whose ZooKeeper is at `zookeeper`.
    /// `overrides` win over them.
    ///
    /// The start waits for `region_servers` region servers, and for no others.
    pub fn new(
        root_dir: &Path,
        zookeeper: SocketAddr,
        region_servers: usize,
        overrides: Vec<Override>,
    ) -> Self {
        let count = region_servers.max(1).to_string();
        let settings = [
            ("hbase.rootdir", format!("file://{}", root_dir.display())),
            ("fs.defaultFS", "file:///".to_owned()),
            ("hbase.cluster.distributed", "true".to_owned()),
            ("hbase.zookeeper.quorum", zookeeper.ip().to_string()),
            ("hbase.zookeeper.property.clientPort", zookeeper.port().to_string()),
            // As in Java's standalone mode. After a kill -9, the next start waits until the sessions before have expired.
            ("zookeeper.session.timeout", "10000".to_owned()),
            ("hbase.master.hostname", "localhost".to_owned()),
            ("hbase.unsafe.regionserver.hostname", "localhost".to_owned()),
            // For Java region servers that join: local disk has no streams that can be synced in Hadoop's sense.
            ("hbase.unsafe.stream.capability.enforce", "false".to_owned()),
            ("hbase.wal.provider", "filesystem".to_owned()),
            ("hbase.master.wait.on.regionservers.mintostart", count.clone()),
            ("hbase.master.wait.on.regionservers.maxtostart", count),
        ];
        Self { settings: settings.map(|(key, value)| (key.to_owned(), value)).into(), overrides }
    }

    /// The configuration of one process, with settings of its own.
    ///
    /// # Errors
    /// Names each key that has a value it can't have.
    pub fn configuration(&self, own: &[(&str, &str)]) -> Result<Configuration, InvalidConfiguration> {
        let builder = Builder::new(Environment::of_process());
        let builder =
            self.settings.iter().fold(builder, |builder, (key, value)| builder.set(key, value, ORIGIN));
        let builder = builder.overrides(&self.overrides);
        let builder = own.iter().fold(builder, |builder, (key, value)| builder.set(key, value, ORIGIN));
        Configuration::new(builder.build())
    }
}

/// An hbase-site.xml with which clients find the cluster of `config`, and with which region servers can join it.
pub fn client_site(config: &Configuration) -> String {
    const KEYS: [&str; 8] = [
        "hbase.rootdir",
        "hbase.cluster.distributed",
        "hbase.zookeeper.quorum",
        "hbase.zookeeper.property.clientPort",
        "zookeeper.znode.parent",
        "hbase.unsafe.stream.capability.enforce",
        "hbase.wal.provider",
        "hbase.unsafe.regionserver.hostname",
    ];
    let mut site = String::from("<?xml version=\"1.0\"?>\n<configuration>\n");
    for key in KEYS {
        if let Ok(Some(value)) = config.raw().get(key) {
            let value = escaped(&value);
            // Writing to a string doesn't fail.
            let _ = writeln!(site, "  <property><name>{key}</name><value>{value}</value></property>");
        }
    }
    site + "</configuration>\n"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_user_sets_wins_but_for_what_a_process_must_have() {
        let overrides =
            ["hbase.master.hostname=other", "hbase.regionserver.port=7"].map(|text| text.parse().unwrap());
        let local = LocalSettings::new(Path::new("/a & b"), ([127, 0, 0, 1], 99).into(), 2, overrides.into());
        let config = local.configuration(&[("hbase.regionserver.port", "8")]).unwrap();
        let get = |key: &str| config.raw().get(key).unwrap().unwrap();
        assert_eq!(get("hbase.master.hostname"), "other");
        assert_eq!(get("hbase.regionserver.port"), "8");
        assert_eq!(get("hbase.master.wait.on.regionservers.maxtostart"), "2");
        let site = client_site(&config);
        assert!(site.contains("<name>hbase.zookeeper.property.clientPort</name><value>99</value>"), "{site}");
        assert!(site.contains("<value>file:///a &amp; b</value>"), "{site}");
    }
}

//! Tests of what `--check` prints.

use super::*;
use crate::environment::Environment;
use crate::raw::{Builder, parse_str};

const SITE: &str = "<configuration>
<property><name>hbase.rootdir</name><value>hdfs://nn/hbase</value></property>
<property><name>hbase.master.port</name><value>x</value></property>
<property><name>hbase.regionserver.hostname</name><value>h</value></property>
<property><name>dfs.replication</name><value>2</value></property>
<property><name>hbase.rpc.tls.keystore.password</name><value>hunter2</value></property>
<property><name>hbase.client.scanner.caching</name><value>10</value></property>
<property><name>hbase.zookeeper.quorom</name><value>a</value></property>
<property><name>hmaster.no.such</name><value>1</value></property>
<property><name>phoenix.schema</name><value>a
b</value></property>
<property><name>hbase.status.published</name><value>true</value></property>
<property><name>hbase.snapshot.enabled</name></property>
</configuration>";

fn report() -> Report {
    let path: Arc<Path> = Path::new("/c/hbase-site.xml").into();
    let environment = Environment::new([("user.name", "u"), ("java.io.tmpdir", "/tmp")], []);
    let site = parse_str(SITE, &path).unwrap();
    Report::new(&Builder::new(environment).file(&path, site).build())
}

#[test]
fn options_show_value_and_origin() {
    let report = report();
    let line = |key: &str| report.effective.iter().find(|line| line.key == key).unwrap();
    let root = line("hbase.rootdir");
    assert_eq!((root.value.as_deref(), root.is_default()), (Some("hdfs://nn/hbase"), false));
    assert_eq!(root.origin.to_string(), "/c/hbase-site.xml:2");
    let tmp = line("hbase.tmp.dir");
    assert_eq!((tmp.value.as_deref(), tmp.is_default()), (Some("/tmp/hbase-u"), true));
    assert_eq!(tmp.origin.to_string(), "default of hbase-default.xml");
    let wal = line("hbase.wal.dir");
    assert_eq!((wal.value.as_deref(), wal.is_default()), (None, true));
    assert_eq!(report.effective.len(), Options::table().count());
}

#[test]
fn every_other_key_has_a_use() {
    let report = report();
    let uses: Vec<_> = report.others.iter().map(|other| (other.key.as_str(), other.key_use)).collect();
    let similar = |similar| KeyUse::Unknown { similar };
    assert_eq!(
        uses,
        [
            ("dfs.replication", KeyUse::PassedOn { to: "the file system client" }),
            ("hbase.client.scanner.caching", KeyUse::LeftAlone),
            ("hbase.rpc.tls.keystore.password", KeyUse::Unsupported { why: "TLS isn't supported yet" }),
            (
                "hbase.status.published",
                KeyUse::Unsupported { why: "the status isn't sent out by multicast yet" }
            ),
            ("hbase.unsafe.regionserver.hostname", KeyUse::LeftAlone),
            ("hbase.zookeeper.quorom", similar(Some("hbase.zookeeper.quorum"))),
            ("hmaster.no.such", similar(None)),
            ("phoenix.schema", KeyUse::LeftAlone),
        ]
    );
}

#[test]
fn problems_are_those_that_keep_it_from_starting_and_more() {
    let report = report();
    assert!(!report.is_usable());
    let said: Vec<_> = report.problems.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 4, "{said:#?}");
    assert!(said[0].starts_with("error: /c/hbase-site.xml:3: hbase.master.port = \"x\": expected a port"));
    assert!(said[1].starts_with("warning: /c/hbase-site.xml:12: hbase.status.published"), "{}", said[1]);
    assert!(said.iter().any(|line| line.contains("hbase.regionserver.hostname is deprecated")), "{said:#?}");
    assert!(said.iter().any(|line| line.contains("hbase.snapshot.enabled has no value")), "{said:#?}");
}

#[test]
fn the_text_has_it_all_but_no_secret() {
    let text = report().to_string();
    let parts = [
        "  /c/hbase-site.xml\n",
        "  hbase.rootdir = hdfs://nn/hbase    (/c/hbase-site.xml:2)\n",
        "  hbase.master.info.port = 16010\n",
        "  hbase.wal.dir isn't set\n",
        "  dfs.replication = 2    (/c/hbase-site.xml:5; to the file system client)\n",
        "  hbase.rpc.tls.keystore.password = <redacted>    (",
        "  hbase.zookeeper.quorom = a    (/c/hbase-site.xml:8; is hbase.zookeeper.quorum meant?)\n",
        "  phoenix.schema = a\\nb    (",
        "The configuration is not usable: 1 errors, 3 warnings.",
    ];
    for part in parts {
        assert!(text.contains(part), "{part:?} isn't in\n{text}");
    }
    assert!(!text.contains("hunter2"));
}

#[test]
fn many_unknown_keys_take_no_longer_than_some() {
    let builder = (0..5_000).fold(Builder::new(Environment::default()), |builder, number| {
        builder.set(&format!("hbase.unknown.{number}.key"), "1", Origin::CommandLine)
    });
    assert_eq!(Report::new(&builder.build()).others.len(), 5_000);
}

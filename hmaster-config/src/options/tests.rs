//! Tests of the table of options.

use std::collections::BTreeMap;

use super::*;
use crate::raw::Origin;

fn environment() -> Environment {
    Environment::new([("user.name", "u"), ("java.io.tmpdir", "/tmp")], [])
}

fn defaults() -> RawConfig {
    Builder::new(environment()).build()
}

fn with(key: &str, value: &str) -> (Options, Vec<Problem>) {
    Options::read(&Builder::new(environment()).set(key, value, Origin::CommandLine).build())
}

/// A range that its own default isn't in, or a default that isn't of its kind, would make every start fail.
#[test]
fn every_default_is_valid() {
    let nothing_set = Builder::empty(environment());
    let all_set = Options::table().filter_map(|info| Some((info.keys[0], info.default?)));
    let raw = all_set.fold(nothing_set, |b, (key, value)| b.set(key, value, Origin::CommandLine)).build();
    let (mut from_text, problems) = Options::read(&raw);
    assert_eq!(problems, []);
    from_text.balancer_settings = BalancerSettings::default(); // what was set, as it was set
    let tmp_dir = Options::table().find(|info| info.keys[0] == "hbase.tmp.dir").and_then(|info| info.default);
    let only_tmp_dir =
        Builder::empty(environment()).set("hbase.tmp.dir", tmp_dir.unwrap(), Origin::CommandLine);
    let (from_defaults, problems) = Options::read(&only_tmp_dir.build());
    assert_eq!(problems, []);
    assert!(from_defaults == from_text, "{from_defaults:?}\n{from_text:?}");
}

#[test]
fn defaults_are_those_of_hbase_default_xml() {
    let raw = defaults();
    for info in Options::table() {
        let shipped = raw.entry(info.keys[0]).map(|entry| &*entry.value);
        let (Some(shipped), Some(default)) = (shipped, info.default) else { continue };
        assert_eq!(default, shipped, "{}", info.keys[0]);
    }
}

#[test]
fn keys_have_one_meaning() {
    let mut fields = BTreeMap::new();
    for info in Options::table() {
        let key = info.keys[0];
        assert_eq!(crate::raw::current_name(key), key, "the old name is read as the new one");
        assert_eq!(fields.insert(key, (info.group, info.field)), None, "{key} is read twice");
        assert!(
            !info.doc.is_empty() && info.doc.trim_end().ends_with('.'),
            "{key}: a sentence says what it is for"
        );
    }
    assert!(fields.len() > 200, "{}", fields.len());
}

#[test]
fn keys_are_known_to_hbase() {
    for info in Options::table().filter(|info| info.group != "own") {
        for key in info.keys {
            assert!(crate::known_keys::is_known(key), "{key} isn't read anywhere in HBase 2.6.4");
        }
    }
    assert!(
        Options::table().filter(|info| info.group == "own").all(|info| info.keys[0].starts_with("hmaster."))
    );
}

#[test]
fn options_without_default_may_be_absent() {
    let (options, problems) = Options::read(&defaults());
    assert_eq!((options.filesystem.wal_dir, options.rpc.queue_length_max), (None, None));
    assert_eq!((options.info_server.port, options.rpc.port, problems), (Some(16010), 16000, vec![]));
    assert_eq!(options.filesystem.root_dir, "/tmp/hbase-u/hbase");
    assert_eq!(Options::default().rpc, options.rpc);
}

#[test]
fn the_next_key_is_asked_when_the_first_has_no_value() {
    assert!(with("hbase.wal.hsync", "true").0.store.hsync);
    let both = Builder::new(environment()).set("hbase.wal.hsync", "true", Origin::CommandLine).set(
        "hbase.master.store.region.wal.hsync",
        "false",
        Origin::CommandLine,
    );
    assert!(!Options::read(&both.build()).0.store.hsync);
}

#[test]
fn what_java_accepts_is_accepted() {
    let (options, problems) = with("hbase.regionserver.handler.count", " 0x20\n");
    assert_eq!((options.rpc.handlers, problems), (32, vec![]));
    let (options, problems) = with("hbase.normalizer.throughput.max_bytes_per_sec", "10m");
    assert_eq!((options.normalizer.throughput_max, problems), (10 << 20, vec![]));
    let (options, problems) = with("hbase.master.info.port", "-1");
    assert_eq!((options.info_server.port, problems), (None, vec![]));
    let (options, problems) = with("hbase.replication.peer.storage.impl", "filesystem");
    assert_eq!((options.replication.peer_storage, problems), (PeerStorage::FileSystem, vec![]));
    let (options, problems) = with("hbase.snapshot.enabled", "");
    assert_eq!((options.snapshots.enabled, problems), (true, vec![]));
}

#[test]
fn what_java_takes_its_default_for_is_a_warning() {
    let (options, problems) = with("hbase.snapshot.enabled", "no");
    assert!(options.snapshots.enabled, "as in Java");
    assert_eq!(problems.len(), 1);
    let said = "warning: -D: hbase.snapshot.enabled = \"no\": expected true or false; as in Java, the default true \
                stands in for it";
    assert_eq!(problems[0].to_string(), said);
}

#[test]
fn bad_values_are_named() {
    let cases = [
        ("hbase.master.port", "65536", "a port between 0 and 65535"),
        ("hbase.master.port", "", "a port"),
        ("hbase.master.info.port", "99999", "or -1 for none"),
        ("hbase.regionserver.handler.count", "0", "a whole number between 0 and 2147483647 in 1.."),
        ("hbase.regionserver.handler.count", "3000000000", "a whole number"),
        ("hbase.rpc.timeout", "60s", "without a unit"),
        ("hbase.rpc.timeout", "-1", "milliseconds between 0"),
        ("zookeeper.znode.parent", "hbase", "begins with /"),
        ("hbase.offpeak.start.hour", "24", "in -1..=23"),
        ("hbase.master.balancer.maxRitPercent", "1.5", "in 0.0..=1.0"),
        ("hbase.regions.slop", "NaN", "a number"),
        ("hbase.replication.peer.storage.impl", "etcd", "one of ZOOKEEPER FILESYSTEM"),
        ("hbase.rootdir", " hdfs://nn/hbase", "without white space"),
        ("hbase.rootdir.perms", "u=rwx", "octal"),
    ];
    for (key, value, expected) in cases {
        let (_, problems) = with(key, value);
        let said = problems.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(said.len(), 1, "{key} = {value:?}: {said:?}");
        assert!(said[0].starts_with(&format!("error: -D: {key} = {value:?}: expected ")), "{said:?}");
        assert!(said[0].contains(expected), "{said:?}");
    }
}

#[test]
fn a_variable_that_stands_for_nothing_is_a_warning() {
    let (options, problems) = with("hbase.master.ipc.address", "${no.such}");
    assert_eq!(options.rpc.bind_address.as_deref(), Some("${no.such}"), "as in Java");
    assert_eq!(problems[0].severity, crate::Severity::Warning);
    assert!(problems[0].message.contains("stands for nothing"), "{}", problems[0]);
}

#[test]
fn a_value_that_cannot_be_substituted_is_named() {
    let (_, problems) = with("hbase.tmp.dir", &"${fs.defaultFS}".repeat(20));
    assert!(problems.iter().all(|p| p.severity == crate::Severity::Error) && !problems.is_empty());
    assert!(problems[0].message.contains("hbase.tmp.dir") && problems[0].message.contains("fewer than 20"));
}

//! Tests of what follows from several options together.

use super::*;
use crate::environment::Environment;
use crate::raw::Builder;

/// Keys and values.
type Pairs = &'static [(&'static str, &'static str)];

fn derive(pairs: &[(&str, &str)]) -> Result<Cluster, String> {
    let builder = Builder::new(Environment::new([("user.name", "u"), ("java.io.tmpdir", "/tmp")], []));
    let set = |builder: Builder, (key, value): &(&str, &str)| builder.set(key, value, Origin::CommandLine);
    let raw = pairs.iter().fold(builder, set).build();
    let (options, problems) = Options::read(&raw);
    assert_eq!(problems, []);
    Cluster::derive(&raw, &options).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

#[test]
fn roots_are_qualified_as_in_java() {
    let cases: &[(Pairs, [&str; 4])] = &[
        (&[], ["/tmp/hbase-u/hbase", "file:/tmp/hbase-u/hbase", "file:/tmp/hbase-u/hbase", "file:/"]),
        (
            &[("hbase.rootdir", "hdfs://nn:8020/hbase/")],
            ["hdfs://nn:8020/hbase/", "hdfs://nn:8020/hbase", "hdfs://nn:8020/hbase", "hdfs://nn:8020"],
        ),
        (
            &[("hbase.rootdir", "/hbase"), ("fs.defaultFS", "hdfs://ns/")],
            ["/hbase", "hdfs://ns/hbase", "hdfs://ns/hbase", "hdfs://ns"],
        ),
        (
            &[("hbase.rootdir", "/a//b"), ("fs.default.name", "nn:9000")],
            ["/a//b", "hdfs://nn:9000/a/b", "hdfs://nn:9000/a/b", "hdfs://nn:9000"],
        ),
        (
            &[("hbase.rootdir", "file:///d/h"), ("fs.defaultFS", "local")],
            ["file:///d/h", "file:/d/h", "file:/d/h", "file:/"],
        ),
        (
            &[("hbase.rootdir", "hdfs://a/h"), ("hbase.wal.dir", "hdfs://b/w")],
            ["hdfs://a/h", "hdfs://a/h", "hdfs://b/w", "hdfs://a"],
        ),
        // The WAL directory's file system serves a root directory that names none.
        (
            &[("hbase.rootdir", "/h"), ("hbase.wal.dir", "hdfs://b/w")],
            ["/h", "hdfs://b/h", "hdfs://b/w", "hdfs://b"],
        ),
        (
            &[("hbase.rootdir", "hdfs://a/h"), ("hbase.wal.dir", "/h-wal"), ("fs.defaultFS", "hdfs://a")],
            ["hdfs://a/h", "hdfs://a/h", "hdfs://a/h-wal", "hdfs://a"],
        ),
    ];
    for (pairs, [text, root, wal, default]) in cases {
        let cluster = derive(pairs).unwrap();
        let got = [
            cluster.root_dir_text.clone(),
            cluster.root.to_string(),
            cluster.wal_root.to_string(),
            cluster.default_fs(),
        ];
        assert_eq!(got, [*text, *root, *wal, *default], "{pairs:?}");
    }
}

#[test]
fn contradictions_are_named() {
    let cases: &[(Pairs, &str)] = &[
        (&[("hbase.rootdir", "hbase")], "error: -D: hbase.rootdir: \"hbase\" isn't an absolute path"),
        (&[("hbase.rootdir", "hdfs://nn")], "hbase.rootdir: \"\" isn't an absolute path"),
        (
            &[("hbase.rootdir", "hdfs:///hbase")],
            "hbase.rootdir: hdfs:/hbase doesn't say which hdfs file system",
        ),
        (
            &[("hbase.rootdir", "hdfs:///hbase"), ("fs.defaultFS", "hdfs://ns")],
            "doesn't say which hdfs file system", // Java forgets the default one before it looks
        ),
        (&[("hbase.rootdir", "//nn/hbase")], "hbase.rootdir: //nn has no scheme"),
        (&[("hbase.rootdir", ":/x")], "hbase.rootdir: the URI's scheme is empty"),
        (&[("fs.defaultFS", "hdfs:///")], "fs.defaultFS: it doesn't say which hdfs"),
        (&[("fs.defaultFS", "/")], "fs.defaultFS: it has no scheme"),
        (
            &[("hbase.rootdir", "hdfs://a/h"), ("hbase.wal.dir", "hdfs://a/h/wal")],
            "hbase.wal.dir: hdfs://a/h/wal lies below the root directory hdfs://a/h",
        ),
        (&[("hbase.rootdir", "hdfs://a/h"), ("hbase.wal.dir", "/w")], "hbase.wal.dir: name its file system"),
        (&[("hbase.zookeeper.quorum", " , ")], "hbase.zookeeper.quorum: it names no host"),
        (&[("hbase.zookeeper.quorum", "a:x")], "hbase.zookeeper.quorum: not a address: \"a:x\""),
        (&[("hbase.zookeeper.quorum", "a:2181/chroot")], "hbase.zookeeper.quorum"),
        (&[("hbase.zookeeper.quorum", "a b")], "hbase.zookeeper.quorum"),
    ];
    for (pairs, expected) in cases {
        let said = derive(pairs).unwrap_err();
        assert!(said.contains(expected), "{pairs:?}: {said}");
    }
    // Not below, though its text begins alike.
    assert!(derive(&[("hbase.rootdir", "hdfs://a/h"), ("hbase.wal.dir", "hdfs://a/h-wal")]).is_ok());
}

#[test]
fn quorums_become_connect_strings() {
    let cases: &[(Pairs, &str)] = &[
        (&[], "127.0.0.1:2181"),
        (&[("hbase.zookeeper.quorum", "a,b")], "a:2181,b:2181"),
        (&[("hbase.zookeeper.quorum", "a:1, b ,,c:3")], "a:1,b:2181,c:3"),
        (
            &[("hbase.zookeeper.quorum", "a\n,\nb"), ("hbase.zookeeper.property.clientPort", "2222")],
            "a:2222,b:2222",
        ),
        (&[("hbase.zookeeper.quorum", "[::1]:5")], "[::1]:5"),
    ];
    for (pairs, expected) in cases {
        assert_eq!(derive(pairs).unwrap().connect_string(), *expected, "{pairs:?}");
    }
}

#[test]
fn a_configured_name_wins() {
    let host = |pairs: &[(&str, &str)]| {
        let builder = Builder::new(Environment::default());
        let raw = pairs.iter().fold(builder, |b, (k, v)| b.set(k, v, Origin::CommandLine)).build();
        Options::read(&raw).0.server_host("machine.example.", "10.0.0.1")
    };
    assert_eq!(host(&[]), "machine.example");
    assert_eq!(host(&[("hbase.server.useip.enabled", "true")]), "10.0.0.1");
    assert_eq!(host(&[("hbase.master.hostname", "m"), ("hbase.server.useip.enabled", "true")]), "m");
    assert_eq!(host(&[("hbase.master.hostname", " ")]), "machine.example");
}

//! Tests of files, overrides and substitution.

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::kind;

fn environment() -> Environment {
    Environment::new([("user.name", "u"), ("java.io.tmpdir", "/tmp")], [])
}

fn property(name: &str, value: &str) -> String {
    format!("<property><name>{name}</name><value>{value}</value></property>\n")
}

fn final_property(name: &str, value: &str) -> String {
    format!("<property><name>{name}</name><value>{value}</value><final>true</final></property>\n")
}

/// Site files, later ones over earlier ones, above all defaults; `set` in between.
fn layered(files: &[String], set: &[(&str, &str)]) -> RawConfig {
    let file = |builder: Builder, (number, inner): (usize, &String)| {
        let path: Arc<Path> = PathBuf::from(format!("{number}.xml")).into();
        let site = parse_str(&format!("<configuration>\n{inner}</configuration>"), &path).unwrap();
        builder.file(&path, site)
    };
    let builder = set.iter().fold(Builder::new(environment()), |b, (k, v)| b.set(k, v, Origin::CommandLine));
    files.iter().enumerate().fold(builder, file).build()
}

fn get(raw: &RawConfig, key: &str) -> String {
    raw.get(key).unwrap().unwrap_or_else(|| "(none)".to_owned())
}

#[test]
fn the_last_file_wins_unless_an_earlier_one_is_final() {
    let raw = layered(
        &[property("a", "1") + &final_property("b", "1"), property("a", "2") + &property("b", "2")],
        &[],
    );
    assert_eq!((get(&raw, "a"), get(&raw, "b")), ("2".into(), "1".into()));
    assert_eq!(raw.entry("a").unwrap().origin.to_string(), "1.xml:2");
    let remarks: Vec<_> =
        raw.remarks().iter().map(|r| format!("{}:{} {}", r.file.display(), r.line, r.text)).collect();
    assert_eq!(remarks, ["1.xml:3 b is ignored: it is final in 0.xml:3"]);
}

#[test]
fn a_final_without_value_keeps_out_what_comes_later() {
    let nothing = "<property><name>a</name><final>true</final></property>".to_owned();
    let raw = layered(&[nothing, property("a", "2")], &[]);
    assert_eq!(get(&raw, "a"), "(none)");
}

#[test]
fn what_is_set_beats_finals_and_later_files() {
    let raw = layered(&[final_property("a", "1"), property("b", "2")], &[("a", "D"), (" b ", "D")]);
    assert_eq!((get(&raw, "a"), get(&raw, "b")), ("D".into(), "D".into()));
    assert_eq!(raw.entry("a").unwrap().origin, Origin::CommandLine);
}

#[test]
fn old_names_lead_to_new_ones_both_ways() {
    let raw =
        layered(&[final_property("fs.default.name", "hdfs://a"), property("fs.defaultFS", "hdfs://b")], &[]);
    assert_eq!(
        (get(&raw, "fs.defaultFS"), get(&raw, " fs.default.name ")),
        ("hdfs://a".into(), "hdfs://a".into())
    );
    let raw = layered(&[property("fs.defaultFS", "hdfs://b")], &[("fs.default.name", "hdfs://d")]);
    assert_eq!(get(&raw, "fs.defaultFS"), "hdfs://d");
    // Registered too late to beat a default, early enough to fill a gap.
    let raw = layered(
        &[property("hbase.master.mob.ttl.cleaner.period", "7") + &property("hbase.client.pause.cqtbe", "8")],
        &[],
    );
    assert_eq!(get(&raw, "hbase.master.mob.cleaner.period"), "86400");
    assert_eq!(get(&raw, "hbase.client.pause.server.overloaded"), "8");
}

#[test]
fn values_are_substituted_from_all_layers() {
    let raw = layered(
        &[property("hbase.rootdir", "${fs.default.name}/${user.name}/${mine}"), property("mine", "${x}")],
        &[],
    );
    assert_eq!(get(&raw, "hbase.rootdir"), "file:////u/${x}");
    assert_eq!(get(&raw, "hbase.local.dir"), "/tmp/hbase-u/local/");
}

#[test]
fn kinds_read_keys_without_option() {
    let raw = layered(
        &[property("dfs.x", " 0x10 ") + &property("dfs.y", "maybe") + &property("my.password", "secret")],
        &[],
    );
    assert_eq!(raw.read::<kind::Int>("dfs.x"), Ok(Some(16)));
    assert_eq!(raw.read::<kind::Flag>("dfs.y"), Ok(None), "Java takes the default");
    assert_eq!(raw.read::<kind::Int>("dfs.none"), Ok(None));
    let error = raw.read::<kind::Int>("dfs.y").unwrap_err().to_string();
    assert!(error.starts_with("0.xml:3: dfs.y = \"maybe\": expected a whole number"), "{error}");
    let error = raw.read::<kind::Int>("my.password").unwrap_err();
    assert_eq!(error.value, "<redacted>");
    assert!(!format!("{raw:?} {error:?}").contains("secret"));
}

#[test]
fn prefixes_are_ranges() {
    let raw = layered(&[property("p.a", "1") + &property("p.b", "2") + &property("q", "3")], &[]);
    assert_eq!(raw.iter_prefix("p.").map(|(key, _)| key).collect::<Vec<_>>(), ["p.a", "p.b"]);
    assert_eq!(raw.iter_prefix("zzz").count(), 0);
    assert_eq!(raw.iter_set().count(), 3);
}

#[test]
fn files_are_found_as_on_the_class_path() {
    let dir = tempfile::tempdir().unwrap();
    let (own, hadoop) = (dir.path().join("conf"), dir.path().join("hadoop"));
    let site = |inner: String| format!("<configuration>{inner}</configuration>");
    let write = |folder: &Path, name: &str, inner: String| {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(name), site(inner)).unwrap();
    };
    write(&hadoop, "core-site.xml", property("a", "hadoop's core"));
    write(&hadoop, "hdfs-site.xml", property("b", "hadoop's hdfs"));
    write(&hadoop, "hbase-site.xml", property("c", "not read"));
    write(&own, "hdfs-site.xml", property("b", "own hdfs") + &property("hadoop.policy.file", "overruled"));
    write(&own, "hbase-site.xml", property("a", "own hbase"));

    let variables =
        [("HBASE_CONF_DIR", own.to_str().unwrap()), ("HADOOP_CONF_DIR", hadoop.to_str().unwrap())];
    let raw = RawConfig::load(None, &[], Environment::new([], variables)).unwrap();
    assert_eq!(
        (get(&raw, "a"), get(&raw, "b"), get(&raw, "c")),
        ("own hbase".into(), "own hdfs".into(), "(none)".into())
    );
    assert_eq!(
        get(&raw, "hadoop.policy.file"),
        "hbase-policy.xml",
        "hbase-default.xml comes after hdfs-site.xml"
    );
    assert_eq!(raw.files().len(), 3);

    let overrides = ["a=x=y".parse().unwrap(), "hbase.master.port=1".parse().unwrap()];
    let alone = [("HBASE_DISABLE_HADOOP_CLASSPATH_LOOKUP", "true"), variables[1]];
    let raw = RawConfig::load(Some(&own), &overrides, Environment::new([], alone)).unwrap();
    assert_eq!((get(&raw, "a"), get(&raw, "b"), raw.files().len()), ("x=y".into(), "own hdfs".into(), 2));
}

#[test]
fn folders_that_were_named_must_exist() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let missing = dir.path().join("missing");
    let load = |conf_dir: Option<&Path>, variables: &[(&str, &str)]| {
        RawConfig::load(conf_dir, &[], Environment::new([], variables.to_vec())).map(|raw| raw.files().len())
    };
    let error = load(Some(&missing), &[]).unwrap_err().to_string();
    assert!(error.contains("missing (from --conf-dir)"), "{error}");
    let error = load(Some(&file), &[]).unwrap_err().to_string();
    assert!(error.contains("it isn't a folder"), "{error}");
    let error = load(None, &[("HBASE_CONF_DIR", missing.to_str().unwrap())]).unwrap_err().to_string();
    assert!(error.contains("(from HBASE_CONF_DIR)"), "{error}");

    let home = dir.path().join("home");
    fs::create_dir_all(home.join("conf")).unwrap();
    let found =
        crate::find_conf_dir(None, &Environment::new([], [("HBASE_HOME", home.to_str().unwrap())])).unwrap();
    assert_eq!(found.unwrap().path, home.join("conf"));
    assert_eq!(load(Some(dir.path()), &[]).unwrap(), 0, "no file is mandatory");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let load = || RawConfig::load(Some(dir.path()), &[], Environment::default()).map(|_| ()).unwrap_err();
    let site = dir.path().join("hbase-site.xml");
    fs::create_dir(&site).unwrap();
    let error = load();
    assert!(error.to_string().contains("hbase-site.xml"), "{error}");
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, "it isn't a regular file");
    fs::remove_dir(&site).unwrap();

    fs::write(&site, b"<configuration>\xff</configuration>").unwrap();
    assert!(load().to_string().ends_with("hbase-site.xml:1: byte 15 isn't UTF-8"), "{}", load());
    fs::write(&site, "<configuration>\n<property>\n").unwrap();
    assert!(load().to_string().contains("hbase-site.xml:2: the file ends"), "{}", load());
    let huge = fs::File::create(&site).unwrap();
    huge.set_len(10 * bounds::FILE_BYTES_MAX as u64).unwrap();
    assert!(load().to_string().contains("larger than"), "{}", load());
}

#[test]
fn overrides_are_key_and_value() {
    let parse = |text: &str| text.parse::<Override>().map(|o| (o.key, o.value));
    assert_eq!(parse(" a.b = c=d ").unwrap(), ("a.b".into(), " c=d ".into()));
    assert_eq!(parse("a=").unwrap(), ("a".into(), String::new()));
    for bad in ["", "a", "=v", " = v"] {
        assert!(parse(bad).unwrap_err().to_string().contains("expected key=value"), "{bad}");
    }
    assert!(!format!("{:?}", "my.password=x1y2".parse::<Override>().unwrap()).contains("x1y2"));
    assert!(!"=x1y2".parse::<Override>().unwrap_err().to_string().contains("x1y2"));
}

/// Whatever is in a file, reading it ends with a result, and so does the report on what it says.
#[test]
fn no_bytes_are_too_odd() {
    const PIECES: [&str; 20] = [
        "<configuration>",
        "</configuration>",
        "<property>",
        "</property>",
        "<name>",
        "</name>",
        "<value>",
        "</value>",
        "<final>true</final>",
        "hbase.rootdir",
        "fs.default.name",
        "${",
        "}",
        "${hbase.rootdir}",
        "<![CDATA[",
        "]]>",
        "&lt;",
        "&",
        "\u{0}",
        "é\n",
    ];
    let mut rng = fastrand::Rng::with_seed(1);
    let path: Arc<Path> = Path::new("x").into();
    for _ in 0..20_000 {
        let mut bytes: Vec<u8> =
            (0..rng.usize(0..24)).flat_map(|_| PIECES[rng.usize(..PIECES.len())].bytes()).collect();
        if rng.bool() && !bytes.is_empty() {
            let at = rng.usize(..bytes.len());
            bytes[at] = rng.u8(..);
        }
        let Ok(text) = decode::decode(&bytes) else { continue };
        let wrapped = format!(
            "<configuration><property><name>hbase.master.port</name><value>{text}</value></property></configuration>"
        );
        for text in [text, wrapped] {
            if let Ok(site) = parse_str(&text, &path) {
                let raw = Builder::empty(environment()).file(&path, site).build();
                for (key, _) in raw.iter() {
                    let _ = raw.get(key);
                }
            }
        }
    }
}

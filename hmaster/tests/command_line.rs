//! What the binary says and how it exits when something is wrong with what it was given. No Java, and no network beyond
//! this machine.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

fn hmaster(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hmaster"));
    // Neither what the user has configured nor what the user wants logged belongs to the test.
    for variable in ["HBASE_CONF_DIR", "HBASE_HOME", "HADOOP_CONF_DIR", "HADOOP_HOME", "RUST_LOG"] {
        command.env_remove(variable);
    }
    command.args(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn site(properties: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let property = |(key, value): &(&str, &str)| {
        format!("<property><name>{key}</name><value>{value}</value></property>\n")
    };
    let xml: String = properties.iter().map(property).collect();
    fs::write(folder.path().join("hbase-site.xml"), format!("<configuration>\n{xml}</configuration>\n"))
        .unwrap();
    folder
}

fn check(conf_dir: &Path, more: &[&str]) -> Output {
    hmaster(&[&["start", "--check", "--conf-dir", conf_dir.to_str().unwrap()][..], more].concat())
}

#[test]
fn check_prints_what_is_in_force_and_what_is_ignored() {
    let conf = site(&[
        ("hbase.rootdir", "file:///data/${hbase.cluster.name}"),
        ("hbase.cluster.name", "blue"),
        ("hbase.master.hostname", "localhost"),
        ("hbase.regionserver.handler.count", "17"),
        ("hbase.master.info.prot", "1"),
    ]);
    let output = check(conf.path(), &["-D", "hbase.master.port=12345"]);
    let text = stdout(&output);
    for shown in [
        "hbase-site.xml",
        "hbase.rootdir = file:///data/blue",
        "hbase.master.port = 12345",
        "hbase.regionserver.handler.count = 17",
        "is hbase.master.info.port meant?",
        "The configuration is usable",
    ] {
        assert!(text.contains(shown), "no {shown:?} in\n{text}\n{}", stderr(&output));
    }
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.ends_with('\n'));
}

/// Each with what the line about it must hold. The file is named with the line in it, `-D` as such.
#[test]
fn check_tells_every_problem_with_its_place() {
    let table: &[(&str, &str, &[&str])] = &[
        ("hbase.master.port", "x16000", &["hbase.master.port", "x16000", "hbase-site.xml:2"]),
        ("hbase.master.port", "70000", &["hbase.master.port", "70000", "hbase-site.xml:2"]),
        ("zookeeper.session.timeout", "90 s", &["zookeeper.session.timeout", "90 s", "hbase-site.xml:2"]),
        ("hbase.rootdir", "relative/path", &["hbase.rootdir", "relative/path"]),
        ("hbase.rootdir", "s3a://bucket/hbase", &["hbase.rootdir", "s3a"]),
        ("hbase.master.hostname", "no-such-host.invalid", &["hbase.master.hostname", "no-such-host.invalid"]),
        ("hbase.master.ipc.address", "no-such-host.invalid", &["hbase.master.ipc.address"]),
    ];
    for (key, value, shown) in table {
        let conf = site(&[(key, value)]);
        let output = check(conf.path(), &[]);
        let text = stdout(&output);
        let line =
            text.lines().find(|line| line.contains("error: ") && shown.iter().all(|t| line.contains(t)));
        assert!(line.is_some(), "{key} = {value}: no line with {shown:?} in\n{text}\n{}", stderr(&output));
        assert_eq!(output.status.code(), Some(1), "{key} = {value}: {text}");
    }
    let both = site(&[("hbase.master.port", "a"), ("hbase.regionserver.port", "b")]);
    let output = check(both.path(), &["-D", "hbase.master.info.port=c"]);
    let text = stdout(&output);
    let errors = text.lines().filter(|line| line.contains("error: ")).count();
    assert!(errors >= 2, "all problems at once: {text}");
}

#[test]
fn a_file_that_is_none_is_named() {
    let table: &[(&str, &[&str])] = &[
        ("<configuration><property>", &["hbase-site.xml"]),
        (
            "<configuration xmlns:xi=\"http://www.w3.org/2001/XInclude\"><xi:include href=\"a.xml\"/></configuration>",
            &["hbase-site.xml", "include"],
        ),
        ("", &["hbase-site.xml"]),
    ];
    for (xml, shown) in table {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("hbase-site.xml"), xml).unwrap();
        for mode in [&["start", "--check"][..], &["start"]] {
            let conf_dir = folder.path().to_str().unwrap();
            let output = hmaster(&[mode, &["--conf-dir", conf_dir]].concat());
            let text = stderr(&output);
            assert_eq!(text.lines().count(), 1, "{xml}: {text}");
            assert!(shown.iter().all(|shown| text.contains(shown)), "{xml}: no {shown:?} in {text}");
            assert_eq!(output.status.code(), Some(1), "{xml}: {text}");
        }
    }
    let output = hmaster(&["start", "--conf-dir", "/no/such/folder"]);
    assert!(stderr(&output).contains("--conf-dir") && stderr(&output).contains("/no/such/folder"));
    assert_eq!(output.status.code(), Some(1));
}

/// Runs `hmaster standalone` where it can't, and gives the one line that it prints.
fn refused(arguments: &[&str]) -> String {
    let free =
        ["-D", "hbase.master.port=0", "-D", "hbase.master.info.port=0", "-D", "hbase.regionserver.port=0"];
    let output = hmaster(&[&["standalone", "--region-servers", "1"][..], &free, arguments].concat());
    let text = stderr(&output);
    assert_eq!(text.lines().count(), 1, "one line: {text}");
    assert_eq!(stdout(&output), "");
    assert_eq!(output.status.code(), Some(1), "{text}");
    text
}

#[test]
fn standalone_names_the_option_of_a_port_in_use() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let everywhere = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    let (port, info_port) = (taken.local_addr().unwrap().port(), everywhere.local_addr().unwrap().port());
    let data = tempfile::tempdir().unwrap();
    let data_dir = data.path().to_str().unwrap();
    let zk = refused(&["--data-dir", data_dir, "--zk-port", &port.to_string()]);
    assert!(zk.contains("--zk-port") && zk.contains(&port.to_string()) && zk.contains("in use"), "{zk}");
    for (key, port) in [
        ("hbase.master.port", port),
        ("hbase.master.info.port", info_port),
        ("hbase.regionserver.port", port),
    ] {
        let line = refused(&["--data-dir", data_dir, "--zk-port", "0", "-D", &format!("{key}={port}")]);
        for shown in ["-D", key, &port.to_string(), "in use"] {
            assert!(line.contains(shown), "no {shown} in {line}");
        }
    }
}

#[test]
fn standalone_names_the_option_of_a_folder_that_it_cannot_use() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let used = folder.path().join("used");
    fs::create_dir(&used).unwrap();
    let lock = fs::File::create(used.join("lock")).unwrap();
    lock.lock().unwrap();
    let damaged = folder.path().join("damaged");
    fs::create_dir(&damaged).unwrap();
    fs::write(damaged.join("zookeeper"), "not a folder").unwrap();
    for path in [file.clone(), file.join("below"), "/proc/hmaster".into(), used, damaged] {
        let line = refused(&["--zk-port", "0", "--data-dir", path.to_str().unwrap()]);
        assert!(line.contains("--data-dir") && line.contains(path.to_str().unwrap()), "{path:?}: {line}");
    }
}

#[test]
fn a_swarm_measures_a_master_in_a_process_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = |text: &str| {
        let path = folder.path().join("s.json");
        fs::write(&path, text).unwrap();
        hmaster(&["swarm", "--json", "--scenario", path.to_str().unwrap()])
    };
    let wrong = scenario(r#"{"about": "x", "servers": 1, "steps": [{"do": "dance"}]}"#);
    assert!(!wrong.status.success() && stderr(&wrong).contains("dance"), "{wrong:?}");
    let done = scenario(
        r#"{"about": "x", "servers": 2, "tables": [{"name": "t", "regions": 4}], "patience_seconds": 100,
            "steps": [{"do": "restart-master"}]}"#,
    );
    assert!(done.status.success(), "{}", stderr(&done));
    let text = stdout(&done);
    assert!(text.contains(r#""step": "restart-master""#) && text.contains(r#""master_cpu_s""#), "{text}");
}

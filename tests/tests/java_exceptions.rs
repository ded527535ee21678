//! Every Java exception that hmaster names is a class of the Java artifacts, with the flag that callers act on.
//!
//! A client that can't load a class sees a plain error instead: it retries what it should give up, or gives up what it
//! should retry. So the names are looked up in the jars of each version that clients may have, and the flag in those of
//! 2.6. Names in the sources that aren't in the table of `hmaster_types::class` are found and refused here.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hmaster_protocol::pb;
use hmaster_rpc::wire::exception::to_response;
use hmaster_tests::jvm::Jvm;
use hmaster_tests::{HBaseVersion, javac, require_peers};
use hmaster_types::{JavaException, class};

/// What Java says of each class: `absent`, `no exception`, or a line of facts.
async fn ask_java(names: &[&str], version: HBaseVersion) -> Result<BTreeMap<String, String>> {
    let source = ("ExceptionClasses.java", include_str!("../java/ExceptionClasses.java"));
    let classes = javac::classes(&[source], version).await?;
    let jvm = Jvm::new(128).folder(classes).jars(version.server_jars().await?);
    let output = jvm.command("ExceptionClasses")?.args(names).output("", Duration::from_secs(120)).await?;
    let lines = output.success()?.lines().filter_map(|line| line.split_once(' '));
    Ok(lines.map(|(name, facts)| (name.to_owned(), facts.to_owned())).collect())
}

#[tokio::test]
async fn classes_are_those_of_java() -> Result<()> {
    require_peers!();
    let names: Vec<&str> = class::ALL.iter().map(|class| class.name).collect();
    let java = ask_java(&names, HBaseVersion::V2_6).await?;
    let mut misfits = Vec::new();
    for class in class::ALL {
        let facts = java.get(class.name).with_context(|| format!("Java said nothing of {}", class.name))?;
        if !facts.ends_with(&format!("doNotRetry={}", class.do_not_retry)) {
            misfits.push(format!("{class:?}: {facts}"));
        }
        // A client builds nothing but an `IOException`. Those that can't be made of a text are so in Java too.
        let sent: pb::ExceptionResponse = to_response(&JavaException::new(*class, "text"));
        let sent = sent.exception_class_name().to_owned();
        let facts = java.get(&sent).map_or("not in the table", String::as_str);
        if !facts.starts_with("io=true") {
            misfits.push(format!("{} goes out as {sent}: {facts}", class.name));
        }
    }
    ensure!(misfits.is_empty(), "{}", misfits.join("\n"));
    Ok(())
}

#[tokio::test]
async fn clients_of_2_5_know_them_too() -> Result<()> {
    require_peers!();
    let names: Vec<&str> = class::ALL.iter().map(|class| class.name).collect();
    let java = ask_java(&names, HBaseVersion::V2_5).await?;
    let differ: Vec<String> = class::ALL
        .iter()
        .filter(|class| !java[class.name].ends_with(&format!("doNotRetry={}", class.do_not_retry)))
        .map(|class| format!("{class:?}: {}", java[class.name]))
        .collect();
    // The one answers a preamble that only clients of 2.6 send; the other ends a region server, which any error does.
    let newer = [class::SECURITY_NOT_ENABLED, class::DECOMMISSIONED_HOST_REJECTED];
    let of_newer = |line: &String| newer.iter().any(|class| *line == format!("{class:?}: absent"));
    ensure!(differ.iter().all(of_newer), "{differ:?}");
    Ok(())
}

/// Needs no Java: the table is what the other tests look at, so no name may stand elsewhere.
#[test]
fn every_name_in_the_sources_is_in_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut strays = Vec::new();
    for file in sources(&root) {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for name in exception_names(code) {
            if class::by_name(name).is_none() {
                strays.push(format!("{name} in {}", file.display()));
            }
        }
    }
    assert!(strays.is_empty(), "not in hmaster_types::class:\n{}", strays.join("\n"));
}

/// String literals that are an exception class of HBase and nothing else. Nested classes are what region servers report.
fn exception_names(code: &str) -> impl Iterator<Item = &str> {
    let literals = code.split('"').skip(1).step_by(2);
    literals.filter(|text| {
        let is_name = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._".contains(&byte));
        is_name && text.starts_with("org.apache.") && text.ends_with("Exception")
    })
}

/// The files of all crates but this one, without those that hold only tests.
fn sources(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root).expect("the sources of this test").flatten() {
        if entry.file_name().to_string_lossy().starts_with("hmaster") {
            collect(&entry.path().join("src"), &mut files);
        }
    }
    assert!(files.len() > 100, "only {} files", files.len());
    files
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ext| ext == "rs") && !path.ends_with("tests.rs") {
            files.push(path);
        }
    }
}

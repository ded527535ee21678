//! The messages and services of hmaster-protocol are those of HBase: compares them with the descriptors inside the Java
//! artifacts, and keeps the copy of them up to date by which the crate's own tests do the same without Java.
//!
//! With `HMASTER_UPDATE=1` writes `descriptors.txt` and `descriptors-2.5.txt` in hmaster-protocol/tests anew.

#[path = "../../hmaster-protocol/tests/support/fingerprint.rs"]
mod fingerprint;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hmaster_tests::jvm::Jvm;
use hmaster_tests::{HBaseVersion, javac, maven, require_peers};
use prost::Message as _;
use prost_types::FileDescriptorSet;

use fingerprint::{difference, fingerprint};

/// The package of messages that only HBase's own tests use.
const TEST_PACKAGE: &str = "hbase.test.pb";

/// Files of hbase-protocol whose messages aren't in hbase-protocol-shaded and that a master, its clients or its region
/// servers use. Its other files are older copies, but for RowProcessor, an endpoint on regions.
const UNSHADED: [&str; 4] =
    ["Authentication.proto", "MultiRowMutation.proto", "RSGroup.proto", "VisibilityLabels.proto"];

/// The newest published hbase-rsgroup of HBase 2.
const RSGROUP_VERSION: &str = "2.5.13-hadoop3";

#[tokio::test]
async fn descriptors_equal_those_of_java() -> Result<()> {
    require_peers!();
    let java = java_lines(HBaseVersion::V2_6).await?;
    committed("descriptors.txt", &java.iter().map(|line| format!("{line}\n")).collect::<String>())?;
    let ours = FileDescriptorSet::decode(hmaster_protocol::FILE_DESCRIPTOR_SET)?;
    let ours = fingerprint(ours.file.iter().filter(|file| file.package() != "google.protobuf"));
    let difference = difference(&ours, &java);
    ensure!(difference.is_empty(), "{}", difference.join("\n"));
    Ok(())
}

/// What a master of 2.6 can't expect of region servers and clients of 2.5, and the other way round.
#[tokio::test]
async fn differences_to_2_5_are_known() -> Result<()> {
    require_peers!();
    let (old, new) = (java_lines(HBaseVersion::V2_5).await?, java_lines(HBaseVersion::V2_6).await?);
    let only_old = old.difference(&new).map(|line| format!("2.5 only: {line}\n"));
    let only_new = new.difference(&old).map(|line| format!("2.6 only: {line}\n"));
    committed("descriptors-2.5.txt", &only_old.chain(only_new).collect::<String>())
}

/// The lines of everything hmaster-protocol should have.
async fn java_lines(version: HBaseVersion) -> Result<BTreeSet<String>> {
    let jars = version.server_jars().await?;
    let jar = |artifact: &str| jars.join(format!("{artifact}-{version}.jar"));
    let mut files = dump(&jars, &jar("hbase-protocol-shaded")).await?.file;
    files.retain(|file| file.package() != TEST_PACKAGE);
    ensure!(files.len() > 30, "the shaded jar of {version} has only {} files", files.len());
    let mut unshaded = dump(&jars, &jar("hbase-protocol")).await?.file;
    unshaded.retain(|file| UNSHADED.contains(&file.name()));
    ensure!(unshaded.len() == UNSHADED.len(), "hbase-protocol {version} lacks some of {UNSHADED:?}");
    files.extend(unshaded);
    let rsgroup = maven::jars("hbase-rsgroup", RSGROUP_VERSION).await?;
    files.extend(dump(&rsgroup, &rsgroup.join(format!("hbase-rsgroup-{RSGROUP_VERSION}.jar"))).await?.file);
    Ok(fingerprint(&files))
}

/// The descriptors in the generated classes of `jar`, which with all it needs is in the folder `jars`.
async fn dump(jars: &Path, jar: &Path) -> Result<FileDescriptorSet> {
    let source = ("DumpDescriptors.java", include_str!("../java/DumpDescriptors.java"));
    let classes = javac::classes(&[source], HBaseVersion::V2_6).await?;
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("descriptors");
    let command = Jvm::new(256).folder(classes).jars(jars).command("DumpDescriptors")?.arg(&out).arg(jar);
    command.output("", Duration::from_secs(120)).await?.success()?;
    FileDescriptorSet::decode(fs::read(&out)?.as_slice()).context("decode what Java wrote")
}

/// Compares with a file of hmaster-protocol/tests, or writes it.
fn committed(name: &str, text: &str) -> Result<()> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../hmaster-protocol/tests").join(name);
    if std::env::var_os("HMASTER_UPDATE").is_some_and(|value| value == "1") {
        return fs::write(&path, text).with_context(|| format!("write {}", path.display()));
    }
    let committed = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let line = committed.lines().zip(text.lines()).find(|(committed, java)| committed != java);
    ensure!(committed == text, "{name} isn't what Java says (HMASTER_UPDATE=1 writes it): {line:?}");
    Ok(())
}

//! Java masters' own region, see MasterStore.java.

use std::time::Duration;

use anyhow::{Result, ensure};
use hmaster_fs::FsPath;
use hmaster_tests::process::Ready;
use hmaster_tests::{HBaseVersion, Process, javac};

use crate::disk::Disk;
use crate::edits::{Edit, hex};

const SOURCE: (&str, &str) = ("MasterStore.java", include_str!("../../java/store/MasterStore.java"));
const MAIN: &str = "MasterStore";

/// Does commands in one JVM, which then ends as if it had been killed; what each printed.
pub(crate) async fn run(disk: &Disk, version: HBaseVersion, commands: &[String]) -> Result<Vec<String>> {
    let classes = javac::classes(&[SOURCE], version).await?;
    let jvm = disk.cluster.java(version).await?.folder(classes);
    let input = commands.join("\n") + "\n";
    let output = jvm.command(MAIN)?.output(&input, Duration::from_secs(300)).await?;
    let printed: Vec<String> = output.success()?.split_terminator("done\n").map(str::to_owned).collect();
    ensure!(
        printed.len() == commands.len(),
        "{} answers to {}: {}",
        printed.len(),
        commands.len(),
        output.stderr
    );
    let aborted = printed.iter().find(|said| said.contains("aborted"));
    ensure!(aborted.is_none(), "{aborted:?}");
    Ok(printed)
}

/// A process that opens the region and writes until it can't.
pub(crate) async fn writer(disk: &Disk, root: &FsPath, n: u64) -> Result<Process> {
    let classes = javac::classes(&[SOURCE], HBaseVersion::V2_6).await?;
    let jvm = disk.cluster.java(HBaseVersion::V2_6).await?.folder(classes);
    let command = jvm.command(MAIN)?.arg(disk.uri_of(root)).arg(format!("java,16000,{n}"));
    disk.cluster.start_process(&format!("writer{n}"), command, Ready::Spawned).await
}

pub(crate) fn open(disk: &Disk, root: &FsPath, n: u64) -> String {
    format!("open {} java,16000,{n}", disk.uri_of(root))
}

pub(crate) fn apply(edits: &[Edit]) -> String {
    let words = edits.iter().map(|edit| match edit {
        Edit::Put { family, row, qualifier, value } => {
            let value = if value.is_empty() { String::new() } else { hex(value) };
            format!("put:{family}:{}:{}:{value}", hex(row), hex(qualifier.as_bytes()))
        }
        Edit::Delete { family, row } => format!("delete:{family}:{}", hex(row)),
    });
    format!("apply {}", words.collect::<Vec<_>>().join(" "))
}

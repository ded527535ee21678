//! The archive of classes that JVMs of other tests begin with is made, and one of them uses it.

use std::time::Duration;

use anyhow::{Result, ensure};
use hmaster_tests::jvm::Jvm;
use hmaster_tests::{HBaseVersion, class_data, require_peers};

#[tokio::test]
async fn a_jvm_takes_classes_from_the_archive() -> Result<()> {
    require_peers!();
    let version = HBaseVersion::V2_6;
    let archive = class_data::make(version).await?;
    let flags = [format!("-XX:SharedArchiveFile={}", archive.display()), "-Xlog:class+load".to_owned()];
    let jvm = Jvm::new(128).jars(version.server_jars().await?).flags(flags);
    let command = jvm.command("org.apache.hadoop.hbase.util.VersionInfo")?;
    let output = command.output("", Duration::from_secs(60)).await?;
    let loaded = output.success()?;
    let ours = loaded.lines().filter(|line| line.contains("org.apache.hadoop.hbase.util.VersionInfo "));
    let shared = ours.filter(|line| line.contains("shared objects file")).count();
    ensure!(shared == 1, "{loaded}");
    Ok(())
}

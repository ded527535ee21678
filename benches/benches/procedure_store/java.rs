//! The same writes by a Java master's procedure store, in a JVM of its own that is given time to warm up.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hmaster_tests::{Cluster, HBaseVersion, ZooKeeper, javac, peers};

const SOURCE: (&str, &str) = ("MasterStore.java", include_str!("../../../tests/java/store/MasterStore.java"));
/// As a server runs: all compilers, and the collector that JDK 17 takes for servers.
const FLAGS: [&str; 3] = ["-XX:TieredStopAtLevel=4", "-XX:-UseSerialGC", "-XX:+UseG1GC"];

/// Writes a second in each round; none without Java, which is said.
pub(crate) async fn writes(
    folder: &Path,
    rounds: usize,
    writers: u64,
    each: u64,
    bytes: usize,
) -> Result<Option<Vec<f64>>> {
    if let Err(reason) = peers::toolchain() {
        println!("Java is skipped: {reason}");
        return Ok(None);
    }
    let nowhere = ZooKeeper::At("127.0.0.1:1".into());
    let cluster = Cluster::builder("store-bench").zookeeper(nowhere).heap_mb(1024).start().await?;
    let classes = javac::classes(&[SOURCE], HBaseVersion::V2_6).await?;
    let jvm = cluster.java(HBaseVersion::V2_6).await?.folder(classes).flags(FLAGS);
    let root = folder.join("java");
    std::fs::create_dir_all(&root)?;
    let mut commands = vec![format!("open file://{} java,16000,1", root.display())];
    commands.extend((0..rounds).map(|round| format!("measure {round} {writers} {each} {bytes}")));
    let input = commands.join("\n") + "\n";
    let output = jvm.command("MasterStore")?.output(&input, Duration::from_secs(600)).await?;
    let printed = output.success()?;
    let rates = printed.lines().filter_map(|line| line.strip_prefix("writes "));
    let rates: Vec<f64> = rates.map(str::parse).collect::<Result<_, _>>().context("what Java measured")?;
    ensure!(rates.len() == rounds, "{printed}");
    cluster.finish().await?;
    Ok(Some(rates))
}

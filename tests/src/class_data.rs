//! Class data sharing: JVMs that find HBase's classes parsed and verified already, which saves a good quarter of the
//! processor time of a server's first minute.
//!
//! [`make`] lets an HBase cluster in one JVM say which classes it loads, and has them written into an archive in the cache,
//! one for a folder of jars. With `HMASTER_CLASS_DATA=1` every JVM with these jars uses it from then on; one that finds that
//! it doesn't fit (another version of Java, other jars) goes without it by itself. Nothing needs it, and benches go without
//! it, since nobody's Java master has it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::cluster::{Cluster, ZooKeeper};
use crate::jvm::Jvm;
use crate::maven::HBaseVersion;
use crate::ports::Port;
use crate::{cache, wait};

const DEADLINE: Duration = Duration::from_secs(300);
const HEAP_MB: u32 = 512;
const ARCHIVE: &str = "classes.jsa";

/// The archive of a version's servers; made now unless it is there.
pub async fn make(version: HBaseVersion) -> Result<PathBuf> {
    let jars = version.server_jars().await?;
    if let Some(made) = made_for(&jars) {
        return Ok(made);
    }
    let classes = tempfile::tempdir().context("make a temporary folder")?;
    let list = classes.path().join("classes");
    load_all(&jars, &list).await.context("a cluster whose classes are listed")?;
    let archive = classes.path().join(ARCHIVE);
    let flags = [
        "-Xshare:dump".to_owned(),
        format!("-XX:SharedClassListFile={}", list.display()),
        format!("-XX:SharedArchiveFile={}", archive.display()),
    ];
    let dump = Jvm::new(HEAP_MB).jars(&jars).flags(flags).command("none")?;
    dump.output("", DEADLINE).await?.success().context("write the classes down")?;
    let name = name_for(&jars).context("jars lie in a folder")?;
    let keep = move || {
        cache::folder(&name, |folder| Ok(fs::copy(&archive, folder.join(ARCHIVE)).map(drop)?))
            .map(|folder| folder.join(ARCHIVE))
    };
    tokio::task::spawn_blocking(keep).await?
}

/// What JVMs with the jars in this folder should begin with.
pub(crate) fn archive_of(jars: &Path) -> Option<PathBuf> {
    std::env::var_os("HMASTER_CLASS_DATA").is_some_and(|set| set == "1").then(|| made_for(jars)).flatten()
}

fn made_for(jars: &Path) -> Option<PathBuf> {
    let home = cache::home().ok().filter(|home| jars.parent() == Some(home))?;
    Some(home.join(name_for(jars)?).join(ARCHIVE)).filter(|archive| archive.is_file())
}

fn name_for(jars: &Path) -> Option<String> {
    Some(format!("class-data-{}", jars.file_name()?.to_str()?))
}

/// A master with ZooKeeper and a region server inside, until it has opened a table.
async fn load_all(jars: &Path, list: &Path) -> Result<()> {
    let port = Port::reserve()?;
    // The cluster is only where things lie: the process brings its own ZooKeeper.
    let zookeeper = ZooKeeper::At(format!("127.0.0.1:{}", port.number()));
    let cluster = Cluster::builder("class-data").zookeeper(zookeeper).start().await?;
    let alone = [("hbase.cluster.distributed", false), ("hbase.localcluster.assign.random.ports", true)];
    let conf = cluster.write_conf_dir("alone", &alone.into_iter().collect())?;
    let master = Jvm::new(HEAP_MB)
        .jars(jars)
        .folder(conf)
        .flags([format!("-XX:DumpLoadedClassList={}", list.display())])
        .command("org.apache.hadoop.hbase.master.HMaster")?
        .arg("start")
        .directory(cluster.dir());
    let root = Path::new(cluster.root().trim_start_matches("file://"));
    let opened = wait::until("the region of hbase:namespace", DEADLINE, async || {
        let regions = fs::read_dir(root.join("data/hbase/namespace")).context("no such table")?;
        let mut markers = regions.flatten().map(|region| region.path().join("recovered.edits"));
        ensure!(markers.any(|marker| marker.is_dir()), "it isn't open");
        Ok(())
    });
    tokio::select! {
        ended = master.output("", DEADLINE) => bail!("it ended: {}", ended?.stderr),
        opened = opened => opened?,
    }
    cluster.finish().await
}

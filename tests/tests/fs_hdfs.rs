//! hmaster's HDFS client against a real HDFS: every promise of the trait, and what is special about HDFS.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hmaster_fs::{
    CreateOptions, FileSystem, FsErrorKind, FsPath, FsUri, HdfsFileSystem, HdfsOptions, NewFile, Writer,
    conformance,
};
use hmaster_tests::{Cluster, HBaseVersion, Storage, ZooKeeper, require_peers};

const SOON: Duration = Duration::from_secs(60);

struct Hdfs {
    cluster: Cluster,
    uri: FsUri,
}

impl Hdfs {
    async fn start(name: &str, datanodes: usize) -> Result<Self> {
        let builder = Cluster::builder(name).storage(Storage::Hdfs { datanodes });
        let cluster = builder.zookeeper(ZooKeeper::At("127.0.0.1:1".into())).start().await?;
        let uri: FsUri = cluster.root().parse()?;
        let hdfs = Self { cluster, uri };
        let fs = hdfs.client()?;
        fs.wait_until_writable(&FsPath::root(), Duration::from_millis(200), Some(SOON)).await?;
        fs.mkdirs(&hdfs.root(), None).await?;
        hdfs.await_data_node().await?;
        Ok(hdfs)
    }

    /// A NameNode without files leaves safe mode before any DataNode has reported.
    async fn await_data_node(&self) -> Result<()> {
        let (fs, probe) = (self.client()?, self.root().join("probe"));
        let written = async {
            while fs.write_whole(&probe, "x".into(), CreateOptions::overwrite()).await.is_err() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(SOON, written).await.context("a DataNode that takes blocks")?;
        fs.delete(&probe).await?;
        Ok(())
    }

    fn root(&self) -> FsPath {
        self.uri.path.clone()
    }

    /// A client of its own, as another process would be.
    fn client(&self) -> Result<HdfsFileSystem> {
        Ok(HdfsFileSystem::new(&self.uri, HdfsOptions::default())?)
    }

    async fn safe_mode(&self, command: &str) -> Result<()> {
        let args = ["-safemode", command];
        let admin = "org.apache.hadoop.hdfs.tools.DFSAdmin";
        self.cluster.run_java(admin, HBaseVersion::V2_6, &args).await?.success()?;
        Ok(())
    }
}

async fn open_log(fs: &HdfsFileSystem, path: &FsPath) -> Result<Box<dyn Writer>> {
    let mut log = fs.create(path, CreateOptions::new()).await?;
    log.write("synced".into()).await?;
    log.sync().await?;
    Ok(log)
}

#[tokio::test(flavor = "multi_thread")]
async fn hdfs_keeps_every_promise() -> Result<()> {
    require_peers!();
    let hdfs = Hdfs::start("fs-promises", 2).await?;
    conformance::run_all(Arc::new(hdfs.client()?), Arc::new(hdfs.client()?), &hdfs.root()).await;
    hdfs.cluster.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_were_left_open() -> Result<()> {
    require_peers!();
    let hdfs = Hdfs::start("fs-left-open", 2).await?;
    let (one, two) = (hdfs.client()?, hdfs.client()?);

    // By a process that died: nobody sees what was synced until the lease is recovered.
    let path = hdfs.root().join("died");
    let mut log = open_log(&one, &path).await?;
    log.write(", not synced".into()).await?;
    std::mem::forget(log);
    ensure!(
        two.read_whole(&path, 100).await?.is_empty(),
        "known of hdfs-native: an open file reads as empty"
    );
    two.recover_lease(&path, SOON).await?;
    let content = two.read_whole(&path, 100).await?;
    ensure!(content.starts_with(b"synced"), "{content:?}");
    ensure!(two.status(&path).await?.length == content.len() as u64);

    // By a writer that was dropped: it is closed in the background.
    let path = hdfs.root().join("dropped");
    let mut file = one.create(&path, CreateOptions::new()).await?;
    file.write("written".into()).await?;
    drop(file);
    one.wait_for_dropped_writers().await;
    ensure!(two.read_whole(&path, 100).await? == "written");

    // The lease comes back in time, or it is said that it didn't.
    let path = hdfs.root().join("soon");
    let _log = open_log(&one, &path).await?;
    match two.recover_lease(&path, Duration::ZERO).await {
        Ok(()) => {}
        Err(error) => ensure!(matches!(error.kind, FsErrorKind::TimedOut(_)), "{error}"),
    }
    hdfs.cluster.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn safe_mode_is_waited_out() -> Result<()> {
    require_peers!();
    let hdfs = Hdfs::start("fs-safe-mode", 1).await?;
    let (fs, root) = (hdfs.client()?, hdfs.root());
    ensure!(!fs.in_safe_mode(&root).await?);
    hdfs.safe_mode("enter").await?;
    ensure!(fs.in_safe_mode(&root).await?);
    let refused = fs.mkdirs(&root.join("a"), None).await.err().context("refused in safe mode")?;
    ensure!(refused.kind == FsErrorKind::SafeMode, "{refused}");
    let refused = fs.create(&root.join("a"), CreateOptions::new()).await.err().context("refused")?;
    ensure!(refused.kind == FsErrorKind::SafeMode, "{refused}");
    let waiting = tokio::spawn({
        let (fs, root) = (fs.clone(), root.clone());
        async move { fs.wait_until_writable(&root, Duration::from_millis(100), Some(SOON)).await }
    });
    hdfs.safe_mode("leave").await?;
    waiting.await??;
    fs.mkdirs(&root.join("a"), None).await?;
    hdfs.cluster.finish().await
}

/// Without a NameNode calls fail, and say whether something may have changed; with it back they work again.
#[tokio::test(flavor = "multi_thread")]
async fn the_name_node_goes_and_comes_back() -> Result<()> {
    require_peers!();
    let hdfs = Hdfs::start("fs-namenode", 1).await?;
    let quick = [
        ("dfs.client.failover.max.attempts", "1"),
        ("dfs.client.failover.sleep.base.millis", "10"),
        ("dfs.client.failover.sleep.max.millis", "10"),
    ];
    let configuration = quick.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let fs = HdfsFileSystem::new(&hdfs.uri, HdfsOptions { configuration, ..HdfsOptions::default() })?;
    let path = hdfs.root().join("log");
    let mut log = open_log(&fs, &path).await?;
    let name_node = hdfs.cluster.process("namenode").context("a NameNode")?;
    name_node.kill9().await?;
    let read = fs.status(&path).await.err().context("nobody answers")?;
    ensure!(read.kind == FsErrorKind::Unavailable, "{read:?}");
    log.write(", unsure".into()).await?;
    let synced = log.sync().await.err().context("nobody answers")?;
    ensure!(matches!(synced.kind, FsErrorKind::Unknown | FsErrorKind::Unavailable), "{synced:?}");
    ensure!(log.sync().await.is_err(), "a failed writer stays failed");
    name_node.restart().await?;
    fs.wait_until_writable(&FsPath::root(), Duration::from_millis(200), Some(SOON)).await?;
    // Only now the DataNode has told what it has: the NameNode gives an attempt that nobody heard of a minute.
    hdfs.await_data_node().await?;
    fs.recover_lease(&path, SOON).await?;
    let content = fs.read_whole(&path, 100).await?;
    ensure!(content.starts_with(b"synced"), "{content:?}");
    hdfs.cluster.finish().await
}

/// Java reads what we wrote, and the other way round.
#[tokio::test(flavor = "multi_thread")]
async fn many_small_files() -> Result<()> {
    require_peers!();
    let hdfs = Hdfs::start("fs-many", 2).await?;
    let (fs, root) = (hdfs.client()?, hdfs.root());
    let files = (0..1000).map(|n| {
        let path = root.join("table").join(&format!("{n:04}")).join(".regioninfo");
        NewFile { path, content: format!("region {n}").into() }
    });
    fs.write_many(files.collect()).await?;
    ensure!(fs.usage(&root.join("table")).await?.files == 1000);
    let read = hdfs.cluster.fs_shell(&["-cat", "/hbase/table/0731/.regioninfo"]).await?;
    ensure!(read.trim() == "region 731", "{read}");
    let local = hdfs.cluster.dir().join("by-java");
    std::fs::write(&local, "java")?;
    hdfs.cluster.fs_shell(&["-put", path(&local)?, "/hbase/by-java"]).await?;
    ensure!(fs.read_whole(&root.join("by-java"), 10).await? == "java");
    hdfs.cluster.finish().await
}

fn path(path: &Path) -> Result<&str> {
    path.to_str().context("a path of UTF-8")
}

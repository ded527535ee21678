//! Where the region is: a cluster's root folder on local disk or in HDFS, without a cluster.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use hmaster_fs::{CreateOptions, FileSystem, FsPath, FsUri, HdfsFileSystem, HdfsOptions, LocalFileSystem};
use hmaster_store::region::{MasterRegion, MasterRegionOptions};
use hmaster_tests::{Cluster, ClusterBuilder, CommandSpec, Storage, ZooKeeper};

use crate::lives;

const SOON: Duration = Duration::from_secs(60);

/// A disk that both kinds of masters reach.
pub(crate) struct Disk {
    pub(crate) cluster: Cluster,
    /// Where roots are made.
    pub(crate) uri: FsUri,
}

impl Disk {
    /// `storage` without ZooKeeper.
    pub(crate) async fn start(name: &str, storage: Storage) -> Result<Self> {
        let nowhere = ZooKeeper::At("127.0.0.1:1".into());
        Self::with_zookeeper(Cluster::builder(name).zookeeper(nowhere), storage).await
    }

    /// The storage of a cluster to be.
    pub(crate) async fn with_zookeeper(builder: ClusterBuilder, storage: Storage) -> Result<Self> {
        let cluster = builder.storage(storage).start().await?;
        let uri: FsUri = cluster.root().parse()?;
        let disk = Self { cluster, uri };
        if storage != Storage::Local && storage != Storage::LocalWithChecksums {
            disk.await_data_node().await?;
        }
        Ok(disk)
    }

    /// A NameNode without files leaves safe mode before any DataNode has reported.
    async fn await_data_node(&self) -> Result<()> {
        let (fs, probe) = (self.client()?, FsPath::root().join("probe"));
        let written = async {
            while fs.write_whole(&probe, "x".into(), CreateOptions::overwrite()).await.is_err() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(SOON, written).await.context("a DataNode that takes blocks")
    }

    /// A client of its own, as another process would be.
    pub(crate) fn client(&self) -> Result<Arc<dyn FileSystem>> {
        Ok(match self.uri.scheme.as_deref() {
            Some("hdfs") => Arc::new(HdfsFileSystem::new(&self.uri, HdfsOptions::default())?),
            _ => Arc::new(LocalFileSystem),
        })
    }

    /// A root folder of a name of its own.
    pub(crate) fn root(&self, name: &str) -> FsPath {
        let folder = self.uri.path.parent().unwrap_or_else(FsPath::root);
        folder.join(name)
    }

    /// As Java's `hbase.rootdir` has it.
    pub(crate) fn uri_of(&self, root: &FsPath) -> String {
        FsUri { path: root.clone(), ..self.uri.clone() }.to_string()
    }

    /// Copies a folder into a new one. Hadoop's shell would add checksum files on local disk.
    pub(crate) async fn copy(&self, from: &FsPath, to: &FsPath) -> Result<()> {
        self.client()?.mkdirs(to, None).await?;
        if self.uri.scheme.as_deref() == Some("hdfs") {
            self.cluster.fs_shell(&["-cp", &self.uri_of(from), &self.uri_of(to)]).await?;
            return Ok(());
        }
        let cp = CommandSpec::new("cp").arg("-a").arg(from.as_str()).arg(to.as_str());
        cp.output("", SOON).await?.success()?;
        Ok(())
    }

    /// Opens the region as the `n`-th master, with a client of its own.
    pub(crate) async fn open(
        &self,
        root: &FsPath,
        n: u64,
        options: MasterRegionOptions,
    ) -> Result<MasterRegion> {
        Ok(lives::open(self.client()?, root, n, options).await?)
    }
}

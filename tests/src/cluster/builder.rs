//! What a cluster consists of before a test starts servers in it.

use std::fs;

use anyhow::{Context as _, Result};
use parking_lot::Mutex;

use super::folder::Folder;
use super::{Cluster, Settings};
use crate::jvm::Jvm;
use crate::maven::HBaseVersion;
use crate::process::Ready;

/// Where HBase keeps its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// The local disk without checksum files. Then a flushed write survives the death of the
    /// process, as on HDFS, and a test may demand acknowledged rows back after SIGKILL.
    Local,
    /// The local disk as Hadoop uses it by default, with a `.crc` file beside each file. The last 511
    /// bytes of a flushed file stay in the writer's memory: SIGKILL can lose acknowledged rows.
    LocalWithChecksums,
    /// A NameNode and this many DataNodes; each block is on up to three of them.
    Hdfs {
        /// How many DataNodes.
        datanodes: usize,
    },
}

/// The ZooKeeper of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZooKeeper {
    /// A Java ZooKeeper, of one node.
    Java {
        /// One tick in milliseconds. Sessions get 2 to 20 ticks: the 90 s that HBase asks for
        /// become 10 s with 500.
        tick_ms: u32,
    },
    /// A server that the test has started elsewhere, `host:port`.
    At(String),
}

/// Collects settings of a [`Cluster`].
#[derive(Clone, Debug)]
pub struct ClusterBuilder {
    name: String,
    storage: Storage,
    zookeeper: ZooKeeper,
    heap_mb: u32,
    hbase_site: Settings,
    hdfs_site: Settings,
}

impl ClusterBuilder {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            storage: Storage::Local,
            zookeeper: ZooKeeper::Java { tick_ms: 500 },
            heap_mb: 384,
            hbase_site: Settings::default(),
            hdfs_site: Settings::default(),
        }
    }

    /// Where HBase keeps its files; default [`Storage::Local`].
    #[must_use]
    pub fn storage(mut self, storage: Storage) -> Self {
        self.storage = storage;
        self
    }

    /// Which ZooKeeper; default a Java one with ticks of 500 ms.
    #[must_use]
    pub fn zookeeper(mut self, zookeeper: ZooKeeper) -> Self {
        self.zookeeper = zookeeper;
        self
    }

    /// The largest heap of a Java master or region server in megabytes; default 384.
    #[must_use]
    pub fn heap_mb(mut self, heap_mb: u32) -> Self {
        self.heap_mb = heap_mb;
        self
    }

    /// A setting in the `hbase-site.xml` of every process.
    #[must_use]
    pub fn conf(mut self, key: &str, value: impl ToString) -> Self {
        self.hbase_site.set(key, value);
        self
    }

    /// A setting in the `hdfs-site.xml` of every process.
    #[must_use]
    pub fn hdfs_conf(mut self, key: &str, value: impl ToString) -> Self {
        self.hdfs_site.set(key, value);
        self
    }

    /// Makes the directory and starts ZooKeeper and HDFS as chosen.
    pub async fn start(self) -> Result<Cluster> {
        let Self { name, storage, zookeeper, heap_mb, hbase_site, hdfs_site } = self;
        let mut cluster = Cluster {
            folder: Folder::new(&name)?,
            hbase_site: Settings::default(),
            hdfs_site,
            core_site: Settings::default(),
            zookeeper: String::new(),
            root: String::new(),
            heap_mb,
            ports: Mutex::default(),
            processes: Mutex::default(),
            numbers: Mutex::default(),
        };
        for folder in ["conf", "data", "logs", "tmp"] {
            fs::create_dir_all(cluster.dir().join(folder)).context("create the cluster's folders")?;
        }
        cluster.set_temporary_folders();
        cluster.start_storage(storage).await?;
        cluster.start_zookeeper(zookeeper).await?;
        cluster.hbase_site.extend([
            ("hbase.cluster.distributed", "true"),
            ("hbase.master.hostname", "localhost"),
            ("hbase.regionserver.hostname", "localhost"),
        ]);
        cluster.hbase_site.merge(hbase_site);
        Ok(cluster)
    }
}

impl Cluster {
    /// A server's JVM with a heap of at most `heap_mb`; its class path is still empty.
    pub(super) fn jvm(&self, heap_mb: u32) -> Jvm {
        Jvm::new(heap_mb).flags([
            format!("-Djava.io.tmpdir={}", self.dir().join("tmp").display()),
            format!("-XX:ErrorFile={}/jvm-error-%p.log", self.dir().join("logs").display()),
        ])
    }

    fn set_temporary_folders(&mut self) {
        let tmp = self.dir().join("tmp").display().to_string();
        self.hbase_site.set("hbase.tmp.dir", &tmp);
        self.core_site.set("hadoop.tmp.dir", &tmp);
    }

    async fn start_storage(&mut self, storage: Storage) -> Result<()> {
        let datanodes = match storage {
            Storage::Local => {
                self.hbase_site.set("fs.file.impl", "org.apache.hadoop.fs.RawLocalFileSystem");
                None
            }
            Storage::LocalWithChecksums => None,
            Storage::Hdfs { datanodes } => Some(datanodes),
        };
        self.root = match datanodes {
            Some(count) => format!("{}/hbase", self.start_hdfs(count).await?),
            None => {
                // What HBase needs to accept a file system that can't sync to disk.
                self.hbase_site.set("hbase.unsafe.stream.capability.enforce", false);
                self.hbase_site.set("hbase.wal.provider", "filesystem");
                format!("file://{}", self.dir().join("data/hbase").display())
            }
        };
        self.hbase_site.set("hbase.rootdir", self.root.clone());
        Ok(())
    }

    async fn start_zookeeper(&mut self, zookeeper: ZooKeeper) -> Result<()> {
        self.zookeeper = match zookeeper {
            ZooKeeper::Java { tick_ms } => self.start_java_zookeeper(tick_ms).await?,
            ZooKeeper::At(address) => address,
        };
        let (host, port) = self.zookeeper.rsplit_once(':').context("ZooKeeper's address is host:port")?;
        let (host, port) = (host.to_owned(), port.to_owned());
        self.hbase_site.set("hbase.zookeeper.quorum", host);
        self.hbase_site.set("hbase.zookeeper.property.clientPort", port);
        Ok(())
    }

    async fn start_java_zookeeper(&self, tick_ms: u32) -> Result<String> {
        let port = self.port()?;
        let conf = self.write_conf_dir("zk", &Settings::default())?;
        let zoo_cfg = format!(
            "tickTime={tick_ms}\ndataDir={}\nclientPort={port}\nclientPortAddress=127.0.0.1\n\
             admin.enableServer=false\n4lw.commands.whitelist=*\n",
            self.dir().join("data/zk").display()
        );
        let zoo_cfg_path = conf.join("zoo.cfg");
        fs::write(&zoo_cfg_path, zoo_cfg).context("write zoo.cfg")?;
        let jvm = self.jvm(128).folder(conf).jars(HBaseVersion::V2_6.server_jars().await?);
        let main = "org.apache.zookeeper.server.ZooKeeperServerMain";
        self.start_process("zk", jvm.command(main)?.arg(zoo_cfg_path), Ready::Port(port)).await?;
        Ok(format!("127.0.0.1:{port}"))
    }
}

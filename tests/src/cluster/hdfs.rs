//! HDFS of a cluster: one NameNode, one or more DataNodes, simple authentication.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::{Cluster, Settings};
use crate::jvm::Jvm;
use crate::maven::HBaseVersion;
use crate::process::Ready;

const NAMENODE: &str = "org.apache.hadoop.hdfs.server.namenode.NameNode";
const DATANODE: &str = "org.apache.hadoop.hdfs.server.datanode.DataNode";
const HEAP_MB: u32 = 256;
const FORMAT_DEADLINE: Duration = Duration::from_secs(120);

impl Cluster {
    /// Starts HDFS and returns its address, `hdfs://localhost:port`.
    pub(super) async fn start_hdfs(&mut self, datanodes: usize) -> Result<String> {
        let (port, http_port) = (self.port()?, self.port()?);
        let address = format!("hdfs://localhost:{port}");
        self.core_site.set("fs.defaultFS", &address);
        let own = [
            ("dfs.replication", datanodes.clamp(1, 3).to_string()),
            ("dfs.permissions.enabled", "false".to_owned()),
            ("dfs.namenode.name.dir", self.dir().join("data/nn").display().to_string()),
            ("dfs.namenode.http-address", format!("127.0.0.1:{http_port}")),
            // Registration would look up the DataNode's host name.
            ("dfs.namenode.datanode.registration.ip-hostname-check", "false".to_owned()),
        ];
        let chosen = std::mem::replace(&mut self.hdfs_site, own.into_iter().collect());
        self.hdfs_site.merge(chosen);
        self.start_namenode(port).await?;
        for number in 1..=datanodes {
            self.start_datanode(number).await?;
        }
        Ok(address)
    }

    async fn start_namenode(&self, port: u16) -> Result<()> {
        let conf = self.write_conf_dir("namenode", &Settings::default())?;
        let jvm = self.hdfs_jvm(&conf).await?;
        let format = jvm.command(NAMENODE)?.args(["-format", "-nonInteractive"]).directory(self.dir());
        format.output("", FORMAT_DEADLINE).await?.success().context("format HDFS")?;
        self.start_process("namenode", jvm.command(NAMENODE)?, Ready::Port(port)).await?;
        Ok(())
    }

    async fn start_datanode(&self, number: usize) -> Result<()> {
        let name = format!("datanode{number}");
        let (port, http_port, ipc_port) = (self.port()?, self.port()?, self.port()?);
        let conf = self.write_conf_dir(&name, &Settings::default())?;
        let mut own = self.hdfs_site.clone();
        own.extend([
            ("dfs.datanode.data.dir", self.dir().join("data").join(&name).display().to_string()),
            ("dfs.datanode.hostname", "localhost".to_owned()),
            ("dfs.datanode.address", format!("127.0.0.1:{port}")),
            ("dfs.datanode.http.address", format!("127.0.0.1:{http_port}")),
            ("dfs.datanode.ipc.address", format!("127.0.0.1:{ipc_port}")),
        ]);
        std::fs::write(conf.join("hdfs-site.xml"), own.to_xml()).context("write hdfs-site.xml")?;
        let command = self.hdfs_jvm(&conf).await?.command(DATANODE)?;
        self.start_process(&name, command, Ready::Port(ipc_port)).await?;
        Ok(())
    }

    async fn hdfs_jvm(&self, conf: &Path) -> Result<Jvm> {
        Ok(self.jvm(HEAP_MB).folder(conf).jars(HBaseVersion::V2_6.server_jars().await?))
    }
}

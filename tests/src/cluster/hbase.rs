//! Masters and region servers of a cluster.

use std::ops::Deref;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{Cluster, MasterKind, Settings};
use crate::maven::HBaseVersion;
use crate::process::{CommandSpec, Process, Ready};

/// A master or a region server. Dereferences to its [`Process`] for kill, pause and restart; after
/// a restart it has the same ports and a new start code.
#[derive(Clone, Debug)]
pub struct Server {
    /// The process.
    pub process: Process,
    /// The port of its RPC server.
    pub rpc_port: u16,
    /// The port of its status pages.
    pub info_port: u16,
    /// The folder with its `hbase-site.xml`.
    pub conf_dir: PathBuf,
}

/// What differs for one server from the others.
#[derive(Clone, Debug, Default)]
pub struct ServerOptions {
    /// Settings over the cluster's.
    pub conf: Settings,
    /// Arguments after the usual ones; `-D key=value` in Java's form goes before `start`.
    pub args: Vec<String>,
    /// Flags for the JVM, e.g. `-Xmx1g`.
    pub jvm_flags: Vec<String>,
    /// Environment variables.
    pub env: Vec<(String, String)>,
}

impl ServerOptions {
    /// Adds a setting.
    #[must_use]
    pub fn conf(mut self, key: &str, value: impl ToString) -> Self {
        self.conf.set(key, value);
        self
    }
}

impl Deref for Server {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl Server {
    /// Whether `server_name` (`host,port,startcode`) is one of this server's, of any start.
    pub fn is_named(&self, server_name: &str) -> bool {
        server_name.split(',').nth(1) == Some(self.rpc_port.to_string().as_str())
    }
}

impl Cluster {
    /// Starts a master; it's ready when its RPC port accepts, active or not.
    pub async fn start_master(&self, kind: &MasterKind) -> Result<Server> {
        self.start_master_with(kind, &ServerOptions::default()).await
    }

    /// Starts a master that differs from the others.
    pub async fn start_master_with(&self, kind: &MasterKind, options: &ServerOptions) -> Result<Server> {
        let role = Role {
            name: "master",
            rpc_port: "hbase.master.port",
            info_port: "hbase.master.info.port",
            main: "org.apache.hadoop.hbase.master.HMaster",
        };
        match kind {
            MasterKind::Java(version) => self.start_java(&role, *version, options).await,
            MasterKind::Program(program) => {
                let command = |conf: &Path| {
                    let command = CommandSpec::new(program).args(["start", "--conf-dir"]).arg(conf);
                    Ok(command.args(&options.args))
                };
                self.start_server(&role, options, command).await
            }
        }
    }

    /// Starts a Java region server; it's ready when its RPC port accepts, which is before it has
    /// reported to a master.
    pub async fn start_region_server(&self, version: HBaseVersion) -> Result<Server> {
        self.start_region_server_with(version, &ServerOptions::default()).await
    }

    /// Starts a Java region server that differs from the others.
    pub async fn start_region_server_with(
        &self,
        version: HBaseVersion,
        options: &ServerOptions,
    ) -> Result<Server> {
        let role = Role {
            name: "rs",
            rpc_port: "hbase.regionserver.port",
            info_port: "hbase.regionserver.info.port",
            main: "org.apache.hadoop.hbase.regionserver.HRegionServer",
        };
        self.start_java(&role, version, options).await
    }

    async fn start_java(
        &self,
        role: &Role,
        version: HBaseVersion,
        options: &ServerOptions,
    ) -> Result<Server> {
        let jars = version.server_jars().await?;
        let jvm = self.jvm(self.heap_mb).flags(&options.jvm_flags);
        let command = |conf: &Path| {
            let command = jvm.folder(conf).jars(&jars).command(role.main)?;
            Ok(command.args(&options.args).arg("start"))
        };
        self.start_server(role, options, command).await
    }

    async fn start_server(
        &self,
        role: &Role,
        options: &ServerOptions,
        command: impl FnOnce(&Path) -> Result<CommandSpec>,
    ) -> Result<Server> {
        let name = format!("{}{}", role.name, self.next_number(role.name));
        let (rpc_port, info_port) = (self.port()?, self.port()?);
        let mut own = Settings::default();
        own.set(role.rpc_port, rpc_port);
        own.set(role.info_port, info_port);
        own.merge(options.conf.clone());
        let conf_dir = self.write_conf_dir(&name, &own)?;
        let mut command = command(&conf_dir)?;
        for (variable, value) in &options.env {
            command = command.env(variable, value);
        }
        let process = self.start_process(&name, command, Ready::Port(rpc_port)).await?;
        Ok(Server { process, rpc_port, info_port, conf_dir })
    }
}

/// What differs between masters and region servers.
struct Role {
    name: &'static str,
    rpc_port: &'static str,
    info_port: &'static str,
    main: &'static str,
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::cluster::ZooKeeper;

    /// A cluster that needs no Java: its ZooKeeper is nowhere.
    async fn cluster() -> Cluster {
        let nowhere = ZooKeeper::At("127.0.0.1:1".to_owned());
        Cluster::builder("unit").zookeeper(nowhere).conf("a.key", "1").start().await.unwrap()
    }

    fn program(cluster: &Cluster, script: &str) -> MasterKind {
        let path = cluster.dir().join("program");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        MasterKind::Program(path)
    }

    #[tokio::test]
    async fn a_master_that_ends_is_an_error_with_its_output() {
        let cluster = cluster().await;
        let failing = program(&cluster, "echo cannot $1 with $2; exit 4");
        let message = format!("{:#}", cluster.start_master(&failing).await.unwrap_err());
        assert!(message.contains("exit status: 4"), "{message}");
        assert!(message.contains("cannot start with --conf-dir"), "{message}");
        cluster.finish().await.unwrap();
    }

    #[tokio::test]
    async fn each_server_has_its_own_settings_over_the_clusters() {
        let cluster = cluster().await;
        let own = |port: u16| {
            let mut own = Settings::default();
            own.set("hbase.master.port", port);
            own.set("a.key", port);
            own
        };
        let folders = [1, 2].map(|port| cluster.write_conf_dir(&format!("m{port}"), &own(port)).unwrap());
        for (folder, port) in folders.iter().zip([1, 2]) {
            let xml = fs::read_to_string(folder.join("hbase-site.xml")).unwrap();
            assert!(xml.contains(&format!("<name>a.key</name><value>{port}</value>")), "{xml}");
            assert!(
                xml.contains("<name>hbase.zookeeper.property.clientPort</name><value>1</value>"),
                "{xml}"
            );
        }
        cluster.finish().await.unwrap();
    }

    #[tokio::test]
    async fn only_a_passed_test_loses_its_directory() {
        let passed = cluster().await;
        let gone = passed.dir().to_owned();
        passed.finish().await.unwrap();
        let failed = cluster().await;
        let kept = failed.dir().to_owned();
        let command = CommandSpec::new("sleep").arg("1000");
        let process = failed.start_process("sleeper", command, Ready::Spawned).await.unwrap();
        drop(failed);
        assert!(!process.is_running(), "a process ends with its cluster, not with a handle");
        assert!(kept.join("logs/sleeper.log").exists());
        fs::remove_dir_all(kept).unwrap();
        assert_eq!(gone.exists(), std::env::var_os("HMASTER_KEEP").is_some_and(|keep| keep == "1"));
    }
}

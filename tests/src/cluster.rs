//! One HBase cluster of a test: a directory, ports, ZooKeeper, storage, and the servers that the
//! test starts in it.

mod builder;
mod conf;
mod folder;
mod hbase;
mod hdfs;
mod master;
mod tools;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use parking_lot::Mutex;

use crate::ports::Port;
use crate::process::{CommandSpec, Process, Ready};

pub use builder::{ClusterBuilder, Storage, ZooKeeper};
pub use conf::Settings;
use folder::Folder;
pub use hbase::{Server, ServerOptions};
pub use master::MasterKind;

/// A cluster of real processes. Ends them all when dropped.
#[derive(Debug)]
pub struct Cluster {
    folder: Folder,
    hbase_site: Settings,
    hdfs_site: Settings,
    core_site: Settings,
    zookeeper: String,
    root: String,
    heap_mb: u32,
    ports: Mutex<Vec<Port>>,
    processes: Mutex<Vec<Process>>,
    numbers: Mutex<BTreeMap<&'static str, u32>>,
}

impl Cluster {
    /// A cluster to be; `name` is part of its directory's name.
    pub fn builder(name: &str) -> ClusterBuilder {
        ClusterBuilder::new(name)
    }

    /// The directory of the cluster.
    pub fn dir(&self) -> &Path {
        self.folder.path()
    }

    /// ZooKeeper's address, e.g. `127.0.0.1:20017`.
    pub fn zookeeper(&self) -> &str {
        &self.zookeeper
    }

    /// HBase's root directory as a URI, `file:///…` or `hdfs://…`.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The process called `name`: `zk`, `namenode`, `datanode1`, `master1`, `rs2`, …
    pub fn process(&self, name: &str) -> Option<Process> {
        self.processes.lock().iter().find(|process| process.name() == name).cloned()
    }

    /// Reserves a port for as long as the cluster lives.
    pub fn port(&self) -> Result<u16> {
        let port = Port::reserve()?;
        let number = port.number();
        self.ports.lock().push(port);
        Ok(number)
    }

    /// Starts any program as a process of this cluster, in its directory, and waits until it's ready.
    pub async fn start_process(&self, name: &str, command: CommandSpec, ready: Ready) -> Result<Process> {
        let log = self.log_path(name);
        let started = Process::start(name, command.directory(self.dir()), log, ready).await?;
        self.processes.lock().push(started.clone());
        Ok(started)
    }

    /// Ends all processes and says that the test passed, so the directory can go.
    pub async fn finish(mut self) -> Result<()> {
        self.kill_all();
        self.folder.passed();
        Ok(())
    }

    /// Where the process `name` writes its output.
    fn log_path(&self, name: &str) -> PathBuf {
        self.dir().join("logs").join(format!("{name}.log"))
    }

    /// 1 for the first process of a role, 2 for the next.
    fn next_number(&self, role: &'static str) -> u32 {
        let mut numbers = self.numbers.lock();
        let number = numbers.entry(role).or_default();
        *number += 1;
        *number
    }

    /// In the reverse order of their starts: nobody loses what it depends on and logs errors about it.
    fn kill_all(&self) {
        for process in self.processes.lock().iter().rev() {
            process.kill_now();
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.kill_all();
    }
}

//! The masters of a test cluster: one is active, the others wait.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::{join_all, select_all};
use hmaster::{Master, MasterHandle, RunError};
use hmaster_types::ServerName;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::{TestCluster, TestClusterError};

const PORT_KEY: &str = "hbase.master.port";
/// How long a master may take to stop in order.
const STOP_WAIT: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub(crate) struct Masters {
    running: Mutex<Vec<Running>>,
    changes: watch::Sender<()>,
}

#[derive(Debug)]
struct Running {
    handle: MasterHandle,
    task: AbortOnDropHandle<Result<(), RunError>>,
}

impl TestCluster {
    /// The masters that run, in the order in which they were started.
    pub fn masters(&self) -> Vec<MasterHandle> {
        self.masters.handles()
    }

    /// The active master, once it serves clients.
    ///
    /// # Errors
    /// When no master runs, or the last one has ended by itself.
    pub async fn active_master(&self) -> Result<MasterHandle, TestClusterError> {
        let mut changes = self.masters.changes.subscribe();
        loop {
            changes.mark_unchanged();
            self.masters.report_ended().await?;
            let masters = self.masters();
            if masters.is_empty() {
                return Err(TestClusterError::NoMaster);
            }
            let serves = masters.into_iter().map(|master| {
                Box::pin(async move {
                    master.initialized().await;
                    master
                })
            });
            tokio::select! {
                biased;
                (master, ..) = select_all(serves) => return Ok(master),
                _ = changes.changed() => {}
            }
        }
    }

    /// Starts one more master. It becomes active if no other is, and waits otherwise.
    ///
    /// # Errors
    /// When it can't be made.
    pub async fn start_master(&self) -> Result<MasterHandle, TestClusterError> {
        self.masters.start(self, &[ANY_COUNT])
    }

    /// Stops a master in order; another that waits takes over.
    ///
    /// # Errors
    /// When there is no such master, or it doesn't end well.
    pub async fn stop_master(&self, name: &ServerName) -> Result<(), TestClusterError> {
        self.masters.take(name)?.stop().await
    }

    /// Ends a master where it stands. What it has promised its successor finds in its store. Completes when nothing of
    /// it runs any more.
    ///
    /// # Errors
    /// When there is no such master.
    pub async fn kill_master(&self, name: &ServerName) -> Result<(), TestClusterError> {
        self.masters.take(name)?.kill().await;
        Ok(())
    }

    /// Kills a master and starts it again at the same address, with a new start code.
    ///
    /// # Errors
    /// When there is no such master, or it can't be made again.
    pub async fn restart_master(&self, name: &ServerName) -> Result<MasterHandle, TestClusterError> {
        self.kill_master(name).await?;
        self.masters.start(self, &[ANY_COUNT, (PORT_KEY, &name.port().to_string())])
    }
}

/// Whoever comes later doesn't insist on as many region servers as there were in the beginning.
const ANY_COUNT: (&str, &str) = ("hbase.master.wait.on.regionservers.mintostart", "1");

impl Masters {
    pub(crate) fn start(
        &self,
        cluster: &TestCluster,
        own: &[(&str, &str)],
    ) -> Result<MasterHandle, TestClusterError> {
        let config = cluster.server_configuration(PORT_KEY, own)?;
        let master = Master::builder(config).leaves_session(cluster.leaves_sessions).build()?;
        let handle = master.handle();
        let changes = self.changes.clone();
        let task = tokio::spawn(async move {
            let ended = master.run(CancellationToken::new()).await;
            changes.send_replace(());
            ended
        });
        let running = Running { handle: handle.clone(), task: AbortOnDropHandle::new(task) };
        self.running.lock().push(running);
        self.changes.send_replace(());
        Ok(handle)
    }

    pub(crate) fn handles(&self) -> Vec<MasterHandle> {
        let running = self.running.lock();
        running
            .iter()
            .filter(|master| !master.task.is_finished())
            .map(|master| master.handle.clone())
            .collect()
    }

    /// Stops all at once.
    pub(crate) async fn stop_all(&self) -> Result<(), TestClusterError> {
        let running = std::mem::take(&mut *self.running.lock());
        join_all(running.into_iter().map(Running::stop)).await.into_iter().collect()
    }

    fn take(&self, name: &ServerName) -> Result<Running, TestClusterError> {
        let mut running = self.running.lock();
        let at = running.iter().position(|master| master.handle.server() == name);
        let at = at.ok_or_else(|| TestClusterError::UnknownServer(name.clone()))?;
        let master = running.remove(at);
        drop(running);
        self.changes.send_replace(());
        Ok(master)
    }

    /// An error of a master that ended by itself is told once.
    async fn report_ended(&self) -> Result<(), TestClusterError> {
        loop {
            let ended = {
                let mut running = self.running.lock();
                let at = running.iter().position(|master| master.task.is_finished());
                at.map(|at| running.remove(at))
            };
            match ended {
                Some(ended) => ended.ended().await?,
                None => return Ok(()),
            }
        }
    }
}

impl Running {
    async fn stop(self) -> Result<(), TestClusterError> {
        self.handle.stop("the test stops it");
        let address = self.handle.address();
        match timeout(STOP_WAIT, self.ended()).await {
            Ok(ended) => ended,
            Err(_) => {
                tracing::warn!(%address, "the master doesn't stop in time and is killed");
                Ok(())
            }
        }
    }

    async fn kill(self) {
        self.task.abort();
        // An abort is what was asked for.
        let _ = self.task.await;
    }

    async fn ended(self) -> Result<(), TestClusterError> {
        let address: SocketAddr = self.handle.address();
        match self.task.await {
            Ok(ended) => ended.map_err(|source| TestClusterError::MasterEnded { address, source }),
            Err(_) => Err(TestClusterError::MasterPanicked { address }),
        }
    }
}

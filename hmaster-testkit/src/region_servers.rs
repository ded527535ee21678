//! The region servers of a test cluster.

use futures_util::future::join_all;
use hmaster_sim::{RegionServer, RegionServerHandle};
use hmaster_types::ServerName;
use parking_lot::Mutex;

use crate::builder::RS_PORT;
use crate::{TestCluster, TestClusterError};

#[derive(Debug, Default)]
pub(crate) struct RegionServers(Mutex<Vec<RegionServerHandle>>);

impl TestCluster {
    /// The region servers that run, in the order in which the master took them.
    pub fn region_servers(&self) -> Vec<ServerName> {
        self.region_servers.0.lock().iter().filter_map(|server| server.server_name().cloned()).collect()
    }

    /// How many regions are open on a region server; none if it doesn't run.
    pub fn region_count(&self, name: &ServerName) -> Option<usize> {
        let servers = self.region_servers.0.lock();
        servers.iter().find(|server| server.server_name() == Some(name)).map(RegionServerHandle::region_count)
    }

    /// Starts one more region server; ends when the active master may give it regions.
    ///
    /// # Errors
    /// When it can't be made, or the master refuses it.
    pub async fn start_region_server(&self) -> Result<ServerName, TestClusterError> {
        self.start_region_server_with(&[]).await
    }

    /// Stops a region server in order: its regions are flushed and closed, and move.
    ///
    /// # Errors
    /// When there is no such region server.
    pub async fn stop_region_server(&self, name: &ServerName) -> Result<(), TestClusterError> {
        let server = self.region_servers.take(name)?;
        let _why = server.stop().await;
        Ok(())
    }

    /// Ends a region server where it stands: nothing is flushed, closed or said. The master splits its WAL and opens its
    /// regions elsewhere; [`TestCluster::settled`] waits for that once the master has noticed.
    ///
    /// # Errors
    /// When there is no such region server.
    pub async fn kill_region_server(&self, name: &ServerName) -> Result<(), TestClusterError> {
        self.region_servers.take(name)?.abort().await;
        Ok(())
    }

    /// Kills a region server and starts it again at the same address, with a new start code.
    ///
    /// # Errors
    /// When there is no such region server, or it can't be made again.
    pub async fn restart_region_server(&self, name: &ServerName) -> Result<ServerName, TestClusterError> {
        self.kill_region_server(name).await?;
        self.start_region_server_with(&[(RS_PORT, &name.port().to_string())]).await
    }

    async fn start_region_server_with(&self, own: &[(&str, &str)]) -> Result<ServerName, TestClusterError> {
        let config = self.server_configuration(RS_PORT, own)?;
        let builder = RegionServer::builder(config).leaves_session(self.leaves_sessions);
        let server = builder.launch().await.map_err(TestClusterError::RegionServer)?;
        let online = server.online().await;
        let name =
            online.map_err(|ended| TestClusterError::RegionServer(hmaster_sim::StartError::Ended(ended)))?;
        self.region_servers.0.lock().push(server);
        Ok(name)
    }
}

impl RegionServers {
    pub(crate) async fn stop_all(&self) {
        let servers = std::mem::take(&mut *self.0.lock());
        join_all(servers.into_iter().map(RegionServerHandle::stop)).await;
    }

    fn take(&self, name: &ServerName) -> Result<RegionServerHandle, TestClusterError> {
        let mut servers = self.0.lock();
        let at = servers.iter().position(|server| server.server_name() == Some(name));
        Ok(servers.remove(at.ok_or_else(|| TestClusterError::UnknownServer(name.clone()))?))
    }
}

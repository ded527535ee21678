//! A region server with rows from outside.

use std::net::SocketAddr;

use hmaster_types::ServerName;

use super::phase::End;
use super::running::Running;
use super::state::Server;

/// How and why a region server ended.
pub type Ended = End;

/// A region server that runs. Dropping it is what a power cut is for a process: nothing is closed, flushed or said.
#[derive(Debug)]
pub struct RegionServerHandle(pub(super) Running<Server>);

impl RegionServerHandle {
    /// Its name, none as long as the master hasn't given it one.
    pub fn server_name(&self) -> Option<&ServerName> {
        self.0.server().name()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// How many regions are open here.
    pub fn region_count(&self) -> usize {
        self.0.server().region_count()
    }

    /// Waits until the active master knows it and may give it regions; gives its name.
    ///
    /// # Errors
    /// When it ends before.
    pub async fn online(&self) -> Result<ServerName, End> {
        self.0.online().await
    }

    /// Stops it in order: regions are flushed and closed, the master is told, the session is closed. Counterpart of
    /// `HRegionServer.stop`.
    pub async fn stop(self) -> End {
        self.0.stop().await
    }

    /// Ends it as kill -9 ends a process: connections break, nothing is flushed, closed or said. Completes when it is
    /// over.
    pub async fn abort(self) {
        self.0.abort().await;
    }

    /// Completes when it has ended, by itself or by order, and says why.
    pub async fn stopped(&self) -> End {
        self.0.stopped().await
    }
}

//! Where most tests begin: a master, a region server, a table of one region.

use hmaster_sim::RegionServerHandle;
use hmaster_types::RegionInfo;

use crate::cluster::{Cluster, Master};

/// What is running. Dropped in the order in which it is taken apart.
pub(crate) struct Running {
    pub(crate) cluster: Cluster,
    pub(crate) master: Master,
    pub(crate) server: RegionServerHandle,
    /// The region of table `t`.
    pub(crate) region: RegionInfo,
}

impl Running {
    /// The region is on disk, and nobody serves it yet.
    pub(crate) async fn new() -> Self {
        let cluster = Cluster::new().await;
        let master = cluster.master().await;
        cluster.up().await;
        let server = cluster.region_server().await;
        let region = cluster.table("t").await;
        Self { cluster, master, server, region }
    }

    /// The server serves the region.
    pub(crate) async fn serving() -> Self {
        let mut running = Self::new().await;
        running.cluster.open(&mut running.master, &running.server, &running.region).await;
        running
    }
}

//! Where the cluster id comes from: the answer to the registry preamble.

use async_trait::async_trait;

/// Tells the cluster id. Counterpart of `HRegionServer.getClusterId` and of `CachedClusterId` on a backup master.
#[async_trait]
pub trait ClusterIdSource: Send + Sync {
    /// The cluster id; absent as long as it isn't known. May take a while on a backup master, which reads a file.
    async fn cluster_id(&self) -> Option<String>;
}

/// Always the same answer, such as in tests.
#[async_trait]
impl ClusterIdSource for Option<String> {
    async fn cluster_id(&self) -> Option<String> {
        self.clone()
    }
}
